"""One machine in full: who it is, its boots, the chain with the last good step and the stall, then its findings."""

from __future__ import annotations

from ..model import Boot, CaptureInfo, Machine
from .chain import Mark, Step, Turn, chain
from .findings import write_findings
from .lines import Paper, Span, Style, cell_width
from .stages import write_stages
from .summary import STATUS_STYLE, mark, verdict
from .units import Clock, duration

EARLIER_BOOTS = 5
"""How many boots before the last one are shown without `-v`."""
STEP_CELLS = 44
"""Longest name or error text of one step."""

_STEP_STYLE: dict[Mark, Style] = {"done": "good", "stalled": "bad", "failed": "warning", "running": "warning"}


def write_machine(
    machine: Machine, captures: tuple[CaptureInfo, ...], paper: Paper, clock: Clock, *, verbose: bool = False
) -> None:
    """The machine's heading, boots, chain and findings."""
    _write_heading(machine, paper)
    first = 0 if verbose else max(0, len(machine.boots) - 1 - EARLIER_BOOTS)
    if first:
        paper.line("  ", Span(f"{first:,} earlier boots are not shown (-v shows them)", "dim"))
    for number, boot in enumerate(machine.boots[first:], first + 1):
        last = number == len(machine.boots)
        _write_boot(boot, number, len(machine.boots), paper, clock)
        if last or verbose:
            write_chain(boot, paper)
            if boot.waiting_for and boot.status != "handed-off":
                paper.prose(boot.waiting_for, 2, label=Span("waiting for", "dim"))
        if verbose:
            write_stages(boot, captures, paper, clock)
    _write_what_next(machine, paper, verbose=verbose)
    write_findings(machine, captures, paper, clock, verbose=verbose)


def _write_what_next(machine: Machine, paper: Paper, *, verbose: bool) -> None:
    """Where no finding says what to do: who knows more."""
    last = len(machine.boots) - 1
    if any(finding.boot in (last, None) and finding.severity != "note" for finding in machine.findings):
        return
    if machine.status == "stalled":
        why = "The packets do not show why. The machine's screen and the server's log may say it"
        paper.prose(f"{why}{'' if verbose else '; -v lists what was asked and answered'}.", 2, style="dim")
    elif machine.status == "in-progress" and not machine.boots[last].waiting_for.startswith("a key"):
        why = "The capture ends before it is clear what becomes of this boot: record on"
        paper.prose(f"{why}, or look at the machine's screen.", 2, style="dim")


def write_chain(boot: Boot, paper: Paper, indent: int = 2) -> None:
    """The chain on one line when it fits, otherwise a row for each stage.

    `EFI x64 PXE: ✓ DHCP › ✓ TFTP shimx64.efi (last good) › ✗ TFTP grubx64.efi STALLED`.
    """
    then = Span(f" {paper.glyphs.then} ", "dim")
    rows = [(_turn_label(turn, paper), [_step(step, paper) for step in turn.steps]) for turn in chain(boot)]
    if not rows:
        return
    chunks = [[*([label, Span(" ")] if n == 0 else []), *step] for label, steps in rows for n, step in enumerate(steps)]
    total = sum(cell_width(span.text) for chunk in chunks for span in chunk) + len(then.text) * (len(chunks) - 1)
    if total <= paper.width - indent - len(then.text.rstrip()):  # as far as paper fills a line that may go on
        paper.flow(chunks, indent, between=then)
        return
    widest = max(cell_width(label.text) for label, _ in rows)
    for label, steps in rows:
        padding = " " * (widest - cell_width(label.text))
        paper.flow(steps, indent, between=then, label=Span(label.text + padding, label.style))


def _turn_label(turn: Turn, paper: Paper) -> Span:
    times = f" {paper.glyphs.times}{turn.times}" if turn.times > 1 else ""
    return Span(f"{turn.label}{times}:" if turn.label else "", "strong")


def _step(step: Step, paper: Paper) -> list[Span]:
    glyphs = paper.glyphs
    signs: dict[Mark, str] = {
        "done": glyphs.good,
        "stalled": glyphs.bad,
        "failed": glyphs.survived,
        "running": glyphs.running,
    }
    style = _STEP_STYLE[step.mark]
    times = f" {glyphs.times}{step.times}" if step.times > 1 else ""
    spans = [Span(f"{signs[step.mark]} {paper.shorten(step.label, STEP_CELLS)}{times}", style)]
    note = _note(step.note, paper)
    if step.last_good:
        spans.append(Span(" (last good)", "strong"))
    elif step.mark == "stalled":
        spans.append(Span(" STALLED" + (f": {note}" if note else ""), "bad"))
    elif note:
        spans.append(Span(f" ({note})", "dim"))
    return spans


def _note(text: str, paper: Paper) -> str:
    """What fits of `ERROR 1 file not found: file /srv/…`, part by part: half a path tells nothing."""
    parts = text.split(": ")
    while len(parts) > 1 and (cell_width(": ".join(parts)) > STEP_CELLS or parts[-1].lower() in parts[-2].lower()):
        parts.pop()
    return paper.shorten(": ".join(parts), STEP_CELLS, ends=False)


def _write_heading(machine: Machine, paper: Paper) -> None:
    words = [[Span(machine.mac, "strong")]]
    if machine.hostname:
        words.append([Span(machine.hostname)])
    if machine.vendor:
        words.append([Span(machine.vendor)])
    if machine.vlan is not None:
        words.append([Span(f"VLAN {machine.vlan}")])
    words += [[Span(address)] for address in machine.addresses[:4] if address != machine.mac]
    if machine.uuid:
        words.append([Span(f"uuid {machine.uuid}", "dim")])
    paper.flow(words, between="  ", label=mark(machine.status, paper))
    if not machine.boots:
        paper.line("  ", Span(verdict(machine), STATUS_STYLE[machine.status]))


def _write_boot(boot: Boot, number: int, boots: int, paper: Paper, clock: Clock) -> None:
    where = f" at {boot.stalled_at}" if boot.status == "stalled" and boot.stalled_at else ""
    status = "STALLED" if boot.status == "stalled" else boot.status.replace("-", " ")
    since = clock.relative(boot.start) if boot.start != clock.origin else ""
    began = f"began {clock.date_time(boot.start)}" + (f" ({since})" if since else "")
    words = [[Span(status + where, STATUS_STYLE[boot.status]), Span(f" after {duration(boot.end - boot.start)}")]]
    if boots > 1:
        words.append([Span(f"boot {number} of {boots}")])
    paper.flow([*words, [Span(began)]], 2, between=", ")
