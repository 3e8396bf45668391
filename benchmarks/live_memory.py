"""Prints how much memory a live capture takes, hour by hour of packet time: `python -m benchmarks.live_memory`.

A day of an idle bridge, in which some thousand machines boot in the course of a few hours. The engine, the judge and
the event stream are driven as the capture process and `--json` drive them, without a wire: with the packets' own times.
"""

from __future__ import annotations

import argparse
import gc
import resource
from collections import Counter
from operator import itemgetter
from pathlib import Path

import numpy as np

from bootsniff.model import Block, Interface
from bootsniff.report.events import Changes
from bootsniff.rules.diagnosis import Diagnosis
from bootsniff.sources.frame_log import FrameLog

from .boots import START
from .idle import SECOND, Frame, boot, idle

HOUR = 3600 * SECOND
SLICE = 5 * SECOND
"""Packets that come as one block: on a quiet line it is one in 60 ms, and then a day takes hours."""


class Live:
    """What there is of a live capture when the sources and the views are taken away."""

    def __init__(self) -> None:
        self.packets = 0
        self.events: Counter[str] = Counter()
        self.machines: Counter[str] = Counter()
        self._log = FrameLog()
        self._diagnosis = Diagnosis(watching=True, note=self._log.keep)
        self._changes = Changes()
        self._known: dict[str, str] = {}

    def feed(self, frames: list[Frame], now: int) -> None:
        """The frames of a slice, and then its end."""
        diagnosis = self._diagnosis
        if frames:
            block = block_of(frames, self.packets + 1)
            self._log.begin(block)
            diagnosis.feed(block)
            self._log.end()
            self.packets += len(frames)
        diagnosis.tick(now)
        diagnosis.look_at_waiting(64)
        machines = diagnosis.changed()
        for event in (*self._changes.machines(machines, now), *self._changes.network(diagnosis.network(), now)):
            self.events[event["event"]] += 1
        for machine in machines:
            self._known[machine.mac] = machine.status
        for mac in diagnosis.gone():
            self._changes.forget(mac)
            del self._known[mac]

    def statuses(self) -> str:
        counted = Counter(self._known.values())
        return ", ".join(f"{number:,} {status}" for status, number in sorted(counted.items()))

    def counters(self) -> str:
        return ", ".join(
            f"{number:,} {name.replace('_', ' ')}" for name, number in self._diagnosis.counters() if number
        )


def block_of(frames: list[Frame], first_frame: int) -> Block:
    lengths = np.array([len(data) for _, data in frames], np.int64)
    return Block(
        capture=0,
        buffer=memoryview(b"".join(data for _, data in frames)),
        first_frame=first_frame,
        time=np.array([time for time, _ in frames], np.int64),
        offset=np.cumsum(lengths) - lengths,
        captured=lengths,
        original=lengths,
        interface=None,
        interfaces=(Interface(1, "virbr0"),),
    )


def resident() -> float:
    """MB of this process."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=int, default=24)
    parser.add_argument("--machines", type=int, default=5000)
    parser.add_argument("--boot-hours", type=int, nargs=2, default=(8, 12), help="when they boot")
    parser.add_argument("--rounds", type=int, default=1, help="how often each of them boots in that time")
    arguments = parser.parse_args()
    first, last = (START + hour * HOUR for hour in arguments.boot_hours)
    boots = arguments.machines * arguments.rounds
    starts = [first + (last - first) * number // max(1, boots) for number in range(boots)]
    live = Live()
    started = 0
    waiting: list[Frame] = []
    print(f"{'hour':>4} {'packets':>10} {'events':>9} {'MB':>6}  machines", flush=True)
    print(f"{0:>4} {0:>10} {0:>9} {resident():>6.1f}", flush=True)
    for hour in range(arguments.hours):
        for begin in range(START + hour * HOUR, START + (hour + 1) * HOUR, SLICE):
            end = begin + SLICE
            waiting += idle(begin, end)
            while started < boots and starts[started] < end:
                waiting += boot(started % arguments.machines, starts[started])
                started += 1
            waiting.sort(key=itemgetter(0))
            due = sum(time < end for time, _ in waiting)
            live.feed(waiting[:due], end)
            del waiting[:due]
        events = sum(live.events.values())
        print(f"{hour + 1:>4} {live.packets:>10,} {events:>9,} {resident():>6.1f}  {live.statuses()}", flush=True)
    print(
        f"highest {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6:.0f} MB; {live.counters() or 'nothing left out'}"
    )


if __name__ == "__main__":
    main()
