"""What changed between two looks at the machines, as events: one JSON object a line. Draws no conclusions of its own.

An event carries the keys of the document in the line itself, with `event`, `time` and `mac` before them; `boot`,
`stage` and `fetch` are the indices that say where in the document its subject stands.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ..model import NANOSECONDS, Boot, CaptureInfo, Fetch, Finding, Machine, Report, Stage
from .json import boot_value, document, fetch_value, finding_value, identity_value, stage_head
from .pages import Pages
from .units import rfc3339

Event = dict[str, Any]
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
QUIET = 2 * NANOSECONDS
"""A machine that waits for no longer than this is only loading."""
_FindingKey = tuple[str, int | None, str]
"""Its code, when its boot began (the index of a boot changes when the oldest ones go), its subject."""


class Changes:
    """Remembers the last look at every machine and tells what is new in the next one."""

    def __init__(self) -> None:
        self._machines: dict[str, Machine] = {}
        self._network: dict[_FindingKey, Finding] = {}
        self._told_waiting: dict[str, tuple[int, str]] = {}
        self._dropped: dict[int, int] = {}

    def machines(self, machines: Iterable[Machine], now: int) -> Iterator[Event]:
        """Events of machines that may have changed since the last call; the others need not be given. `now`: ns."""
        for machine in machines:
            before = self._machines.get(machine.mac)
            if before is not machine:
                self._machines[machine.mac] = machine
                yield from _machine_changes(before, machine, now)
                yield from self._waiting(machine, now)

    def _waiting(self, machine: Machine, now: int) -> Iterator[Event]:
        """What a machine that has gone quiet waits for, once: that it waits longer is no news."""
        boot = machine.boots[-1] if machine.boots else None
        text = boot.waiting_for if boot is not None else ""
        kind = (boot.start if boot is not None else 0, _NUMBER.sub("", text))
        if kind != self._told_waiting.get(machine.mac):
            self._told_waiting.pop(machine.mac, None)
            if text and now - machine.last_seen >= QUIET:
                self._told_waiting[machine.mac] = kind
                yield {**_head("waiting", now, machine.mac), "boot": len(machine.boots) - 1, "waiting_for": text}

    def forget(self, mac: str) -> None:
        """The machine will not be seen again: keep nothing of it."""
        self._machines.pop(mac, None)
        self._told_waiting.pop(mac, None)

    def network(self, findings: Iterable[Finding], now: int) -> Iterator[Event]:
        """Events of the network's own findings; all that stand now must be given."""
        after = _by_key(findings)
        yield from _finding_changes(self._network, after, None, now, {None: None})
        self._network = after

    def captures(self, captures: Iterable[CaptureInfo], now: int) -> Iterator[Event]:
        """Events of packets lost while capturing."""
        for index, info in enumerate(captures):
            known = self._dropped.get(index, 0)
            if info.dropped_frames > known:
                self._dropped[index] = info.dropped_frames
                yield {
                    **_head("drops", now, None),
                    "capture": index,
                    "path": info.path,
                    "dropped_frames": info.dropped_frames,
                    "new": info.dropped_frames - known,
                }

    def report(self, report: Report) -> Iterator[Event]:
        """Everything that is new in a whole report."""
        now = report.now or 0
        yield from self.captures(report.captures, now)
        yield from self.machines(report.machines, now)
        yield from self.network(report.findings, now)


def closing(report: Pages, now: int | None) -> Iterator[str]:
    """The last line, in pieces: the whole document."""
    time = "null" if now is None else f'"{rfc3339(now)}"'
    yield f'{{"event":"report","time":{time},"mac":null,"report":'
    for piece in document(report):
        yield piece.replace("\n", "")
    yield "}\n"


def _head(event: str, time: int, mac: str | None) -> Event:
    return {"event": event, "time": rfc3339(time), "mac": mac}


