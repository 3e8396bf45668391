"""proxydhcp-split-offer-rejected; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...model import Evidence, Finding
from ...track.boot_file import ENDLESS_PROMPT, prompt_of
from .. import fixes, on_the_way
from ..case import Case
from ..evidence import evidence, first_and_last
from ..rule import Rule


class ProxyDhcpSplitOfferRejected(Rule):
    """The machine does not put a DHCP offer and a ProxyDHCP offer together.

    What happens
        A DHCP server gives the address, a ProxyDHCP server the boot data, both well-formed. The machine takes neither, or the
        address alone: the ProxyDHCP offer does not reach it, or its firmware wants both from one server.
    On the wire
        Two good OFFERs, one with an address and one with option 60 PXEClient. UEFI repeats its DISCOVER at 4, 12 and 28 s;
        iPXE sends its REQUEST, gets the ACK and stops. Nothing goes to port 4011, as far as this capture point sees.
    Not to be confused with
        A ProxyDHCP offer without PXEClient (proxydhcp-offer-without-pxeclient); a menu that waits for a key; a proxy
        that names nothing when it is asked (proxydhcp-no-boot-file).
    Causes
        DHCP snooping on a switch that trusts the port of the DHCP server alone, or a filter of the hypervisor, which may
        keep back what the machine asks port 4011 as well;
        firmware that wants the boot data from the server of its address.
    Fix
        Let the ProxyDHCP server's packets pass, or let the DHCP server name the file and its server.
    Sources
        PXE specification 2.1 section 2.2; garybowers/bootimus issue 77; lab captures of OVMF and iPXE on a bridge that drops
        what a ProxyDHCP server sends.
    """

    code = "proxydhcp-split-offer-rejected"
    stage = "proxydhcp"
    needs = "dhcp4"
    explains_away = ("chain-ipxe-nothing-to-boot", "dhcp-offer-not-taken")
    summary = "{name} {takes} of {server} {nor} the ProxyDHCP offer of {proxy}: it does not hear that one, or refuses it{asks}"

    def check(self, case: Case) -> Iterator[Finding]:
        dhcp = case.dhcp4
        if dhcp is None or dhcp.pxe_requests or not (case.is_firmware_pxe or case.is_ipxe):
            return
        proxy = next((offer for offer in case.proxy_offers if offer.echoes_pxe), None)
        if proxy is None or not case.offers or any(reply.boot_file for reply in (*case.offers, *case.acks)):
            return
        offer = case.offers[0]
        behind = _behind_lease(case) if case.acks else _asked_again(case)
        if not behind:
            return
        yield self.finding(
            case,
            [evidence(offer.heard, f"offer of {offer.address}"), evidence(proxy.heard, "ProxyDHCP offer"), *behind],
            confidence="possible" if case.acks and _prompt(case) else "likely",  # somebody may have chosen the disk
            subject=proxy.server,
            name=case.stage.name or case.client,
            takes="takes the address" if case.acks else "takes neither the offer",
            nor="and not" if case.acks else "nor",
            server=offer.server,
            proxy=proxy.server,
            asks=", or what it asks port 4011 does not get here" if case.acks else "",
            expected="A request to port 4011, or for the file that the ProxyDHCP offer names."
            if case.acks
            else "A REQUEST for the offered address.",
            proof=on_the_way.nearer("the ProxyDHCP offer"),
            fixes=fixes.arrange(
                case,
                on_the_way.SNOOPING,
                *on_the_way.BRIDGE,
                on_the_way.GUEST_FILTER,
                *fixes.boot_file(case, proxy.boot_file, proxy.next_server),
            ),
        )


def _asked_again(case: Case) -> list[Evidence]:
    """The DISCOVERs behind both offers, when they are too many for an accident."""
    again = case.asked_again(case.proxy_offers[0], case.offers[0])
    taken = case.dhcp4 is None or case.dhcp4.requests or len(again) < 2
    return [] if taken else list(first_and_last(again, "DISCOVER again"))


def _prompt(case: Case) -> int:
    """How long a menu asks for a key, s."""
    return (prompt_of(case.dhcp4) or 0) if case.dhcp4 else 0


def _behind_lease(case: Case) -> list[Evidence]:
    """The lease behind which the machine asked nobody for anything, and waits for nobody at a menu."""
    waits = case.stage.menu is not None or _prompt(case) == ENDLESS_PROMPT
    loops = case.boot.stalled_at == "chain" and not case.gave_up  # and this is its latest turn, which goes on
    if waits or loops or not (case.failed_here and case.asked_nothing and case.world.quality.sees_fetches):
        return []
    return [evidence(case.acks[-1].heard, "lease, nothing follows")] if not case.sought_in_vain else []
