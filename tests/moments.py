"""Feeds a capture a moment at a time, as live sees it, and keeps what is told on the way."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
from msgspec.structs import replace

from bootsniff.model import NANOSECONDS, Block
from bootsniff.report.events import Changes, Event
from bootsniff.report.json import machine_value
from bootsniff.rules.diagnosis import Diagnosis
from bootsniff.sources.capture_file import open_capture
from bootsniff.sources.capture_source import CaptureSource

MOMENT = NANOSECONDS // 4
Key = tuple[str | None, str, int | None, str]


def packets(block: Block, which: slice | np.ndarray, first: int) -> Block:
    """Some packets of a block; `first` is the number of the first of them."""
    columns = {name: getattr(block, name)[which] for name in ("time", "offset", "captured", "original")}
    if block.interface is not None:
        columns["interface"] = block.interface[which]
    return replace(block, first_frame=first, **columns)


def part(block: Block, begin: int, end: int | None) -> Block:
    return packets(block, slice(begin, end), block.first_frame + begin)


def moments(source: CaptureSource) -> Iterator[int | Block]:
    """Parts of the capture, none longer than MOMENT; times in between when the line is quiet."""
    last: int | None = None
    for block in source.blocks():
        cells = block.time // MOMENT
        cuts = [0, *(np.flatnonzero(cells[1:] != cells[:-1]) + 1).tolist(), len(block)]
        for begin, end in pairwise(cuts):
            if last is not None:
                yield from range(last + MOMENT, int(block.time[begin]), 2 * MOMENT)
            yield part(block, begin, end)
            last = int(block.time[end - 1])


def watch(path: str) -> tuple[list[Event], list[dict[str, Any]]]:
    """All events of a capture, and its machines in the end."""
    source = open_capture(path, 0)
    diagnosis, changes, events = Diagnosis(watching=True, strict=True), Changes(), list[Event]()

    def look() -> None:
        now = diagnosis.now or 0
        events.extend(changes.machines(diagnosis.changed([source.info()]), now))

    for moment in moments(source):
        if isinstance(moment, Block):
            diagnosis.feed(moment)
        else:
            diagnosis.tick(moment)
        look()
    diagnosis.finish([source.info()])
    look()
    source.close()
    return events, [machine_value(machine) for machine in diagnosis.machines()]


def at_once(path: str) -> list[dict[str, Any]]:
    """The machines of a capture that is read to its end before anybody looks."""
    source = open_capture(path, 0)
    diagnosis = Diagnosis(strict=True)
    for block in source.blocks():
        diagnosis.feed(block)
    diagnosis.finish([source.info()])
    source.close()
    return [machine_value(machine) for machine in diagnosis.machines()]


def key_of(event: Event, mac: str | None) -> Key:
    return mac, event["code"], event["boot"], event["subject"]


def check(events: list[Event], machines: list[dict[str, Any]]) -> None:
    """The findings and stalls that events left standing are those of the report."""
    standing: dict[Key, Event] = {}
    stalled: dict[tuple[str, int], bool] = {}
    for event in events:
        kind, mac = event["event"], event["mac"]
        if kind == "finding":
            standing[key_of(event, mac)] = event
        elif kind == "finding-withdrawn":
            del standing[key_of(event, mac)]
        elif kind.startswith("stall"):
            stalled[mac, event["boot"]] = kind == "stall"
    parts = "severity", "confidence", "stage"
    assert {key: [event[part] for part in parts] for key, event in standing.items()} == {
        key_of(finding, machine["mac"]): [finding[part] for part in parts]
        for machine in machines
        for finding in machine["findings"]
    }
    assert {key for key, now in stalled.items() if now} == {
        (machine["mac"], index)
        for machine in machines
        for index, boot in enumerate(machine["boots"])
        if boot["status"] == "stalled"
    }
