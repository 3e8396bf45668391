"""link-dhcp-blocked-by-host-firewall; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...model import Finding, Fix
from ...wire import ports
from .. import fixes
from ..case import Case
from ..evidence import first_and_last
from ..rule import Rule


class LinkDhcpBlockedByHostFirewall(Rule):
    """The capturing host's firewall keeps the DISCOVERs from its own DHCP server.

    What happens
        The packets are captured on the bridge, but the firewall drops them before the DHCP server of the same host sees them.
        A capture takes packets before the firewall.
    On the wire
        DISCOVERs on the bridge, no OFFER, no ICMP. Only the host itself tells the rest: a DHCP server listens on port 67 here,
        and its log shows nothing.
    Not to be confused with
        A server elsewhere (dhcp-no-offer); a server that sees the DISCOVER and has no address for it.
    Causes
        The bridge is in a firewalld zone without the dhcp service.
    Fix
        Allow dhcp, tftp and http in the bridge's zone.
    Sources
        firewalld documentation, libvirt zone; netfilter packet flow (AF_PACKET before INPUT).
    """

    code = "link-dhcp-blocked-by-host-firewall"
    stage = "link"
    needs = "dhcp4"
    summary = "a DHCP server listens on this host, but no OFFER leaves it: its firewall may drop the DISCOVERs{zone}"

    def check(self, case: Case) -> Iterator[Finding]:
        dhcp, host = case.dhcp4, case.world.host
        if dhcp is None or host is None or host.listeners is None or not dhcp.discovers or dhcp.discover_count < 2:
            return
        if dhcp.answered:
            return
        if not any(protocol == "udp" and port == ports.DHCP_SERVER for protocol, _, port in host.listeners):
            return
        if case.overview.dhcp_servers:
            return  # others are served: no firewall
        zone = host.firewalld_zones[0][1] if host.firewalld_zones else "libvirt"
        yield self.finding(
            case,
            first_and_last(dhcp.discovers, "DISCOVER on this host's interface, no OFFER"),
            confidence="possible" if not host.firewalld_zones else "likely",
            severity="warning",
            explains="dhcp-no-offer",
            zone=f" (zone {zone})" if host.firewalld_zones else "",
            expected="An OFFER from this host.",
            proof="The DHCP server's log: does it show the DISCOVER?",
            fixes=fixes.arrange(
                case,
                Fix(
                    "firewalld", f"firewall-cmd --zone={zone} --add-service=dhcp --add-service=tftp --add-service=http"
                ),
                fixes.trusted_bridge(case),
                fixes.accept("udp", 67),
            ),
        )
