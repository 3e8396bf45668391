"""What the capture point sees of machines that boot, as packets tell on the way; judges no boot."""

from __future__ import annotations

from functools import lru_cache

from ..wire import ports
from ..wire.messages import DhcpMessage, DhcpType, Envelope
from .boot_file import next_hop
from .exchanges import Dhcp4Exchange, Point
from .machines import kept
from .quality import CaptureQuality
from .records import StageRecord, World

_NOBODY: frozenset[str] = frozenset()
_TO_ONE = frozenset("02468ace")
"""Second digits of addresses without the group bit (IEEE 802 clause 8.2.2)."""


def note(world: World, envelope: Envelope) -> None:
    """Note that a packet of a boot client's, or for it, was for one station alone: other ports of its switch show none."""
    quality, source, target = world.quality, envelope.source_mac, envelope.target_mac
    if source is None and target is None:
        quality.unicast_seen = True  # a link without addresses has no switch
    if not _is_for_one(envelope):
        return
    ends = [mac for mac in (source, target) if mac is not None]
    if not quality.unicast_seen and any(_boots(world, mac) for mac in ends):
        quality.unicast_seen = True
    if target is None or quality.port_of == _NOBODY:
        return
    if quality.port_of is None:
        quality.port_of = frozenset(ends)
    elif not quality.port_of.issubset(ends):
        quality.port_of = quality.port_of.intersection(ends)


def speaks_past(stage: StageRecord, quality: CaptureQuality) -> bool:
    """Whether what a machine with a lease asks for next goes to another host than the one at whose port was captured.

    A port of the machine's own shows all of it, and so does one that shows packets of several hosts.
    """
    exchange, port = stage.dhcp, quality.port_of
    if not port or not isinstance(exchange, Dhcp4Exchange) or not exchange.requests:
        return False
    if exchange.requests[0].message.client_mac in port:
        return False
    here = {heard.source for heard in (*exchange.offers, *exchange.proxy_offers, *exchange.acks)
            if heard.source_mac in port}  # fmt: skip
    here.update(arps.target for arps in stage.arps if any(mac in port for mac, _ in arps.answers))
    target = next_hop(stage)
    wanted = [target] if target is not None else [heard.source for heard in exchange.proxy_offers]
    return bool(here) and bool(wanted) and here.isdisjoint(wanted)


def _is_for_one(envelope: Envelope) -> bool:
    mac, target = envelope.target_mac, envelope.target
    if mac is not None:
        return mac[1] in _TO_ONE
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
