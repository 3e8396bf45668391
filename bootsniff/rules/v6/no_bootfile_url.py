"""v6-no-bootfile-url; reads records, never changes them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ...model import Finding, Fix
from .. import fixes, names
from ..case import Case
from ..evidence import evidence, first_and_last
from ..offers import is_web_url
from ..rule import Rule

_TFTP = re.compile(r"tftp://\[[0-9A-Fa-f:.]+\]/.")
"""What edk2 takes: an address in brackets, no name and no port (PxeBcExtractBootFileUrl)."""


class V6NoBootfileUrl(Rule):
    """DHCPv6 gives an address but no boot file URL that the firmware can use.

    What happens
        The firmware tries its IPv6 boot option, is answered, and finds nothing to fetch.
    On the wire
        SOLICIT and ADVERTISE, perhaps REQUEST and REPLY, without option 59, or with a URL of another kind. PXE wants
        tftp://[address]/file with an address in brackets, HTTP boot an http URL and option 16 with HTTPClient.
    Not to be confused with
        SOLICITs that nobody answers: a network without IPv6, which is normal. An answer without an address
        (v6-stateless-not-supported). A good URL, and no request all the same (v6-ra-missing-or-bootparam).
    Causes
        A DHCPv6 server that serves the operating systems and knows nothing of boot; options given for DHCPv4 only.
    Fix
        Give option 59; for HTTP boot option 16, too. The architecture stands in option 61 of DHCPv6.
    Sources
        RFC 5970 section 3.1; edk2 NetworkPkg PxeBcDhcp6.c and HttpBootDhcp6.c; dnsmasq manual page.
    """

    code = "v6-no-bootfile-url"
    stage = "dhcp"
    needs = "dhcp6"
    side_issue = True
    summary = "DHCPv6 server {server} offers {name} {what} (option 59)"

    def check(self, case: Case) -> Iterator[Finding]:
        dhcp = case.dhcp6
        if dhcp is None or case.client == "os" or case.stage.fetches:
            return
        answers = [*dhcp.replies, *dhcp.advertises]
        urls = [heard.message.boot_file_url for heard in answers if heard.message.boot_file_url]
        if not answers or any(_usable(case, url) for url in urls):
            return
        if not any(heard.message.addresses for heard in answers):
            return  # stateless, or nothing to give
        again = [heard for heard in dhcp.solicits if heard.at.time > answers[-1].at.time]
        server = answers[0].source
        told = f"with the URL {urls[0]}" if urls else "without option 59"
        loader = names.loader_for(case.client)
        url = f"http://[fd00::1]/{loader}" if case.is_http else f"tftp://[fd00::1]/{loader}"
        vendor = ["dhcp-option-force=option6:16,343,HTTPClient"] if case.is_http else []
        number = case.stage.arch[0] if case.stage.arch else None
        match = [f"dhcp-match=set:{case.tag},option6:61,{number}"] if number is not None else []
        yield self.finding(
            case,
            [
                *(evidence(heard, f"ADVERTISE {told}") for heard in dhcp.advertises[:1]),
                *(evidence(heard, f"REPLY {told}") for heard in dhcp.replies[:1]),
                *first_and_last(again, "SOLICIT again"),
            ],
            subject=server,
            server=server,
            name=case.stage.name or case.client,
            what=f"the URL {urls[0]}, which it cannot use" if urls else "no boot file URL",
            expected=f"Option 59 with a URL such as {url}.",
            fixes=fixes.arrange(
                case,
                *fixes.dnsmasq(
                    *match,
                    f"dhcp-option=tag:{case.tag},option6:bootfile-url,{url}"
                    if match
                    else f"dhcp-option=option6:bootfile-url,{url}",
                    *vendor,
                ),
                Fix("kea", f'"option-data": [{{"name": "bootfile-url", "data": {fixes.quoted(url)}}}]'),
                Fix("isc-dhcpd", f"option dhcp6.bootfile-url {fixes.quoted(url)};"),
            ),
        )


def _usable(case: Case, url: str) -> bool:
    if case.is_http:
        return is_web_url(url)
    return not case.is_efi_pxe or _TFTP.match(url) is not None
