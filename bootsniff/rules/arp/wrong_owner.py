"""arp-wrong-owner; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...flow.records import TcpConnection, TftpTransfer
from ...model import Evidence, Finding, Fix, FrameRef
from ...track.records import StageRecord, World
from .. import fixes
from ..case import Case
from ..evidence import evidence
from ..rule import Rule
from ..tftp import transfers


class ArpWrongOwner(Rule):
    """The server sends its answers to another hardware address than the machine's.

    What happens
        The server looks up the machine's address in its ARP table, and finds a hardware address that is not the machine's.
        Its answers go to that one: the machine asks again and again. Firmware shows a timeout, as without an answer.
    On the wire
        The RRQ or the SYN comes from the machine's own MAC; the OACK, DATA or SYN-ACK goes to its IP address at another MAC,
        and nothing acknowledges it.
    Not to be confused with
        An answer by way of a router, where the request came from a router as well; an answer that the machine acknowledges
        all the same, or only the end of a response goes there, which the server repeats to who has the address now; an answer to the right MAC that gets lost (tftp-reply-lost, tcp-syn-ack-lost).
    Causes
        A permanent entry in the server's ARP table, of a card that was replaced; another host that has the same address and
        spoke last; a server with a wrong netmask or route, which sends to a router what it could deliver itself.
    Fix
        Delete the entry on the server. Where another host has the address, give one of the two another one.
    Sources
        RFC 826; RFC 5227; arp(8), ip-neighbour(8); a lab capture of OVMF with a permanent entry on the server.
    """

    code = "arp-wrong-owner"
    stage = "arp"
    always = True
    explains_away = (
        "tftp-reply-lost",
        "tftp-timeout-mid-transfer",
        "tftp-acks-lost",
        "tftp-mtu-blackhole",
        "tftp-no-reply",
        "tcp-syn-ack-lost",
        "tcp-filtered",
        "http-response-lost",
    )
    summary = "{server} sends its answers for {address} to {mac}{whose}, and not to the machine"

    def may(self, stage: StageRecord, _world: World) -> bool:
        return bool(stage.fetches or stage.connections)

    def check(self, case: Case) -> Iterator[Finding]:
        found: dict[str, Finding] = {}
        for flow, asked in _unheard(case):
            if flow.astray is None or flow.client_mac != case.machine.mac or flow.server in found:
                continue
            mac, at = flow.astray
            found[flow.server] = self.finding(
                case,
                [*asked, evidence(at, f"the answer, to {mac}")],
                subject=flow.server,
                server=flow.server,
                address=flow.client,
                mac=mac,
                whose=_whose(case, mac),
                expected=f"Answers to {case.machine.mac}, which the requests came from.",
                fixes=fixes.arrange(case, _forget(flow.client, flow.server)),
            )
        yield from found.values()


def _unheard(case: Case) -> Iterator[tuple[TftpTransfer | TcpConnection, list[Evidence]]]:
    """Transfers and connections whose latest answer went astray, and what was asked; at every capture point."""
    for fetch, flow in case.tftp:
        if fetch.status != "stalled" or case.came_later(fetch):
            continue
        for view in transfers.views(fetch, flow):
            if _behind(view.astray, view.last_ack):
                yield view, [evidence(ref, f"RRQ {view.filename}") for ref in view.requests[:1]]
    if not case.over:
        return
    opened = {(one.server, one.server_port) for one in case.stage.connections if one.established and not one.astray}
    for connection in case.stage.connections:
        heard = connection.last_from_client if connection.established else None
        if (connection.server, connection.server_port) in opened or _has_what_it_asked_for(connection):
            continue
        if _behind(connection.astray, heard):
            port = connection.server_port
            yield connection, [evidence(ref, f"SYN to port {port}") for ref in connection.syns[:1]]


def _has_what_it_asked_for(connection: TcpConnection) -> bool:
    """Whether the machine may be gone, and its address another's: the server repeats the end of what it heard."""
    last = connection.exchanges[-1] if connection.exchanges else None
    return last is not None and last.complete and connection.acknowledged > last.begin


def _behind(astray: tuple[str, FrameRef] | None, heard: FrameRef | None) -> bool:
    """Whether an answer went astray after the machine last showed that it heard the server."""
    return astray is not None and (heard is None or astray[1].time > heard.time)


def _whose(case: Case, mac: str) -> str:
    """Who has that MAC, as far as the capture tells."""
    other = case.world.machines.get(mac)
    address = next((address for address, owner in case.world.arp.items() if owner == mac), None)
    words = [word for word in (other.hostname if other else None, address) if word]
    return f" ({', '.join(words)})" if words else ""


def _forget(address: str, server: str) -> Fix:
    """Delete the entry, whatever made it (a permanent one as well); what is asked next shows who answers."""
    return Fix("shell", f"ip neigh show {address}   # on {server}\nip neigh flush to {address} nud all")
