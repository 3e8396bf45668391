"""The report as text, for terminals, pipes and logs: machine by machine, nothing kept, nothing concluded here."""

from __future__ import annotations

from collections import Counter
from itertools import chain, islice

from msgspec import Struct

from ..model import CaptureInfo, Finding, Machine, Status
from .captures import write_blind_spots, write_captures, write_counters
from .details import write_machine
from .findings import write_finding
from .lines import Paper
from .pages import Pages
from .summary import troubled, write_summary, write_totals
from .units import Clock

DETAILED_MACHINES = 100
"""How many troubled machines are shown in full when nobody asked for one of them or for all (`-v`)."""


class TextOptions(Struct, frozen=True):
    """What the user asked for; it changes how much is shown, never what is concluded."""

    quiet: bool = False
    """Only the verdict line of each machine."""
    verbose: bool = False
    """Every machine in full, with stages, fetches and packets."""
    utc: bool = False
    only: tuple[str, ...] = ()
    """The machines that the report was narrowed to, by address."""


def write_text(report: Pages, paper: Paper, options: TextOptions) -> None:
    """Write the report. One machine is shown in full; of several each gets a line, the troubled ones their details."""
    captures = report.captures
    clock = Clock(min((info.first for info in captures if info.first is not None), default=None), utc=options.utc)
    machines = iter(report.machines)
    if options.quiet:
        for machine in machines:
            write_summary(machine, paper)
        return
    write_captures(captures, paper, clock)
    write_blind_spots(report.counters, paper)
    paper.blank()
    first = list(islice(machines, 2))
    several = len(first) > 1
    tally = _Tally()
    details: list[Machine] = []
    for machine in chain(first, machines):
        tally.add(machine)
        if options.verbose:
            write_machine(machine, captures, paper, clock, verbose=True)
            paper.blank()
            continue
        if several and machine.status != "not-booting":
            write_summary(machine, paper)
        if (not several or troubled(machine)) and len(details) < DETAILED_MACHINES:
            details.append(machine)
    if several or not first:
        if several and not options.verbose:
            paper.blank()
        write_totals(tally.statuses, tally.codes, paper, only=options.only)
    told = {finding.code for machine in details for finding in machine.findings}
    notes = [finding for finding in report.findings if finding.severity == "note"]
    grave = [finding for finding in report.findings if finding.severity != "note"]
    shown = several or not first
    for finding in grave:
        shown = _write_below(finding, captures, paper, clock, options, below=shown)
    for machine in details:
        if shown:
            paper.blank()
        write_machine(machine, captures, paper, clock)
        shown = True
    for finding in notes:
        if options.verbose or finding.code not in told:
            shown = _write_below(finding, captures, paper, clock, options, below=shown)
    left_out = tally.troubled - len(details)
    if several and left_out > 0 and not options.verbose:
        paper.blank()
        paper.prose(
            f"{left_out:,} more machines in trouble: -v shows all of them, --machine MAC shows one.", style="strong"
        )
    write_counters(report.counters, paper)


def _write_below(
    finding: Finding,
    captures: tuple[CaptureInfo, ...],
    paper: Paper,
    clock: Clock,
    options: TextOptions,
    *,
    below: bool,
) -> bool:
    """A finding of the network, with an empty line before it where it stands below something."""
    if below:
        paper.blank()
    write_finding(finding, captures, paper, clock, indent=0, verbose=options.verbose, where="the network")
    return True


class _Tally:
    """Counts what was shown."""

    def __init__(self) -> None:
        self.statuses: Counter[Status] = Counter()
        self.codes: Counter[str] = Counter()
        """How many machines have each error."""
        self.troubled = 0

    def add(self, machine: Machine) -> None:
        self.statuses[machine.status] += 1
        if machine.findings:
            self.codes.update({finding.code for finding in machine.findings if finding.severity == "error"})
        self.troubled += troubled(machine)
