"""What goes on around the fetches of a machine: ARP, name look-ups, TCP connections, ICMP errors about DHCP.

Each function takes one event and returns the machine that it moved, or None when it is nobody's boot.
"""

from __future__ import annotations

from ..flow.records import DnsLookup, Event, IcmpNotice, PortLookup, TcpConnection
from ..model import NANOSECONDS, FrameRef
from ..wire import ports
from ..wire.messages import ArpMessage, Envelope, IcmpMessage, NeighborMessage, RouterAdvertisement
from .exchanges import MAX_HEARD, Arps, Dhcp4Exchange, Point
from .machines import current_stage, holder, kept, kept_at_both_ends, open_stage, seen_at, touch
from .records import MachineRecord, World
from .views import Views

MAX_PER_STAGE = 64
MAX_ADDRESSES = 65_536
LATE_TRAFFIC = 300 * NANOSECONDS
"""What an ordinary program does this long after a boot's last packet is no part of the boot."""


def connection(world: World, views: Views, event: Event, subject: TcpConnection) -> MachineRecord | None:
    """A TCP connection of a machine, whether or not anything is ever asked on it."""
    machine = holder(world, subject.client, subject.client_mac)
    stage = open_stage(machine)
    if machine is None or stage is None:
        return None
    if event.change == "opened":
        late = event.time - machine.boots[-1].last.time > LATE_TRAFFIC
        if late or views.connection_seen_elsewhere(subject):
            return None
        stage.connections = kept_at_both_ends(stage.connections, subject, MAX_PER_STAGE)
    elif not any(subject is known for known in stage.connections):
        return None
    touch(machine, stage, seen_at(event.envelope))
    return machine


def lookup(world: World, views: Views, event: Event, subject: DnsLookup) -> MachineRecord | None:
    """A name look-up of a machine."""
    machine = holder(world, subject.client, subject.client_mac)
    stage = open_stage(machine)
    if machine is None or stage is None:
        return None
    if event.change == "opened":
        late = event.time - machine.boots[-1].last.time > LATE_TRAFFIC
        if late or any(_same_question(views, known, subject) for known in stage.lookups):
            return None
        stage.lookups = kept_at_both_ends(stage.lookups, subject, MAX_PER_STAGE)
    elif not any(subject is known for known in stage.lookups):
        return None
    touch(machine, stage, seen_at(event.envelope))
    return machine


def port_lookup(world: World, event: Event, subject: PortLookup) -> MachineRecord | None:
    """A question of a machine to a portmapper; what another capture point shows of it is one more."""
    machine = holder(world, subject.client, subject.client_mac)
    stage = open_stage(machine)
    if machine is None or stage is None:
        return None
    if event.change == "opened":
        if event.time - machine.boots[-1].last.time > LATE_TRAFFIC:
            return None
        stage.port_lookups = kept(stage.port_lookups, subject)
    elif not any(subject is known for known in stage.port_lookups):
        return None
    touch(machine, stage, seen_at(event.envelope))
    return machine


def _same_question(views: Views, known: DnsLookup, subject: DnsLookup) -> bool:
    """The same query seen at another capture point."""
    return (
        known.name == subject.name
        and known.query_type == subject.query_type
        and bool(known.queries and subject.queries)
        and views.point(known.queries[0].capture, known.point) != views.point(subject.queries[0].capture, subject.point)
        and abs(known.queries[0].time - subject.queries[0].time) < 2 * NANOSECONDS
    )


def arp(world: World, views: Views, envelope: Envelope, message: ArpMessage) -> MachineRecord | None:
    """Who asks for whom, and who answers."""
    sender = message.sender_ip
    if sender not in ("0.0.0.0", ""):  # noqa: S104  an address on the wire, nothing is bound
        world.arp[sender] = message.sender_mac
        if len(world.arp) > MAX_ADDRESSES:
            del world.arp[next(iter(world.arp))]
        _note_speaker(world, views, sender, message.sender_mac, envelope)
    if message.operation == 1:
        machine = world.machines.get(message.sender_mac)
        stage = open_stage(machine)
        target = message.target_ip
        if machine is None:
            return _is_sought(world.holders.get(target), message.sender_mac, envelope, views)
        if stage is None or sender == target or len(stage.arps) >= MAX_PER_STAGE:
            return None
        stage.arps = _asked(stage.arps, target, seen_at(envelope), views.point(envelope.capture, envelope.point))
        return machine
    _is_found(world.holders.get(sender), message.target_mac, envelope, views)
    machine = world.machines.get(message.target_mac) or world.holders.get(message.target_ip)
    stage = open_stage(machine)
    if stage is None or message.operation != 2:
        return None
    return machine if _answered(stage.arps, sender, message.sender_mac, seen_at(envelope)) else None


