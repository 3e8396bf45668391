"""v6-no-advertise; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...model import Finding, Fix
from .. import fixes, names
from ..case import Case
from ..evidence import evidence, first_and_last
from ..rule import Rule


class V6NoAdvertise(Rule):
    """A router sends machines to DHCPv6, and no DHCPv6 server answers.

    What happens
        The router's advertisements say that addresses come from DHCPv6, so a server is meant to be there. The firmware
        solicits until its patience ends: PXE-E16.
    On the wire
        A router advertisement with the managed flag (M), two or more SOLICITs of one machine, and no ADVERTISE or REPLY for
        it.
    Not to be confused with
        SOLICITs in a network without IPv6, or whose routers give addresses themselves: no fault. A server that answers without
        an address (v6-stateless-not-supported) or without a URL (v6-no-bootfile-url).
    Causes
        The server is down, or does not listen on this interface: Kea that is started before the interface has its link-local
        address gives up on it at once (DHCPSRV_NO_SOCKETS_OPEN); its subnet names no interface, so that it serves relays
        only (Kea: "interface" in subnet6; it logs DHCP6_SUBNET_SELECTION_FAILED); a firewall that drops UDP port 547; a relay
        that is missing.
    Fix
        Have the server listen here, and name the interface in its subnet; accept UDP port 547; relay.
    Sources
        RFC 4861 section 4.2; RFC 8415 sections 18.2.1 and 18.3.1; Kea Administrator Reference Manual, DHCPv6 server
        configuration (subnet selection); lab captures with Kea 2.2.
    """

    code = "v6-no-advertise"
    stage = "dhcp"
    needs = "dhcp6"
    side_issue = True
    summary = "{count} SOLICITs in {time} and no ADVERTISE, although the router names DHCPv6 for addresses{blind}"

    def concerns(self, client: str) -> bool:
        return client.startswith("efi-")  # iPXE and systems go on with IPv4

    def check(self, case: Case) -> Iterator[Finding]:
        dhcp = case.dhcp6
        managed = case.world.managed6.get(case.machine.vlan)
        if dhcp is None or managed is None or not case.over or dhcp.solicit_count < 2 or not dhcp.solicits:
            return
        if (
            dhcp.advertises
            or dhcp.replies
            or dhcp.answered_besides
            or dhcp.requests
            or case.world.quality.only_requests
        ):
            return
        net = fixes.prefix6(case)
        yield self.finding(
            case,
            [
                evidence(managed, "router advertisement with the managed flag"),
                *first_and_last(dhcp.solicits, "SOLICIT without an answer"),
            ],
            confidence=case.silence(),
            count=dhcp.solicit_count,
            time=names.seconds(dhcp.solicits[-1].at.time - dhcp.solicits[0].at.time),
            blind=case.blind_spot(),
            expected="An ADVERTISE of a DHCPv6 server.",
            proof="The server's log, or a capture on the server's own interface: does the SOLICIT arrive there?",
            fixes=fixes.arrange(
                case,
                Fix("shell", "ss -lunp 'sport = :547'   # is a server listening, and on which address?"),
                fixes.accept("udp", 547),
                Fix("dnsmasq", f"dhcp-range={net}100,{net}1ff,64,1h\nenable-ra"),
                Fix(
                    "kea",
                    '// in "interfaces-config": "interfaces": ["eth0"], "service-sockets-max-retries": 30\n'
                    '// in "Dhcp6"; without the interface a subnet is for relays only:\n'
                    f'"subnet6": [{{\n  "id": 1,\n  "subnet": "{net}/64",\n  "interface": "eth0",\n'
                    f'  "pools": [{{"pool": "{net}100-{net}1ff"}}]\n}}]',
                ),
            ),
        )
