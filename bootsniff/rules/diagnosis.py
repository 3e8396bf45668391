"""Blocks in, reports out: the one object that a front end drives. It wires follower and judge, and knows no source."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator

from ..model import Block, CaptureInfo, Finding, HostFacts, Machine, Report
from ..track.follow import Follower
from .judge import Judge


class Diagnosis:
    """Feed blocks in order of time, ask for reports at any moment.

    `watching` makes silence count while the capture runs (live views, event streams). `arrows` keeps the packet lists
    that ladders and timelines need; summaries of thousands of machines are cheaper without.
    """

    def __init__(
        self,
        *,
        watching: bool = False,
        host: HostFacts | None = None,
        arrows: bool = False,
        note: Callable[[int, int], None] | None = None,
        strict: bool = False,
    ) -> None:
        """`strict` lets errors of ours through, which otherwise cost a rule or an event. `note` is told the capture and number of every frame that a report may cite, while its block is at hand."""
        self._follower = Follower(watching=watching, host=host, note=note, strict=strict)
        self._judge = Judge(self._follower.engine.world, arrows=arrows, strict=strict)
        self._machines: dict[str, Machine] = {}
        self._last_judged = ""
        self._looked = 0

    def feed(self, *blocks: Block) -> None:
        """Take one block, or blocks of several captures whose times overlap."""
        self._follower.feed(*blocks)

    def tick(self, now: int) -> None:
        """Let time pass on a quiet line."""
        self._follower.tick(now)

    def ended(self, capture: int) -> None:
        """One of several captures has no more packets."""
        self._follower.ended(capture)

    def finish(self, captures: Iterable[CaptureInfo]) -> None:
        """All captures are over; the report after this is the final one."""
        infos = tuple(captures)
        self._follower.finish(max((info.ended or 0 for info in infos), default=0))
        self._follower.note_captures(infos)
        # What is silent now stays silent, and late repetitions of a whole file count but move nobody: all are judged again.
        self._follower.engine.changed.update(self._machines)

    @property
    def now(self) -> int | None:
        """The latest time that packets or ticks told, ns."""
        return self._follower.engine.world.now or None

    def machines(self) -> Iterator[Machine]:
        """Every machine, judged one at a time and not kept: for reports of any size."""
        self._follower.sync()
        for record in list(self._follower.engine.world.machines.values()):
            machine = self._judge.machine(record)
            if machine is not None:
                yield machine

    @property
    def moved(self) -> int:
        """How many machines moved since `changed` was last asked, or wait for their turn there."""
        return len(self._follower.engine.changed)

    def changed(self, captures: Iterable[CaptureInfo] = (), *, limit: int | None = None) -> list[Machine]:
        """The machines that moved since the last call, judged anew; with a `limit` the others wait for their turn."""
        self._follower.sync()
        self._follower.note_captures(captures)
        engine = self._follower.engine
        moved = sorted(engine.changed)
        if limit is not None and len(moved) > limit:
            turn = bisect_right(moved, self._last_judged)
            moved = (moved[turn:] + moved[:turn])[:limit]
            self._last_judged = moved[-1]
        engine.watch(moved)
        engine.changed.difference_update(moved)
        changed = []
        for mac in moved:
            record = engine.world.machines.get(mac)
            # What the whole capture tells may change boots that are over: the last time nothing is taken over.
            before = None if engine.world.ended else self._machines.get(mac)
            machine = self._judge.machine(record, before) if record is not None else None
            if machine is not None:
                self._machines[mac] = machine
                changed.append(machine)
        return changed

    def look_at_waiting(self, limit: int | None = None) -> int:
        """Have machines that wait or load judged again: what they wait for, and how far they are, is in the report.

        With a `limit` only so many of them, the next ones with the next call. Returns how many there are in all.
        """
        waiting = [mac for mac, machine in self._machines.items() if machine.status == "in-progress"]
        turn = 0
        if limit is not None and len(waiting) > limit:
            turn = self._looked % len(waiting)
            self._looked = turn + limit
        self._follower.engine.changed.update((waiting[turn:] + waiting[:turn])[:limit])
        return len(waiting)

    def gone(self) -> tuple[str, ...]:
        """Machines dropped for want of room since the last call."""
        known = self._follower.engine.world.machines
        gone = tuple(mac for mac in self._machines if mac not in known)
        for mac in gone:
            del self._machines[mac]
        return gone

    def report(self, captures: Iterable[CaptureInfo]) -> Report:
        """The immutable report as of now; only machines that moved since the last one are judged again.

        Machines that wait are judged anew too: what they wait for, and for how long, is part of the report.
        """
        infos = tuple(captures)
        self.look_at_waiting()
        self.changed(infos)
        self.gone()
        return Report(infos, tuple(self._machines.values()), self.network(), self.now, self.counters())

    def network(self) -> tuple[Finding, ...]:
        """Findings of the network as a whole."""
        return self._judge.network()

    def counters(self) -> tuple[tuple[str, int], ...]:
        """What bounds threw away, and what failed for a bug of ours."""
        world = self._follower.engine.world
        return tuple(sorted({**world.counters, **self._follower.counters(), **self._judge.counters()}.items()))

    def undecoded(self, capture: int) -> int:
        """Frames of a capture whose headers could not be read."""
        return self._follower.undecoded(capture)

    def forget(self, mac: str) -> None:
        """Drop a machine; it comes back with its next packet."""
        self._follower.engine.forget(mac)
        self._machines.pop(mac, None)