def neighbor(world: World, views: Views, envelope: Envelope, message: NeighborMessage) -> MachineRecord | None:
    """The same over IPv6. A machine that asks from no address sees whether its own is free (RFC 4862 section 5.4)."""
    if message.solicitation:
        machine = world.machines.get(envelope.source_mac or "")
        stage = open_stage(machine)
        if machine is None and envelope.source != "::":
            return _is_sought(world.holders.get(message.target), envelope.source_mac or "", envelope, views)
        if stage is None or stage.client == "os" or envelope.source == "::" or len(stage.neighbors) >= MAX_PER_STAGE:
            return None
        point = views.point(envelope.capture, envelope.point)
        stage.neighbors = _asked(stage.neighbors, message.target, seen_at(envelope), point)
        return machine
    _is_found(world.holders.get(message.target), envelope.target_mac or "", envelope, views)
    machine = world.machines.get(envelope.target_mac or "") or world.holders.get(envelope.target)
    stage = open_stage(machine)
    if stage is None:
        return None
    mac = envelope.source_mac or ""
    return machine if _answered(stage.neighbors, message.target, mac, seen_at(envelope)) else None


def _is_sought(machine: MachineRecord | None, by: str, envelope: Envelope, views: Views) -> MachineRecord | None:
    """Note that somebody asks for a machine's address."""
    stage = open_stage(machine)
    if stage is None or len(stage.sought) >= MAX_PER_STAGE:
        return None
    point, at = views.point(envelope.capture, envelope.point), seen_at(envelope)
    known = next((one for one in stage.sought if one.target == by), None)
    if known is None:
        stage.sought = (*stage.sought, Arps(by, point, (at,), 1))
    elif known.point == point:
        known.requests = kept_at_both_ends(known.requests, at, MAX_HEARD)
        known.request_count += 1
    return machine


def _is_found(machine: MachineRecord | None, by: str, envelope: Envelope, views: Views) -> None:
    """The machine answers: what was asked before is done with, as far as the same capture point shows it."""
    stage, point = open_stage(machine), views.point(envelope.capture, envelope.point)
    for question in stage.sought if stage is not None else ():
        if question.target == by and question.point == point:
            question.requests, question.request_count = (), 0


def _asked(known: tuple[Arps, ...], target: str, at: FrameRef, point: Point) -> tuple[Arps, ...]:
    for question in known:
        if question.target == target:
            if question.point == point:  # nothing tells a repetition from the same packet at another point
                question.request_count += 1
                question.requests = kept(question.requests, at)
            return known
    return (*known, Arps(target, point, (at,), 1))


def _answered(known: tuple[Arps, ...], target: str, mac: str, at: FrameRef) -> bool:
    """Note an answer; returns whether it was asked for."""
    for question in known:
        if question.target == target:
            question.reply = question.reply or at
            if all(mac != other for other, _ in question.answers):
                question.answers = kept(question.answers, (mac, at))
            return True
    return False


def _note_speaker(world: World, views: Views, address: str, mac: str, envelope: Envelope) -> None:
    """Who speaks from an address that a machine was given: the machine, or somebody else on its network who has it.

    Other VLANs may use the same addresses, and so may a network that another capture shows.
    """
    machine = world.holders.get(address)
    if machine is None or not machine.boots:
        return
    if mac == machine.mac:
        machine.speaks = True
        return
    for exchange in (one.dhcp for one in reversed(machine.boots[-1].stages[-4:])):
        if not isinstance(exchange, Dhcp4Exchange):
            continue
        lease = next((ack for ack in exchange.acks if ack.message.your_ip == address), None)
        if lease is not None:
            here = envelope.vlan, views.point(envelope.capture, envelope.point)
            near = here == (machine.vlan, views.point(lease.at.capture, lease.point))
            if near and all(mac != known for known, _ in exchange.strangers):
                exchange.strangers = kept(exchange.strangers, (mac, seen_at(envelope)))
            return


def router(world: World, envelope: Envelope, message: RouterAdvertisement) -> None:
    """Note that a router advertises itself in this VLAN, and what it says of addresses."""
    world.router_advertisements.setdefault(envelope.vlan, seen_at(envelope))
    if message.managed:
        world.managed6.setdefault(envelope.vlan, seen_at(envelope))
    for prefix in message.prefixes[:1]:
        world.prefixes6.setdefault(envelope.vlan, prefix)


def icmp(world: World, envelope: Envelope, message: IcmpMessage) -> MachineRecord | None:
    """An ICMP error that quotes no flow: one about a DHCP or port 4011 packet of a machine that is known."""
    quoted = message.quoted
    if quoted is None or quoted.protocol != 17 or quoted.target_port not in (ports.DHCP_SERVER, ports.PXE):
        return None
    machine = holder(world, quoted.source, envelope.target_mac)
    stage = current_stage(machine)
    if machine is None or stage is None or not isinstance(stage.dhcp, Dhcp4Exchange):
        return None
    stage.dhcp.icmp = kept(stage.dhcp.icmp, IcmpNotice(seen_at(envelope), envelope.source, message))
    touch(machine, stage, seen_at(envelope))
    return machine
