"""Where a machine stands between a lease and its first request: connections and look-ups; pure functions of the records."""

from __future__ import annotations

from ..flow.records import TcpConnection
from ..model import StallPoint
from ..wire.addresses import in_url
from .naming import is_cross_certificate
from .patience import TCP_SILENCE
from .records import StageRecord
from .state import in_seconds
from .unheard import ack_unheard, opened_again


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


def asks_for_trust(connection: TcpConnection) -> bool:
    """Whether all that is asked on this connection is who vouches for an authority: for the sake of another one's TLS."""
    return bool(connection.exchanges) and all(is_cross_certificate(one.url) for one in connection.exchanges)


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
