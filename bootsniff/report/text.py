"""The report as text, for terminals, pipes and logs: machine by machine, nothing kept, nothing concluded here."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from ..model import Machine, Report, Status
from .captures import write_captures
from .details import write_machine
from .findings import write_finding
from .lines import Paper, Span
from .summary import troubled, write_summary, write_totals
from .units import Clock

DETAILED_MACHINES = 100
"""How many troubled machines are shown in full when nobody asked for one of them or for all (`-v`)."""


@dataclass(frozen=True, slots=True)
class TextOptions:
    """What the user asked for; all three change how much is shown, never what is concluded."""

    quiet: bool = False
    """Only the verdict line of each machine."""
    verbose: bool = False
    """Every machine in full, with stages, fetches and packets."""
    utc: bool = False


def write_text(report: Report, paper: Paper, options: TextOptions) -> None:
    """Write the report. One machine is shown in full; of several each gets a line, the troubled ones their details."""
    clock = Clock(
        min((info.first for info in report.captures if info.first is not None), default=None), utc=options.utc
    )
    if options.quiet:
        for machine in report.machines:
            write_summary(machine, paper)
        return
    write_captures(report, paper, clock)
    paper.blank()
    several = len(report.machines) > 1
    statuses: Counter[Status] = Counter()
    codes: Counter[str] = Counter()
    for machine in report.machines:
        if several:
            write_summary(machine, paper)
        statuses[machine.status] += 1
        codes.update({finding.code for finding in machine.findings if finding.severity == "error"})
    if several or not report.machines:
        if several:
            paper.blank()
        write_totals(statuses, codes, paper)
    for finding in report.findings:
        paper.blank()
        write_finding(finding, report.captures, paper, clock, indent=0, where="the network")
    _write_details(report, paper, clock, options, blank=several or bool(report.findings))


def _write_details(report: Report, paper: Paper, clock: Clock, options: TextOptions, *, blank: bool) -> None:
    shown = left_out = 0
    for machine in report.machines:
        if not _in_full(machine, report, options):
            continue
        if shown >= DETAILED_MACHINES and not options.verbose:
            left_out += 1
            continue
        shown += 1
        if blank:
            paper.blank()
        write_machine(machine, report.captures, paper, clock, verbose=options.verbose)
        blank = True
    if left_out:
        paper.blank()
        text = f"{left_out:,} more machines in trouble: -v shows all of them, --machine MAC shows one."
        paper.flow([[Span(word, "strong")] for word in text.split(" ")])


def _in_full(machine: Machine, report: Report, options: TextOptions) -> bool:
    return options.verbose or len(report.machines) == 1 or troubled(machine)
