"""Which machines are listed, in which order, and which is selected; state without widgets."""

from __future__ import annotations

from collections.abc import Callable

from ..model import Machine, Report
from .facts import MachineKey, in_trouble, key_of, searchable, urgency


class Board:
    """The list of machines behind the table.

    Sorted by trouble, then recency, and the worst selected, until the user moves. From then on every machine keeps
    its place, new ones come below, and the selection stays where it is.
    """

    def __init__(self, only: Callable[[Machine], bool] | None = None) -> None:
        """`only` says which machines may be listed at all."""
        self._only = only
        self.machines: dict[MachineKey, Machine] = {}
        self.order: list[MachineKey] = []
        self.selected: MachineKey | None = None
        self.words = ""
        self.moved = False
        self._forgotten: dict[MachineKey, int] = {}
        self._places: dict[MachineKey, int] = {}
        self._texts: dict[MachineKey, tuple[Machine, str]] = {}

    def update(self, report: Report) -> None:
        """Takes a report's machines; those that were forgotten come back when they are heard again."""
        machines = {}
        for machine in report.machines:
            if self._only is not None and not self._only(machine):
                continue
            key = key_of(machine)
            if self._forgotten:
                until = self._forgotten.get(key)
                if until is not None and machine.last_seen <= until:
                    continue
                self._forgotten.pop(key, None)
            machines[key] = machine
        self.machines = machines
        self._arrange()

    def filter(self, words: str) -> None:
        """Lists only machines in which all `words` occur; empty lists all."""
        self.words = words.strip()
        self._texts = {key: known for key, known in self._texts.items() if key in self.machines}
        self._arrange(afresh=True)

    def select(self, key: MachineKey) -> None:
        """The user chose a machine: nothing moves any more."""
        self.moved = True
        self.selected = key

    def release(self) -> None:
        """Sorts again and follows the worst machine."""
        self.moved = False
        self._arrange()

    def forget(self, key: MachineKey) -> None:
        """Takes a machine from the list until it is heard again."""
        machine = self.machines.pop(key, None)
        if machine is not None:
            self._forgotten[key] = machine.last_seen
            self._arrange()

    def next_trouble(self, step: int = 1) -> MachineKey | None:
        """The next machine in trouble after the selected one, around the end; None when there is none."""
        here = self._places.get(self.selected, -1) if self.selected else -1
        count = len(self.order)
        for distance in range(1, count + 1):
            key = self.order[(here + step * distance) % count]
            if in_trouble(self.machines[key]):
                return key
        return None

    def index(self, key: MachineKey | None) -> int | None:
        return self._places.get(key) if key is not None else None

    def machine(self) -> Machine | None:
        return self.machines.get(self.selected) if self.selected else None

    def trouble_count(self) -> int:
        return sum(1 for machine in self.machines.values() if in_trouble(machine))

    def _arrange(self, *, afresh: bool = False) -> None:
        wanted = self.machines
        if self.words:
            words = self.words.lower().split()
            wanted = {key: machine for key, machine in wanted.items() if self._has(key, machine, words)}
        old_place = self.index(self.selected) or 0
        if self.moved and not afresh:
            new = [key for key in wanted if key not in self._places]
            new.sort(key=lambda key: urgency(wanted[key]))
            self.order = [key for key in self.order if key in wanted] + new
        else:
            self.order = sorted(wanted, key=lambda key: urgency(wanted[key]))
        self._places = {key: place for place, key in enumerate(self.order)}
        if not self.moved:
            self.selected = self.order[0] if self.order else None
        elif self.selected not in self._places:
            self.selected = self.order[min(old_place, len(self.order) - 1)] if self.order else None

    def _has(self, key: MachineKey, machine: Machine, words: list[str]) -> bool:
        known = self._texts.get(key)
        if known is None or known[0] is not machine:
            known = self._texts[key] = (machine, searchable(machine))
        return all(word in known[1] for word in words)
