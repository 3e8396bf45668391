"""`bootsniff read --tui`: captures on the screen while they are read, and the report on standard output afterwards."""

from __future__ import annotations

import argparse
import os
import sys
from contextlib import ExitStack

from ..errors import UsageError
from ..model import Machine, Report
from ..tui.bridge import Feed
from . import complain
from .output import Verdict, paper, show_failures, text_options, wanted
from .reading import Reading
from .telling import tell_quality, tell_status


def run(arguments: argparse.Namespace) -> int:
    """Show the files; the exit status is that of what was read when the user left."""
    from ..tui.bridge.file_feed import FileFeed

    if "-" in arguments.files and not arguments.web:
        _keyboard_beside_the_pipe()
    if not arguments.web and (not sys.__stdin__ or not sys.__stdin__.isatty()):
        raise UsageError("read --tui needs a terminal: leave --tui out for text, or add --json")
    with ExitStack() as stack:
        # Opened before the screen is taken: ssh may still have to ask for a password on this terminal.
        reading = Reading(arguments.files, stack)
        feed = FileFeed(reading.sources, [str(failure) for failure in reading.failures])
        title = ", ".join(os.path.basename(path) if path != "-" else "standard input" for path in arguments.files)  # noqa: PTH119
        report = show(feed, title, arguments)
        feed.wait()
    status = write_report(report or Report(), arguments)
    return show_failures(reading.failures) or status


def show(feed: Feed, title: str, arguments: argparse.Namespace) -> Report | None:
    """The feed on this terminal, or in browsers with `--web`, until the user leaves; gives its newest report."""

    def only(machine: Machine) -> bool:
        return wanted(machine, arguments.machine)

    if arguments.web:
        from ..tui.web import serve

        return serve(feed, title=title, utc=arguments.utc, address=arguments.web, only=only, tell=complain)
    from ..tui.app import run as run_app

    if arguments.color == "never":
        os.environ["NO_COLOR"] = "1"
    return run_app(feed, title=title, utc=arguments.utc, only=only)


def write_report(report: Report, arguments: argparse.Namespace) -> int:
    """The report as text or JSON, as `read` would print it; returns the exit status."""
    tell_quality(report.captures, interrupted=False)
    verdict = Verdict()
    machines = tuple(verdict.watch(machine for machine in report.machines if wanted(machine, arguments.machine)))
    shown = Report(report.captures, machines, report.findings, report.now, report.counters)
    if arguments.json:
        from ..report.json import document

        sys.stdout.writelines(document(shown))
    else:
        from ..report.text import write_text

        write_text(shown, paper(arguments), text_options(arguments))
    return tell_status(verdict, report, arguments)


def _keyboard_beside_the_pipe() -> None:
    """Keeps the pipe as `sys.stdin` under another number, and gives the terminal's keys to descriptor 0."""
    try:
        terminal = os.open("/dev/tty", os.O_RDWR)
    except OSError as error:
        raise UsageError("read --tui -: standard input is a pipe, and there is no terminal for the keys") from error
    pipe = os.dup(0)
    os.dup2(terminal, 0)
    os.close(terminal)
    sys.stdin = os.fdopen(pipe)
