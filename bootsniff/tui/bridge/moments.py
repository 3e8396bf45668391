"""Reports of many moments of one capture, kept within bounds: what the scrubber goes through."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from typing import TypeVar

from msgspec.structs import replace

from ...model import NANOSECONDS, Boot, Machine, Report, Stage

FIRST_STEP = NANOSECONDS // 10
"""Moments are at least this far apart; the distance doubles whenever there are too many of them."""
MOST = 600
REFERENCES = 3_000_000
"""Machines of all kept reports together, each counted in each: with thousands of machines there are fewer moments."""
FEWEST = 32

T = TypeVar("T")


class Moments:
    """Reports by time, at most MOST of them, thinned evenly.

    Written by one thread and read by another: both lists grow only at their ends, and thinning puts new ones in place.
    """

    def __init__(self) -> None:
        self.step = FIRST_STEP
        self._kept: tuple[list[int], list[Report]] = ([], [])
        self._newest: dict[str, Machine] = {}

    @property
    def times(self) -> tuple[int, ...]:
        return tuple(self._kept[0])

    def add(self, report: Report) -> Report:
        """Keeps a report; gives it back with everything in it shared that did not change since the one before."""
        report = self.share(report)
        times, reports = self._kept
        if report.now is None or (times and report.now < times[-1]):
            return report
        if times and (report.now == times[-1] or (len(times) > 1 and report.now - times[-2] < self.step)):
            # sooner than a step after the last but one: the newest takes the last one's place
            reports[-1] = report
            times[-1] = report.now
            return report
        reports.append(report)
        times.append(report.now)
        if len(times) > MOST or (len(times) > FEWEST and len(times) * len(report.machines) > REFERENCES):
            # every second one goes, the newest stays
            self._kept = (times[::-2][::-1], reports[::-2][::-1])
            self.step *= 2
        return report

    def at(self, time: int) -> Report | None:
        """The latest report not after `time`."""
        times, reports = self._kept
        place = bisect_right(times, time)
        return reports[min(place, len(reports)) - 1] if place else None

    def share(self, report: Report) -> Report:
        """The same report with the parts that did not change since the last one as the same objects.

        Hundreds of reports of dozens of machines would otherwise hold every arrow of every machine hundreds of times.
        """
        before, now = self._newest, {}
        machines = []
        for machine in report.machines:
            old = before.get(machine.mac)
            mine = machine if old is None or old is machine else _machine(old, machine)
            now[machine.mac] = mine
            machines.append(mine)
        self._newest = now
        return replace(report, machines=tuple(machines))


def _machine(old: Machine, new: Machine) -> Machine:
    if old == new:
        return old
    return replace(new, boots=_each(old.boots, new.boots, _boot), findings=_each(old.findings, new.findings, _same))


def _boot(old: Boot, new: Boot) -> Boot:
    return old if old == new else replace(new, stages=_each(old.stages, new.stages, _stage))


def _stage(old: Stage, new: Stage) -> Stage:
    if old == new:
        return old
    return replace(new, arrows=_each(old.arrows, new.arrows, _same), fetches=_each(old.fetches, new.fetches, _same))


def _same(old: T, new: T) -> T:
    return old if old == new else new


def _each(old: tuple[T, ...], new: tuple[T, ...], share: Callable[[T, T], T]) -> tuple[T, ...]:
    """The new tuple, its members shared with the old ones at the same place; the old tuple when all are."""
    if old == new:
        return old
    return tuple(share(a, b) for a, b in zip(old, new, strict=False)) + new[len(old) :]
