"""The command palette: every command by name, every machine, every entry of the catalogue."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from ..rules.registry import BY_CODE
from .facts import MachineKey, worst_finding

if TYPE_CHECKING:
    from .app import BootsniffApp

COMMANDS: tuple[tuple[str, str, str], ...] = (
    ("Filter the machines", "action_filter", "by MAC, address, name, stage, status or finding (/)"),
    ("Next machine in trouble", "action_trouble", "n"),
    ("Sort by trouble again", "action_sort_again", "and follow the worst machine (r)"),
    ("Pause, follow, play", "action_play", "Space"),
    ("Open the machine", "action_machine", "boots, ladder, options, fetches (Enter)"),
    ("Show the frames", "action_frames", "behind the finding (f)"),
    ("Explain the finding", "action_explain", "e"),
    ("Copy the fix", "action_copy_fix", "c"),
    ("Copy the verdict", "action_copy_verdict", "v"),
    ("Save the packets", "action_save_packets", "of the selected machine as pcapng (w)"),
    ("Save the report", "action_save_report", "as JSON (o)"),
    ("Save a picture", "action_save_picture", "of this screen as SVG (i)"),
    ("Forget the machine", "action_forget", "until it is heard again (d)"),
    ("Light or dark", "action_light", "t"),
    ("Go to the beginning of the file", "action_to_start", "0"),
    ("Go to the end of the file", "action_to_end", "$"),
    ("Play faster", "action_faster", "+"),
    ("Play slower", "action_slower", "-"),
    ("Keys and signs", "action_help", "?"),
    ("Leave", "action_quit", "q"),
)
MOST = 20


class BootsniffCommands(Provider):
    """Commands, machines, codes. Names from packets are shown as `Content`, so nothing in them is read as markup."""

    @property
    def _app(self) -> BootsniffApp:
        return cast("BootsniffApp", self.app)

    async def discover(self) -> Hits:
        for name, action, words in COMMANDS:
            yield DiscoveryHit(Content(name), partial(self._app.run_named, action), name, words)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for name, action, words in COMMANDS:
            score = matcher.match(f"{name} {words}")
            if score > 0:
                yield Hit(score, _shown(name), partial(self._app.run_named, action), name, words)
        for key, text, words in self._machines(query):
            yield Hit(0.9, _shown(text), partial(self._app.go_to, key), text, words)
        for code in BY_CODE:
            score = matcher.match(code)
            if score > 0:
                yield Hit(score * 0.8, _shown(code), partial(self._app.explain, code), code, "what it means")

    def _machines(self, query: str) -> Iterator[tuple[MachineKey, str, str]]:
        """Plain containment, not fuzzy matching: thousands of machines, and people paste whole addresses."""
        wanted = query.lower().strip()
        found = 0
        for key, machine in self._app.board.machines.items():
            text = " ".join(part for part in (machine.mac, machine.hostname or "", *machine.addresses) if part)
            if len(wanted) > 1 and wanted in text.lower():
                worst = worst_finding(machine)
                yield key, text, f"{machine.status} {worst.code if worst else ''}"
                found += 1
                if found >= MOST:
                    return


def _shown(text: str) -> Content:
    return Content(text)
