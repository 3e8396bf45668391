"""v6-ra-missing-or-bootparam; reads records, never changes them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import ip_network

from ...model import Finding, Fix
from ...track.exchanges import Dhcp6Exchange, Heard
from ...wire.messages import Dhcpv6Message
from .. import fixes
from ..case import Case
from ..evidence import evidence
from ..rule import Rule
from .nearby import elsewhere

_SIZE = re.compile(r"[0-9A-Fa-f]{1,5}")
"""What edk2 takes the first boot file parameter for: the size of the file (PxeBcExtractBootFileParam)."""


class V6RaMissingOrBootparam(Rule):
    """IPv6: the answer is complete, but nothing follows: boot file parameters, or no router to the server.

    What happens
        edk2 reads the first boot file parameter (option 60) as the size of the file; when it is anything else, it gives up
        with “BootFile does not exist” and asks for nothing. Or the boot server is on another network, and no router
        advertises itself: DHCPv6 names no routers.
    On the wire
        REPLY with an address and a URL and no request after it: with option 60 whose first string is no number; or with a
        server outside the /64 of the address while no router advertisement is in the capture; or, with one, a Raspberry
        Pi's, which looks for the address `::` then.
    Not to be confused with
        No URL at all (v6-no-bootfile-url), no address (v6-stateless-not-supported). A server that is asked and is silent
        (tftp-no-reply).
    Causes
        Parameters meant for an operating system (Windows PE's BCD); a router without advertisements, or with a lifetime
        of 0.
    Fix
        Send no option 60 to firmware; let the router advertise itself.
    Sources
        RFC 5970 section 3.2; RFC 4861 section 4.2; edk2 NetworkPkg PxeBcDhcp6.c and PxeBcBoot.c; tianocore/edk2 issue
        10114; raspberrypi/firmware issues 1808 and 1938.
    """

    code = "v6-ra-missing-or-bootparam"
    stage = "dhcp"
    needs = "dhcp6"
    side_issue = True
    summary = "DHCPv6 server {server} gives {name} an address and {url}, {what}"

    def check(self, case: Case) -> Iterator[Finding]:
        dhcp, stage = case.dhcp6, case.stage
        if dhcp is None or not case.over or not case.asked_nothing:
            return
        reply = _complete(dhcp)
        if reply is None:
            return
        parameters = reply.message.boot_file_parameters
        if case.is_efi_pxe and parameters and not _SIZE.fullmatch(parameters[0]):
            yield self.finding(
                case,
                [evidence(reply, f"option 60: “{parameters[0]}”; nothing follows")],
                subject=reply.source,
                server=reply.source,
                name=stage.name or case.client,
                url=reply.message.boot_file_url,
                what=f"with the boot file parameter “{parameters[0]}”, which firmware takes for a size",
                expected="A request for the file.",
                fixes=fixes.arrange(
                    case,
                    Fix("dnsmasq", "# remove: dhcp-option=option6:bootfile-param,…"),
                    Fix("kea", '// remove the "bootfile-param" option-data'),
                ),
            )
            return
        target = elsewhere(reply.message)
        if target is None or case.is_ipxe:
            return
        if case.machine.vlan in case.world.router_advertisements:
            if case.client == "raspberry-pi":
                yield self._no_way_out(case, reply, target)
            return
        yield self.finding(
            case,
            [evidence(reply, f"lease of {reply.message.addresses[0]}; nothing follows")],
            confidence="likely",
            subject=reply.source,
            server=reply.source,
            name=stage.name or case.client,
            url=reply.message.boot_file_url,
            what=f"but {target} is on another network, and no router advertises itself",
            expected="A router advertisement, then a request for the file.",
            proof="radvdump, or a capture with the filter icmp6, on this network.",
            fixes=fixes.arrange(
                case,
                Fix("dnsmasq", "enable-ra"),
                Fix("radvd", "AdvSendAdvert on;\nAdvDefaultLifetime 1800;"),
            ),
        )

    def _no_way_out(self, case: Case, reply: Heard[Dhcpv6Message], target: str) -> Finding:
        """A Raspberry Pi that looks for `::` where it should look for the router."""
        return self.finding(
            case,
            [evidence(reply, f"lease of {reply.message.addresses[0]}; nothing follows")],
            confidence="possible",
            subject=reply.source,
            server=reply.source,
            name=case.stage.name or case.client,
            url=reply.message.boot_file_url,
            what=f"but {target} is on another network, and this firmware finds no way through the router",
            expected="A neighbor solicitation for the router's address, then a request for the file.",
            proof="A capture with the filter icmp6: does it look for :: (to ff02::1:ff00:0)?",
            fixes=(Fix("kea", f"// a TFTP server on its own network:\n{_example(reply.message)}"),),
        )


def _example(message: Dhcpv6Message) -> str:
    own = ip_network(f"{message.addresses[0]}/64", strict=False).network_address
    return f'"option-data": [{{"name": "bootfile-url", "data": "tftp://[{own}1]/"}}]'


def _complete(dhcp: Dhcp6Exchange) -> Heard[Dhcpv6Message] | None:
    """The latest REPLY with an address and a URL."""
    whole = [heard for heard in dhcp.replies if heard.message.addresses and heard.message.boot_file_url]
    return whole[-1] if whole else None
