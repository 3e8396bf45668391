"""dhcp-pool-exhausted; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...model import Finding, FrameRef
from ...track.exchanges import Dhcp4Exchange
from .. import fixes
from ..case import Case
from ..evidence import evidence, first_and_last
from ..rule import Rule

_SECOND_SIGN = 3
"""So many leases without a hole between them look like a pool that is full."""


class DhcpPoolExhausted(Rule):
    """The DHCP server may have no free address left.

    What happens
        Machines the server knows go on getting their addresses, new ones get no answer. No packet says "full": servers
        stay silent and only write it to their log ("no address available").
    On the wire
        DISCOVERs of one machine without an OFFER while the same server acknowledges addresses to others.
    Not to be confused with
        A server that is down (nobody gets an answer), and a server that ignores this machine on purpose or by a mistyped
        reservation: from outside they look the same, which is why this is no more than possible without a second sign.
    Causes
        A range that is too small, long leases of machines that are gone, several leases for one machine because each of
        its boot programs sends another client identifier.
    Fix
        Widen the range, shorten the lease time, remove stale leases.
    Sources
        RFC 2131 section 4.3.1; dnsmasq rfc2131.c and lab captures with dnsmasq 2.90.
    """

    code = "dhcp-pool-exhausted"
    stage = "dhcp"
    needs = "dhcp4"
    side_issue = True
    summary = "no OFFER for this machine while {served} got addresses: the pool may be exhausted"

    def concerns(self, client: str) -> bool:
        return client != "os"

    def check(self, case: Case) -> Iterator[Finding]:
        dhcp = case.dhcp4
        if dhcp is None or dhcp.discover_count < 2 or not dhcp.discovers:
            return
        if dhcp.addressed or dhcp.relayed:
            return
        if case.overview.served_vlans and case.machine.vlan not in case.overview.served_vlans:
            return  # link-wrong-vlan-or-nic: others were served elsewhere
        leases = _leases_of_others(case)
        if not leases or _holds_one(case):
            return
        numbers = sorted({_number(address) for address in leases})
        full = len(numbers) >= _SECOND_SIGN and numbers[-1] - numbers[0] == len(numbers) - 1
        role = "ACK for another machine"
        yield self.finding(
            case,
            [
                *first_and_last(dhcp.discovers, "DISCOVER without an answer"),
                *(evidence(frame, role) for frame in list(leases.values())[:4]),
            ],
            confidence="likely" if full else "possible",
            severity="error" if full else "note",
            explains="dhcp-no-offer",
            served="another" if len(leases) == 1 else f"{len(leases)} others",
            expected="An OFFER with a free address.",
            proof="The server's log (dnsmasq: no address available) or its lease file, held against the range.",
            fixes=fixes.arrange(case, *fixes.address_range(case)),
        )


def _holds_one(case: Case) -> bool:
    """Whether a program of this boot that goes by the same identifier has an address, which is this one's as well."""
    dhcp = case.dhcp4
    own = dhcp.discovers[0].message.options.get(61) if dhcp else None
    return any(
        isinstance(stage.dhcp, Dhcp4Exchange)
        and bool(stage.dhcp.acks)
        and any(heard.message.options.get(61) == own for heard in (*stage.dhcp.requests, *stage.dhcp.discovers))
        for stage in case.boot.stages
    )


def _leases_of_others(case: Case) -> dict[str, FrameRef]:
    """Addresses acknowledged to other machines up to the end of this stage's asking, and where."""
    leases = case.overview.leases_until(case.stage.last.time)
    return {lease.address: lease.at for lease in leases if lease.mac != case.machine.mac}


def _number(address: str) -> int:
    value = 0
    for part in address.split("."):
        value = value * 256 + int(part)
    return value
