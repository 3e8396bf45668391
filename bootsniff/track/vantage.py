"""What the capture point sees of machines that boot, as packets tell on the way; judges no boot."""

from __future__ import annotations

from ..wire.messages import Envelope
from .records import World


def note(world: World, envelope: Envelope) -> None:
    """Note that a packet of a boot client's, or for it, was for one station alone: other ports of its switch show none."""
    ends = [mac for mac in (envelope.source_mac, envelope.target_mac) if mac is not None]
    if not ends or (_is_for_one(envelope) and any(_boots(world, mac) for mac in ends)):
        world.quality.unicast_seen = True  # a link without addresses has no switch


def _is_for_one(envelope: Envelope) -> bool:
    mac, target = envelope.target_mac, envelope.target
    if mac is not None:
        return not int(mac[:2], 16) & 1  # the group bit (IEEE 802 clause 8.2.2)
    return target != "255.255.255.255" and not target.startswith(("22", "23", "ff"))


def _boots(world: World, mac: str) -> bool:
    machine = world.machines.get(mac)
    return machine is not None and machine.boot_client
