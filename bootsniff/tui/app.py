"""The Textual application: asks its feed for reports a few times a second and shows them; decodes and judges nothing."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar

from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.screen import Screen

from ..model import Report
from .board import Board
from .bridge import Feed, FeedStatus
from .lines import Tone
from .player import Player
from .screens.base import BaseScreen
from .screens.main import MainScreen

POLL_SECONDS = 0.2
NOTE_SECONDS = 6.0


class BootsniffApp(App[None]):
    """Shows one feed."""

    CSS_PATH = "bootsniff.tcss"
    TITLE = "bootsniff"
    ENABLE_COMMAND_PALETTE = True
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q,ctrl+c", "quit", "Quit", priority=False),
        Binding("question_mark,f1", "help", "Help"),
        Binding("space", "toggle", "Pause or play"),
    ]

    def __init__(self, feed: Feed, *, title: str, utc: bool = False, folder: Path | None = None) -> None:
        super().__init__()
        self.feed = feed
        self.source = title
        self.utc = utc
        self.folder = folder
        """Where files are saved; None for the current directory."""
        self.player = Player(feed)
        self.board = Board()
        self.note: tuple[str, Tone] | None = None
        self._note_until = 0.0
        self._polled = time.monotonic()
        self._status: FeedStatus | None = None

    def get_default_screen(self) -> Screen[None]:
        return MainScreen(id="main")

    def on_mount(self) -> None:
        few_colours = not self.is_headless and self.console.color_system in ("standard", None)
        if self.no_color or few_colours:
            self.theme = "ansi-dark"
        self.set_interval(POLL_SECONDS, self.poll)
        self.poll()

    def poll(self) -> None:
        """Looks for a newer report and tells the screen."""
        now = time.monotonic()
        elapsed, self._polled = now - self._polled, now
        shown = self.player.report
        changed = self.player.poll(elapsed)
        if self.player.report is not shown and self.player.report is not None:
            self.board.update(self.player.report)
        status = self.feed.status()
        if self.note is not None and now > self._note_until:
            self.note, changed = None, True
        if changed or status != self._status:
            self._status = status
            self._tell()

    def catch_up(self) -> None:
        """Shows the effect of a command at once."""
        self.poll()
        self._tell()

    def _tell(self) -> None:
        if isinstance(self.screen, BaseScreen) and self.screen.is_mounted:
            self.screen.refresh_view()

    def say(self, words: str, tone: Tone = "ok") -> None:
        """A sentence in the footer, for a few seconds."""
        self.note = (words, tone)
        self._note_until = time.monotonic() + NOTE_SECONDS
        self._tell()

    def action_toggle(self) -> None:
        self.player.toggle()
        self.catch_up()

    def action_machine(self) -> None: ...

    def action_frames(self) -> None: ...


def run(feed: Feed, *, title: str, utc: bool = False) -> Report | None:
    """Shows a feed until the user leaves; gives the newest report back. The feed is closed and the terminal restored."""
    app = BootsniffApp(feed, title=title, utc=utc)
    try:
        app.run()
    finally:
        feed.close()
    return feed.latest()
