"""dhcp-address-conflict; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...model import NANOSECONDS, Finding, Fix, FrameRef
from ...track.exchanges import Dhcp4Exchange, Heard
from ...track.records import StageRecord, World
from ...wire import dhcp_options
from ...wire.messages import DhcpMessage
from .. import fixes, names
from ..case import Case
from ..evidence import evidence
from ..rule import Rule

_NOBODY = "02:00:00:00:00:01"
"""A locally administered address that no card has."""
_OF_ALL = 3
"""Addresses that nobody has but a router that answers for others (proxy ARP, RFC 1027)."""
_LEASED = 60 * NANOSECONDS
"""So long after its last packet a machine still has its address."""


class DhcpAddressConflict(Rule):
    """The offered address is in use already.

    What happens
        The machine checks its new address, finds another host that answers for it, and gives it back.
    On the wire
        DHCPDECLINE after the ACK, or ARP from the machine's address with another hardware address than its own. Or an ACK
        whose address is the server's own identifier (option 54).
    Not to be confused with
        The server's own probe before the OFFER; a multi-homed Linux host that answers for its own address twice; a router
        that answers for every address (proxy ARP).
    Causes
        A host with a fixed address inside the range, often the DHCP server itself; two DHCP servers with overlapping ranges, a lost lease file.
    Fix
        Take the address out of the range, or give it to its owner by reservation.
    Sources
        RFC 2131 sections 3.1 and 4.4.4; RFC 5227; raspberrypi/firmware issues 1067 and 1303; ventoy/PXE issue 52.
    """

    code = "dhcp-address-conflict"
    stage = "dhcp"
    needs = "dhcp4"
    always = True
    explains_away = ("dhcp-wrong-next-server", "tftp-no-reply")
    summary = "{address} is in use already{who}"

    def may(self, stage: StageRecord, _world: World) -> bool:
        dhcp = stage.dhcp
        if not isinstance(dhcp, Dhcp4Exchange):
            return False
        conflicts = dhcp.declines or dhcp.strangers or _of_its_server(dhcp)
        return bool(conflicts) or any(arps.answers and arps.target in dhcp.given for arps in stage.arps)

    def check(self, case: Case) -> Iterator[Finding]:
        dhcp = case.dhcp4
        if dhcp is None:
            return
        owners = [
            (mac, at)
            for arps in case.stage.arps
            if arps.answers and arps.target in {offer.address for offer in [*case.offers, *case.acks]}
            for mac, at in arps.answers
            if mac != case.machine.mac
        ]
        others = _others(case, dhcp)
        gives_own = _of_its_server(dhcp) is not None
        if not dhcp.declines and not (owners and case.over) and not others and not gives_own:
            return
        owners += others
        asked = next((dhcp_options.requested_ip(h.message) for h in dhcp.declines), None)
        address = asked or next((ack.address for ack in [*case.acks, *case.offers] if ack.address), "the address")
        yield self.finding(
            case,
            [
                *(evidence(ack.heard, f"lease of {ack.address}") for ack in case.acks[:1]),
                *(evidence(at, f"ARP from {mac}, which has the address too") for mac, at in owners[:3]),
                *(evidence(decline, "DECLINE") for decline in dhcp.declines[:2]),
            ],
            confidence="certain" if dhcp.declines or gives_own else "likely",
            severity="error" if dhcp.declines or case.failed_here else "warning",
            subject=address,
            address=address,
            who=" by the DHCP server, which leases its own address"
            if gives_own
            else f" by {names.joined(mac for mac, _ in owners)}"
            if owners
            else "",
            expected="No answer to the ARP probe for the offered address.",
            proof="" if dhcp.declines or gives_own else f"arping {address} with the machine switched off.",
            fixes=fixes.arrange(
                case,
                _reserved(case, owners[0][0] if owners else None, address),
                Fix("isc-dhcpd", f"# take {address} out of the range"),
            ),
        )


def _of_its_server(dhcp: Dhcp4Exchange) -> Heard[DhcpMessage] | None:
    """An ACK that gives the machine the address by which its server names itself."""
    for ack in dhcp.acks:
        given = ack.message.your_ip
        if given is not None and given == dhcp_options.server_id(ack.message):
            return ack
    return None


def _others(case: Case, dhcp: Dhcp4Exchange) -> list[tuple[str, FrameRef]]:
    """Who else speaks from the address of the lease while the machine, which speaks from it with its own MAC, boots."""
    if not case.machine.speaks:
        return []
    end = case.boot.last.time + _LEASED
    others = [(mac, at) for mac, at in dhcp.strangers if at.time <= end]
    return [(mac, at) for mac, at in others if case.overview.speaks_from[mac] < _OF_ALL]


def _reserved(case: Case, owner: str | None, address: str) -> Fix:
    """Keep an address for its owner; for a card that does not exist when the owner is not known."""
    heard = case.world.arp.get(address)
    mac = owner or (heard if heard != case.machine.mac else None)
    note = "" if mac else "# its owner is not known: kept for a card that does not exist\n"
    return Fix("dnsmasq", f"{note}dhcp-host={mac or _NOBODY},{address}")
