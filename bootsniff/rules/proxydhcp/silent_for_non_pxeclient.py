"""proxydhcp-silent-for-non-pxeclient; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...model import Finding, Fix
from ...track.kinds import is_http_client, is_u_boot
from .. import fixes, quoting
from ..case import Case
from ..evidence import evidence, first_and_last
from ..overview import proxies_among
from ..rule import Rule


class ProxyDhcpSilentForNonPxeclient(Rule):
    """The ProxyDHCP server answers PXE clients only.

    What happens
        A server that hands boot data to PXE firmware says nothing to HTTP boot firmware or U-Boot.
    On the wire
        The same server sends ProxyDHCP offers to DISCOVERs with option 60 PXEClient and none to HTTPClient or U-Boot.
    Not to be confused with
        A DHCP server that answers everybody and has no file for this kind (dhcp-offer-without-boot-file).
    Causes
        dnsmasq's proxy mode answers only the vendor classes of dhcp-pxe-vendor, by default PXEClient.
    Fix
        dhcp-pxe-vendor=PXEClient,HTTPClient, and a dhcp-boot line for the kind: dnsmasq sends its vendor class back.
    Sources
        dnsmasq manual page (dhcp-pxe-vendor) and rfc2131.c (is_pxe_client); lab captures with dnsmasq 2.90.
    """

    code = "proxydhcp-silent-for-non-pxeclient"
    stage = "proxydhcp"
    needs = "dhcp4"
    explains_away = ("dhcp-offer-without-boot-file", "dhcp-no-offer")
    summary = "ProxyDHCP server {server} answers PXEClient but not {kind}"

    def concerns(self, client: str) -> bool:
        return is_http_client(client) or is_u_boot(client)

    def check(self, case: Case) -> Iterator[Finding]:
        dhcp = case.dhcp4
        if dhcp is None or dhcp.discover_count < 2 or not dhcp.discovers:
            return
        if not case.offers or case.proxy_offers or case.boot_file or case.stage.fetches:
            return  # without an address from anybody no proxy would have helped
        kind = (case.stage.vendor_class or "").split(":")[0].split(".")[0]
        own = proxies_among(case.boot.stages)  # the one that spoke to this very machine comes before any other
        others = {server: heard for server, heard in case.overview.proxies.items() if server not in own}
        for server, heard in {**own, **others}.items():
            record = case.world.servers.get(server)
            if record and kind in record.answered_vendor_classes and server not in {o.server for o in case.offers}:
                continue
            if any(offer.server == server for offer in case.offers):
                continue
            yield self.finding(
                case,
                [
                    evidence(heard, f"ProxyDHCP offer of {server} to PXEClient"),
                    *first_and_last(dhcp.discovers, f"DISCOVER as {kind or case.client}, the proxy is silent"),
                ],
                confidence="likely" if not case.world.quality.dropped_frames else "possible",
                subject=server,
                server=server,
                kind=kind or case.client,
                expected="A ProxyDHCP offer with boot data for this kind, too.",
                proof="The proxy's configuration: which vendor classes does it serve?",
                fixes=_fixes(case, kind, server),
            )
            return


def _fixes(case: Case, kind: str, server: str) -> tuple[Fix, ...]:
    """Dnsmasq takes the class for one of PXE, sends it back, and needs a boot file for it."""
    loader = fixes.example_file(case)
    boot = (
        fixes.dnsmasq_boot(case, f"http://{server}/{loader}")
        if case.is_http
        else fixes.dnsmasq_boot(case, loader, server)
    )
    return (Fix("dnsmasq", f"dhcp-pxe-vendor=PXEClient,{quoting.field(kind or 'HTTPClient')}\n{boot[0].text}"),)
