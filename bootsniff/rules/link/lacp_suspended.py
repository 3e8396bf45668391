"""link-lacp-suspended; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...model import NANOSECONDS, Finding, Fix
from ...track.ports import LonelyPort
from ...track.records import StageRecord, World
from .. import fixes
from ..case import Case
from ..evidence import evidence, first_and_last
from ..rule import Rule

_SLOW_PERIOD = 30 * NANOSECONDS
"""Between two LACPDUs of a port that sends them slowly (IEEE 802.1AX clause 6.4.12)."""


class LinkLacpSuspended(Rule):
    """The switch keeps the port closed because it belongs to a link aggregation and the firmware speaks no LACP.

    What happens
        The operating system bonds its ports, so the switch's ports are set up as a link aggregation. Firmware knows
        nothing of that: the switch hears no LACPDU from it and suspends the port, and the DISCOVERs go nowhere.
    On the wire
        LACPDUs from the switch that name no partner and neither collect nor distribute, none from the machine, and DISCOVERs
        that nobody answers. It does not clear by itself.
    Not to be confused with
        Spanning tree (link-stp-delay), which lets packets through after 30 to 50 s; a switch that lets single ports work
        without LACP, which has them distribute or gets the DISCOVERs answered; a server's own bond, whose LACPDUs come from
        a host that speaks IP.
    Causes
        A port channel without fallback for single ports.
    Fix
        Let the port work alone until LACPDUs come: fallback, `no lacp suspend-individual`, `force-up`.
    Sources
        IEEE 802.1AX clause 6.4.2.3; Dell knowledge base 000184053; Ruckus FastIron and Extreme EXOS guides (LACP fallback).
    """

    code = "link-lacp-suspended"
    stage = "link"
    needs = "dhcp4"
    explains_away = ("dhcp-no-offer", "dhcp-pool-exhausted", "link-dhcp-blocked-by-host-firewall")
    summary = "the switch port waits for LACP, which firmware does not speak, and lets no DISCOVER through"

    def concerns(self, client: str) -> bool:
        return client != "os"

    def may(self, _stage: StageRecord, world: World) -> bool:
        return bool(world.lonely_ports)

    def check(self, case: Case) -> Iterator[Finding]:
        dhcp = case.dhcp4
        if dhcp is None or dhcp.discover_count < 2 or dhcp.answered or not case.failed_here:
            return
        first, last = dhcp.discovers[0].time, dhcp.discovers[-1].time
        port = _port(case, first, last)
        if port is None:
            return
        yield self.finding(
            case,
            [
                evidence(port.since, "LACPDU of a port without a partner"),
                *([evidence(port.last, "the latest one")] if port.last != port.since else []),
                *first_and_last(dhcp.discovers, "DISCOVER without an answer"),
            ],
            confidence="likely",
            expected="A port that forwards although it hears no LACPDU.",
            proof="The switch: is the port suspended? The same boot with the port taken out of the port channel.",
            fixes=fixes.arrange(
                case,
                Fix("ios", "interface Port-channel1\n no lacp suspend-individual"),
                Fix("os10", "interface port-channel1\n lacp fallback enable"),
            ),
        )


def _port(case: Case, first: int, last: int) -> LonelyPort | None:
    """A switch's port that had no partner while the machine asked from `first` to `last`, ns."""
    for mac, port in case.world.lonely_ports.items():
        if mac == case.machine.mac or mac in case.overview.speaks_from:
            continue
        if port.since.time <= last and port.last.time >= first - _SLOW_PERIOD:
            return port
    return None
