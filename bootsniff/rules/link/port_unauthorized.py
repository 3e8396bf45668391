"""link-port-unauthorized; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...model import NANOSECONDS, Finding, Fix
from ...track.ports import GuardedPort
from ...track.records import StageRecord, World
from .. import fixes
from ..case import Case
from ..evidence import evidence, first_and_last, maybe
from ..rule import Rule

_PERIOD = 60 * NANOSECONDS
"""Longest time between two requests of a port that is worth while: 30 s is what switches come with (tx-period)."""


class LinkPortUnauthorized(Rule):
    """The switch port waits for IEEE 802.1X, which boot firmware does not speak.

    What happens
        The port lets nothing through but EAP until somebody behind it tells who he is. Firmware and iPXE do not answer, so that
        the port drops their DISCOVERs. After three requests, 90 s with the timers that switches come with, it may let the
        machine in by its MAC, or into a guest VLAN: too late for firmware.
    On the wire
        EAP requests for the identity (ethertype 0x888E) from the switch, to 01:80:c2:00:00:03 or to the machine, and no
        response of the machine; then EAP failure. DISCOVERs meanwhile, and no OFFER. Switches do not pass EAP on: only a
        capture on the machine's own link, or a mirror of its port, shows it.
    Not to be confused with
        A port that asks, and lets the machine pass nevertheless (open mode, its MAC is known at once): then there are OFFERs.
        A machine that does answer, and a server that never does (dhcp-no-offer). A capture at a server's port, which asks as
        well: other machines are heard there, and the finding is no more than possible. Spanning tree (link-stp-delay).
    Causes
        802.1X on the port without a way in for machines that do not speak it, or with one that opens only after its timers.
        A program that takes the link down makes the port begin anew: firmware is served, iPXE is not.
    Fix
        Let the port ask for the MAC first (MAC authentication bypass), or shorten its timers; or open mode with an access
        list that lets DHCP, TFTP and HTTP pass.
    Sources
        IEEE 802.1X clauses 8 and 11.3; RFC 3748 sections 4 and 5.1; Cisco IOS, Configuring IEEE 802.1X Port-Based
        Authentication (tx-period 30 s, max-reauth-req 2).
    """

    code = "link-port-unauthorized"
    stage = "link"
    needs = "dhcp4"
    explains_away = (
        "dhcp-no-offer",
        "dhcp-pool-exhausted",
        "link-dhcp-blocked-by-host-firewall",
        "link-stp-delay",
    )
    summary = "the switch port asks by 802.1X who is there, {client} does not answer, and no DISCOVER gets through"

    def concerns(self, client: str) -> bool:
        return client != "os"

    def may(self, _stage: StageRecord, world: World) -> bool:
        return bool(world.guarded_ports)

    def check(self, case: Case) -> Iterator[Finding]:
        dhcp, mac = case.dhcp4, case.machine.mac
        if dhcp is None or dhcp.discover_count < 2 or dhcp.answered or not case.failed_here:
            return
        port = _port(case, dhcp.discovers[0].time, dhcp.discovers[-1].time)
        if port is None or mac in case.world.supplicants:
            return
        yield self.finding(
            case,
            [
                evidence(port.since, "EAP request: who is there?"),
                *([evidence(port.last, "the latest one")] if port.last != port.since else []),
                *maybe(port.refused, "EAP failure"),
                *first_and_last(dhcp.discovers, "DISCOVER without an answer"),
            ],
            confidence="possible" if port.target is None and _may_be_anothers(case) else "likely",
            client=case.stage.name or case.client,
            expected="A port that lets machines pass that do not speak 802.1X.",
            proof="The switch: is the port authorized (show authentication sessions)? The same boot without 802.1X on the port.",
            fixes=fixes.arrange(
                case,
                Fix(
                    "ios",
                    "interface GigabitEthernet1/0/1\n mab\n authentication order mab dot1x\n dot1x timeout tx-period 5",
                ),
                Fix("ios", "interface GigabitEthernet1/0/1\n authentication open   # with an access list on the port"),
            ),
        )


def _may_be_anothers(case: Case) -> bool:
    """Whether a port that asks everybody behind it may be a server's own, or another machine's: what others say shows here.

    On the link of a machine whose port is closed nobody else is heard (IEEE 802.1X, controlled directions: both, as
    switches come).
    """
    world, own = case.world, case.machine.mac
    port_of = world.quality.port_of
    return bool(case.overview.dhcp_servers) or len(world.machines) > 1 or bool(port_of and own not in port_of)


def _port(case: Case, first: int, last: int) -> GuardedPort | None:
    """A port that asked this machine, or everybody, from `first` to `last`, ns, and was not told."""
    for mac, port in case.world.guarded_ports.items():
        if port.over or mac == case.machine.mac or port.target not in (None, case.machine.mac):
            continue
        if port.since.time <= last and port.last.time >= first - _PERIOD:
            return port
    return None
