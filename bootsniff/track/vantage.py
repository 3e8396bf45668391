"""What the capture point sees of machines that boot, as packets tell on the way; judges no boot."""

from __future__ import annotations

from functools import lru_cache

from ..wire import ports
from ..wire.messages import DhcpMessage, DhcpType, Envelope
from .exchanges import Dhcp4Exchange, Point
from .machines import kept
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
    if not target:
        return False  # ARP on a link that names no receiver
    return not target.startswith("ff") if ":" in target else int(target.partition(".")[0]) < 224  # RFC 5771


def _boots(world: World, mac: str) -> bool:
    machine = world.machines.get(mac)
    return machine is not None and machine.boot_client


def note_point(exchange: Dhcp4Exchange, envelope: Envelope, message: DhcpMessage, point: Point) -> None:
    """Remember where a DISCOVER of the machine's own, or an OFFER on its last stretch, was seen."""
    if message.message_type == DhcpType.DISCOVER:
        if message.relay is None and point not in exchange.asked_at:
            exchange.asked_at = _with(exchange.asked_at, point)
    elif (
        message.message_type == DhcpType.OFFER
        and envelope.target_port != ports.DHCP_SERVER
        and point not in exchange.offered_at
    ):
        exchange.offered_at = _with(exchange.offered_at, point)


@lru_cache(64)
def _with(points: tuple[Point, ...], point: Point) -> tuple[Point, ...]:
    """One object for all exchanges that were seen at the same points: thousands are."""
    return kept(points, point)
