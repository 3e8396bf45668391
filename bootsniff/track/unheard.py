"""Answers that were seen, and that a machine asks for again as if they had not come; pure functions of the records.

Where the capture stands nearer to the server than what loses them, the answers look as if all were well. A machine that
heard an answer does not ask again; once may be an accident, or an answer that came late.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..flow.records import DnsLookup, TcpConnection, TftpTransfer
from ..model import NANOSECONDS, FrameRef
from ..wire import ports
from ..wire.messages import DhcpMessage, Dhcpv6Message
from .exchanges import Arps, Dhcp4Exchange, Dhcp6Exchange, Heard
from .patience import SERVER_PATIENCE
from .records import StageRecord

TWICE = 2
"""Repetitions behind an answer that make it no accident."""
MANY_ARPS = 3
"""The same for ARP, which programs repeat within 0.1 s (iPXE's neighbour.c)."""
ON_ITS_WAY = NANOSECONDS // 10
"""What was sent this soon after an answer knows nothing of it, or came by another relay."""


def _behind(sent: tuple[FrameRef, ...] | list[FrameRef], answer: FrameRef | None) -> list[FrameRef]:
    return [] if answer is None else [at for at in sent if at.time - answer.time > ON_ITS_WAY]


def requests_behind_ack(exchange: Dhcp4Exchange) -> list[Heard[DhcpMessage]]:
    """REQUESTs for a lease that the server had given already; a renewal names the address it has (RFC 2131 section 4.3.2)."""
    if not exchange.acks:
        return []
    ack = exchange.acks[0]
    return [
        heard
        for heard in exchange.requests
        if heard.time - ack.time > ON_ITS_WAY
        and heard.message.xid == ack.message.xid
        and heard.message.client_ip is None
    ]


def pxe_requests_behind_reply(exchange: Dhcp4Exchange) -> list[Heard[DhcpMessage]]:
    """Repeated questions to port 4011 that a boot server had answered; the next question has a transaction of its own (edk2)."""
    again = [
        heard
        for heard in exchange.pxe_requests
        for reply in exchange.pxe_replies[:1]
        if heard.time - reply.time > ON_ITS_WAY and heard.message.xid == reply.message.xid
        if heard.target_port == ports.PXE
    ]
    return again if len(again) >= TWICE and len(again) == len(exchange.pxe_requests) - 1 else []


def requests_behind_reply(exchange: Dhcp6Exchange) -> list[Heard[Dhcpv6Message]]:
    """The same for DHCPv6: REQUESTs, and INFORMATION-REQUESTs, with the transaction of a REPLY."""
    if not exchange.replies:
        return []
    reply = exchange.replies[0]
    return [
        heard
        for heard in (*exchange.requests, *exchange.information_requests)
        if heard.time - reply.time > ON_ITS_WAY and heard.message.xid == reply.message.xid
    ]


def uses_an_address(stage: StageRecord) -> bool:
    """Whether a program did anything that takes an address: it has one then, whatever the capture lacks."""
    return bool(stage.fetches or stage.connections or stage.lookups or stage.port_lookups or stage.arps)


def has_not_heard_of_its_lease(stage: StageRecord) -> bool:
    """Whether a machine goes on to request what it was given, and has done nothing that takes an address."""
    exchange = stage.dhcp
    if uses_an_address(stage):
        return False
    if isinstance(exchange, Dhcp4Exchange):
        return not exchange.pxe_requests and len(requests_behind_ack(exchange)) >= TWICE
    return isinstance(exchange, Dhcp6Exchange) and len(requests_behind_reply(exchange)) >= TWICE


def asked_again(arps: Arps) -> list[FrameRef]:
    """ARP questions behind the answer, when they are too many for an accident."""
    again = _behind(arps.requests, arps.reply)
    return again if len(again) >= MANY_ARPS else []


def opened_again(connection: TcpConnection) -> list[FrameRef]:
    """SYNs behind the SYN-ACK of a connection that never came about, when they are too many for an accident."""
    if connection.established or connection.reset is not None:
        return []
    again = _behind(connection.syns, connection.syn_ack)
    return again if len(again) >= TWICE else []


def ack_unheard(connection: TcpConnection) -> FrameRef | None:
    """The server's latest SYN-ACK that no SYN asked for: it has not heard the machine's ACK, or GET (RFC 9293 section 3.5)."""
    again = connection.syn_ack_again
    if again is None:
        return None
    return again if _behind([again], connection.syns[-1] if connection.syns else connection.syn_ack) else None


def queried_again(lookups: Iterable[DnsLookup], arps: Iterable[Arps]) -> tuple[DnsLookup, list[FrameRef]] | None:
    """Of the latest question the answer that came first, and the queries behind it; None when there are none.

    iPXE gives each query an identifier of its own (net/udp/dns.c), so that repetitions are look-ups of their own. Who looks
    for another host than the name server behind the answer has heard it.
    """
    known = list(lookups)
    if not known:
        return None
    latest = known[-1]
    question = latest.server, latest.name.lower(), latest.query_type
    same = [one for one in known if (one.server, one.name.lower(), one.query_type) == question]
    answered = next((one for one in same if one.answer is not None), None)
    if answered is None:
        return None
    others = (at for one in arps if one.target != answered.server for at in one.requests)
    if answered.answer_at is None or any(at.time > answered.answer_at.time for at in others):
        return None
    again = _behind([at for one in same for at in one.queries], answered.answer_at)
    return (answered, again) if again else None


def waits_for_its_end(flow: TftpTransfer) -> bool:
    """Whether a machine goes on to acknowledge an earlier block after the last one of a file was seen.

    GRUB does not: it waits, and ends the transfer (net/tftp.c, tftp_close).
    """
    newest, last = flow.body.newest, flow.last_ack
    if not flow.complete or newest is None or last is None or flow.acked_block >= flow.highest_block:
        return False
    ended = flow.error_at if flow.error_by_client else None
    return last.time - newest.time > ON_ITS_WAY or (ended is not None and ended.time - newest.time > SERVER_PATIENCE)


def asks_behind_error(flow: TftpTransfer) -> list[FrameRef]:
    """Requests behind a server's ERROR, from the same port, when they are too many for an accident."""
    if flow.error_by_client:
        return []
    again = _behind(flow.requests, flow.error_at)
    return again if len(again) >= TWICE else []
