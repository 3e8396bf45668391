"""What became of a transfer by TFTP: complete, failed, stalled, a probe, or still under way; pure functions of the records."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from ..flow.records import HttpExchange, TftpTransfer
from ..model import NANOSECONDS, FetchStatus
from .extras import NOT_FOUND_TFTP, may_be_missing
from .naming import same_file
from .patience import ABORT_SILENCE, SERVER_PATIENCE, patience_of
from .records import BootRecord, FetchRecord, StageRecord
from .unheard import asks_behind_error, waits_for_its_end

LOST_REPLIES = 3
"""Requests that were answered and repeated all the same."""
AT_ONCE = NANOSECONDS
"""No program waits less than this for an answer before it gives up."""
SOONEST_RETRY = NANOSECONDS * 3 // 10
"""Nor less than this before it asks again (GRUB, the hastiest, 0.4 s)."""


def may_be_answered(flow: TftpTransfer | HttpExchange) -> bool:
    """Whether a file was asked for by TFTP, once and no more, and nothing shows what came of it."""
    if not isinstance(flow, TftpTransfer) or flow.request_count != 1:
        return False
    return not (flow.reply_from or flow.error or flow.icmp or flow.strangers)


def went_on_unanswered(flow: TftpTransfer | HttpExchange, following: TftpTransfer | HttpExchange) -> bool:
    """Whether a client asked once, and anew so soon that it was answered; this capture shows no answer."""
    if not isinstance(flow, TftpTransfer) or not isinstance(following, TftpTransfer) or not may_be_answered(flow):
        return False
    limit = SOONEST_RETRY if following.filename == flow.filename else AT_ONCE
    return 0 <= following.start - flow.start < limit


def shows_answers(boot: BootRecord) -> bool:
    """Whether the capture holds an answer to any request by TFTP of this boot."""
    flows = (fetch.flow for stage in boot.stages for fetch in stage.fetches)
    return any(isinstance(flow, TftpTransfer) and flow.reply_from is not None for flow in flows)


def gave_up_waiting(flow: TftpTransfer) -> bool:
    """Whether the machine ended the transfer because the server, whose last block it has, sent nothing more (GRUB: "closed").

    Or nothing that it heard.
    """
    error, heard = flow.error_at, flow.last_from_server
    if error is None or heard is None or not flow.error_by_client or not flow.body.packets:
        return False
    if flow.complete:
        return waits_for_its_end(flow)
    return flow.acked_block == flow.highest_block and error.time - heard.time > SERVER_PATIENCE


def asked_anew(flow: TftpTransfer, starts: Sequence[int]) -> bool:
    """Whether a client that said nothing to repeated answers asks for the file again, as late as a program that waited.

    `starts` is when the file was asked for by TFTP, in order, ns.

    A program that only wanted to know the size asks again at once, and the server does not know that it has done.
    """
    if flow.ack_count or flow.error is not None or flow.oack_count + flow.body.packets < 2:
        return False
    last = flow.requests[-1].time
    after = bisect_right(starts, last)
    return after < len(starts) and starts[after] - last > ABORT_SILENCE


def tftp_status(
    fetch: FetchRecord,
    flow: TftpTransfer,
    later: Sequence[FetchRecord],
    stage: StageRecord,
    now: int,
    *,
    moved_on: bool,
) -> FetchStatus:
    """What became of `flow` by `now`, ns; `later` are the fetches behind it, `moved_on` tells that the machine is elsewhere."""
    if _is_whole(flow) or any(map(_is_whole, fetch.views)) or (flow.complete and _went_on(flow, later)):
        return "complete"
    silence = now - fetch.end
    if asks_behind_error(flow) and not _went_on(flow, later):
        return "stalled" if later or moved_on or silence > patience_of(stage.client).request_silence else "in-progress"
    if flow.error is not None:
        if not flow.error_by_client:
            missing = may_be_missing(fetch) and flow.error.code in NOT_FOUND_TFTP
            return "optional" if missing else "failed"
        if _repetitions(fetch, later) or _goes_on_unasked(fetch, later):
            return "probe"
        return (
            "in-progress"
            if silence < ABORT_SILENCE and not moved_on and flow.body.received <= flow.block_size
            else "failed"
        )
    if flow.partial and flow.body.packets <= 1:
        return "in-progress"  # begun before the capture, and one block of it: perhaps the last
    answered = flow.reply_from is not None
    if answered and flow.body.received <= flow.block_size and (again := _repetitions(fetch, later)):
        return "stalled" if asked_anew(flow, again) else "probe"
    if flow.icmp_count >= 2 and not answered:
        return "failed"
    if (flow.ack_count and not answered) or (later and went_on_unanswered(flow, later[0].flow)):
        return "in-progress"  # it was answered, and the capture does not show what came of it
    patience = patience_of(stage.client)
    limit = patience.transfer_silence if answered else patience.request_silence
    if (later or moved_on or silence > limit) and _took_unseen_end(flow):
        return "complete"
    if (later or moved_on or _asked_behind(stage, flow.last.time)) and _ends_unseen(flow, later):
        return "in-progress"  # it went on, and the capture does not show what came of it
    if later or moved_on:
        return "failed" if flow.icmp_count and not answered else "stalled"
    if _wants_no_empty_file(flow):
        return "stalled"
    if silence > limit or (_stands_still(fetch, flow) or now) < now - limit:
        return "stalled"
    # Asked to the end of its patience, and nothing it was sent was taken (answers from a stranger are not).
    if (
        flow.request_count >= LOST_REPLIES
        and not flow.ack_count
        and now - flow.requests[-1].time > patience.request_silence
    ):
        return "stalled"  # whatever the server still sends: nothing of it arrives
    tries = flow.request_count - patience.requests
    if (
        flow.body.received == 0
        and flow.ack_count == 0
        and tries >= 0
        and now - flow.requests[0].time > patience.last_answer
    ):
        return "stalled"
    return "in-progress"


def _is_whole(flow: TftpTransfer) -> bool:
    """Whether the receiver has the file: by the DATA seen, or by what it acknowledged where the capture has gaps."""
    if flow.request_count >= LOST_REPLIES and not flow.ack_count:
        return False  # asked for again and again: what was sent did not arrive
    if waits_for_its_end(flow):
        return False
    if flow.complete or flow.acknowledged:
        return True
    if flow.size is None:
        return False
    last = flow.size // max(flow.block_size, 1) + 1
    return flow.acked_block >= last or flow.acked_block + 1 == last == flow.highest_block


def _went_on(flow: TftpTransfer, later: Sequence[FetchRecord]) -> bool:
    """Whether the program asks for another file, and no more for this one: it heard the end of it, late as it may be."""
    return bool(later) and not any(same_file(one.name, flow.filename) for one in later)


def _repetitions(fetch: FetchRecord, later: Sequence[FetchRecord]) -> list[int]:
    """When the same file is asked for by TFTP again, in order, ns."""
    same = (one for one in later if isinstance(one.flow, TftpTransfer) and same_file(one.name, fetch.name))
    return sorted(one.start for one in same)


def _goes_on_unasked(fetch: FetchRecord, later: Sequence[FetchRecord]) -> bool:
    """Whether a transfer follows at once whose request the capture lost: perhaps for the same file."""
    following = later[0].flow if later else None
    return isinstance(following, TftpTransfer) and following.partial and following.start - fetch.end < AT_ONCE


def _wants_no_empty_file(flow: TftpTransfer) -> bool:
    """Whether a machine that was told of no bytes says nothing more, while the server asks again: PXELINUX leaves it at that."""
    told = flow.size == 0 and flow.oack_count >= LOST_REPLIES
    return told and not flow.ack_count and not flow.body.packets


def _took_unseen_end(flow: TftpTransfer) -> bool:
    """Whether the last packet is the ACK of a block that the capture lost: the server had nothing more to send.

    Otherwise it would have sent the next block, several times, and the client would have repeated its ACK.
    """
    lost = flow.size is None and 0 <= flow.highest_block < flow.acked_block <= flow.highest_block + flow.window_size
    return lost and flow.last == flow.newest_ack


def _asked_behind(stage: StageRecord, time: int) -> bool:
    """Whether the machine asked for anything but a file since."""
    asked = [*(one.start for one in stage.connections[-1:]), *(one.last.time for one in stage.lookups[-1:])]
    return any(at > time for at in asked)


def _ends_unseen(flow: TftpTransfer, later: Sequence[FetchRecord]) -> bool:
    """Whether a transfer breaks off in the capture alone: who waits for a packet repeats its last one before it gives up.

    The machine repeats an ACK in any case, the server a block unless the machine is somewhere else at once.
    """
    if flow.icmp_count or not flow.body.packets:
        return False
    if flow.last == flow.newest_ack:
        return True
    went_on = bool(later) and 0 <= later[0].start - flow.last.time < AT_ONCE
    return flow.last == flow.body.newest and went_on


def _stands_still(fetch: FetchRecord, flow: TftpTransfer) -> int | None:
    """Since when, ns, both ends send no more than the same block and its ACK again; None when nothing tells."""
    newest = [view.body.newest.time for view in (flow, *fetch.views) if view.body.newest is not None]
    return max(newest) if newest and flow.acked_block <= flow.highest_block else None
