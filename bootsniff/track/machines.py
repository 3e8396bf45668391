"""Small moves on records that every tracker shares: begin a boot or a stage, keep within bounds, learn an address."""

from __future__ import annotations

from itertools import islice
from typing import TypeVar

from ..model import NANOSECONDS, FrameRef
from ..wire.messages import Envelope
from .exchanges import MAX_HEARD
from .kinds import LOADERS, Kind, needs_reset
from .records import MAX_BOOTS, MAX_STAGES, BootRecord, MachineRecord, StageRecord, World

T = TypeVar("T")
MAX_ASKED = 4096
MAX_SPEAKERS = 1024
"""Of the senders of ARP, how many are looked through for a router."""
NEW_BOOT_GAP = 15 * 60 * NANOSECONDS
"""A client that asks for an address after so long a silence was power-cycled."""


def kept(items: tuple[T, ...], item: T, limit: int = MAX_HEARD) -> tuple[T, ...]:
    """The items with one more, within a bound: the first ones stay, the latest takes the last place."""
    return (*items, item) if len(items) < limit else (*items[:-1], item)


def kept_at_both_ends(items: tuple[T, ...], item: T, limit: int) -> tuple[T, ...]:
    """The same, of a program that tries again and again: the first half stays, and the latest ones."""
    half = limit // 2
    return (*items, item) if len(items) < limit else (*items[:half], *items[half + 1 :], item)


def begin_boot(machine: MachineRecord, at: FrameRef) -> BootRecord:
    """Open the machine's next boot; the oldest ones go when there are too many."""
    boot = BootRecord(at.time, at)
    if machine.boots:
        machine.boots[-1].next_start = at.time
    machine.boots.append(boot)
    if len(machine.boots) > MAX_BOOTS:
        del machine.boots[0]
    return boot


def stands_apart(boot: BootRecord, kind: Kind, at: FrameRef, jitter: int) -> bool:
    """Whether what a client begins with cannot belong to the boot: its time is elsewhere, or no boot leads to such a client.

    Packets up to `jitter` ns older than the latest one came out of order.
    """
    if not -jitter < at.time - boot.last.time < NEW_BOOT_GAP:
        return True
    return needs_reset((stage.client for stage in reversed(boot.stages)), kind.client)


def begin_stage(boot: BootRecord, kind: Kind, at: FrameRef) -> StageRecord:
    """Open the boot's next stage; a boot that loops for ever keeps its first stages and the latest ones."""
    stage = StageRecord(kind.client, kind.name, kind.arch, kind.vendor_class, kind.user_class, at.time, at)
    stage.firmware = kind.client
    if boot.stages:
        if kind.client in LOADERS:
            stage.firmware = boot.stages[-1].firmware
        stage.hosts, stage.told = boot.stages[-1].hosts, boot.stages[-1].told
    boot.stages.append(stage)
    boot.left = None
    if len(boot.stages) > MAX_STAGES:
        del boot.stages[MAX_STAGES // 2]
    boot.last = at
    return stage


def retell_stage(stage: StageRecord, kind: Kind) -> None:
    """A program whose first packets did not name it says what it is."""
    stage.client, stage.name, stage.arch = kind.client, kind.name, kind.arch
    stage.firmware = kind.client
    stage.vendor_class, stage.user_class = kind.vendor_class, kind.user_class


def touch(machine: MachineRecord, stage: StageRecord, at: FrameRef) -> None:
    """Note the latest packet of a stage, its boot and its machine."""
    stage.last = machine.last = at
    machine.boots[-1].last = at


def learn_address(world: World, machine: MachineRecord, address: str | None) -> None:
    """An address this machine was given: what comes from it later is this machine's."""
    if address is None or address in ("0.0.0.0", "::"):  # noqa: S104  an address on the wire, nothing is bound
        return
    if address in machine.addresses:
        if machine.addresses[-1] != address:
            machine.addresses.remove(address)
            machine.addresses.append(address)
    else:
        machine.addresses.append(address)
        if len(machine.addresses) > MAX_HEARD:
            dropped = machine.addresses.pop(0)
            if world.holders.get(dropped) is machine:
                del world.holders[dropped]
    world.holders[address] = machine
    world.asked.pop(address, None)


def ask_for(world: World, machine: MachineRecord, address: str | None) -> None:
    """An address that this machine asked for: whether it was given it, the answer tells."""
    if address is not None:
        world.asked[address] = machine.mac
        if len(world.asked) > MAX_ASKED:
            del world.asked[next(iter(world.asked))]


def seen_at(envelope: Envelope) -> FrameRef:
    """The frame that carried a message."""
    return FrameRef(envelope.capture, envelope.frame, envelope.time)


def current_stage(machine: MachineRecord | None) -> StageRecord | None:
    """The stage a machine is in."""
    return machine.boots[-1].stages[-1] if machine is not None and machine.boots and machine.boots[-1].stages else None


def open_stage(machine: MachineRecord | None) -> StageRecord | None:
    """The stage that what goes on around belongs to; None once the machine runs what its disk holds."""
    return (
        None if machine is None or not machine.boots or machine.boots[-1].left is not None else current_stage(machine)
    )


def holder(world: World, address: str, mac: str | None) -> MachineRecord | None:
    """The machine behind an address: by its MAC where that is a machine's own, else by who holds the address."""
    held = world.holders.get(address)
    if mac is not None and (held is None or held.mac != address):
        machine = world.machines.get(mac)
        if machine is not None and (
            address in machine.addresses or (machine.boots and not passes_on(world, mac, address, machine))
        ):
            return machine
    return held


def passes_on(world: World, mac: str, address: str, known: MachineRecord | None) -> bool:
    """Whether frames of this MAC with that IPv4 address are a router's: ARP knows the MAC under others, and not this one.

    `known` is the machine with this MAC. One that did DHCP, or fetched from the address that ARP knows, is no router.
    """
    if is_its_own(world, mac, address, known):
        return False
    own = known.addresses if known is not None else ()
    return any(asking == mac and speaker not in own for speaker, asking in islice(world.arp.items(), MAX_SPEAKERS))


def is_its_own(world: World, mac: str, address: str, known: MachineRecord | None) -> bool:
    """Whether an address is that of the machine with this MAC for sure; IPv6 addresses tell no router here."""
    if ":" in address or world.arp.get(address) == mac:
        return True
    return known is not None and (address in known.addresses or is_known_by_dhcp(known))


def is_known_by_dhcp(machine: MachineRecord) -> bool:
    """Whether any program of this machine did DHCP in this capture."""
    return any(stage.dhcp is not None for boot in machine.boots for stage in boot.stages)
