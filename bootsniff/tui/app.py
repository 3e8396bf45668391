"""The Textual application: asks its feed for reports a few times a second and shows them; decodes and judges nothing."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar, cast

from textual.app import SystemCommand, get_system_commands_provider
from textual.binding import Binding, BindingType
from textual.screen import Screen

from ..model import Machine, Report
from . import cited, terminal
from .bridge import Feed
from .facts import MachineKey, key_of
from .feed_app import FeedApp
from .palette import BootsniffCommands
from .screens.explain import ExplainScreen
from .screens.help import HelpScreen
from .screens.machine import MachineScreen
from .screens.main import MainScreen
from .screens.packet import PacketScreen
from .views.timeline import StepKey, step_of

POLL_SECONDS = 0.2


class BootsniffApp(FeedApp):
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
    painter = terminal.driver()
    app = BootsniffApp(feed, title=title, utc=utc, only=only, painter=painter)
    try:
        with terminal.ends_with_terminal(painter):
            app.run()
    finally:
        app.dissector.close()
        feed.close()
    return feed.latest()
