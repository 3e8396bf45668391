"""`bootsniff read --events` and `--plain`: what happens while the packets are read, also from a pipe that goes on."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator
from typing import Protocol

from ..model import Tick
from ..report.events import Changes, Event, closing
from ..report.json import line
from ..report.pages import Pages
from ..rules.diagnosis import Diagnosis
from . import debugging
from .interrupt import Interrupts
from .output import StreamedReport, Verdict, paper, text_options, wanted
from .reading import Reading
from .telling import tell_quality, tell_status


class Sink(Protocol):
    """Where events go, and the report after them."""

    def events(self, events: Iterable[Event]) -> None: ...

    def report(self, report: Pages, now: int | None) -> None: ...


def write_events(reading: Reading, interrupts: Interrupts, arguments: argparse.Namespace) -> int:
    """Write events until the captures end, then the report; returns the exit status."""
    sink: Sink = LogSink(arguments) if arguments.plain else JsonSink()
    diagnosis = Diagnosis(watching=True, strict=debugging())
    changes = Changes()
    for item in interrupts.until_interrupted(reading.blocks_and_ticks(diagnosis)):
        if isinstance(item, Tick):
            diagnosis.tick(item.time)
        else:
            diagnosis.feed(*item)
        sink.events(_news(reading, diagnosis, changes, arguments))
    captures = reading.captures(diagnosis)
    diagnosis.finish(captures)
    sink.events(_news(reading, diagnosis, changes, arguments))
    tell_quality(captures, interrupted=bool(interrupts.count))
    verdict = Verdict()
    machines = (machine for machine in diagnosis.machines() if wanted(machine, arguments.machine))
    report = StreamedReport(captures, verdict.watch(machines), diagnosis.network(), diagnosis.counters)
    sink.report(report, diagnosis.now)
    return tell_status(verdict, report, arguments)


class JsonSink:
    """One JSON object a line. Flushed: whoever reads the pipe wants to know now."""

    def events(self, events: Iterable[Event]) -> None:
        text = "".join(map(line, events))
        if text:
            sys.stdout.write(text)
            sys.stdout.flush()

    def report(self, report: Pages, now: int | None) -> None:
        sys.stdout.writelines(closing(report, now))


class LogSink:
    """A log for people, and the report as text."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        from ..report.log import LogWriter
        from ..report.units import Clock

        self._paper = paper(arguments)
        self._options = text_options(arguments)
        self._clock = Clock(None, utc=arguments.utc)
        self._log = LogWriter(self._paper, quiet=arguments.quiet, verbose=arguments.verbose)

    def events(self, events: Iterable[Event]) -> None:
        from ..report.log import time_of

        for event in events:
            self._log.write(event, time_of(event, self._clock))
        sys.stdout.flush()

    def report(self, report: Pages, now: int | None) -> None:  # noqa: ARG002  (sinks share this shape)
        from ..report.text import write_text

        self._paper.blank()
        write_text(report, self._paper, self._options)


def _news(reading: Reading, diagnosis: Diagnosis, changes: Changes, arguments: argparse.Namespace) -> Iterator[Event]:
    captures = reading.captures(diagnosis)
    machines = diagnosis.changed(captures)
    now = diagnosis.now or 0
    yield from changes.captures(captures, now)
    yield from changes.machines([machine for machine in machines if wanted(machine, arguments.machine)], now)
    for mac in diagnosis.gone():
        changes.forget(mac)
    yield from changes.network(diagnosis.network(), now)
