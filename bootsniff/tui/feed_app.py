"""What the application does without knowing its screens: asking the feed, time, clipboard and files."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from textual.app import App
from textual.driver import Driver

from ..errors import CaptureError
from ..model import Finding, Machine
from ..text import printable
from . import cited
from .board import Board
from .bridge import Feed, FeedStatus
from .bridge.dissect import Dissector
from .deeds import clipboard_file, free_path, save_packets, save_report, save_text, stamp
from .facts import worst_finding
from .lines import Tone
from .player import Player
from .screens.base import BaseScreen
from .views.findings import fix_text, verdict_text

NOTE_SECONDS = 6.0


class FeedApp(App[None]):
    """An application on one feed: its state, and every command that needs no screen of its own."""

    def __init__(
        self,
        feed: Feed,
        *,
        title: str,
        utc: bool = False,
        folder: Path | None = None,
        only: Callable[[Machine], bool] | None = None,
        painter: type[Driver] | None = None,
    ) -> None:
        """`painter`: the driver of Textual to use, see `terminal`."""
        # Without this, Textual turns the terminal's own colours into black before it drops them.
        super().__init__(driver_class=painter, ansi_color=True if "NO_COLOR" in os.environ else None)
        self.feed = feed
        self.source = printable(title)
        self.utc = utc
        self.folder = folder
        """Where files are saved; None for the current directory."""
        self.player = Player(feed)
        self.board = Board(only)
        self.dissector = Dissector()
        self.note: tuple[str, Tone] | None = None
        self._note_until = 0.0
        self._polled = time.monotonic()
        self._status: FeedStatus | None = None

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

    @property
    def base(self) -> BaseScreen | None:
        """The screen that is looked at, when it is one of ours."""
        return self.screen if isinstance(self.screen, BaseScreen) else None

    def _machine(self) -> Machine | None:
        machine = self.base.machine() if self.base else self.board.machine()
        if machine is None:
            self.say("no machine is selected", "warning")
        return machine

    def _finding(self) -> Finding | None:
        finding = self.base.finding() if self.base else None
        if finding is None:
            machine = self.base.machine() if self.base else self.board.machine()
            finding = worst_finding(machine) if machine else None
        if finding is None:
            self.say("nothing is wrong with this machine as far as can be told", "dim")
        return finding

    # --- time ---

    def action_play(self) -> None:
        self.player.toggle()
        self.catch_up()

    def action_step(self, direction: int) -> None:
        self._move(lambda: self.player.step(direction))

    def action_skip(self, seconds: float) -> None:
        self._move(lambda: self.player.skip(seconds))

    def action_to_start(self) -> None:
        self._move(lambda: self.player.seek(0))

    def action_to_end(self) -> None:
        self.player.follow()
        self.catch_up()

    def action_faster(self) -> None:
        self._move(lambda: self.player.faster(1))

    def action_slower(self) -> None:
        self._move(lambda: self.player.faster(-1))

    def _move(self, how: Callable[[], None]) -> None:
        if self.player.recording is None:
            self.say("only a file can be played: this is live", "warning")
            return
        how()
        self.catch_up()

    # --- what leaves the screen ---

    def copy(self, text: str, what: str) -> None:
        """To the clipboard by OSC 52, which terminals pass through ssh, and into a file for those that do not."""
        self.copy_to_clipboard(text)
        path = clipboard_file(text)
        self.say(f"copied {what}" + (f"; also in {path}" if path else ""))

    def action_copy_fix(self) -> None:
        finding = self._finding()
        if finding is None:
            return
        if finding.fixes:
            self.copy(fix_text(finding), f"the fix for {finding.code}")
        else:
            self.say(f"{finding.code} has no fix to paste; e explains it", "warning")

    def action_copy_verdict(self) -> None:
        machine = self._machine()
        if machine is not None:
            finding = self.base.finding() if self.base else None
            self.copy(verdict_text(machine, finding or worst_finding(machine)), "the verdict")

    def action_save_packets(self) -> None:
        machine = self._machine()
        if machine is None:
            return
        stored = (self.feed.frames.get(each.capture, each.frame) for each in cited.of_machine(machine))
        self._saving(lambda: "{1} packets in {0}".format(*save_packets(self.folder, machine.mac, filter(None, stored))))

    def action_save_report(self) -> None:
        report = self.player.report
        if report is None:
            self.say("there is no report yet", "warning")
            return
        self._saving(lambda: f"the report is in {save_report(self.folder, report)}")

    def action_save_picture(self) -> None:
        picture = self.export_screenshot(title=self.source)

        def save() -> str:
            path = free_path(self.folder, f"bootsniff-{stamp()}", ".svg")
            save_text(path, [picture])
            return f"the picture is in {path}"

        self._saving(save)

    def _saving(self, save: Callable[[], str]) -> None:
        try:
            self.say(save())
        except CaptureError as error:
            self.say(str(error), "error")
