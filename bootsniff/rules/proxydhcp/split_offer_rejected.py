"""proxydhcp-split-offer-rejected; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...model import Finding
from .. import fixes
from ..case import Case
from ..evidence import evidence, first_and_last
from ..rule import Rule


class ProxyDhcpSplitOfferRejected(Rule):
    """The firmware does not put a DHCP offer and a ProxyDHCP offer together.

    What happens
        A DHCP server gives the address, a ProxyDHCP server the boot file, both well-formed; some firmware takes neither.
    On the wire
        Two good OFFERs, one with an address and one with option 60 PXEClient and boot data; no REQUEST, DISCOVERs again at 4,
        12 and 28 s, nothing to port 4011.
    Not to be confused with
        A ProxyDHCP offer without PXEClient (proxydhcp-offer-without-pxeclient).
    Causes
        Firmware that wants the boot data from the server of its address.
    Fix
        Let the DHCP server name the file and its server, and leave the proxy out.
    Sources
        PXE specification 2.1 section 2.2; garybowers/bootimus issue 77.
    """

    code = "proxydhcp-split-offer-rejected"
    stage = "proxydhcp"
    needs = "dhcp4"
    summary = "{name} takes neither the offer of {server} nor the ProxyDHCP offer of {proxy}"

    def check(self, case: Case) -> Iterator[Finding]:
        dhcp = case.dhcp4
        if dhcp is None or dhcp.requests or dhcp.acks or dhcp.pxe_requests or not case.is_firmware_pxe:
            return
        proxy = next(
            (offer for offer in case.proxy_offers if offer.echoes_pxe and (offer.boot_file or offer.has_pxe_options)),
            None,
        )
        if proxy is None or not case.offers or any(offer.boot_file for offer in case.offers):
            return
        again = case.asked_again(proxy, case.offers[0])
        if len(again) < 2:
            return
        yield self.finding(
            case,
            [
                evidence(case.offers[0].heard, f"offer of {case.offers[0].address}"),
                evidence(proxy.heard, "ProxyDHCP offer"),
                *first_and_last(again, "DISCOVER again"),
            ],
            confidence="likely",
            subject=proxy.server,
            name=case.stage.name or case.client,
            server=case.offers[0].server,
            proxy=proxy.server,
            expected="A REQUEST for the offered address.",
            proof="The same boot with the file named by the DHCP server itself.",
            fixes=fixes.boot_file(case, proxy.boot_file, proxy.next_server),
        )
