"""proxydhcp-offer-without-pxeclient; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...model import Finding, Fix
from .. import fixes
from ..case import Case
from ..evidence import evidence, first_and_last
from ..recognise import dnsmasq_match
from ..rule import Rule


class ProxyDhcpOfferWithoutPxeclient(Rule):
    """The ProxyDHCP server's offer does not say PXEClient.

    What happens
        A ProxyDHCP server offers boot data beside the DHCP server, but PXE programs only take it for one when its option 60
        says PXEClient. The boot data are dropped.
    On the wire
        OFFER with yiaddr 0.0.0.0 and no option 60 that begins with PXEClient. iPXE takes its lease and has nothing to boot;
        edk2 sends no REQUEST.
    Not to be confused with
        No ProxyDHCP at all (dhcp-offer-without-boot-file); a proxy that is silent for this kind of client
        (proxydhcp-silent-for-non-pxeclient).
    Causes
        A server of one's own that leaves option 60 out; dnsmasq adds it only for requests whose option 60 begins with a
        dhcp-pxe-vendor value.
    Fix
        Send option 60 = PXEClient, and option 97 as the client sent it.
    Sources
        PXE specification 2.1 section 2.2.3; iPXE dhcp.c; edk2 NetworkPkg PxeBcDhcp4.c; dnsmasq rfc2131.c (pxe_misc).
    """

    code = "proxydhcp-offer-without-pxeclient"
    stage = "proxydhcp"
    needs = "dhcp4"
    misses_options = True
    explains_away = ("dhcp-offer-without-boot-file", "chain-ipxe-nothing-to-boot")
    summary = "the ProxyDHCP offer of {server} {what}; {name} does not take it"

    def check(self, case: Case) -> Iterator[Finding]:
        if not case.proxy_offers or not (case.is_firmware_pxe or case.is_ipxe) or case.stage.fetches:
            return
        if any(offer.echoes_pxe for offer in case.proxy_offers) or any(o.boot_file for o in [*case.offers, *case.acks]):
            return
        dhcp = case.dhcp4
        if dhcp is None or dhcp.pxe_requests:
            return
        proxy = case.proxy_offers[0]
        again = case.asked_again(proxy)
        match, tags = dnsmasq_match(case)
        said = f"has option 60 “{proxy.vendor_class}”" if proxy.vendor_class else "has no option 60"
        yield self.finding(
            case,
            [
                evidence(proxy.heard, "ProxyDHCP offer without PXEClient"),
                *(evidence(offer.heard, "offer with the address, no boot file") for offer in case.offers[:1]),
                *first_and_last(again, "DISCOVER again"),
                *(evidence(ack.heard, "lease, nothing follows") for ack in case.acks[:1]),
            ],
            subject=proxy.server,
            server=proxy.server,
            what=f"{said} instead of PXEClient" if proxy.vendor_class else said,
            name=case.stage.name or case.client,
            expected="Option 60 = PXEClient in the ProxyDHCP offer.",
            fixes=fixes.arrange(
                case,
                Fix(
                    "dnsmasq",
                    "\n".join(("dhcp-pxe-vendor=PXEClient", *match, f"dhcp-option-force={tags},60,PXEClient")),
                ),
                fixes.isc_branch(case, 'option vendor-class-identifier "PXEClient";'),
            ),
        )
