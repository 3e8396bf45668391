"""dhcp-router-missing; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...model import Finding
from ...track.boot_file import server_behind_no_router
from .. import fixes
from ..case import Case
from ..evidence import evidence
from ..rule import Rule


class DhcpRouterMissing(Rule):
    """The boot server is on another network, and the machine was given no router.

    What happens
        The machine has its address, but no way to the boot server: the DHCP reply has no router. edk2 and iPXE do not even
        try and report a network that is unreachable ("PXE-E18", "Network unreachable 280a6090").
    On the wire
        The whole DHCP exchange; the boot server's address lies outside the network that address and mask (option 1) make;
        no option 3, no option 121. Then nothing: no ARP, no request.
    Not to be confused with
        A router that is named and does not answer, and programs that ask for the server itself by ARP
        (arp-next-server-unanswered). A boot server on the machine's own network, which needs no router.
    Causes
        A network that was meant to be isolated, with a boot server that later moved behind a router; option 3 switched off
        (dnsmasq: dhcp-option=3 without a value); a next-server that is wrong.
    Fix
        Give a router, or correct the boot server's address.
    Sources
        RFC 2132 section 3.5; RFC 1122 section 3.3.1; edk2 NetworkPkg Ip4Route.c; lab capture with OVMF and dnsmasq.
    """

    code = "dhcp-router-missing"
    stage = "dhcp"
    needs = "dhcp4"
    misses_options = True
    explains_away = ("http-plain-disabled", "tls-unsupported", "dhcp-next-server-is-a-name")
    summary = "the boot server {target} is not on the network of {address}, and {server} gives no router (option 3)"

    def check(self, case: Case) -> Iterator[Finding]:
        stage = case.stage
        if not case.acks or case.client == "os" or not case.asked_nothing:
            return
        ack = case.acks[-1]
        target = server_behind_no_router(stage)
        if target is None or any(arps.target == target for arps in stage.arps):
            return
        quality = case.world.quality
        sees = quality.arp_seen and quality.sees_replies and not quality.dropped_frames
        yield self.finding(
            case,
            [evidence(ack.heard, f"lease of {ack.address}, mask {ack.subnet_mask}, no option 3; nothing follows")],
            confidence="certain" if sees else "likely",
            subject=target,
            target=target,
            address=ack.address,
            server=ack.server,
            expected="Option 3 with the router to that network, then ARP for it.",
            proof="" if sees else "A capture without a filter, or the machine's screen.",
            fixes=fixes.router(case, ack),
        )
