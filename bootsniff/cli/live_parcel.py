"""What of an update goes over the pipe: boots that the other end has already are left out, and put back there."""

from __future__ import annotations

from itertools import takewhile
from typing import NamedTuple

from msgspec.structs import replace

from ..model import Boot, CaptureInfo, Finding, Machine
from ..sources.live import News


class Update(NamedTuple):
    """What changed since the last one. Updates that a slow reader did not fetch have become one."""

    now: int | None
    captures: tuple[CaptureInfo, ...]
    machines: tuple[Machine, ...]
    forgotten: tuple[str, ...]
    network: tuple[Finding, ...] | None
    """None: as before."""
    counters: tuple[tuple[str, int], ...]
    news: tuple[News, ...]
    final: bool = False
    failure: str | None = None
    """Why the capture ended by itself, in the final update."""


class _Told(NamedTuple):
    """A machine, of whose boots the first ones are those that the other end has from `since` on, `kept` in number."""

    machine: Machine
    since: int = 0
    kept: int = 0


class Parcel(NamedTuple):
    """An update on its way."""

    update: Update
    """Without its machines."""
    machines: tuple[_Told, ...]


class Ledger:
    """The machines as they were sent last, or received: one at each end, and both see the same parcels."""

    def __init__(self) -> None:
        self._machines: dict[str, Machine] = {}

    def pack(self, update: Update) -> Parcel:
        told = tuple([_without_known_boots(self._machines.get(one.mac), one) for one in update.machines])
        self._note(update)
        return Parcel(update._replace(machines=()), told)

    def unpack(self, parcel: Parcel) -> Update:
        machines = tuple([_with_known_boots(self._machines.get(one.machine.mac), one) for one in parcel.machines])
        update = parcel.update._replace(machines=machines)
        self._note(update)
        return update

    def _note(self, update: Update) -> None:
        self._machines.update((machine.mac, machine) for machine in update.machines)
        for mac in update.forgotten:
            self._machines.pop(mac, None)


def _without_known_boots(before: Machine | None, machine: Machine) -> _Told:
    if before is None or not machine.boots:
        return _Told(machine)
    first = machine.boots[0].start  # the oldest ones go when there are too many
    since = sum(1 for _ in takewhile(lambda boot: boot.start != first, before.boots))
    kept = sum(1 for _ in takewhile(_are_one, zip(before.boots[since:], machine.boots, strict=False)))
    return _Told(replace(machine, boots=machine.boots[kept:]), since, kept)


def _are_one(boots: tuple[Boot, Boot]) -> bool:
    return boots[0] is boots[1]


def _with_known_boots(before: Machine | None, told: _Told) -> Machine:
    if before is None or not told.kept:
        return told.machine
    known = before.boots[told.since : told.since + told.kept]
    return replace(told.machine, boots=known + told.machine.boots)
