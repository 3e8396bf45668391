"""dns-server-missing-for-name-uri; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...model import Finding
from ...track.kinds import is_http_client, is_ipxe
from ...wire import urls
from .. import fixes
from ..case import Case
from ..evidence import evidence, first_and_last
from ..rule import Rule


class DnsServerMissing(Rule):
    """The boot URL has a host name, but no name server was given.

    What happens
        HTTP boot firmware gets a URL with a name and no option 6, so it could never look the name up. edk2 sorts such an
        offer out at once and goes on asking.
    On the wire
        OFFER with option 60 HTTPClient and a URL with a host name, without option 6; no REQUEST follows.
    Not to be confused with
        A name server that was given and fails (dns-lookup-failed). An offer without the HTTPClient echo
        (dhcp-http-vendor-class-not-echoed).
    Causes
        dnsmasq with port=0 sends no option 6 by itself; a scope without name servers.
    Fix
        Give option 6, or write the URL with an address.
    Sources
        edk2 NetworkPkg HttpBootDhcp4.c (HttpOfferTypeDhcpNameUri, HttpBootSelectDhcpOffer).
    """

    code = "dns-server-missing-for-name-uri"
    stage = "dhcp"
    needs = "dhcp4"
    summary = "{server} offers {url}, a name, but no name server (option 6)"

    def concerns(self, client: str) -> bool:
        return is_http_client(client) or is_ipxe(client)

    def check(self, case: Case) -> Iterator[Finding]:
        dhcp = case.dhcp4
        if dhcp is None or case.stage.lookups or case.stage.connections:
            return
        if case.is_http and (dhcp.requests or case.acks):
            return  # taken: edk2 requests only what it can use
        replies = [*case.offers, *case.proxy_offers] if case.is_http else case.acks
        if any(reply.dns_servers for reply in [*replies, *case.offers]):
            return
        for reply in replies:
            if (
                not reply.is_url
                or (case.is_http and not reply.echoes_http)
                or not urls.is_name(urls.host_of(reply.boot_file or ""))
            ):
                continue
            again = case.asked_again(reply)
            router = next(iter(reply.routers), reply.server)
            yield self.finding(
                case,
                [
                    evidence(reply.heard, "offer with a name in its URL and no option 6"),
                    *first_and_last(again, "DISCOVER again"),
                ],
                server=reply.server,
                url=reply.boot_file,
                expected="Option 6 with a name server.",
                fixes=fixes.option(case, 6, router, "domain-name-servers", "domain-name-servers"),
            )
            return
