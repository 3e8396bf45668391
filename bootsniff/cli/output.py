"""Where views write: standard output with its colours and width, and what of a report the user asked for."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from ..errors import BootsniffError
from ..model import CaptureInfo, Finding, Machine

if TYPE_CHECKING:
    from ..report.lines import Paper
    from ..report.text import TextOptions

DEFAULT_WIDTH = 80


def paper(arguments: argparse.Namespace) -> Paper:
    """Standard output as `--color`, NO_COLOR and the terminal have it."""
    from ..report.lines import Paper

    stream = sys.stdout
    terminal = stream.isatty()
    color = arguments.color == "always"
    if arguments.color == "auto":
        color = terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    # The fonts of the kernel's own console have no check marks.
    return Paper(stream, width=_width(), color=color, ascii_signs=terminal and os.environ.get("TERM") == "linux")


def _width() -> int:
    columns = os.environ.get("COLUMNS", "")
    if columns.isascii() and columns.isdigit() and int(columns):
        return int(columns)
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns or DEFAULT_WIDTH
    except (OSError, ValueError):
        return DEFAULT_WIDTH


def text_options(arguments: argparse.Namespace) -> TextOptions:
    from ..report.text import TextOptions

    only = tuple(arguments.machine)
    return TextOptions(quiet=arguments.quiet, verbose=arguments.verbose, utc=arguments.utc, only=only)


def wanted(machine: Machine, names: list[str]) -> bool:
    """Whether `--machine` names this machine; without `--machine` all are."""
    return not names or machine.mac in names or any(address in names for address in machine.addresses)


class Verdict:
    """Watches the machines that pass by, for the exit status."""

    def __init__(self) -> None:
        self._boot_clients = 0
        self._stalled = 0

    def watch(self, machines: Iterable[Machine]) -> Iterator[Machine]:
        """The machines, each counted once it is asked for."""
        for machine in machines:
            self._boot_clients += machine.status != "not-booting"
            self._stalled += machine.status == "stalled"
            yield machine

    @property
    def exit_status(self) -> int:
        """0 boot clients and none stalled, 1 some stalled, 4 no boot client."""
        if not self._boot_clients:
            return 4
        return 1 if self._stalled else 0


class StreamedReport:
    """A report whose machines are judged when the view comes to them, and not kept (see `report.pages`)."""

    def __init__(
        self,
        captures: tuple[CaptureInfo, ...],
        machines: Iterable[Machine],
        findings: tuple[Finding, ...],
        counters: Callable[[], tuple[tuple[str, int], ...]],
    ) -> None:
        self.captures = captures
        self.machines = machines
        self.findings = findings
        self._counters = counters

    @property
    def counters(self) -> tuple[tuple[str, int], ...]:
        return self._counters()


def show_failures(failures: Iterable[BootsniffError]) -> int:
    """Complain about captures that could not be read; the exit status they ask for, 0 for none."""
    from . import complain

    status = 0
    for failure in failures:
        complain(str(failure))
        status = max(status, failure.exit_status)
    return status
