"""Counts events that were left out because a bug of ours raised; decides nothing, and keeps nothing else of them."""

from __future__ import annotations

from ..flow.records import DnsLookup, HttpExchange, PortLookup, TcpConnection, TftpTransfer
from ..model import FAILED_EVENT
from ..wire.messages import (
    ArpMessage,
    Bpdu,
    DhcpMessage,
    Dhcpv6Message,
    Eap,
    IcmpMessage,
    Lacpdu,
    NeighborMessage,
    RouterAdvertisement,
)
from .records import World

_WORDS: dict[type[object], str] = {
    DhcpMessage: "dhcp",
    Dhcpv6Message: "dhcpv6",
    ArpMessage: "arp",
    IcmpMessage: "icmp",
    DnsLookup: "dns",
    PortLookup: "portmap",
    TftpTransfer: "tftp",
    HttpExchange: "http",
    TcpConnection: "tcp",
    Bpdu: "stp",
    Lacpdu: "lacp",
    Eap: "eapol",
    RouterAdvertisement: "router-advertisement",
    NeighborMessage: "neighbor",
}


def count_failed(world: World, subject: object | None) -> None:
    """One event more that is left out; `subject` is the event's, None where nothing but time had passed."""
    name = FAILED_EVENT + ("silence" if subject is None else _WORDS[type(subject)])
    world.counters[name] = world.counters.get(name, 0) + 1


def failed_events(world: World) -> int:
    """How many there are."""
    return sum(number for name, number in world.counters.items() if name.startswith(FAILED_EVENT))
