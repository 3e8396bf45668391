"""link-stp-delay; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...model import NANOSECONDS, Evidence, Finding, Fix
from ...track.exchanges import Dhcp4Exchange, Dhcp6Exchange
from ...track.ports import SilentPort
from ...track.records import StageRecord, World
from .. import fixes
from ..case import Case
from ..evidence import evidence, first_and_last
from ..rule import Rule

_LATE = 28
"""Seconds: the fourth DISCOVER of PXE firmware (edk2 waits 4, 8 and 16 s)."""
_BEFORE = 60 * NANOSECONDS
_HELLO = 2 * NANOSECONDS
"""Between two BPDUs of a port (IEEE 802.1D table 8-3)."""
_STILL = 2
"""DISCOVERs that an open port leaves unanswered: then it is not the port."""


class LinkStpDelay(Rule):
    """The switch port is not forwarding yet while the machine asks for an address.

    What happens
        After the link comes up, spanning tree listens and learns for 30 to 50 s before it lets packets through. The firmware's
        first DISCOVERs are lost, and it may give up before the port opens.
    On the wire
        BPDUs with the forwarding flag clear around the DISCOVERs. The older BPDUs, which Linux bridges send, have no such flag:
        the first of them come when the link does, twice the forward delay before the port opens, and when it opens they
        begin to tell of a topology change. On the server's side the first DISCOVER that arrives has 28 or more in its secs
        field instead of 0.
    Not to be confused with
        A server that never answers (dhcp-no-offer). A warm reboot works and a cold one fails: that is the link. iPXE sees
        BPDUs and waits on purpose, which is no hang.
    Causes
        Ports to machines without portfast (edge port); a bridge with a forward delay.
    Fix
        Make the port an edge port; switch STP off on the bridge. With it on, Linux waits twice two
        seconds at least: delay='0' in libvirt's XML is not taken.
    Sources
        IEEE 802.1D clause 17; iPXE stp.c; Dell knowledge base 000149063; Microsoft knowledge base 168455.
    """

    code = "link-stp-delay"
    stage = "link"
    needs = "dhcp4"
    always = True
    explains_away = ("dhcp-no-offer", "dhcp-pool-exhausted", "link-dhcp-blocked-by-host-firewall")
    summary = "{what} while the machine asked for an address{late}"

    def concerns(self, client: str) -> bool:
        return client != "os"

    def may(self, stage: StageRecord, world: World) -> bool:
        dhcp = stage.dhcp
        if not isinstance(dhcp, Dhcp4Exchange) or not dhcp.discovers:
            return False
        return dhcp.discovers[0].message.secs >= _LATE or bool(world.bpdus_not_forwarding or world.silent_ports)

    def check(self, case: Case) -> Iterator[Finding]:
        dhcp = case.dhcp4
        if dhcp is None or not dhcp.discovers:
            return
        first = dhcp.discovers[0]
        secs = first.message.secs
        blocked = _blocked(case, first.time) or _listening(case, first.time)
        quality = case.world.quality
        seen_since = (first.time - quality.first) // NANOSECONDS if quality.first is not None else 0
        late = secs >= _LATE and seen_since > secs and case.is_firmware_pxe
        unanswered = not dhcp.offers and not dhcp.acks and case.failed_here and dhcp.discover_count >= 2
        waited = bool(dhcp.offers) and dhcp.offers[0].time - first.time > 15 * NANOSECONDS
        if not ((blocked and (unanswered or waited)) or (late and dhcp.discover_count <= 2)):
            return
        yield self.finding(
            case,
            [
                *blocked[:3],
                *first_and_last(dhcp.discovers, "DISCOVER"),
                *(evidence(offer, "first OFFER") for offer in dhcp.offers[:1]),
            ],
            confidence="likely" if blocked else "possible",
            severity="error" if unanswered else "warning",
            what="a switch port was not forwarding" if blocked else "the first DISCOVERs were lost",
            late=f" (the first one that arrived says {first.message.secs} s)" if late else "",
            expected="An answer to the first DISCOVER.",
            proof="The same boot with portfast (edge port) on, or with a switch between that keeps the link up.",
            fixes=fixes.arrange(
                case,
                fixes.EDGE_PORT,
                Fix("libvirt", "<bridge name='virbr0' stp='off' delay='0'/>"),
                fixes.BRIDGE_WITHOUT_STP,
            ),
        )


def _blocked(case: Case, first: int) -> list[Evidence]:
    """BPDUs of ports that were not forwarding, from a minute before the first DISCOVER to the end of the asking."""
    dhcp = case.dhcp4
    end = dhcp.offers[0].time if dhcp and dhcp.offers else case.stage.last.time
    return [
        evidence(frame, "BPDU of a port that is not forwarding")
        for frame in case.world.bpdus_not_forwarding
        if first - _BEFORE <= frame.time <= end and not _answered(case, frame.time, first)
    ]


def _listening(case: Case, first: int) -> list[Evidence]:
    """The older BPDUs of a port that came up shortly before the first DISCOVER, and was open after the last in vain."""
    dhcp = case.dhcp4
    if dhcp is None:
        return []
    for port in case.world.silent_ports.values():
        opens = _opens(case, port)
        if opens is None or not opens - 2 * port.delay - _HELLO <= first <= opens:
            continue
        if dhcp.offers and dhcp.offers[0].time < opens - _HELLO:
            continue
        if _answered(case, port.since.time, opens):
            continue
        if not dhcp.offers and sum(heard.time > opens for heard in dhcp.discovers) >= _STILL:
            continue
        return [
            evidence(port.since, f"first BPDU of a port that opens after twice {port.delay // NANOSECONDS} s"),
            *([evidence(port.changed, "BPDU that tells of a topology change: a port opened")] if port.changed else []),
        ]
    return []


def _answered(case: Case, since: int, until: int) -> bool:
    """Whether a DHCP server reached the machine in between: then that port is not the machine's, or was open."""
    before = case.boot.stages[: case.stage_index]
    return any(since < time < until for stage in before for time in _answer_times(stage))


def _answer_times(stage: StageRecord) -> list[int]:
    match stage.dhcp:
        case Dhcp4Exchange() as dhcp:
            return [heard.time for heard in (*dhcp.offers, *dhcp.acks)]
        case Dhcp6Exchange() as dhcp:
            return [heard.time for heard in (*dhcp.advertises, *dhcp.replies)]
    return []


def _opens(case: Case, port: SilentPort) -> int | None:
    """When a port began to forward, ns: as its BPDUs tell, or reckoned from the first one, if the capture saw it come.

    A change that comes later than the port takes is about another one.
    """
    if port.changed is not None:
        late = port.changed.time > port.since.time + 2 * port.delay + 2 * _HELLO
        return None if late else port.changed.time
    began = case.world.quality.first
    if began is None or port.since.time - began <= _HELLO:
        return None
    return port.since.time + 2 * port.delay
