"""dhcp-option60-without-43; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...model import Finding, Fix
from .. import fixes
from ..case import Case
from ..evidence import evidence
from ..rule import Rule
from . import port_4011


class DhcpOption60Without43(Rule):
    """An ordinary DHCP server says PXEClient, so UEFI asks its port 4011, where nobody listens.

    What happens
        The DHCP server sends option 60 = PXEClient with its lease. UEFI takes that for the promise of a PXE boot server and
        asks it on port 4011 instead of fetching the named file. BIOS machines boot, UEFI machines do not.
    On the wire
        OFFER or ACK with an address, option 60 PXEClient, a file name and no option 43; then REQUESTs to port 4011 of that
        server without an answer.
    Not to be confused with
        A real ProxyDHCP server that does not answer (proxydhcp-4011-unanswered): its offers have no address.
    Causes
        Option 60 left over in a Windows DHCP scope from the time the boot server ran on the same host; advice for BIOS
        clients applied to all.
    Fix
        Remove option 60 from the scope (for HTTP clients it must be HTTPClient, for PXE clients absent).
    Sources
        edk2 NetworkPkg PxeBcDhcp4.c (PxeBcDhcp4Discover, offer type BINL); support.microsoft.com KB 259670; FOGProject
        documentation pull request 188.
    """

    code = "dhcp-option60-without-43"
    stage = "proxydhcp"
    needs = "dhcp4"
    misses_options = True
    explains_away = ("proxydhcp-4011-unanswered",)
    summary = (
        "DHCP server {server} says PXEClient (option 60) without option 43: the machine asks its port 4011 in vain"
    )

    def check(self, case: Case) -> Iterator[Finding]:
        requests = port_4011.unanswered(case)
        if not requests:
            return
        asked = {heard.target for heard in requests}
        for reply in [*case.acks, *case.offers]:
            if not reply.echoes_pxe or reply.has_pxe_options or not reply.address:
                continue
            if not asked & {reply.server, reply.next_server, "255.255.255.255"}:
                continue
            yield self.finding(
                case,
                [evidence(reply.heard, "option 60 PXEClient, no option 43"), *port_4011.proof(case, requests)],
                subject=reply.server,
                server=reply.server,
                expected="The file named in the offer is fetched by TFTP.",
                fixes=fixes.arrange(
                    case,
                    fixes.windows_removes(case, 60),
                    *fixes.dnsmasq("# remove: dhcp-option=60,PXEClient"),
                    Fix("isc-dhcpd", '# remove: option vendor-class-identifier "PXEClient";'),
                    Fix("kea", '// remove the "vendor-class-identifier" option-data'),
                ),
            )
            return