def _machine_changes(before: Machine | None, after: Machine, now: int) -> Iterator[Event]:
    if before is None or identity_value(before) != identity_value(after):
        first = after.boots[0].start if after.boots else now
        yield {**_head("machine", first if before is None else now, after.mac), **identity_value(after)}
    moved = list(_moved_boots(before, after))
    for index, old, boot in moved:
        yield from _boot_changes(old, boot, index, after.mac)
    told = _by_key(before.findings, before.boots) if before is not None else {}
    places: dict[int | None, int | None] = {boot.start: index for index, _, boot in moved}
    yield from _finding_changes(told, _by_key(after.findings, after.boots), after.mac, now, places)
    for index, old, boot in moved:
        yield from _stall_changes(old, boot, index, after.mac, now)


def _moved_boots(before: Machine | None, after: Machine) -> Iterator[tuple[int, Boot | None, Boot]]:
    """Boots that are not as they were: their index, before and after. The oldest ones go when there are too many."""
    known = {boot.start: boot for boot in before.boots} if before is not None else {}
    for index, boot in enumerate(after.boots):
        old = known.get(boot.start)
        if old is not boot:
            yield index, old, boot


def _boot_changes(before: Boot | None, after: Boot, boot: int, mac: str) -> Iterator[Event]:
    for index, stage in enumerate(after.stages):
        old = before.stages[index] if before is not None and index < len(before.stages) else None
        if old is stage:
            continue
        if old is None or _stage_face(old) != _stage_face(stage):
            time = stage.dhcp.end if stage.dhcp is not None else stage.start
            yield {**_head("stage", time, mac), "boot": boot, "stage": index, **stage_head(stage)}
        for number, fetch in enumerate(stage.fetches):
            known = old.fetches[number] if old is not None and number < len(old.fetches) else None
            if known is None or _fetch_face(known) != _fetch_face(fetch):
                time = fetch.start if fetch.status == "in-progress" else fetch.end
                head = _head("fetch", time, mac)
                yield {**head, "boot": boot, "stage": index, "fetch": number, **fetch_value(fetch)}


def _stage_face(stage: Stage) -> Event:
    """What of a stage is worth an event when it changes: not its times and not its packet counts."""
    face = stage_head(stage)
    del face["start"], face["end"]
    if face["dhcp"] is not None:
        for counted in ("discovers", "offers", "requests", "acks"):
            del face["dhcp"][counted]
    return face


def _fetch_face(fetch: Fetch) -> tuple[object, ...]:
    """Not its bytes: a transfer that merely goes on is no news."""
    return fetch.url, fetch.method, fetch.status, fetch.size, fetch.error, fetch.content


def _stall_changes(before: Boot | None, after: Boot, boot: int, mac: str, now: int) -> Iterator[Event]:
    was = before is not None and before.status == "stalled"
    stalled = after.status == "stalled"
    if stalled and not (was and before is not None and before.stalled_at == after.stalled_at):
        value = boot_value(after)
        del value["stages"]
        yield {**_head("stall", now, mac), "boot": boot, **value}
    elif was and not stalled:
        yield {**_head("stall-cleared", now, mac), "boot": boot, "status": after.status}


def _by_key(findings: Iterable[Finding], boots: Sequence[Boot] = ()) -> dict[_FindingKey, Finding]:
    return {
        (finding.code, None if finding.boot is None else boots[finding.boot].start, finding.subject): finding
        for finding in findings
    }


def _finding_changes(
    before: dict[_FindingKey, Finding],
    after: dict[_FindingKey, Finding],
    mac: str | None,
    now: int,
    places: Mapping[int | None, int | None],
) -> Iterator[Event]:
    """What came, and what was disproved: in one of `places`; what is gone elsewhere is gone for want of room."""
    for key, finding in before.items():
        if key not in after and key[1] in places:
            yield {**_head("finding-withdrawn", now, mac), **finding_value(finding), "boot": places[key[1]]}
    for key, finding in after.items():
        known = before.get(key)
        if known is None or _finding_face(known) != _finding_face(finding):
            yield {**_head("finding", now, mac), **finding_value(finding)}


def _finding_face(finding: Finding) -> tuple[object, ...]:
    """Not its evidence: the same fault once more is no news."""
    return finding.severity, finding.confidence, finding.stage
