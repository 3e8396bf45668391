"""v6-no-bootfile-url; reads records, never changes them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ...model import Finding, Fix
from ...wire.http import is_web_url
from .. import fixes, names, quoting, recognise
from ..case import Case
from ..evidence import evidence, first_and_last
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
        (v6-stateless-not-supported). A good URL, and no request all the same (v6-ra-missing-or-bootparam), or, of HTTP
        boot, no option 16 with it (dhcp-http-vendor-class-not-echoed).
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
    misses_options = True
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
        again = case.solicited_again(answers[-1])
        server = answers[0].source
        told = f"with the URL {urls[0]}" if urls else "without option 59"
        loader = names.loader_for(case.client)
        url = f"{'http' if case.is_http else 'tftp'}://[{fixes.prefix6(case)}1]/{loader}"
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
            fixes=url_fixes(case, url),
        )


_HTTP_CLASS = "00000157000a" + b"HTTPClient".hex()
"""Option 16: Intel's enterprise number 343, a length, the class; edk2 looks at the ten bytes behind those six."""


def url_fixes(case: Case, url: str) -> tuple[Fix, ...]:
    """Give this kind of client a URL by DHCPv6, HTTP boot with the vendor class echoed."""
    number, tag = recognise.arch(case.stage), case.client
    if number is None:
        lines, condition, test = [], "exists dhcp6.client-arch-type", "option[61].exists"
    else:
        lines = [f"dhcp-match=set:{tag},option6:61,{number}"]
        condition = f"option dhcp6.client-arch-type = {number >> 8:02x}:{number & 255:02x}"
        test = f"option[61].hex == 0x{number:04x}"
    tags = f"tag:{tag}," if lines else ""
    lines.append(f"dhcp-option={tags}option6:bootfile-url,{url}")
    statements = [f"option dhcp6.bootfile-url {quoting.quoted(url)};"]
    data = [f'{{"name": "bootfile-url", "data": {quoting.quoted(url)}}}']
    declared = ""
    if case.is_http:
        # dnsmasq knows option 16 as a list of texts: a first one of two letters fills the enterprise number's place.
        lines.append(f"dhcp-option-force={tags}option6:16,..,HTTPClient")
        declared = "option dhcp6.vendor-class code 16 = { integer 32, integer 16, string };   # at the top, once\n"
        statements.append('option dhcp6.vendor-class 343 10 "HTTPClient";')
        data.append(
            f'{{"name": "vendor-class", "code": 16, "csv-format": false, "data": "{_HTTP_CLASS}", "always-send": true}}'
        )
    inside = "".join(f"  {line}\n" for line in statements)
    told = ",\n    ".join(data)
    return fixes.arrange(
        case,
        *fixes.dnsmasq(*lines),
        Fix("isc-dhcpd", f"{declared}if {condition} {{\n{inside}}}"),
        Fix(
            "kea",
            f'// in "Dhcp6":\n"client-classes": [{{\n  "name": "{tag}",\n  "test": "{test}",\n'
            f'  "option-data": [\n    {told}\n  ]\n}}]',
        ),
    )


def _usable(case: Case, url: str) -> bool:
    if case.is_http:
        return is_web_url(url)
    return not case.is_efi_pxe or _TFTP.match(url) is not None
