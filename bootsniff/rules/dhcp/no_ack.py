"""dhcp-no-ack; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...model import Finding, Fix
from ...track.unheard import uses_an_address
from ...wire import dhcp_options
from .. import fixes, names
from ..case import Case
from ..evidence import evidence, first_and_last
from ..rule import Rule


class DhcpNoAck(Rule):
    """The machine takes an offer, and the server that made it does not answer any more.

    What happens
        DISCOVER and OFFER go well; the REQUEST that follows gets neither ACK nor NAK. The machine repeats it and gives up.
    On the wire
        Two or more REQUESTs that name a server (option 54), after its OFFER, and no ACK and no NAK of it.
    Not to be confused with
        A server that refuses (dhcp-nak). ACKs that the capture shows and the machine does not hear (dhcp-ack-lost). A
        capture that holds no answers at all, or lacks the one after which the machine went on. One REQUEST at the end of a capture, which says nothing.
    Causes
        The server stopped, or its lease file cannot be written; the address was given away in the meantime and the server
        is not authoritative; a pair of servers of which the wrong one is asked; a relay or a switch that lets DISCOVERs
        pass and not REQUESTs.
    Fix
        Read the server's log for this machine: it says why it ignores the REQUEST, or that none arrives.
    Sources
        RFC 2131 sections 3.1 and 4.3.2; dhcpd.conf(5), "authoritative"; dnsmasq rfc2131.c.
    """

    code = "dhcp-no-ack"
    stage = "dhcp"
    needs = "dhcp4"
    summary = "{server} offers {address} and does not answer the REQUEST for it: {count} REQUESTs in {time}{blind}"

    def check(self, case: Case) -> Iterator[Finding]:
        dhcp = case.dhcp4
        if dhcp is None or not case.over or dhcp.acks or dhcp.naks or dhcp.declines or not dhcp.offers:
            return
        if dhcp.request_count < 2 or case.world.quality.only_requests or uses_an_address(case.stage):
            return
        chosen = dhcp_options.server_id(dhcp.requests[0].message)
        offer = next((offer for offer in case.offers if offer.server == chosen), None)
        if offer is None or any(heard.message.op == 2 for heard in dhcp.relayed[-1:]):
            return
        server = offer.server
        yield self.finding(
            case,
            [
                evidence(offer.heard, f"OFFER {offer.address}"),
                *first_and_last(dhcp.requests, "REQUEST without an answer"),
            ],
            confidence=case.silence(server),
            subject=server,
            server=server,
            address=offer.address,
            count=dhcp.request_count,
            time=names.seconds(dhcp.requests[-1].time - dhcp.requests[0].time),
            blind=case.blind_spot(server),
            expected=f"An ACK, or a NAK, from {server}.",
            proof=f"The log of {server}: does the REQUEST arrive, and why is it ignored?",
            fixes=fixes.arrange(
                case,
                Fix("shell", f"journalctl --since -10min | grep -i {case.machine.mac}   # on {server}"),
                Fix("isc-dhcpd", "authoritative;"),
                Fix("dnsmasq", "dhcp-authoritative"),  # libvirt's has it
            ),
        )
