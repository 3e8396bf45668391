"""Keys and signs, on one page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from ..lines import Row, line, wrapped
from ..widgets.rows import TextRows
from .base import BaseScreen

SECTIONS: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    (
        "Everywhere",
        (
            ("↑ ↓ ← → h j k l", "move; PgUp, PgDn, Home, End, g, G go far; the mouse works too"),
            ("Enter", "open what is under the cursor; Esc goes back"),
            ("Tab", "next pane"),
            ("n N", "next and previous machine in trouble"),
            ("c", "copy the fix (to the clipboard, over ssh too, and into a file)"),
            ("v", "copy the verdict: machine, finding, evidence, fix"),
            ("f", "the frames behind the finding"),
            ("e", "what the finding means"),
            ("w", "save the machine's packets as pcapng"),
            ("o", "save the report as JSON"),
            ("i", "save a picture of the screen (SVG)"),
            ("d", "forget the machine until it is heard again"),
            ("t", "light or dark; Ctrl-P has all themes and all commands"),
            ("? q", "this page; leave"),
        ),
    ),
    (
        "Main screen",
        (
            ("/", "filter by MAC, address, name, stage, status or finding; Esc drops the filter"),
            ("r", "sort by trouble again, and follow the worst machine until you move"),
            ("Space", "live: hold the screen, and follow again. A file: play and halt"),
        ),
    ),
    (
        "A file, over time",
        (
            (", .", "to the moment before, to the next one"),
            ("[ ]", "10 seconds back and forth"),
            ("- +", "slower, faster: 1x to 100x"),
            ("0 $", "to the beginning, to the end; a click into the strip goes there"),
        ),
    ),
    (
        "Machine",
        (
            ("1 to 5", "stages, ladder, DHCP options, fetches, findings"),
            ("b s p", "next boot, next stage with DHCP, next request and reply"),
            ("x", "raw bytes of the options, on and off"),
        ),
    ),
    (
        "Packet",
        (
            ("1 to 5", "decoded by bootsniff, by scapy, by tshark, hex, Wireshark's filter"),
            ("y", "copy the display filter"),
        ),
    ),
    (
        "Signs",
        (
            ("✖ ▶ ✔ ·", "stalled, in progress, handed off, not booting"),
            ("✖ ! i", "a finding that is an error, a warning, a note"),
            ("~ …", "a step that failed and was survived; one that runs"),
            ("━ • ? ·", "on the timeline: active, request, missing packet, silence"),
        ),
    ),
)


class HelpScreen(BaseScreen):
    """The keys."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,backspace,question_mark,f1", "app.back", "Back")]
    KEYS: ClassVar[Sequence[tuple[str, str]]] = (("esc", "back"), ("q", "quit"))

    def compose(self) -> ComposeResult:
        yield self.header()
        yield TextRows(help_rows, id="help")
        yield self.footer()

    def on_mount(self) -> None:
        self.query_one("#help").focus()


def help_rows(width: int) -> list[Row]:
    rows: list[Row] = []
    for title, keys in SECTIONS:
        rows += [Row(()), Row(line(" ", (title, "head")))]
        for key, words in keys:
            first, *more = wrapped(words, width, first=f"   {key:<16} ")
            rows.append(Row((first[0]._replace(tone="mark"), *first[1:])))
            rows += [Row(each) for each in more]
    return rows[1:]
