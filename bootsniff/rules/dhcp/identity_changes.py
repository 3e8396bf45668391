"""dhcp-identity-changes-between-stages; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...model import Finding, Fix
from ...track.exchanges import Dhcp4Exchange, Heard
from ...track.records import StageRecord
from ...wire import dhcp_options
from ...wire.messages import DhcpMessage
from .. import fixes
from ..case import Case
from ..evidence import evidence
from ..rule import Cause


class DhcpIdentityChanges(Cause):
    """One machine has another client identifier, and so another address, in each stage of its boot.

    What happens
        The firmware and what it starts, an iPXE or the system, send different client identifiers (option 61). For the DHCP
        server these are two clients: they get two addresses. A web server that knows machines by their address then refuses
        the second one, and every boot takes several leases.
    On the wire
        The same hardware address, another option 61 (or none), another address in the ACK.
    Not to be confused with
        Another address with the same identifier: two servers (dhcp-competing-servers), or a lease that had ended.
    Causes
        systemd-networkd and newer dracut derive the identifier from the machine's ID instead of the hardware address.
    Fix
        Let the server go by the hardware address, or the system send it.
    Sources
        RFC 4361; systemd issue 9228; coreos/bugs issue 1432; netplan pull request 16.
    """

    code = "dhcp-identity-changes-between-stages"
    stage = "os"
    symptoms = ("os-config-fetch-failed", "http-404", "http-403")
    summary = "{asker} asked as {new} and got {address}; {client} had asked as {old} and got {before}"

    def explain(self, case: Case, symptom: Finding) -> Iterator[Finding]:
        mine = _lease(case.stage)
        if mine is None:
            return
        for earlier in reversed(case.boot.stages[: case.stage_index]):
            lease = _lease(earlier)
            if lease is None:
                continue
            if _identity(mine[0]) == _identity(lease[0]) or mine[1].message.your_ip == lease[1].message.your_ip:
                return
            yield self.finding(
                case,
                [
                    evidence(lease[1], f"{earlier.client}: lease of {lease[1].message.your_ip}"),
                    evidence(mine[1], f"{case.client}: lease of {mine[1].message.your_ip}"),
                ],
                confidence="possible",
                explains=symptom.code,
                asker="the system" if case.client == "os" else case.stage.name or case.client,
                new=_shown(mine[0]),
                address=mine[1].message.your_ip,
                client=earlier.name or earlier.client,
                old=_shown(lease[0]),
                before=lease[1].message.your_ip,
                proof="The web server's log: which address does it refuse?",
                fixes=fixes.arrange(
                    case,
                    *fixes.dnsmasq("dhcp-ignore-clid"),
                    Fix("isc-dhcpd", "ignore-client-uids true;"),
                    Fix("kea", '"match-client-id": false'),
                    Fix("netplan", "dhcp-identifier: mac") if case.client == "os" else None,
                ),
            )
            return


def _lease(stage: StageRecord) -> tuple[Heard[DhcpMessage], Heard[DhcpMessage]] | None:
    """The request and the ACK of a stage."""
    dhcp = stage.dhcp
    if not isinstance(dhcp, Dhcp4Exchange) or not dhcp.requests or not dhcp.acks:
        return None
    return dhcp.requests[-1], dhcp.acks[-1]


def _identity(heard: Heard[DhcpMessage]) -> bytes:
    """What servers know a client by: option 61; without one the hardware address, as type 1 of it."""
    identifier = dhcp_options.client_id(heard.message)
    return identifier or b"\1" + bytes.fromhex(heard.message.client_mac.replace(":", ""))


def _shown(heard: Heard[DhcpMessage]) -> str:
    identifier = dhcp_options.client_id(heard.message)
    return f"client identifier {identifier[:20].hex(':')}" if identifier else "its hardware address"
