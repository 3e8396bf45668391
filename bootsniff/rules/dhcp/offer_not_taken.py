"""dhcp-offer-not-taken; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...model import Finding, Fix
from ...track.exchanges import Dhcp4Exchange
from ...track.kinds import architecture
from ...track.records import StageRecord
from ...track.unheard import uses_an_address
from .. import names, on_the_way
from ..case import Case
from ..evidence import evidence, first_and_last
from ..offers import Offer
from ..rule import Rule


class DhcpOfferNotTaken(Rule):
    """The machine is offered what it should take, and no REQUEST for it is seen.

    What happens
        The server offers an address and a boot file, by all that can be seen here as it should be; the machine repeats
        its DISCOVER until it gives up. Either the OFFER does not reach it, or its firmware refuses the OFFER without a word.
        A machine that falls silent instead has heard the OFFER: then it is its REQUEST that does not get here.
    On the wire
        OFFERs, each followed by a DISCOVER again, and never a REQUEST. Or an OFFER, and then nothing, neither REQUEST nor
        DISCOVER.
    Not to be confused with
        Offers with something in them, or missing from them, that is known to be refused: each has a rule of its own, and
        this one is silent beside them. With a capture point on each side it is dhcp-offer-lost. A machine that was switched
        off behind its DISCOVER.
    Causes
        DHCP snooping on a switch that does not trust the server's port; a filter of the hypervisor or of its bridge; a
        driver that hears no broadcasts; firmware that is particular about an option. Where the firmware took such an offer
        and iPXE does not: iPXE's own driver for this card, which sends and does not receive.
    Fix
        Capture at the machine's own port. Where the OFFER does not arrive there, look for what drops it on the way.
        For iPXE: a build that uses the firmware's driver.
    Sources
        RFC 2131 section 3.1; FOGProject/fogproject issue 439 (iPXE's driver); edk2 NetworkPkg Dhcp4Impl.c (DHCP4_INITIAL_TIMEOUTS); lab captures on a bridge that drops OFFERs.
    """

    code = "dhcp-offer-not-taken"
    stage = "dhcp"
    needs = "dhcp4"
    last_resort = True
    summary = "{server} offers {file} {times}, and the machine {then}{driver}"

    def check(self, case: Case) -> Iterator[Finding]:
        dhcp = case.dhcp4
        if dhcp is None or not case.over or not dhcp.offers or dhcp.requests or dhcp.acks or dhcp.declines or dhcp.naks:
            return
        if uses_an_address(case.stage):
            return  # some take an offer without a word to its server: Raspberry Pis, BOOTP
        first = case.offers[0]
        again = case.asked_again(first)
        last = case.offers[-1]
        silent = len(again) < 2 and not case.asked_again(last) and case.falls_silent(last.heard.time)
        if len(again) < 2 and not silent:
            return
        suits = [offer for offer in case.offers if case.would_take(offer) and not offer.has_pxe_options]
        servers = sorted({one.server for one in case.offers})
        known = (case.is_firmware_pxe or case.is_http or case.is_ipxe) and len(servers) == 1
        offer = suits[0] if suits else first
        before = _taken_before(case)
        yield self.finding(
            case,
            [
                evidence(offer.heard, f"OFFER {offer.address or ''}".strip()),
                *first_and_last(again, "DISCOVER again"),
            ],
            confidence="likely" if suits and known and (case.went_on or not silent) else "possible",
            server=names.joined(servers),
            file=(offer.boot_file if case.client != "os" else None) or "an address",
            times=f"{dhcp.offer_count} times" if dhcp.offer_count > 1 else "once",
            then="falls silent: its REQUEST does not get here" + ("" if case.went_on else ", or it stopped")
            if silent
            else "asks on: it does not hear the offers, or refuses them",
            driver=f"; {before.name or before.client} took one before, the driver of iPXE may receive nothing"
            if before is not None and not silent
            else "",
            expected="A REQUEST for the offered address.",
            proof="A capture nearer to the machine, on its own tap or switch port: does it send a REQUEST?"
            if silent
            else on_the_way.nearer("the OFFER"),
            fixes=(
                *_firmware_driver(case, None if silent else before),
                *on_the_way.remedies(case, on_the_way.SNOOPING),
            ),
        )


def _taken_before(case: Case) -> StageRecord | None:
    """The program that loaded this iPXE, when it had its lease of the same server."""
    if not case.is_ipxe or case.stage_index == case.option[0]:
        return None
    before = case.boot.stages[case.option[0]]
    acks = before.dhcp.acks if isinstance(before.dhcp, Dhcp4Exchange) else []
    return before if any(Offer.of(heard).server == case.offers[0].server for heard in acks) else None


def _firmware_driver(case: Case, firmware: StageRecord | None) -> tuple[Fix, ...]:
    """The build of iPXE that leaves the card to the firmware; nothing where that one was loaded."""
    if firmware is None:
        return ()
    arch = architecture(case.client) or ""
    arch = {"x64": "x86_64", "ia32": "i386"}.get(arch, arch)
    target = f"bin-{arch}-efi/snponly.efi" if case.is_efi else "bin/undionly.kpxe"
    stem = names.base(target).split(".")[0]
    if any(stem in fetch.name for fetch in firmware.fetches):
        return ()
    return (Fix("ipxe", f"make {target}   # to be named by DHCP instead: it uses the firmware's driver"),)
