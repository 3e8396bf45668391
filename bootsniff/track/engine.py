"""The engine: events in order of time go in, machines with their boots move. No I/O, no clock but the packets' own."""

from __future__ import annotations

import heapq
from collections.abc import Iterable

from ..flow.records import DnsLookup, Event, HttpExchange, PortLookup, TcpConnection, TftpTransfer
from ..model import NANOSECONDS
from ..wire.messages import (
    ArpMessage,
    Bpdu,
    DhcpMessage,
    Dhcpv6Message,
    Dhcpv6Type,
    Eap,
    Envelope,
    IcmpMessage,
    Lacpdu,
    NeighborMessage,
    RouterAdvertisement,
)
from . import around, dhcp4, dhcp6, switch_ports, vantage
from .failures import count_failed
from .machines import seen_at
from .outcome import NEVER, refresh
from .owners import Owners
from .records import MachineRecord, World
from .roster import Roster
from .servers import note_server
from .views import Views

CLOCK_SET_BACK = 3600 * NANOSECONDS
"""Packets that are older than the latest by less are late; by more, the capturing clock was set back."""


class Engine:
    """Moves machines, boots, stages and fetches. `feed` events in order of time; read `world` at any moment."""

    def __init__(self, *, strict: bool = False) -> None:
        """An event whose handling raises is left out and counted; `strict` lets the error through."""
        self._strict = strict
        self.world = World()
        self._roster = Roster(self.world)
        self._views = Views()
        self._owners = Owners(self.world, self._roster, self._views)
        self._deadlines: list[tuple[int, str]] = []
        self._due: dict[str, int] = {}
        """The one deadline of each machine that counts."""

    def feed(self, event: Event) -> None:
        """Take one event; its time becomes the engine's now."""
        world, envelope, subject = self.world, event.envelope, event.subject
        try:
            behind = world.now - envelope.time
            if behind < 0 or behind >= CLOCK_SET_BACK:
                world.now = envelope.time
            if isinstance(subject, DhcpMessage):
                self._dhcp4(envelope, subject)
            elif isinstance(subject, ArpMessage):
                self._roster.moved(around.arp(world, self._views, envelope, subject))
            elif isinstance(subject, TftpTransfer):
                self._owners.transfer(event, subject)
            elif isinstance(subject, HttpExchange):
                self._owners.exchange(event, subject)
            elif isinstance(subject, TcpConnection):
                self._roster.moved(around.connection(world, self._views, event, subject))
            elif isinstance(subject, Dhcpv6Message):
                self._dhcp6(envelope, subject)
            elif isinstance(subject, DnsLookup):
                self._roster.moved(around.lookup(world, self._views, event, subject))
            elif isinstance(subject, PortLookup):
                self._roster.moved(around.port_lookup(world, event, subject))
            elif isinstance(subject, IcmpMessage):
                self._roster.moved(around.icmp(world, envelope, subject))
            elif isinstance(subject, Bpdu | Lacpdu | Eap):
                switch_ports.note(world, envelope, subject)
            elif isinstance(subject, NeighborMessage):
                self._roster.moved(around.neighbor(world, self._views, envelope, subject))
            elif isinstance(subject, RouterAdvertisement):
                around.router(world, envelope, subject)
            if world.quality.port_of or not world.quality.unicast_seen:
                vantage.note(world, envelope)
        except Exception:
            if self._strict:
                raise
            count_failed(world, subject)

    @property
    def changed(self) -> set[str]:
        """MACs of machines that moved since the last look; whoever looks clears it."""
        return self._roster.changed

    def forget(self, mac: str) -> None:
        """Drop a machine; it comes back with its next packet."""
        self._roster.forget(mac)
        self._due.pop(mac, None)

    def deadline(self) -> int | None:
        """When silence alone may next change a verdict, ns; None when nothing is awaited."""
        return self._deadlines[0][0] if self._deadlines else None

    def continues(self, capture: int, earlier: int) -> None:
        """A capture is the next part of an earlier one: what is repeated in it was sent twice."""
        self._views.continues(capture, earlier)

    def advance(self, now: int) -> None:
        """Let time pass without a packet: boots whose patience ran out change their state."""
        world = self.world
        world.now = max(world.now, now)
        while self._deadlines and self._deadlines[0][0] <= now:
            due, mac = heapq.heappop(self._deadlines)
            if self._due.get(mac) != due:
                continue  # the machine moved since, and has a later one
            del self._due[mac]
            machine = world.machines.get(mac)
            if machine is not None and machine.boots:
                self.changed.add(mac)
                self._schedule(machine)

    def watch(self, macs: Iterable[str] | None = None) -> None:
        """Set deadlines for machines that moved, all of `changed` or these (live views and event streams want them)."""
        for mac in self.changed if macs is None else macs:
            machine = self.world.machines.get(mac)
            if machine is not None and machine.boots:
                self._schedule(machine)

    def _schedule(self, machine: MachineRecord) -> None:
        try:
            check_at = refresh(machine.boots[-1], self.world, is_last=True)
        except Exception:
            if self._strict:
                raise
            count_failed(self.world, None)
            check_at = NEVER
        if check_at < NEVER:
            due = self._due[machine.mac] = max(check_at, self.world.now + NANOSECONDS)
            heapq.heappush(self._deadlines, (due, machine.mac))
        else:
            self._due.pop(machine.mac, None)

    # --- DHCP -------------------------------------------------------------------------------------------------------

    def _dhcp4(self, envelope: Envelope, message: DhcpMessage) -> None:
        world = self.world
        point = self._views.point(envelope.capture, envelope.point)
        known = world.machines.get(message.client_mac)
        if self._views.seen_elsewhere(envelope, message):
            if known is not None:
                dhcp4.copy(known, envelope, message, point)
        elif message.op == 1:
            machine = self._roster.machine(message.client_mac, envelope)
            dhcp4.client_message(world, machine, envelope, message, point)
        else:
            note_server(world, envelope, message, known)
            if known is not None:
                self._roster.moved(known)
                dhcp4.server_message(world, known, envelope, message, point)

    def _dhcp6(self, envelope: Envelope, message: Dhcpv6Message) -> None:
        world = self.world
        mac = message.client_mac
        if message.type in Dhcpv6Type.FROM_SERVER:
            machine = world.machines.get(mac) if mac is not None else None
            machine = machine or world.holders.get(message.peer or envelope.target)
            if machine is not None and not self._views.seen_elsewhere(envelope, message):
                self._roster.moved(machine)
                dhcp6.server_message(world, machine, envelope, message)
            return
        key = mac or envelope.source_mac
        if key is not None and not self._views.seen_elsewhere(envelope, message):
            machine = self._roster.machine(key, envelope)
            machine.last = seen_at(envelope)
            dhcp6.client_message(world, machine, envelope, message)
