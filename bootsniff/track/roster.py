"""Which machines there are, and which fetch is whose: made when first heard of, dropped when there are too many."""

from __future__ import annotations

import heapq

from ..wire.messages import Envelope
from .machines import seen_at
from .records import FetchRecord, MachineRecord, StageRecord, World

MAX_MACHINES = 50_000
Attached = tuple[MachineRecord, StageRecord, FetchRecord]


class Roster:
    """The machines of a world. `changed` are those that moved."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.changed: set[str] = set()
        """MACs of machines that moved since the last look; whoever looks clears it."""
        self.attached: dict[int, Attached] = {}
        """By the id of its flow: where a fetch stands."""

    def machine(self, key: str, envelope: Envelope) -> MachineRecord:
        """The machine that is known by this MAC (or address), a new one if need be; it has moved."""
        machine = self._world.machines.get(key)
        if machine is None:
            if len(self._world.machines) >= MAX_MACHINES:
                self._evict()
            at = seen_at(envelope)
            machine = self._world.machines[key] = MachineRecord(key, envelope.vlan, at)
        self.changed.add(key)
        return machine

    def _evict(self) -> None:
        """Drop the machines that were quiet longest, ordinary DHCP clients first: many at once, a look at all is dear."""
        world = self._world
        quietest = heapq.nsmallest(
            MAX_MACHINES // 16, world.machines.values(), key=lambda machine: (machine.boot_client, machine.last.time)
        )
        for machine in quietest:
            self.forget(machine.mac)
        world.counters["evicted_machines"] = world.counters.get("evicted_machines", 0) + len(quietest)

    def forget(self, mac: str) -> None:
        """Drop a machine; it comes back with its next packet."""
        machine = self._world.machines.pop(mac, None)
        if machine is None:
            return
        holders = self._world.holders
        for address in (*machine.addresses, machine.link_local or ""):
            if holders.get(address) is machine:
                del holders[address]
        for boot in machine.boots:
            for stage in boot.stages:
                for fetch in stage.fetches:
                    self.attached.pop(id(fetch.flow), None)
        self.changed.discard(mac)

    def moved(self, machine: MachineRecord | None) -> None:
        """Something happened to a machine, if it is anybody's boot."""
        if machine is not None:
            self.changed.add(machine.mac)
