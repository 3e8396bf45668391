"""The engine: events in order of time go in, machines with their boots move. No I/O, no clock but the packets' own."""

from __future__ import annotations

import heapq
from collections.abc import Iterable

from ..flow.records import DnsLookup, Event, HttpExchange, TcpConnection, TftpTransfer
from ..model import NANOSECONDS
from ..wire.messages import (
    ArpMessage,
    Bpdu,
    DhcpMessage,
    Dhcpv6Message,
    Envelope,
    IcmpMessage,
    Lacpdu,
    RouterAdvertisement,
)
from . import around, dhcp4, dhcp6, fetches
from .failures import count_failed
from .machines import current_stage, holder, kept, learn_address, seen_at, touch
from .naming import is_boot_agent, is_device_config, looks_like_boot
from .outcome import NEVER, refresh
from .records import FetchRecord, MachineRecord, StageRecord, World
from .servers import note_server, recognise_tftp
from .views import Views

MAX_MACHINES = 50_000
CLOCK_SET_BACK = 3600 * NANOSECONDS
"""Packets that are older than the latest by less are late; by more, the capturing clock was set back."""
Attached = tuple[MachineRecord, StageRecord, FetchRecord]


class Engine:
    """Moves machines, boots, stages and fetches. `feed` events in order of time; read `world` at any moment."""

    def __init__(self, *, strict: bool = False) -> None:
        """An event whose handling raises is left out and counted; `strict` lets the error through."""
        self._strict = strict
        self.world = World()
        self.changed: set[str] = set()
        """MACs of machines that moved since the last look; whoever looks clears it."""
        self._attached: dict[int, Attached] = {}
        self._views = Views()
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
                self._moved(around.arp(world, envelope, subject))
            elif isinstance(subject, TftpTransfer):
                self._transfer(event, subject)
            elif isinstance(subject, HttpExchange):
                self._exchange(event, subject)
            elif isinstance(subject, TcpConnection):
                self._moved(around.connection(world, self._views, event, subject))
            elif isinstance(subject, Dhcpv6Message):
                self._dhcp6(envelope, subject)
            elif isinstance(subject, DnsLookup):
                self._moved(around.lookup(world, self._views, event, subject))
            elif isinstance(subject, IcmpMessage):
                self._moved(around.icmp(world, envelope, subject))
            elif isinstance(subject, Bpdu):
                if subject.forwarding is False:
                    world.bpdus_not_forwarding = kept(world.bpdus_not_forwarding, seen_at(envelope))
            elif isinstance(subject, Lacpdu):
                around.lacp(world, envelope, subject)
            elif isinstance(subject, RouterAdvertisement):
                world.router_advertisements = kept(world.router_advertisements, seen_at(envelope))
        except Exception:
            if self._strict:
                raise
            count_failed(world, subject)

    def _moved(self, machine: MachineRecord | None) -> None:
        if machine is not None:
            self.changed.add(machine.mac)

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
            check_at = refresh(
                machine.boots[-1], self.world.now, is_last=True, sees_fetches=self.world.quality.sees_fetches
            )
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

    def forget(self, mac: str) -> None:
        """Drop a machine; it comes back with its next packet."""
        machine = self.world.machines.pop(mac, None)
        if machine is None:
            return
        holders = self.world.holders
        for address in (*machine.addresses, machine.link_local or ""):
            if holders.get(address) is machine:
                del holders[address]
        for boot in machine.boots:
            for stage in boot.stages:
                for fetch in stage.fetches:
                    self._attached.pop(id(fetch.flow), None)
        self.changed.discard(mac)
        self._due.pop(mac, None)

    # --- whose it is ------------------------------------------------------------------------------------------------

    def _machine(self, key: str, envelope: Envelope) -> MachineRecord:
        machine = self.world.machines.get(key)
        if machine is None:
            if len(self.world.machines) >= MAX_MACHINES:
                self._evict()
            at = seen_at(envelope)
            machine = self.world.machines[key] = MachineRecord(key, envelope.vlan, envelope.time, at)
        self.changed.add(key)
        return machine

    def _evict(self) -> None:
        """Drop the machines that were quiet longest, ordinary DHCP clients first: many at once, a look at all is dear."""
        world = self.world
        quietest = heapq.nsmallest(
            MAX_MACHINES // 16, world.machines.values(), key=lambda machine: (machine.boot_client, machine.last.time)
        )
        for machine in quietest:
            self.forget(machine.mac)
        world.counters["evicted_machines"] = world.counters.get("evicted_machines", 0) + len(quietest)

    # --- DHCP -------------------------------------------------------------------------------------------------------

    def _dhcp4(self, envelope: Envelope, message: DhcpMessage) -> None:
        world = self.world
        if self._views.seen_elsewhere(envelope, message):
            return
        if message.op == 1:
            machine = self._machine(message.client_mac, envelope)
            dhcp4.client_message(world, machine, envelope, message)
            return
        known = world.machines.get(message.client_mac)
        note_server(world, envelope, message, known)
        if known is not None:
            self.changed.add(known.mac)
            dhcp4.server_message(world, known, envelope, message)

    def _dhcp6(self, envelope: Envelope, message: Dhcpv6Message) -> None:
        world = self.world
        mac = message.client_mac
        if message.type in dhcp6.FROM_SERVER:
            machine = world.machines.get(mac) if mac is not None else None
            machine = machine or world.holders.get(envelope.target)
            if machine is not None and not self._views.seen_elsewhere(envelope, message):
                self.changed.add(machine.mac)
                dhcp6.server_message(world, machine, envelope, message)
            return
        key = mac or envelope.source_mac
        if key is not None and not self._views.seen_elsewhere(envelope, message):
            machine = self._machine(key, envelope)
            machine.last = seen_at(envelope)
            dhcp6.client_message(world, machine, envelope, message)

    # --- fetches ----------------------------------------------------------------------------------------------------

    def _transfer(self, event: Event, transfer: TftpTransfer) -> None:
        world, envelope = self.world, event.envelope
        attached = self._attached.get(id(transfer))
        if attached is None:
            if event.change != "opened" and self._views.is_view(transfer):
                self._view_changed(transfer)
                return
            attached = self._open_transfer(envelope, transfer)
            if attached is None:
                return
        machine, stage, fetch = attached
        if transfer.error is not None and not transfer.error_by_client:
            recognise_tftp(world, transfer)
        if transfer.ack_count and transfer.reply_from is None and not transfer.partial:
            world.quality.one_sided = True
        fetches.update(stage, fetch)
        touch(machine, stage, seen_at(envelope))
        self.changed.add(machine.mac)

    def _view_changed(self, transfer: TftpTransfer) -> None:
        fetch = self._views.fetch_of(transfer)
        attached = self._attached.get(id(fetch.flow)) if fetch is not None else None
        if attached is not None:
            self.changed.add(attached[0].mac)

    def _open_transfer(self, envelope: Envelope, transfer: TftpTransfer) -> Attached | None:
        if transfer.write or is_device_config(transfer.filename):
            return None
        machine = holder(self.world, transfer.client, transfer.client_mac)
        if machine is not None and not machine.boots and not looks_like_boot(transfer.filename):
            return None  # a phone or a printer, which does DHCP like any other device
        twin = self._views.twin_of(transfer)
        known = self._attached.get(id(twin.flow)) if twin is not None else None
        if (
            twin is not None
            and known is not None
            and not (self._views.at_one_point(twin, transfer) and _strangers(known[0], machine))
        ):
            owner = known[0]
            if machine is None or machine is owner or not machine.boots or _only_unknown(machine):
                self._views.add_view(twin, transfer)
                self.changed.add(owner.mac)
                return None
            if _only_unknown(owner):
                # The far side of a NAT was seen first: what stood there as a machine of its own is this one's view.
                self.forget(owner.mac)
                result = self._attach(machine, transfer, envelope)
                if result is not None and isinstance(twin.flow, TftpTransfer):
                    self._views.add_view(result[2], twin.flow)
                return result
        if machine is None:
            machine = self._unknown(envelope, transfer.client, transfer.client_mac)
            if machine is None:
                return None
        return self._attach(machine, transfer, envelope)

    def _attach(self, machine: MachineRecord, flow: TftpTransfer | HttpExchange, envelope: Envelope) -> Attached | None:
        learn_address(self.world, machine, flow.client if isinstance(flow, TftpTransfer) else flow.connection.client)
        result = fetches.attach(machine, flow, seen_at(envelope))
        if result is None:
            return None
        attached = (machine, *result)
        self._attached[id(flow)] = attached
        self._views.remember(flow, attached[2])
        self.changed.add(machine.mac)
        return attached

    def _unknown(self, envelope: Envelope, client: str, mac: str | None) -> MachineRecord | None:
        """A machine without DHCP in the capture: keyed by its MAC, or by address behind a router."""
        key = mac or client
        known = self.world.machines.get(key)
        if known is not None and known.addresses and client not in known.addresses and known.boots:
            key = client
        if mac is not None and any(server.mac == mac for server in self.world.servers.values()) and known is None:
            key = client if client not in self.world.servers else mac
        return self._machine(key, envelope)

    def _exchange(self, event: Event, exchange: HttpExchange) -> None:
        attached = self._attached.get(id(exchange))
        if attached is None:
            if self._views.is_ignored(exchange):
                return
            attached = self._open_exchange(event.envelope, exchange)
            if attached is None:
                self._views.ignore(exchange)
                return
        machine, stage, fetch = attached
        fetches.update(stage, fetch)
        if fetch.role != "os" or stage is current_stage(machine):
            touch(machine, stage, seen_at(event.envelope))
        self.changed.add(machine.mac)

    def _open_exchange(self, envelope: Envelope, exchange: HttpExchange) -> Attached | None:
        if self._views.exchange_seen_elsewhere(exchange):
            return None
        connection = exchange.connection
        agent = exchange.request.get("User-Agent") if exchange.request is not None else None
        boot_like = is_boot_agent(agent) or (agent is None and looks_like_boot(exchange.url))
        machine = holder(self.world, connection.client, connection.client_mac)
        if machine is None or not machine.boots:
            if not boot_like:
                return None
            machine = machine or self._unknown(envelope, connection.client, connection.client_mac)
        elif not boot_like and agent is not None and envelope.time - machine.boots[-1].last.time > around.LATE_TRAFFIC:
            return None
        return None if machine is None else self._attach(machine, exchange, envelope)


def _strangers(owner: MachineRecord, machine: MachineRecord | None) -> bool:
    """Two machines of which no DHCP was seen, or two of which it was: at one capture point they may well be two."""
    return _only_unknown(owner) == (machine is None or not machine.boots or _only_unknown(machine))


def _only_unknown(machine: MachineRecord) -> bool:
    return bool(machine.boots) and all(stage.dhcp is None for boot in machine.boots for stage in boot.stages)
