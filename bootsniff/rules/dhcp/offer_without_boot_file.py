"""dhcp-offer-without-boot-file; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...model import Finding, Fix
from ...track.boot_file import boot_file_of, disk_of, has_something_to_load
from .. import fixes, names
from ..case import Case
from ..evidence import evidence, first_and_last
from ..offers import Offer
from ..rule import Rule

_BSDP = "AAPLBSDPC"
"""A Macintosh learns its boot file by INFORM, once it has an address (Boot Server Discovery Protocol)."""


class DhcpOfferWithoutBootFile(Rule):
    """The DHCP server offers an address but nothing to boot.

    What happens
        The server gives the machine an address like any other client's and says nothing about a boot file. UEFI firmware
        ignores such an offer and keeps asking; BIOS firmware and iPXE take the address and stop ("PXE-E53: No boot
        filename received", "Nothing to boot").
    On the wire
        OFFERs with an address, without option 67, with an empty file field, without option 43; no ProxyDHCP offer. edk2
        repeats its DISCOVER and never sends a REQUEST. Or the OFFER names a file and the ACK does not: firmware goes by the
        ACK, and asks for nothing.
    Not to be confused with
        A ProxyDHCP offer that is there but malformed (proxydhcp-offer-without-pxeclient), an HTTP client that was given a
        path (dhcp-http-offer-without-usable-uri), iPXE that is given a network disk in option 17, the DHCP of the
        operating system, which needs no boot file, and a Macintosh, which asks for it by INFORM.
    Causes
        No boot file is configured, or only for another architecture or tag; option 93 does not match the rule that was
        meant; the machine is answered by a server that knows nothing of network boot, and the one beside it that named a
        file the boot before is stopped or no longer among the relay's. A server that forgets the boot file when it
        acknowledges.
    Fix
        Name a boot file and its server for this kind of client.
    Sources
        edk2 NetworkPkg PxeBcDhcp4.c (PxeBcSelectDhcp4Offer) and PxeBcBoot.c (PxeBcDhcp4BootInfo); iPXE autoboot.c; PXE error
        codes of the PXE specification; BeryJu/gravity issue 912.
    """

    code = "dhcp-offer-without-boot-file"
    stage = "dhcp"
    needs = "dhcp4"
    misses_options = True
    side_issue = True
    summary = "{server} {what} to {name}"

    def check(self, case: Case) -> Iterator[Finding]:
        dhcp = case.dhcp4
        if dhcp is None or not case.offers or case.stage.fetches or case.stage.connections:
            return
        if case.client in ("os", "raspberry-pi") or case.is_uboot:
            return  # a Raspberry Pi asks for names of its own: option43-foreign-content
        if (case.stage.vendor_class or "").startswith(_BSDP):
            return
        if not case.boot_file and has_something_to_load(case.stage):
            return
        if case.is_ipxe and case.stage_index > case.option[0]:
            return  # an iPXE that was loaded: chain-ipxe-nothing-to-boot
        replies = [*case.offers, *case.acks, *case.proxy_offers, *case.pxe_replies]
        if any(reply.boot_file for reply in replies):
            yield from self._forgotten(case)
            return
        if case.is_ipxe and disk_of(case.stage) is not None:
            return
        if case.is_http:
            if any(reply.echoes_http for reply in replies):
                return
        elif (
            any(reply.has_pxe_options for reply in replies)
            or case.proxy_offers
            or any(offer.echoes_pxe for offer in case.offers)
        ):
            return
        offer = case.offers[0]
        before = _told_before(case)
        silent = before is not None and before.server not in {one.server for one in case.offers}
        doubt = _doubt(case)
        file = before.boot_file if before else None
        ignored = [] if case.acks else case.asked_again(offer)
        yield self.finding(
            case,
            [
                evidence(offer.heard, "offer without a boot file"),
                *first_and_last(ignored, "DISCOVER again, the offer is ignored"),
                *(evidence(ack.heard, "lease without a boot file") for ack in case.acks[:1]),
                *([evidence(before.heard, f"a boot before: names {file}")] if before else ()),
            ],
            confidence="likely" if doubt else "certain",
            server=names.joined(o.server for o in case.offers),
            what=f"offers {offer.address or 'an address'} but no boot file",
            name=f"{case.stage.name or case.client}{_SILENT.format(before.server) if before and silent else ''}",
            expected="Option 67 or the file field of the OFFER naming a boot file, or a ProxyDHCP offer beside it.",
            proof=doubt,
            fixes=(
                *([_bring_back(case, before)] if before and silent else ()),
                *(
                    fixes.http_boot(case, file or fixes.example_url(case, names.ipxe_for(case.client)))
                    if case.is_http
                    else fixes.boot_file(case, file, before.next_server if before else None)
                ),
            ),
        )

    def _forgotten(self, case: Case) -> Iterator[Finding]:
        """The OFFER that was taken names a file, its ACK none; HTTP boot goes by the OFFER (edk2 HttpBootDhcp4.c)."""
        file = case.boot_file
        if not (case.failed_here and case.asked_nothing and case.acks and file) or case.is_http or case.named_by_proxy:
            return
        ack = case.acks[-1]
        offer = next((one for one in case.offers if one.boot_file == file and one.server == ack.server), None)
        if offer is None or any(one.boot_file for one in case.acks) or (case.dhcp4 and case.dhcp4.pxe_requests):
            return
        yield self.finding(
            case,
            [evidence(offer.heard, f"OFFER that names {file}"), evidence(ack.heard, "ACK without a boot file")],
            confidence="likely",
            server=ack.server,
            what=f"names {file} in its OFFER, and no boot file in its ACK",
            name=case.stage.name or case.client,
            expected="The same boot file in the ACK, then a request for it.",
            proof="The machine's screen: no NBP filename; the same boot with a server that names the file in both.",
            fixes=fixes.boot_file(case, file),
        )


_SILENT = "; {} named one the boot before, and now says nothing"


def _doubt(case: Case) -> str:
    """What would prove the fault where the capture alone does not."""
    quality = case.world.quality
    if quality.dropped_frames:
        return "A capture without lost packets."
    if case.is_ipxe and not (quality.sees_fetches and quality.sees_tcp):
        return "A capture with HTTP in it: an iPXE that has a script inside needs no boot file."
    return ""


def _told_before(case: Case) -> Offer | None:
    """The reply that named the same client a boot file in the last boot before this one where one did."""
    for boot in reversed(case.machine.boots[: case.boot_index]):
        for stage in boot.stages:
            named = boot_file_of(stage) if stage.client == case.client else None
            if named and named.heard:
                return Offer.of(named.heard)
    return None


def _bring_back(case: Case, before: Offer) -> Fix:
    relayed = " And is it still among the relay's helper addresses?" if case.offers[0].message.relay else ""
    return Fix("shell", f"ss -lunp 'sport = :67'   # on {before.server}: does its service run?{relayed}")
