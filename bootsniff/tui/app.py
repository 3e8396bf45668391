"""The Textual application: asks its feed for reports a few times a second and shows them; decodes and judges nothing."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, ClassVar, cast

from textual.app import App, SystemCommand, get_system_commands_provider
from textual.binding import Binding, BindingType
from textual.screen import Screen

from ..errors import CaptureError
from ..model import Finding, Machine, Report
from ..text import printable
from . import cited
from .board import Board
from .bridge import Feed, FeedStatus
from .bridge.dissect import Dissector
from .deeds import clipboard_file, free_path, save_packets, save_report, save_text, stamp
from .facts import MachineKey, key_of, worst_finding
from .lines import Tone
from .palette import BootsniffCommands
from .player import Player
from .screens.base import BaseScreen
from .screens.explain import ExplainScreen
from .screens.help import HelpScreen
from .screens.machine import MachineScreen
from .screens.main import MainScreen
from .screens.packet import PacketScreen
from .views.findings import fix_text, verdict_text
from .views.timeline import StepKey, step_of

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
        Binding("space", "play", "Pause or play"),
        Binding("n", "trouble(1)", "Next trouble"),
        Binding("N", "trouble(-1)", "Trouble before"),
        Binding("c", "copy_fix", "Copy the fix"),
        Binding("v", "copy_verdict", "Copy the verdict"),
        Binding("f", "frames", "Frames"),
        Binding("e", "explain", "Explain"),
        Binding("w", "save_packets", "Save packets"),
        Binding("o", "save_report", "Save the report"),
        Binding("i", "save_picture", "Save a picture"),
        Binding("d", "forget", "Forget the machine"),
        Binding("t", "light", "Light or dark"),
        Binding("comma", "step(-1)", "Moment before"),
        Binding("full_stop", "step(1)", "Next moment"),
        Binding("left_square_bracket", "skip(-10)", "10 s back"),
        Binding("right_square_bracket", "skip(10)", "10 s forth"),
        Binding("minus", "slower", "Slower"),
        Binding("plus,equals_sign", "faster", "Faster"),
        Binding("0", "to_start", "Beginning"),
        Binding("dollar_sign", "to_end", "End"),
    ]
    COMMANDS: ClassVar[set[Any]] = {BootsniffCommands, get_system_commands_provider}

    def __init__(
        self,
        feed: Feed,
        *,
        title: str,
        utc: bool = False,
        folder: Path | None = None,
        only: Callable[[Machine], bool] | None = None,
    ) -> None:
        # Without this, Textual turns the terminal's own colours into black before it drops them.
        super().__init__(ansi_color=True if "NO_COLOR" in os.environ else None)
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

    def get_default_screen(self) -> Screen[None]:
        return MainScreen()

    def on_mount(self) -> None:
        few_colours = not self.is_headless and self.console.color_system in ("standard", None)
        if self.no_color or few_colours:
            self.theme = "ansi-dark"
        if not self.is_headless:
            for number in (signal.SIGTERM, signal.SIGHUP):
                with contextlib.suppress(ValueError, NotImplementedError):  # not in the main thread, not on this system
                    asyncio.get_running_loop().add_signal_handler(number, self.exit)
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

    # --- moving around ---

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

    async def action_back(self) -> None:
        if len(self.screen_stack) > 1:
            await self.pop_screen()

    def action_machine(self) -> None:
        machine = self._machine()
        if machine is not None and not isinstance(self.screen, MachineScreen):
            self.push_screen(MachineScreen(key_of(machine)))

    def action_frames(self) -> None:
        finding = self._finding()
        if finding is not None:
            title = f"{finding.code}: {finding.summary}"
            self.show_frames(cited.of_finding(finding), 0, self.base.machine() if self.base else None, title)

    def show_step(self, key: StepKey, machine: Machine | None = None) -> None:
        """The frames of a step of the timeline."""
        machine = machine or self.board.machine()
        if machine is None:
            return
        found = step_of(machine, key)
        title = found[1].name or found[1].client if found else ""
        if found and key.kind == "fetch" and key.fetch < len(found[1].fetches):
            title += f": {found[1].fetches[key.fetch].url}"
        elif key.kind == "dhcp":
            title += ": DHCP"
        self.show_frames(cited.of_step(machine, key), 0, machine, title)

    def show_frames(self, frames: Sequence[cited.Cited], place: int, machine: Machine | None, title: str = "") -> None:
        if machine is not None:
            title = f"{machine.mac}  {title}"
        self.push_screen(PacketScreen(title, frames, place, machine))

    def action_explain(self) -> None:
        finding = self.base.finding() if self.base else None
        self.explain(finding.code if finding else None)

    def explain(self, code: str | None) -> None:
        """The catalogue, opened at a code."""
        if not isinstance(self.screen, ExplainScreen):
            self.push_screen(ExplainScreen(code))

    def action_help(self) -> None:
        if not isinstance(self.screen, HelpScreen):
            self.push_screen(HelpScreen())

    def go_to(self, key: MachineKey) -> None:
        """Selects a machine on the main screen."""
        if self.board.index(key) is None:
            self.board.filter("")
        self.board.select(key)
        self._tell()

    def action_trouble(self, step: int = 1) -> None:
        key = self.board.next_trouble(step)
        if key is None:
            self.say("no machine is in trouble", "ok")
            return
        self.go_to(key)
        if isinstance(self.screen, MachineScreen):
            self.switch_screen(MachineScreen(key))

    def action_filter(self) -> None:
        main = self.main
        while len(self.screen_stack) > 1:
            self.pop_screen()
        main.action_filter()

    def action_sort_again(self) -> None:
        self.main.action_sort_again()

    @property
    def main(self) -> MainScreen:
        return cast("MainScreen", self.screen_stack[0])

    def run_named(self, action: str) -> None:
        """A command of the palette, once the palette is gone."""
        self.call_later(getattr(self, action))

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """Themes only: everything else is in our own list."""
        yield from (each for each in super().get_system_commands(screen) if each.title == "Theme")

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

    def action_forget(self) -> None:
        machine = self._machine()
        if machine is None:
            return
        self.board.forget(key_of(machine))
        if isinstance(self.screen, MachineScreen):
            self.pop_screen()
        self.say(f"forgot {machine.mac} until it is heard again")

    def action_light(self) -> None:
        themes = {"ansi-dark": "ansi-light", "ansi-light": "ansi-dark", "textual-light": "textual-dark"}
        self.theme = themes.get(self.theme, "textual-light")

    async def action_quit(self) -> None:
        self.exit()


def run(feed: Feed, *, title: str, utc: bool = False, only: Callable[[Machine], bool] | None = None) -> Report | None:
    """Shows a feed until the user leaves; gives the newest report back. The feed is closed and the terminal restored.

    `only` says which machines are listed; the report holds all of them.
    """
    app = BootsniffApp(feed, title=title, utc=utc, only=only)
    try:
        app.run()
    finally:
        app.dissector.close()
        feed.close()
    return feed.latest()
