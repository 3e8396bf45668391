"""Which frames stand behind a finding, a step or an arrow; looks them up, decodes nothing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from ..model import Arrow, Finding, Machine, Stage
from .views.ladder import ArrowKey
from .views.timeline import StepKey, arrows_of_fetch, step_of


class Cited(NamedTuple):
    """A frame and why it is shown."""

    capture: int
    frame: int
    time: int
    role: str


def of_finding(finding: Finding) -> list[Cited]:
    return [Cited(each.capture, each.frame, each.time, each.role) for each in finding.evidence]


def of_arrows(arrows: Iterable[Arrow]) -> list[Cited]:
    """Packets that were seen; what is missing has no frame."""
    return [
        Cited(arrow.capture, arrow.frame, arrow.time, f"{arrow.label}  {arrow.source} to {arrow.target}")
        for arrow in arrows
        if arrow.kind != "missing" and arrow.frame > 0
    ]


def of_step(machine: Machine, key: StepKey) -> list[Cited]:
    """The frames of a stage, of its DHCP exchange, or of one fetch."""
    found = step_of(machine, key)
    if found is None:
        return []
    _, stage = found
    if key.kind == "stage":
        return of_arrows(stage.arrows)
    if key.kind == "dhcp":
        return of_arrows(arrow for arrow in stage.arrows if arrow.layer == "dhcp")
    return _of_fetch(stage, key.fetch)


def _of_fetch(stage: Stage, index: int) -> list[Cited]:
    if index >= len(stage.fetches):
        return []
    fetch = stage.fetches[index]
    out = of_arrows(arrows_of_fetch(stage, fetch))
    known = {(each.capture, each.frame) for each in out}
    for frame, time, role in (
        (fetch.first_frame, fetch.start, f"first frame of {fetch.url}"),
        (fetch.last_frame, fetch.end, f"last frame of {fetch.url}"),
    ):
        if (fetch.capture, frame) not in known:
            known.add((fetch.capture, frame))
            out.append(Cited(fetch.capture, frame, time, role))
    return sorted(out, key=lambda each: (each.time, each.frame))


def of_arrow(machine: Machine, boot: int, key: ArrowKey) -> tuple[list[Cited], int]:
    """All frames of the boot, and which of them the arrow is."""
    arrows = [arrow for stage in machine.boots[boot].stages for arrow in stage.arrows]
    every = of_arrows(arrows)
    place = next((n for n, each in enumerate(every) if (each.capture, each.frame) == key[:2]), 0)
    return every, place


def of_machine(machine: Machine) -> list[Cited]:
    """Every frame that a machine's report cites, each once, in order of time."""
    found: dict[tuple[int, int], Cited] = {}
    for finding in machine.findings:
        for each in of_finding(finding):
            found.setdefault(each[:2], each)
    for number, boot in enumerate(machine.boots):
        for at, stage in enumerate(boot.stages):
            for each in of_arrows(stage.arrows):
                found.setdefault(each[:2], each)
            for index in range(len(stage.fetches)):
                for each in of_step(machine, StepKey("fetch", number, at, index)):
                    found.setdefault(each[:2], each)
    return sorted(found.values(), key=lambda each: (each.time, each.capture, each.frame))


def exchanges(stage: Stage) -> list[tuple[Arrow | None, Arrow | None]]:
    """Request and reply pairs of a stage's DHCP exchange: each reply with what the client had said before it."""
    pairs: list[tuple[Arrow | None, Arrow | None]] = []
    asked: Arrow | None = None
    for arrow in stage.arrows:
        if arrow.layer != "dhcp" or arrow.kind == "missing":
            continue
        if arrow.from_client:
            asked = arrow
        else:
            pairs.append((asked, arrow))
    if not pairs and asked is not None:
        pairs.append((asked, None))
    return pairs
