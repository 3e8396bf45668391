"""`bootsniff read --events`: one JSON object a line while the packets are read, also from a pipe that goes on."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator

from ..model import Block, Tick
from ..report.events import Changes, Event, closing
from ..report.json import line
from ..rules.diagnosis import Diagnosis
from .interrupt import Interrupts
from .output import StreamedReport, Verdict, wanted
from .read import Reading, tell_quality, tell_status


def write_events(reading: Reading, interrupts: Interrupts, arguments: argparse.Namespace) -> int:
    """Write events until the captures end, then the report; returns the exit status."""
    diagnosis = Diagnosis(watching=True)
    changes = Changes()
    for item in interrupts.until_interrupted(_items(reading, diagnosis)):
        if isinstance(item, Tick):
            diagnosis.tick(item.time)
        else:
            diagnosis.feed(*item)
        _write(_news(reading, diagnosis, changes, arguments))
    captures = reading.captures(diagnosis)
    diagnosis.finish(captures)
    _write(_news(reading, diagnosis, changes, arguments))
    tell_quality(captures, interrupted=bool(interrupts.count))
    verdict = Verdict()
    machines = (machine for machine in diagnosis.machines() if wanted(machine, arguments.machine))
    report = StreamedReport(captures, verdict.watch(machines), diagnosis.network(), diagnosis.counters)
    for piece in closing(report, diagnosis.now):
        sys.stdout.write(piece)
    return tell_status(verdict, arguments)


def _items(reading: Reading, diagnosis: Diagnosis) -> Iterator[tuple[Block, ...] | Tick]:
    """Rounds of blocks; a single capture also tells when it is quiet."""
    if len(reading.sources) > 1:
        yield from reading.blocks(diagnosis)
        return
    for item in reading.sources[0].blocks(live=True):
        yield item if isinstance(item, Tick) else (item,)


def _news(reading: Reading, diagnosis: Diagnosis, changes: Changes, arguments: argparse.Namespace) -> Iterator[Event]:
    captures = reading.captures(diagnosis)
    machines = diagnosis.changed(captures)
    now = diagnosis.now or 0
    yield from changes.captures(captures, now)
    yield from changes.machines([machine for machine in machines if wanted(machine, arguments.machine)], now)
    for mac in diagnosis.gone():
        changes.forget(mac)
    yield from changes.network(diagnosis.network(), now)


def _write(events: Iterable[Event]) -> None:
    """Write and flush: whoever reads the pipe wants to know now."""
    wrote = False
    for event in events:
        sys.stdout.write(line(event))
        wrote = True
    if wrote:
        sys.stdout.flush()
