"""The catalogue: what each finding means, searchable."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.widgets import Input

from ..messages import RowChosen, RowSelected
from ..views.explain import entry_rows, list_rows, matching
from ..widgets.rows import TextRows
from .base import BaseScreen


class ExplainScreen(BaseScreen):
    """Codes on one side, the chosen one's entry on the other."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,backspace", "app.back", "Back"),
        Binding("slash", "search", "Search"),
    ]
    KEYS: ClassVar[Sequence[tuple[str, str]]] = (
        ("esc", "back"), ("/", "search"), ("↑↓", "entry"), ("tab", "into the text"), ("?", "help"), ("q", "quit"),
    )  # fmt: skip

    def __init__(self, code: str | None = None) -> None:
        super().__init__()
        self._code = code
        self._words = ""

    def compose(self) -> ComposeResult:
        yield self.header()
        yield Input(placeholder="search the catalogue: words of a code or of its text", id="explain-search")
        with Container(id="explain-body"):
            for name, title in (("explain-list", "Findings"), ("explain-text", "What it means")):
                pane = TextRows(id=name, classes="pane")
                pane.border_title = title
                yield pane
        yield self.footer()

    def on_mount(self) -> None:
        self._list()
        codes = self.query_one("#explain-list", TextRows)
        if self._code is not None:
            codes.set_cursor(self._code)
        codes.focus()
        self._entry()

    def _list(self) -> None:
        rules = matching(self._words)
        self.query_one("#explain-list", TextRows).show(lambda width: list_rows(rules, width))

    def _entry(self) -> None:
        code = self.query_one("#explain-list", TextRows).cursor
        text = self.query_one("#explain-text", TextRows)
        text.show(lambda width: entry_rows(str(code), width) if code else [])
        text.scroll_home(animate=False)

    def action_search(self) -> None:
        self.query_one("#explain-search", Input).focus()

    @on(Input.Changed, "#explain-search")
    def search_changed(self, event: Input.Changed) -> None:
        self._words = event.value
        self._list()
        self._entry()

    @on(Input.Submitted, "#explain-search")
    def search_done(self) -> None:
        self.query_one("#explain-list").focus()

    @on(RowSelected)
    def row_selected(self, event: RowSelected) -> None:
        if event.sender.id == "explain-list":
            self._entry()

    @on(RowChosen)
    def row_chosen(self) -> None:
        self.query_one("#explain-text").focus()
