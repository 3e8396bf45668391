"""The main screen: which machines are booting, how far each came, what is wrong with the worst one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, cast

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.widgets import Input

from ...model import Finding
from ..facts import MachineKey, findings_of
from ..messages import RowChosen, RowSelected, SeekAsked
from ..views.findings import finding_rows, fix_rows
from ..views.findings import key_of as finding_key
from ..views.head import strip_area, time_bar
from ..views.timeline import StepKey, timeline
from ..widgets.bar import TimeBar
from ..widgets.machine_table import MachineList
from ..widgets.rows import TextRows
from .base import BaseScreen


class MainScreen(BaseScreen):
    """Table of machines, timeline of the selected one, its findings with the fix beside them."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "Filter"),
        Binding("escape", "clear_filter", "Clear the filter", show=False),
        Binding("r", "sort_again", "Sort again and follow the worst", show=False),
        Binding("enter", "open_machine", "Machine", show=False),
    ]
    AUTO_FOCUS = "#machines"

    def __init__(self) -> None:
        super().__init__(id="main")
        self._shown: MachineKey | None = None
        self._finding_chosen = False

    def compose(self) -> ComposeResult:
        app = self.boots
        yield self.header()
        yield TimeBar(
            lambda width: time_bar(app.player, width, height=max(1, self.query_one(TimeBar).size.height)),
            lambda width: strip_area(app.player, width),
        )
        yield MachineList(app.board, id="list")
        with Container(id="detail"):
            for name, title in (("timeline", "Timeline"), ("findings", "Findings"), ("fixes", "Fix")):
                pane = TextRows(id=name, classes="pane")
                pane.border_title = title
                yield pane
        yield Input(placeholder="MAC, address, name, stage, status or code; Enter keeps it, Esc drops it", id="filter")
        yield self.footer()

    def keys(self) -> Sequence[tuple[str, str]]:
        player = self.boots.player
        space = "play" if player.recording is not None else "follow" if player.paused else "pause"
        if player.playing:
            space = "halt"
        return (
            ("?", "help"), ("⏎", "machine"), ("n", "next trouble"), ("c", "copy fix"), ("f", "frames"), ("/", "filter"),
            ("space", space), ("e", "explain"), ("w", "save packets"), ("^p", "commands"), ("q", "quit"),
        )  # fmt: skip

    # --- showing ---

    def refresh_view(self) -> None:
        super().refresh_view()
        app = self.boots
        self.query_one(TimeBar).changed()
        self.query_one("#list", MachineList).board_changed(app.player.now)
        self.show_selected()

    def show_selected(self) -> None:
        """Timeline, findings and fix of the selected machine."""
        app = self.boots
        machine = app.board.machine()
        report = app.player.report
        network = report.findings if report else ()
        now = app.player.now
        line_of_time = self.query_one("#timeline", TextRows)
        findings = self.query_one("#findings", TextRows)
        another = app.board.selected != self._shown
        self._shown = app.board.selected
        if another:
            line_of_time.cursor = None
            self._finding_chosen = False
            findings.scroll_home(animate=False)
        if not self._finding_chosen:
            findings.cursor = None  # the worst one, which may be another by now
            findings.cursor_index = 0
        at_end = another or line_of_time.scroll_y >= line_of_time.max_scroll_y
        line_of_time.show(lambda width: timeline(machine, width, now=now, utc=app.utc))
        if at_end and not line_of_time.has_focus:
            line_of_time.scroll_end(animate=False)
        fixes = self.query_one("#fixes", TextRows)
        beside = self.has_class("-broad")
        findings.show(lambda width: finding_rows(machine, network, width, fixes=not beside))
        chosen = self.finding()
        fixes.show(lambda width: fix_rows(chosen, width) if chosen else [])

    def finding(self) -> Finding | None:
        """The one under the cursor, else the worst."""
        machine = self.machine()
        report = self.boots.player.report
        every = (*(findings_of(machine) if machine else ()), *(report.findings if report else ()))
        cursor = self.query_one("#findings", TextRows).cursor
        return next((each for each in every if finding_key(each) == cursor), every[0] if every else None)

    @on(RowSelected)
    def row_selected(self, event: RowSelected) -> None:
        if event.sender.id == "machines":
            self.boots.board.select(cast("MachineKey", event.key))
            self.show_selected()
        elif event.sender.id == "findings":
            self._finding_chosen = True
            self.show_selected()

    @on(RowChosen)
    def row_chosen(self, event: RowChosen) -> None:
        if event.sender.id == "machines":
            self.boots.action_machine()
        elif event.sender.id == "findings":
            self.boots.action_frames()
        elif event.sender.id == "timeline":
            self.boots.show_step(cast("StepKey", event.key))

    @on(SeekAsked)
    def seek_asked(self, event: SeekAsked) -> None:
        self.boots.player.seek(event.part)
        self.boots.catch_up()

    # --- filter ---

    def action_filter(self) -> None:
        box = self.query_one("#filter", Input)
        box.add_class("shown")
        box.value = self.boots.board.words
        box.focus()

    def action_clear_filter(self) -> None:
        if self.boots.board.words or self.query_one("#filter").has_class("shown"):
            self._close_filter("")

    @on(Input.Changed, "#filter")
    def filter_changed(self, event: Input.Changed) -> None:
        if event.input.has_class("shown"):
            self.boots.board.filter(event.value)
            self.refresh_view()

    @on(Input.Submitted, "#filter")
    def filter_kept(self) -> None:
        self._close_filter(self.query_one("#filter", Input).value)

    def _close_filter(self, words: str) -> None:
        box = self.query_one("#filter", Input)
        box.remove_class("shown")
        self.boots.board.filter(words)
        self.refresh_view()
        self.query_one("#machines").focus()

    def action_sort_again(self) -> None:
        self.boots.board.release()
        self.refresh_view()
        self.boots.say("sorted by trouble; the worst machine is selected until you move")

    def action_open_machine(self) -> None:
        self.boots.action_machine()
