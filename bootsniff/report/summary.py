"""One line a machine: the verdict, and nothing that needs a layout. Thousands of them must stay cheap."""

from __future__ import annotations

from functools import lru_cache

from ..model import Finding, Machine, Severity, Status
from .chain import client_label, stage_of_stall
from .lines import Glyphs, Paper, Span, Style
from .units import count, duration

SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")
CONFIDENCES = ("certain", "likely", "possible")
STATUS_STYLE: dict[Status, Style] = {
    "stalled": "bad",
    "handed-off": "good",
    "in-progress": "warning",
    "not-booting": "dim",
}


def ranked(machine: Machine) -> list[Finding]:
    """The machine's findings: those of the last boot first, then the worst, the ones of the stalled stage, the surest."""
    last = len(machine.boots) - 1
    stalled = [stage_of_stall(boot) for boot in machine.boots]

    def rank(finding: Finding) -> tuple[int, int, bool, int]:
        boot = last if finding.boot is None else finding.boot
        here = 0 <= boot <= last and finding.stage == stalled[boot]
        return last - boot, SEVERITIES.index(finding.severity), not here, CONFIDENCES.index(finding.confidence)

    return sorted(machine.findings, key=rank)


def troubled(machine: Machine) -> bool:
    """Whether the machine deserves its details without being asked for."""
    if machine.status == "stalled" or not machine.findings:
        return machine.status == "stalled"
    return any(finding.severity == "error" for finding in machine.findings)


def mark(status: Status, paper: Paper) -> Span:
    """A sign that tells the status without its colour."""
    return _mark(status, paper.glyphs)


@lru_cache(16)
def _mark(status: Status, glyphs: Glyphs) -> Span:
    sign = {"stalled": glyphs.bad, "handed-off": glyphs.good, "in-progress": glyphs.running, "not-booting": "-"}
    return Span(sign[status], STATUS_STYLE[status])


def verdict(machine: Machine) -> str:
    """`STALLED at tftp`, `handed off`, …"""
    if machine.status == "stalled":
        where = machine.boots[-1].stalled_at if machine.boots else None
        return f"STALLED at {where}" if where else "STALLED"
    return machine.status.replace("-", " ")


def write_summary(machine: Machine, paper: Paper) -> None:
    """The machine's line."""
    paper.line(
        mark(machine.status, paper),
        f" {machine.mac:<17}  ",
        Span(f"{verdict(machine):<20}", STATUS_STYLE[machine.status]),
        "  ",
        _what(machine, paper),
    )


def _what(machine: Machine, paper: Paper) -> Span:
    boot = machine.boots[-1] if machine.boots else None
    if boot is not None and machine.status == "stalled":
        worst = next(iter(ranked(machine)), None)
        if worst is not None and worst.severity != "note":
            return Span(worst.code, "code" if worst.severity == "error" else "warning")
    words = []
    if boot is not None and boot.stages:
        stalled = stage_of_stall(boot)
        words.append(client_label(boot.stages[-1 if stalled is None else stalled].client))
        if boot.waiting_for and machine.status != "handed-off":
            # Where room is short, this matters more.
            words = [*f"waiting for {boot.waiting_for}".split(", "), *words]
        else:
            words.append(duration(boot.end - boot.start))
    words += [word for word in (machine.hostname, None if boot else machine.vendor) if word]
    room = paper.width - 43
    text = ", ".join(words)
    while len(words) > 1 and len(text) > room:
        words.pop()  # better a word less than a number cut in two
        text = ", ".join(words)
    text = paper.shorten(text, room, ends=False)
    return Span(text, "dim" if machine.status != "stalled" else "")


def write_totals(statuses: dict[Status, int], codes: dict[str, int], paper: Paper, *, only: tuple[str, ...]) -> None:
    """`8 machines: 5 stalled, 2 handed off`, and how many machines each error concerns when there are several."""
    total = sum(statuses.values())
    if total == statuses.get("not-booting", 0):
        others = f" {count(total, 'machine')} of other kinds, which -v lists." if total else ""
        whom = f"boot client {' or '.join(only)}" if only else "boot client"
        paper.line(f"No {whom} in this capture.{others}")
        return
    words = [
        Span(f"{number:,} {status.replace('-', ' ')}", style if number else "")
        for status, style in STATUS_STYLE.items()
        if (number := statuses.get(status, 0))
    ]
    paper.flow([[word] for word in words], label=Span(f"{count(total, 'machine')}:", "strong"), between=", ")
    if sum(codes.values()) > 1:
        for code, number in sorted(codes.items(), key=lambda entry: (-entry[1], entry[0])):
            paper.line(f"{number:>9,} {paper.glyphs.times} ", Span(code, "code"))
