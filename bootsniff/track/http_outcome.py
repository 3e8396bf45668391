"""What became of an HTTP exchange: complete, failed, stalled, a probe, or still under way; pure functions of the records."""

from __future__ import annotations

from collections.abc import Sequence

from ..flow.records import HttpExchange, TcpConnection, TftpTransfer
from ..model import FetchStatus
from .extras import may_be_missing
from .lost_response import in_vain_since, repeats_in_vain, took_nothing
from .patience import SEARCH_SILENCE, TCP_SILENCE
from .records import FetchRecord


def http_status(
    fetch: FetchRecord, flow: HttpExchange, later: Sequence[FetchRecord], now: int, *, moved_on: bool
) -> FetchStatus:
    """What became of `flow` by `now`, ns; `later` are the fetches behind it, `moved_on` tells that the machine is elsewhere."""
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
        if never_heard(connection) or flow.brought_something:
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
    if head.cut and flow.content_length is None and not over:
        return "in-progress"
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


def was_left_open(flow: HttpExchange, later: Sequence[FetchRecord]) -> bool:
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
    """The last byte came: gaps that TCP left unfilled are the capture's, unless the client says that they are its own.

    Where the capture cut the head, the first bytes of the body are in the same packet.
    """
    reached = flow.sent - flow.begin if flow.response is not None and flow.response.cut else flow.body.reached
    if flow.content_length is None or reached < flow.content_length:
        return False
    return not (flow.body.gaps and _was_left_in_part(flow))


def _was_left_in_part(flow: HttpExchange) -> bool:
    """Whether the client ends the connection by a packet that acknowledges less than was sent.

    The RST of a started system, which knows nothing of the connection, acknowledges nothing (RFC 9293 section 3.5.2).
    """
    connection = flow.connection
    end = connection.reset if connection.reset_by_client else connection.fin_from_client
    heard = connection.last_from_client
    told = end is not None and heard is not None and heard.time >= end.time
    return told and connection.acknowledged < flow.sent
