"""dhcp-offer-lost; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...model import Finding, Fix
from ...track.exchanges import Heard
from ...wire import dhcp_options, ports
from ...wire.messages import DhcpMessage, DhcpType
from .. import names, on_the_way
from ..case import Case
from ..evidence import evidence, first_and_last
from ..offers import Offer
from ..rule import Rule

_NAT = Fix("nft", "nft list ruleset   # chains of type nat: which rule of postrouting changes the source port?")


class DhcpOfferLost(Rule):
    """The OFFER does not reach the machine, or not as a DHCP client can hear it.

    What happens
        The server answers with what the machine needs, and the machine asks on: something between the two keeps the answer
        back, or changes its source port, so that the firmware takes it for none of DHCP's.
    On the wire
        Two capture points that both see the DISCOVERs, and only the one nearer to the server sees OFFERs. Or OFFERs from
        another port than 67, or without option 54, which every OFFER must have.
    Not to be confused with
        Offers that the machine must refuse (dhcp-offer-without-boot-file, dhcp-http-vendor-class-not-echoed); offers
        at one capture point alone, of which nobody can tell whether they arrive (dhcp-offer-not-taken); a relay that
        loses the way back (dhcp-relay-missing-or-one-way); a wrong checksum that offloading explains, at the point where
        the server's own host sends (dhcp-bad-udp-checksum).
    Causes
        A rule in the bridge or netdev family of nft, ebtables, or the hypervisor's filter (libvirt nwfilter) for the
        machine's port; DHCP snooping on a switch that trusts another port; a NAT or a port forwarding before the server.
    Fix
        Let UDP from port 67 to port 68 pass towards the machine.
    Sources
        RFC 2131 section 4.1 (the server's port is 67) and table 3 (option 54); edk2 NetworkPkg Dhcp4Impl.c; lab captures on
        bridge and tap.
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
        used = sorted({offer.heard.source_port for offer in offers})
        if lost:
            # Of three points one may be a neighbour's: the DISCOVERs are broadcast to it, and an OFFER need not be.
            yield self._told(
                case,
                offers[0],
                again,
                "OFFER, not at the point where the machine is heard",
                "the OFFERs that one capture point sees do not get to the other",
                sure=len(dhcp.asked_at) == 2,
                proof="A capture at the machine's own port alone.",
            )
        elif ports.DHCP_SERVER not in used:
            yield self._told(
                case,
                offers[0],
                again,
                f"OFFER from port {used[0]}",
                f"they come from port {names.joined(map(str, used))}, not from 67",
                proof="The same boot with the server on the machine's own network.",
                looks=(_NAT,),
            )
        elif all(_is_anonymous(offer.message) for offer in case.offers):
            yield self._told(
                case,
                offers[0],
                again,
                "OFFER without option 54",
                "they do not say which server they are of (option 54)",
                proof="The same boot with option 54 in the OFFER.",
                looks=(),
            )

    def _told(self, case: Case, offer: Offer, again: list[Heard[DhcpMessage]], role: str, why: str, *, proof: str, sure: bool = False,
              looks: tuple[Fix, ...] | None = None) -> Finding:  # fmt: skip
        return self.finding(
            case,
            [evidence(offer.heard, role), *first_and_last(again, "DISCOVER again")],
            confidence="certain" if sure else "likely",
            server=offer.server,
            file=offer.boot_file or "an address",
            why=why,
            expected="A REQUEST for the offered address.",
            proof="" if sure else proof,
            fixes=on_the_way.remedies(case, on_the_way.SNOOPING) if looks is None else looks,
        )


def _is_anonymous(message: DhcpMessage) -> bool:
    """An OFFER that does not name its server, which a REQUEST would have to name (RFC 2131, table 3)."""
    return message.message_type == DhcpType.OFFER and dhcp_options.server_id(message) is None
