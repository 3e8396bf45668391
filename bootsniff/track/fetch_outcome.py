"""What became of each fetch of a stage: complete, failed, stalled, a probe, optional, or still under way."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..flow.records import TftpTransfer
from ..model import FetchStatus
from .extras import does_without
from .http_outcome import http_status, was_left_open
from .patience import AT_WORK
from .records import FetchRecord, StageRecord
from .tftp_outcome import tftp_status


def failed_before(fetch: FetchRecord, others: Iterable[FetchRecord]) -> bool:
    """Whether the same was asked for by one of `others`, in vain."""
    return any(other.in_vain and other.name == fetch.name for other in others)


def was_broken_off(stage: StageRecord, reset: int) -> bool:
    """Whether a file was still coming in when the machine was reset: no program gives up so soon after it got a block."""
    flow = stage.fetches[-1].flow if stage.fetches else None
    if flow is None or flow.complete or flow.body.newest is None:
        return False
    if isinstance(flow, TftpTransfer):
        ended = flow.error is not None or flow.acknowledged
    else:
        connection = flow.connection
        ended = any((connection.reset, connection.fin_from_client, connection.fin_from_server))
    return not ended and 0 < reset - flow.body.newest.time < AT_WORK


def refresh_fetches(stage: StageRecord, now: int, *, moved_on: bool, latest: int | None = None) -> None:
    """Bring the status of the fetches of a stage up to date: of all, or of the `latest` ones, which alone still move."""
    fetches = stage.fetches
    went_on = False
    first = 0 if latest is None else max(0, len(fetches) - latest)
    for index in range(len(fetches) - 1, first - 1, -1):
        fetch = fetches[index]
        if fetch.status in ("in-progress", "failed", "stalled", "probe", "complete"):
            fetch.status = _status(fetch, fetches[index + 1 : index + 9], stage, now, moved_on=moved_on)
        if fetch.status == "failed" and went_on and does_without(stage, fetch):
            fetch.status = "optional"
        went_on = went_on or fetch.status == "complete"


def _status(
    fetch: FetchRecord, later: Sequence[FetchRecord], stage: StageRecord, now: int, *, moved_on: bool
) -> FetchStatus:
    flow = fetch.flow
    if isinstance(flow, TftpTransfer):
        return tftp_status(fetch, flow, later, stage, now, moved_on=moved_on)
    status = http_status(fetch, flow, later, now, moved_on=moved_on)
    if status == "stalled" and stage.client != "os" and was_left_open(flow, later):
        return "in-progress"  # its end is not in the capture
    return status
