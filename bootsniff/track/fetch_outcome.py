"""What became of each fetch of a stage: complete, failed, stalled, a probe, optional, or still under way."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence

from ..flow.records import HttpExchange, TcpConnection, TftpTransfer
from ..model import NANOSECONDS, FetchStatus, StallPoint
from ..wire.addresses import in_url
from .kinds import is_u_boot
from .lost_response import in_vain_since, repeats_in_vain, took_nothing
from .naming import is_os_extra, is_raspberry_name, is_sum, same_file
from .patience import ABORT_SILENCE, SEARCH_SILENCE, SERVER_PATIENCE, TCP_SILENCE, patience_of
from .records import BootRecord, FetchRecord, StageRecord
from .state import in_seconds
from .unheard import ack_unheard, asks_behind_error, opened_again, waits_for_its_end

LOST_REPLIES = 3
"""Requests that were answered and repeated all the same."""
AT_ONCE = NANOSECONDS
"""No program waits less than this for an answer before it gives up."""
SOONEST_RETRY = NANOSECONDS * 3 // 10
"""Nor less than this before it asks again (GRUB, the hastiest, 0.4 s)."""
NOT_FOUND_ROLES = frozenset({"optional", "config-search"})
NOT_FOUND_TFTP = frozenset({0, 1, 2})
"""Servers answer a missing file with ERROR 1; some say 0 (not defined) or 2 (access violation) for it."""


def may_be_missing(fetch: FetchRecord) -> bool:
    """Whether whoever asks for this file does as well without it."""
    if fetch.role in NOT_FOUND_ROLES:
        return True
    return (fetch.role in ("os", "other") and is_os_extra(fetch.name)) or (fetch.role == "os" and is_sum(fetch.name))


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


def failed_before(fetch: FetchRecord, others: Iterable[FetchRecord]) -> bool:
    """Whether the same was asked for by one of `others`, in vain."""
    return any(other.in_vain and other.name == fetch.name for other in others)


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


def refresh_fetches(stage: StageRecord, now: int, *, moved_on: bool, latest: int | None = None) -> None:
    """Bring the status of the fetches of a stage up to date: of all, or of the `latest` ones, which alone still move."""
    fetches = stage.fetches
    went_on = False
    first = 0 if latest is None else max(0, len(fetches) - latest)
    for index in range(len(fetches) - 1, first - 1, -1):
        fetch = fetches[index]
        if fetch.status in ("in-progress", "failed", "stalled", "probe", "complete"):
            fetch.status = _status(fetch, fetches[index + 1 : index + 9], stage, now, moved_on=moved_on)
        if fetch.status == "failed" and went_on and _does_without(stage, fetch):
            fetch.status = "optional"
        went_on = went_on or fetch.status == "complete"


def _does_without(stage: StageRecord, fetch: FetchRecord) -> bool:
    """A missing file that this program, as later fetches show, does not need.

    The Raspberry Pi's ROM asks below its serial number first, then in the root, for several names of one thing. Of
    the file that DHCP names U-Boot may only take the directory in which it looks for `pxelinux.cfg/`.
    """
    flow = fetch.flow
    if not isinstance(flow, TftpTransfer) or flow.error is None or flow.error_by_client:
        return False
    if flow.error.code not in NOT_FOUND_TFTP:
        return False
    return (stage.client == "raspberry-pi" and is_raspberry_name(fetch.name)) or (
        is_u_boot(stage.client) and fetch.role == "boot-file"
    )


def _status(
    fetch: FetchRecord, later: Sequence[FetchRecord], stage: StageRecord, now: int, *, moved_on: bool
) -> FetchStatus:
    flow = fetch.flow
    if isinstance(flow, TftpTransfer):
        return _tftp_status(fetch, flow, later, stage, now, moved_on=moved_on)
    status = _http_status(fetch, flow, later, now, moved_on=moved_on)
    if status == "stalled" and stage.client != "os" and _was_left_open(flow, later):
        return "in-progress"  # its end is not in the capture
    return status


def _repetitions(fetch: FetchRecord, later: Sequence[FetchRecord]) -> list[int]:
    """When the same file is asked for by TFTP again, in order, ns."""
    same = (one for one in later if isinstance(one.flow, TftpTransfer) and same_file(one.name, fetch.name))
    return sorted(one.start for one in same)


def _goes_on_unasked(fetch: FetchRecord, later: Sequence[FetchRecord]) -> bool:
    """Whether a transfer follows at once whose request the capture lost: perhaps for the same file."""
    following = later[0].flow if later else None
    return isinstance(following, TftpTransfer) and following.partial and following.start - fetch.end < AT_ONCE


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


def _tftp_status(
    fetch: FetchRecord,
    flow: TftpTransfer,
    later: Sequence[FetchRecord],
    stage: StageRecord,
    now: int,
    *,
    moved_on: bool,
) -> FetchStatus:
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


def _http_status(
    fetch: FetchRecord, flow: HttpExchange, later: Sequence[FetchRecord], now: int, *, moved_on: bool
) -> FetchStatus:
    connection = flow.connection
    silence = now - fetch.end
    over = moved_on or connection.reset is not None or connection.fin_from_server is not None
    head = flow.response
    if took_nothing(flow):
        if connection.reset is not None or connection.fin_from_server is not None:
            return "failed"
        lost = later or moved_on or now - in_vain_since(flow) > TCP_SILENCE
        return "stalled" if lost else "in-progress"
    if head is None or head.status is None:
        if never_heard(connection) or flow.answered:
            return "in-progress"  # it was answered, and the capture does not show what came of it
        if over:
            return "failed"
        return "stalled" if silence > TCP_SILENCE else "in-progress"
    status = head.status
    asks_size = flow.request is not None and flow.request.method == "HEAD"
    if asks_size and any(_brings(other.flow, flow.url) for other in later):
        return "probe"  # edk2 asks with GET when HEAD is refused (HttpBootImpl.c)
    if status >= 400:
        extra = may_be_missing(fetch) or (flow.request is None and bool(later))  # nobody knows what it was
        return "optional" if extra and status in (400, 403, 404, 410) else "failed"
    if asks_size and (status < 300 or later):
        return "probe"
    if 300 <= status < 400:
        if later:
            return "complete"
        return "failed" if moved_on or silence > SEARCH_SILENCE else "in-progress"
    if flow.complete or (_came_to_its_end(flow) and (later or over or silence > SEARCH_SILENCE)):
        return "complete"
    if (head.cut or flow.end_unseen) and (later or over) and (connection.reset is None or connection.reset_by_client):
        return "complete"  # nobody knows how long the body is; the client has done
    if over or _was_left(flow, later, now):
        return "failed"
    return "stalled" if silence > TCP_SILENCE or repeats_in_vain(flow, now - TCP_SILENCE) else "in-progress"


def never_heard(connection: TcpConnection) -> bool:
    """Whether a connection that the client opened and uses shows nothing of its server."""
    return bool(connection.syns) and connection.established and connection.last_from_server is None


def _was_left(flow: HttpExchange, later: Sequence[FetchRecord], now: int) -> bool:
    """Whether the client itself closed the connection before the end: it has no use for this response.

    Its server may go on sending for a long time.
    """
    fin = flow.connection.fin_from_client
    return fin is not None and flow.content_length is not None and (bool(later) or now - fin.time > SEARCH_SILENCE)


def _was_left_open(flow: HttpExchange, later: Sequence[FetchRecord]) -> bool:
    """Whether a boot program asks for something else on another connection, and closes none that owes it the rest of a body.

    Those that give up send FIN or RST; an installed system may fetch several things at once.
    """
    connection = flow.connection
    if flow.response is None or connection.fin_from_client is not None or connection.reset is not None or not later:
        return False
    following = later[0]
    other = isinstance(following.flow, TftpTransfer) or following.flow.connection is not connection
    return other and following.start > connection.last.time and not repeats_in_vain(flow, following.start)


def _brings(flow: TftpTransfer | HttpExchange, url: str) -> bool:
    """Whether this is another request for the URL, and not refused as well."""
    if not isinstance(flow, HttpExchange) or flow.url != url:
        return False
    return flow.response is None or (flow.response.status or 0) < 400


def _came_to_its_end(flow: HttpExchange) -> bool:
    """The last byte came: gaps that TCP left unfilled are the capture's, not the client's."""
    return flow.content_length is not None and flow.body.reached >= flow.content_length


def unanswered(stage: StageRecord, since: int, now: int) -> str | None:
    """What the last question to a web server or a name server waits for, when it came after `since`; None: for nothing."""
    connection = stage.connections[-1] if stage.connections else None
    if connection is not None and connection.start >= since:
        if connection.syn_ack is not None or connection.reset is not None or not connection.syns:
            return None
        waits = in_seconds(now - connection.syns[0].time)
        target = f"{in_url(connection.server)}:{connection.server_port}"
        return f"an answer to SYN {target}, for {waits}, {connection.syn_count} sent"
    lookup = stage.lookups[-1] if stage.lookups else None
    if lookup is None or lookup.answer is not None or not lookup.queries or lookup.queries[0].time < since:
        return None
    return f"an answer about {lookup.name} from {lookup.server}, for {in_seconds(now - lookup.queries[0].time)}"


def connection_failure(connection: TcpConnection, now: int, *, moved_on: bool) -> StallPoint | None:
    """Where this connection came to nothing before any request (a refused iSCSI login is `nbp`: no disk), else None."""
    if connection.exchanges:
        return None
    if connection.login_refused is not None:
        return "nbp"
    tls = connection.tls
    if tls is not None:
        closed = connection.reset is not None or connection.fin_from_client is not None
        return "tls" if tls.refused or ((closed or moved_on) and not tls.asked) else None
    if connection.syn_ack is None:
        refused = connection.reset is not None or connection.icmp_count >= 2
        quiet = now - connection.last.time > TCP_SILENCE and connection.syn_count >= 2
        return "tcp" if refused or quiet or (moved_on and connection.syn_count) else None
    if connection.reset is not None and not connection.established:
        return "tcp"
    if not connection.established and ack_unheard(connection) and now - connection.syn_ack.time > TCP_SILENCE:
        return "tcp"
    return "tcp" if opened_again(connection) else None
