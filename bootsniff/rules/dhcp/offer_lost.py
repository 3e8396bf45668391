"""dhcp-offer-lost; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...model import Finding, Fix
from ...wire import ports
from .. import fixes, names
from ..case import Case
from ..evidence import evidence, first_and_last
from ..rule import Rule


class DhcpOfferLost(Rule):
    """The OFFER does not reach the machine, or not as a DHCP client can hear it.

    What happens
        The server answers with what the machine needs, and the machine asks on: something between the two keeps the answer
        back, or changes its source port, so that the firmware takes it for none of DHCP's.
    On the wire
        Two capture points that both see the DISCOVERs, and only the one nearer to the server sees OFFERs. Or OFFERs from
        another port than 67.
    Not to be confused with
        Offers that the machine must refuse (dhcp-offer-without-boot-file, dhcp-http-vendor-class-not-echoed); a relay that
        loses the way back (dhcp-relay-missing-or-one-way); a wrong checksum that offloading explains, at the point where
        the server's own host sends (dhcp-bad-udp-checksum).
    Causes
        A rule in the bridge or netdev family of nft, ebtables, or the hypervisor's filter (libvirt nwfilter) for the
        machine's port; DHCP snooping on a switch that trusts another port; a NAT or a port forwarding before the server.
    Fix
        Let UDP from port 67 to port 68 pass towards the machine.
    Sources
        RFC 2131 section 4.1 (the server's port is 67); edk2 NetworkPkg Dhcp4Impl.c; lab captures on bridge and tap.
    """

    code = "dhcp-offer-lost"
    stage = "dhcp"
    needs = "dhcp4"
    explains_away = ("dhcp-bad-udp-checksum", "dhcp-reply-unicast-not-delivered", "dhcp-no-offer")
    summary = "{server} offers {file}, and the machine does not hear it: {why}"

    def check(self, case: Case) -> Iterator[Finding]:
        dhcp = case.dhcp4
        if dhcp is None or dhcp.requests or dhcp.acks or not dhcp.offers:
            return
        offers = [offer for offer in case.offers if case.would_take(offer)]
        again = case.asked_again(offers[0]) if offers else []
        if len(again) < 2:
            return
        lost = bool(dhcp.offered_at) and any(point not in dhcp.offered_at for point in dhcp.asked_at)
        # Of three points one may be a neighbour's: the DISCOVERs are broadcast to it, and an OFFER need not be.
        sure = lost and len(dhcp.asked_at) == 2
        used = sorted({offer.heard.source_port for offer in offers})
        if not lost and ports.DHCP_SERVER in used:
            return
        asked = "OFFER, not at the point where the machine is heard" if lost else f"OFFER from port {used[0]}"
        yield self.finding(
            case,
            [evidence(offers[0].heard, asked), *first_and_last(again, "DISCOVER again")],
            confidence="certain" if sure else "likely",
            server=offers[0].server,
            file=offers[0].boot_file or "an address",
            why="the OFFERs that one capture point sees do not get to the other"
            if lost
            else f"they come from port {names.joined(map(str, used))}, not from 67",
            expected="A REQUEST for the offered address.",
            proof=""
            if sure
            else "A capture at the machine's own port alone."
            if lost
            else "The same boot with the server on the machine's own network.",
            fixes=fixes.arrange(
                case,
                Fix("nft", "nft list ruleset   # rules of the families bridge and netdev, and of nat in postrouting"),
                Fix("libvirt", "virsh nwfilter-binding-list   # does one of them filter the machine's port?"),
                Fix("ios", "ip dhcp snooping trust   # on the switch port that leads to the DHCP server"),
            ),
        )
