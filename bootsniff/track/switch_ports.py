"""What switches tell of their ports: whether one forwards, waits for a partner, or for a word of who is there."""

from __future__ import annotations

from ..wire.messages import Bpdu, Eap, Envelope, Lacpdu
from .machines import kept, seen_at
from .ports import GuardedPort, LonelyPort, SilentPort
from .records import World

MAX_PORTS = 64


def note(world: World, envelope: Envelope, message: Bpdu | Lacpdu | Eap) -> None:
    """Take what a switch, or somebody in its way, says."""
    if isinstance(message, Bpdu):
        _bpdu(world, envelope, message)
    elif isinstance(message, Lacpdu):
        _lacp(world, envelope, message)
    else:
        _eap(world, envelope, message)


def _bpdu(world: World, envelope: Envelope, message: Bpdu) -> None:
    """A bridge port: that it does not forward, or, where its BPDUs do not tell, what they tell of it instead."""
    if message.forwarding is False:
        world.bpdus_not_forwarding = kept(world.bpdus_not_forwarding, seen_at(envelope))
    known, mac = world.silent_ports, envelope.source_mac
    if message.forwarding is not None or not message.forward_delay or mac is None:
        return
    port = known.get(mac)
    if port is not None:
        if message.topology_change and port.changed is None:
            port.changed = seen_at(envelope)
    elif not message.topology_change and len(known) < MAX_PORTS:
        known[mac] = SilentPort(seen_at(envelope), message.forward_delay)


def _lacp(world: World, envelope: Envelope, message: Lacpdu) -> None:
    """A port of a link aggregation: whether it waits for the other end to speak LACP."""
    known, mac = world.lonely_ports, envelope.source_mac
    if mac is None:
        return
    at = seen_at(envelope)
    port = known.get(mac)
    if message.has_partner or message.carries:
        if port is not None:
            port.over = True
    elif port is not None and not port.over:
        port.last = at
    elif port is not None or len(known) < MAX_PORTS:
        known[mac] = LonelyPort(at, at)


def _eap(world: World, envelope: Envelope, message: Eap) -> None:
    """A port that asks who is there before it opens, and who answers it."""
    known, mac = world.guarded_ports, envelope.source_mac
    if mac is None:
        return
    if not message.by_authenticator:
        if len(world.supplicants) < MAX_PORTS:
            world.supplicants.add(mac)
        return
    at, port = seen_at(envelope), known.get(mac)
    if message.ends:
        if port is not None:
            port.over, port.refused = message.succeeds, None if message.succeeds else at
    elif port is not None and not port.over:
        port.last = at
        port.target = _one(envelope.target_mac) or port.target
    elif port is not None or len(known) < MAX_PORTS:
        known[mac] = GuardedPort(at, at, _one(envelope.target_mac))


def _one(mac: str | None) -> str | None:
    """A MAC that is no group's: its first byte is even (IEEE 802 clause 8.2.2)."""
    return mac if mac is not None and int(mac[1], 16) % 2 == 0 else None
