"""The table of machines: one line each, drawn when seen; thousands of them cost what one screen of them costs."""

from __future__ import annotations

from collections.abc import Hashable
from typing import NamedTuple

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.containers import Vertical

from ...model import Machine
from .. import facts
from ..board import Board
from ..lines import Line, Span, cut, fit, fit_line
from ..wording import clock
from .bar import Bar
from .rows import RowsView

SAMPLE = 200
"""How many machines, the first ones, are looked at to find widths of columns."""


class Columns(NamedTuple):
    """Widths in cells; 0 leaves a column out. Between two columns stands one blank."""

    stage: int
    mac: int
    address: int
    chain: int
    progress: int
    silent: int
    finding: int


def layout(width: int, *, finding: int, address: int = 15, stage: int = 12, running: bool = True) -> Columns:
    """Shares `width` cells; what the table is for stays longest: chain, stall clock, finding.

    `finding`, `address` and `stage` are the widest texts of their columns; `running` says whether any
    transfer has progress to show.
    """
    mac, silent, progress = 17, 7, 16
    room = width - 3  # cursor, mark, blank
    room -= mac + silent + 2
    shown_stage = max(5, min(stage, 16 if width >= 104 else 12)) if width >= 76 else 0
    address = max(address, 7) if address else 0
    shown_address = min(address, 39 if width >= 150 else 15) if address and width >= 104 else 0
    shown_progress = progress if width >= 124 and running else 0
    room -= sum(part + 1 for part in (shown_stage, shown_address, shown_progress) if part)
    wanted = max(7, finding)
    shown_finding = max(7, min(wanted, room - 1 - 44 if room > 90 else max(room * 45 // 100, room - 61)))
    chain = max(0, room - shown_finding - 1)
    return Columns(shown_stage, mac, shown_address, chain, shown_progress, silent, shown_finding)


class MachineTable(RowsView):
    """One line a machine, in the board's order."""

    def __init__(self, board: Board, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.board = board
        self.now: int | None = None
        self._columns: Columns | None = None

    def board_changed(self, now: int | None) -> None:
        """The board or the time is another one."""
        self.now = now
        self._columns = None
        self.cursor = self.board.selected
        self.rows_changed()
        if not self.board.moved and self.board.selected is not None:
            self.set_cursor(self.board.selected)

    @property
    def columns(self) -> Columns:
        """Widths for what is listed now: wide enough for the longest finding code among the listed."""
        if self._columns is None:
            listed = [self.board.machines[key] for key in self.board.order[:SAMPLE]]
            self._columns = layout(
                self.scrollable_content_region.width,
                finding=max((len(_finding_text(machine)) for machine in listed), default=7),
                address=max((len(machine.addresses[-1]) for machine in listed if machine.addresses), default=0),
                running=any(facts.running_fetch(machine) for machine in listed),
                stage=max(
                    (cell_len(facts.stage_label(facts.stage_in_question(machine))) for machine in listed), default=5
                ),
            )
        return self._columns

    def title_line(self) -> Line:
        """Names of the columns."""
        cells = self.columns
        pairs = [
            ("stage", cells.stage), ("machine", cells.mac), ("address", cells.address), ("chain", cells.chain),
            ("progress", cells.progress), (" silent", cells.silent), ("finding", cells.finding),
        ]  # fmt: skip
        return (Span("   "), *(Span(fit(name, width) + " ", "head") for name, width in pairs if width))

    def row_count(self) -> int:
        return len(self.board.order)

    def row_key(self, index: int) -> Hashable:
        return self.board.order[index]

    def row_index(self, key: Hashable) -> int | None:
        return self.board.index(key)  # type: ignore[arg-type]

    def row_line(self, index: int, width: int) -> Line:
        del width
        return machine_line(self.board.machines[self.board.order[index]], self.columns, self.now)

    def _resized(self, width: int) -> None:
        self._columns = None
        super()._resized(width)


def _finding_text(machine: Machine) -> str:
    finding = facts.worst_finding(machine)
    if finding is None:
        return machine.status
    return facts.SEVERITY_MARKS[finding.severity].text + " " + finding.code


def machine_line(machine: Machine, cells: Columns, now: int | None) -> Line:
    """A machine as one line."""
    boot = facts.last_boot(machine)
    out: list[Span] = [Span(" "), facts.MARKS[machine.status], Span(" ")]
    if cells.stage:
        out.append(Span(fit(facts.stage_label(facts.stage_in_question(machine)), cells.stage) + " "))
    out.append(Span(fit(machine.mac, cells.mac) + " ", "bold"))
    if cells.address:
        out.append(Span(fit(machine.addresses[-1] if machine.addresses else "", cells.address) + " ", "dim"))
    if cells.chain:
        lead = f"boot {len(machine.boots)}: " if len(machine.boots) > 1 and cells.chain > 30 else ""
        steps = facts.chain_line(facts.steps_to_stall(boot), cells.chain - len(lead))
        out += [*fit_line((Span(lead, "dim"), *steps), cells.chain), Span(" ")]
    fetch = facts.running_fetch(machine)
    if cells.progress:
        text = facts.progress(fetch, now or fetch.end) if fetch else ""
        out.append(Span(fit(text, cells.progress) + " ", "accent"))
    out.append(_silence_cell(machine, now, cells.silent))
    finding = facts.worst_finding(machine)
    if finding:
        mark = facts.SEVERITY_MARKS[finding.severity]
        out += [mark, Span(fit(" " + finding.code, cells.finding - 1), mark.tone)]
    elif fetch and not cells.progress:
        out.append(Span(fit(facts.progress(fetch, now or fetch.end), cells.finding), "accent"))
    else:
        text = boot.waiting_for if boot and boot.waiting_for and machine.status == "in-progress" else machine.status
        out.append(Span(fit(text, cells.finding), "dim"))
    return tuple(out)


def _silence_cell(machine: Machine, now: int | None, width: int) -> Span:
    silent = facts.silence(machine, now)
    text = clock(silent) if silent is not None and silent >= 1_000_000_000 else ""
    return Span(" " * max(0, width - cell_len(text)) + cut(text, width) + " ", "warning" if text else "")


class MachineList(Vertical):
    """The table under its column names."""

    def __init__(self, board: Board, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.table = MachineTable(board, id="machines")
        self.heading = Bar(lambda _: (self.table.title_line(),), id="columns")

    def compose(self) -> ComposeResult:
        yield self.heading
        yield self.table

    def board_changed(self, now: int | None) -> None:
        self.table.board_changed(now)
        self.heading.changed()
