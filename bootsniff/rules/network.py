"""Findings of the network as a whole: what several machines suffer from at once; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ..model import Evidence, Finding
from ..track.exchanges import Dhcp4Exchange, Heard
from ..track.records import World
from ..wire import dhcp_options
from ..wire.messages import DhcpMessage
from .evidence import evidence

_MACHINES = 2


def _two_servers(world: World) -> Iterator[Finding]:
    """Two servers gave addresses to the same machines: true of the network even where every boot went well."""
    offering = [server for server in world.servers.values() if server.dhcp_replies]
    if len(offering) < _MACHINES:
        return
    pairs: dict[tuple[str, ...], list[Evidence]] = {}
    counts: dict[tuple[str, ...], int] = {}
    for machine in world.machines.values():
        for boot in machine.boots[-1:]:
            for stage in boot.stages:
                offers = _by_server(stage.dhcp)
                if len(offers) >= _MACHINES and len(set(map(_offered, offers.values()))) > 1:
                    key = tuple(sorted(offers))
                    counts[key] = counts.get(key, 0) + 1
                    pairs.setdefault(key, [evidence(heard, f"offer of {server}") for server, heard in offers.items()])
    if not counts:
        return
    key = max(counts, key=lambda servers: counts[servers])
    yield Finding(
        code="dhcp-competing-servers",
        severity="note",
        confidence="certain",
        summary=f"{' and '.join(key)} both give addresses on this network",
        subject=" ".join(key),
        expected="One DHCP server that gives addresses; others as ProxyDHCP.",
        evidence=tuple(pairs[key][:8]),
    )


def _by_server(exchange: object) -> dict[str, Heard[DhcpMessage]]:
    found: dict[str, Heard[DhcpMessage]] = {}
    if isinstance(exchange, Dhcp4Exchange):
        for heard in exchange.offers:
            if heard.message.your_ip:
                found.setdefault(dhcp_options.server_id(heard.message) or heard.source, heard)
    return found


def _offered(heard: Heard[DhcpMessage]) -> tuple[object, ...]:
    """What an offer gives beside the address: two that agree on it are a failover pair, or as good as one."""
    message = heard.message
    mask, router = message.options.get(1), message.options.get(3)
    return dhcp_options.boot_file(message), message.next_server, mask, router


def _not_forwarding(world: World) -> Iterator[Finding]:
    """Bridge ports that were listening or learning while several machines asked in vain."""
    frames = world.bpdus_not_forwarding
    if not frames:
        return
    waiting = [
        machine
        for machine in world.machines.values()
        for boot in machine.boots[-1:]
        for stage in boot.stages[-1:]
        if isinstance(stage.dhcp, Dhcp4Exchange)
        and stage.dhcp.discovers
        and not stage.dhcp.offers
        and not stage.dhcp.acks
    ]
    if len(waiting) < _MACHINES:
        return
    yield Finding(
        code="link-stp-delay",
        severity="note",
        confidence="likely",
        summary=f"switch ports were not forwarding while {len(waiting)} machines asked for an address",
        expected="Ports of machines that boot from the network forward at once.",
        proof="The same boots with portfast (edge port) on.",
        evidence=tuple(evidence(frame, "BPDU of a port that is not forwarding") for frame in frames[:4]),
    )


SHARED: tuple[tuple[str, Callable[[World], Iterator[Finding]]], ...] = (
    ("dhcp-competing-servers", _two_servers),
    ("link-stp-delay", _not_forwarding),
)
"""Notes about the network: more than one server that gives addresses, ports that were not forwarding yet."""
