"""tcp-filtered; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...flow.records import IcmpNotice, TcpConnection
from ...model import Finding, Fix
from .. import fixes, meanwhile, names
from ..case import Case
from ..evidence import by_icmp, first_and_last
from ..rule import Rule
from . import targets

_MEANING = {
    0: "network unreachable",
    1: "host unreachable",
    3: "port unreachable",
    9: "network prohibited",
    10: "host prohibited",
    13: "administratively prohibited",
}

_NO_WAY = (0, 1)
"""Codes of routers that know no way to the server, or do not find it at its end."""
_TRIES = 3
"""SYNs after which no answer can have arrived: a client that is answered sends no further one."""


class TcpFiltered(Rule):
    """A firewall or a dead route keeps the machine from the web server.

    What happens
        Connection attempts get no answer until the boot program gives up.
    On the wire
        SYNs after 1, 2, 4 … s without SYN-ACK or RST, or ICMP unreachable, most clearly type 3 code 13 (administratively
        prohibited) or 10.
    Not to be confused with
        A closed port, which answers with RST (tcp-refused). A server whose hardware address is not found
        (arp-next-server-unanswered).
    Causes
        HTTP is not allowed into the firewall zone of the virtual network; the server is off; no route back.
    Fix
        Allow the port on the server, for this network; give the server a route back to it.
    Sources
        RFC 9293 section 3.8.3; RFC 1812 section 5.2.7.1; firewalld documentation.
    """

    code = "tcp-filtered"
    stage = "tcp"
    needs = "connections"
    summary = "{server} port {port} does not answer: {count} SYNs in {time}{icmp}{blind}"

    def check(self, case: Case) -> Iterator[Finding]:
        connections = case.stage.connections
        for connection in connections:
            if connection.syn_ack or connection.established or connection.exchanges or not connection.syns:
                continue
            if connection.reset and not connection.reset_by_client:
                continue
            icmp = [notice for notice in connection.icmp if notice.sender != connection.client]
            if connection.syn_count < 3 and not icmp and not (connection.syn_count >= 2 and case.gave_up):
                continue
            key = connection.server, connection.server_port
            if any(c.syn_ack and (c.server, c.server_port) == key for c in connections):
                continue
            if case.stage.fetches and case.stage.fetches[-1].start > connection.last.time:
                continue
            nowhere = names.no_host(connection.server)
            told = ""
            if icmp:
                told = f"; {icmp[0].sender}: {_MEANING.get(icmp[0].message.code, 'unreachable')}"
            other = meanwhile.served(
                case, connection.server, connection.start, connection.last.time, connection.server_port
            )
            others = f"; it answers {other.who} {other.when}" if other and not told else ""
            if nowhere:
                told = f"; it is {nowhere}"
            yield self.finding(
                case,
                [
                    *targets.proof(case, connection),
                    *first_and_last(connection.syns, f"SYN to port {connection.server_port}"),
                    *by_icmp(icmp[:2]),
                    *(other.proof if other else ()),
                ],
                confidence="certain"
                if told
                else case.silence(connection.server, second_sign=connection.syn_count >= _TRIES),
                subject=f"{connection.server}:{connection.server_port}",
                server=connection.server,
                port=connection.server_port,
                count=connection.syn_count,
                time=names.seconds(connection.syns[-1].time - connection.syns[0].time),
                icmp=told or others,
                blind="" if told else case.blind_spot(connection.server),
                expected="A URL with the web server's address, as the machine reaches it." if nowhere else "A SYN-ACK.",
                proof="" if told else f"A capture on {connection.server}: do the SYNs arrive?",
                fixes=()
                if nowhere
                else _way(icmp, connection.server)
                or meanwhile.fixes(other, connection.client, connection.server, _fixes(case, connection)),
            )


def _fixes(case: Case, connection: TcpConnection) -> tuple[Fix, ...]:
    return fixes.arrange(
        case,
        fixes.firewalld(case, targets.opened(connection.server_port), connection.server),
        fixes.accept("tcp", connection.server_port, connection.server),
        Fix("shell", f"ip route get {connection.client}   # on {connection.server}: is there a way back?")
        if case.is_elsewhere(connection.server)
        else None,
        fixes.trusted_bridge(case, connection.server),
    )


def _way(icmp: list[IcmpNotice], server: str) -> tuple[Fix, ...]:
    """Where to look when a router says that there is no way: at its routes, and at the address itself."""
    notice = next((one for one in icmp if one.message.version == 4 and one.message.code in _NO_WAY), None)
    if notice is None or notice.sender == server:
        return ()
    return (Fix("shell", f"ip route get {server}   # on {notice.sender}; or is the address wrong where it is named?"),)
