"""dns-server-missing-for-name-uri; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...model import Finding, Fix
from ...track.kinds import is_http_client, is_ipxe
from ...wire import dhcp_options, urls
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
        OFFER with option 60 HTTPClient and a URL with a host name, without option 6; no REQUEST follows. Over IPv6 ADVERTISE
        with options 16 and 59, without option 23; what routers advertise does not count for edk2.
    Not to be confused with
        A name server that was given and fails (dns-lookup-failed). An offer without the HTTPClient echo
        (dhcp-http-vendor-class-not-echoed).
    Causes
        dnsmasq with port=0 sends no option 6 by itself; a scope without name servers.
    Fix
        Give option 6, over IPv6 option 23, or write the URL with an address.
    Sources
        edk2 NetworkPkg HttpBootDhcp4.c and HttpBootDhcp6.c (HttpOfferTypeDhcpNameUri, HttpBootSelectDhcpOffer).
    """

    code = "dns-server-missing-for-name-uri"
    stage = "dhcp"
    misses_options = True
    summary = "{server} offers {url}, a name, but no name server ({option})"

    def concerns(self, client: str) -> bool:
        return is_http_client(client) or is_ipxe(client)

    def check(self, case: Case) -> Iterator[Finding]:
        yield from self._over_ipv6(case)
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
                option="option 6",
                expected="Option 6 with a name server.",
                fixes=fixes.option(case, 6, router, "domain-name-servers", "domain-name-servers"),
            )
            return

    def _over_ipv6(self, case: Case) -> Iterator[Finding]:
        """The same with ADVERTISE, options 59 and 23; programs that are no firmware may learn name servers from routers."""
        dhcp = case.dhcp6
        if dhcp is None or not case.is_http or dhcp.requests or case.stage.lookups or case.stage.connections:
            return
        answers = [*dhcp.advertises, *dhcp.replies]
        named = [heard for heard in answers if urls.is_name(urls.host_of(heard.message.boot_file_url or ""))]
        if not named or any(heard.message.dns_servers for heard in answers):
            return
        first = named[0]
        if not (first.message.vendor_class or "").startswith(dhcp_options.HTTP_CLASS):
            return
        again = case.solicited_again(first)
        server = f"{fixes.prefix6(case)}1"
        yield self.finding(
            case,
            [
                evidence(first, "ADVERTISE with a name in its URL and no option 23"),
                *first_and_last(again, "SOLICIT again"),
            ],
            confidence="certain" if again else "likely",
            subject=first.source,
            server=first.source,
            url=first.message.boot_file_url or "",
            option="option 23 of DHCPv6",
            expected="Option 23 with a name server.",
            proof="" if again else "A longer capture: does the machine repeat its SOLICIT?",
            fixes=fixes.arrange(
                case,
                *fixes.dnsmasq(f"dhcp-option=option6:dns-server,[{server}]"),
                Fix("isc-dhcpd", f"option dhcp6.name-servers {server};"),
                Fix("kea", f'// in "Dhcp6":\n"option-data": [{{"name": "dns-servers", "data": "{server}"}}]'),
            ),
        )
