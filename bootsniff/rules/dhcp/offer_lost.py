"""dhcp-offer-lost; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...model import Confidence, Finding, Fix
from ...track.kinds import architecture
from ...track.records import Dhcp4Exchange, Heard, StageRecord
from ...wire import dhcp_options, ports
from ...wire.addresses import BROADCAST
from ...wire.messages import DhcpMessage, DhcpType
from .. import fixes, names
from ..case import Case
from ..evidence import evidence, first_and_last
from ..offers import Offer
from ..rule import Rule

_ON_THE_WAY = (
    Fix("nft", "nft list ruleset   # rules of the families bridge and netdev, and of nat in postrouting"),
    Fix("libvirt", "virsh nwfilter-binding-list   # does one of them filter the machine's port?"),
    Fix("ios", "ip dhcp snooping trust   # on the switch port that leads to the DHCP server"),
)


class DhcpOfferLost(Rule):
    """The OFFER does not reach the machine, or not as a DHCP client can hear it.

    What happens
        The server answers with what the machine needs, and the machine asks on: something between the two keeps the answer
        back, or changes its source port, so that the firmware takes it for none of DHCP's.
    On the wire
        Two capture points that both see the DISCOVERs, and only the one nearer to the server sees OFFERs. Or OFFERs from
        another port than 67, or without option 54, which every OFFER must have. Or, at one point alone, good offers to
        everybody (255.255.255.255), and DISCOVER again and again: that is no proof, as a capture near the server cannot tell
        what arrives at the machine.
    Not to be confused with
        Offers that the machine must refuse (dhcp-offer-without-boot-file, dhcp-http-vendor-class-not-echoed); a relay that
        loses the way back (dhcp-relay-missing-or-one-way); a wrong checksum that offloading explains, at the point where
        the server's own host sends (dhcp-bad-udp-checksum).
    Causes
        A rule in the bridge or netdev family of nft, ebtables, or the hypervisor's filter (libvirt nwfilter) for the
        machine's port; DHCP snooping on a switch that trusts another port; a NAT or a port forwarding before the server.
        Where the firmware took such an offer and iPXE does not: iPXE's own driver for this card, which sends and does not
        receive.
    Fix
        Let UDP from port 67 to port 68 pass towards the machine. For iPXE: a build that uses the firmware's driver.
    Sources
        RFC 2131 section 4.1 (the server's port is 67) and table 3 (option 54); edk2 NetworkPkg Dhcp4Impl.c; lab captures on
        bridge and tap; FOGProject/fogproject issue 439 (iPXE's driver).
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
            )
        elif all(_is_anonymous(offer.message) for offer in case.offers):
            yield self._told(
                case,
                offers[0],
                again,
                "OFFER without option 54",
                "they do not say which server they are of (option 54)",
                proof="The same boot with option 54 in the OFFER.",
                on_the_way=False,
            )
        elif case.over and len(dhcp.asked_at) == 1 and _is_flawless(case):
            before = _taken_before(case)
            yield self._told(
                case,
                offers[0],
                again,
                "OFFER to everybody",
                f"{before.name or before.client} took one before, the driver of iPXE may receive nothing"
                if before is not None
                else "nothing in the OFFERs is a reason to refuse them",
                confidence="possible",
                proof="A capture at the machine's own port: do the OFFERs arrive there?",
                own=() if before is None else _firmware_driver(case, before),
            )

    def _told(self, case: Case, offer: Offer, again: list[Heard[DhcpMessage]], role: str, why: str, *, proof: str, sure: bool = False,
              confidence: Confidence = "likely", own: tuple[Fix, ...] = (), on_the_way: bool = True) -> Finding:  # fmt: skip
        return self.finding(
            case,
            [evidence(offer.heard, role), *first_and_last(again, "DISCOVER again")],
            confidence="certain" if sure else confidence,
            server=offer.server,
            file=offer.boot_file or "an address",
            why=why,
            expected="A REQUEST for the offered address.",
            proof="" if sure else proof,
            fixes=fixes.arrange(case, *own, *(_ON_THE_WAY if on_the_way else ())),
        )


def _is_anonymous(message: DhcpMessage) -> bool:
    """An OFFER that does not name its server, which a REQUEST would have to name (RFC 2131, table 3)."""
    return message.message_type == DhcpType.OFFER and dhcp_options.server_id(message) is None


def _is_flawless(case: Case) -> bool:
    """Whether every offer came from one server, to everybody, and could be taken as it is."""
    offers = case.offers
    return (
        not case.proxy_offers
        and len({offer.server for offer in offers}) == 1
        and all(
            case.would_take(offer)
            and offer.heard.target == BROADCAST
            and not offer.heard.bad_checksum
            and not any(code in offer.message.options for code in (43, 52))
            for offer in offers
        )
    )


def _taken_before(case: Case) -> StageRecord | None:
    """The program that loaded this iPXE, when it had its lease of the same server."""
    if not case.is_ipxe or case.stage_index == case.option[0]:
        return None
    before = case.boot.stages[case.option[0]]
    acks = before.dhcp.acks if isinstance(before.dhcp, Dhcp4Exchange) else []
    return before if any(Offer.of(heard).server == case.offers[0].server for heard in acks) else None


def _firmware_driver(case: Case, firmware: StageRecord) -> tuple[Fix, ...]:
    """The build of iPXE that leaves the card to the firmware; nothing where that one was loaded."""
    arch = architecture(case.client) or ""
    arch = {"x64": "x86_64", "ia32": "i386"}.get(arch, arch)
    target = f"bin-{arch}-efi/snponly.efi" if case.is_efi else "bin/undionly.kpxe"
    stem = names.base(target).split(".")[0]
    if any(stem in fetch.name for fetch in firmware.fetches):
        return ()
    return (Fix("ipxe", f"make {target}   # to be named by DHCP instead: it uses the firmware's driver"),)
