"""dhcp-http-vendor-class-not-echoed; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...model import Finding
from ...track.kinds import is_http_client
from ...wire import dhcp_options
from ...wire.http import is_web_url
from .. import fixes
from ..case import Case
from ..evidence import evidence, first_and_last
from ..rule import Rule
from ..v6.no_bootfile_url import url_fixes


class DhcpHttpVendorClassNotEchoed(Rule):
    """The offer has a boot URL, but does not say HTTPClient, so UEFI HTTP boot ignores it.

    What happens
        The firmware asks as HTTPClient. The server offers the right URL, yet without option 60 = HTTPClient in its
        answer. The firmware then takes it for an ordinary DHCP server and keeps waiting for a real one.
    On the wire
        DISCOVER with option 60 HTTPClient:Arch:…; OFFER with an http URL and no option 60 that begins with the ten bytes
        HTTPClient (absent, or PXEClient). DISCOVERs go on after 4, 8, 16 and 32 s, never a REQUEST. Over IPv6 the same with
        option 59 and option 16 of the ADVERTISE: HTTPClient has to stand there behind an enterprise number and a length.
    Not to be confused with
        An offer that was accepted (a REQUEST follows); HTTPClient echoed with a path instead of a URL
        (dhcp-http-offer-without-usable-uri); no URL at all (dhcp-offer-without-boot-file). A PXE client takes a URL for a
        file name and needs no echo.
    Causes
        Servers do not echo option 60 by themselves; a rule for HTTP clients that sets only the file name. dnsmasq takes the
        value of option6:16 for texts, so that bytes in hexadecimal go out as letters.
    Fix
        Send option 60 = HTTPClient to these clients, over IPv6 option 16.
    Sources
        edk2 NetworkPkg HttpBootDhcp4.c and HttpBootDhcp6.c; RFC 8415 section 21.16; UEFI specification section 24.7.2 (HTTP boot); lab captures with dnsmasq 2.90.
    """

    code = "dhcp-http-vendor-class-not-echoed"
    stage = "dhcp"
    misses_options = True
    summary = "{server} offers {url} but {echo}; UEFI HTTP boot ignores the offer"

    def concerns(self, client: str) -> bool:
        return is_http_client(client)

    def check(self, case: Case) -> Iterator[Finding]:
        yield from self._over_ipv6(case)
        dhcp = case.dhcp4
        if dhcp is None or dhcp.request_count or dhcp.requests or case.acks:
            return
        replies = [*case.offers, *case.proxy_offers]
        if any(reply.echoes_http for reply in replies):
            return
        with_url = [reply for reply in replies if reply.is_url]
        if not with_url:
            return
        offer = with_url[0]
        again = case.asked_again(offer)
        echo = f"answers as {offer.vendor_class}" if offer.vendor_class else "does not echo option 60 HTTPClient"
        role = f"offer with option 60 {offer.vendor_class}" if offer.vendor_class else "offer without option 60"
        yield self.finding(
            case,
            [
                *(evidence(heard, "DISCOVER as HTTPClient") for heard in dhcp.discovers[:1]),
                evidence(offer.heard, role),
                *first_and_last(again, "DISCOVER again, the offer is ignored"),
            ],
            confidence="certain" if again else "likely",
            server=offer.server,
            url=offer.boot_file,
            echo=echo,
            expected="An OFFER whose option 60 begins with HTTPClient, and a REQUEST in answer to it.",
            proof="" if again else "A longer capture: does the machine repeat its DISCOVER?",
            fixes=fixes.http_boot(case, offer.boot_file or fixes.example_url(case)),
        )

    def _over_ipv6(self, case: Case) -> Iterator[Finding]:
        dhcp = case.dhcp6
        if dhcp is None or dhcp.requests or case.stage.fetches:
            return
        answers = [*dhcp.advertises, *dhcp.replies]
        with_url = [heard for heard in answers if is_web_url(heard.message.boot_file_url or "")]
        if not with_url or any(
            (heard.message.vendor_class or "").startswith(dhcp_options.HTTP_CLASS) for heard in answers
        ):
            return
        first = with_url[0]
        again = case.solicited_again(first)
        said, url = first.message.vendor_class, first.message.boot_file_url or ""
        yield self.finding(
            case,
            [
                *(evidence(heard, "SOLICIT as HTTPClient") for heard in dhcp.solicits[:1]),
                evidence(first, f"ADVERTISE with option 16 {said}" if said else "ADVERTISE without option 16"),
                *first_and_last(again, "SOLICIT again, the answer is ignored"),
            ],
            confidence="certain" if again else "likely",
            subject=first.source,
            server=first.source,
            url=url,
            echo=f"its option 16 says {said}" if said else "does not echo HTTPClient (option 16 of DHCPv6)",
            expected="An ADVERTISE whose option 16 says HTTPClient, and a REQUEST in answer to it.",
            proof="" if again else "A longer capture: does the machine repeat its SOLICIT?",
            fixes=url_fixes(case, url),
        )
