"""What a live capture shows without the TUI: events as JSON lines, or a log for people with the state below it."""

from __future__ import annotations

import argparse
import io
import os
import re
import sys
import time
from types import TracebackType
from typing import Self

from ..model import Machine, Report
from ..report.events import Changes, Event, closing
from ..report.json import line
from ..report.lines import Paper
from ..report.log import LogWriter, time_of
from ..report.summary import write_summary
from ..report.text import write_text
from ..report.units import Clock
from .live_parcel import Update
from .live_session import LiveSession
from .output import Verdict, paper, text_options, wanted
from .telling import tell_status

MAX_STATE_LINES = 12
MIN_WIDTH = 72
"""Narrower lines would wrap, and could not be taken back."""
_SGR = re.compile(r"\x1b\[[\d;]*m")


class _Events:
    """Turns updates into events of the machines that are asked for."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self._changes = Changes()
        self._only: list[str] = arguments.machine

    def of(self, update: Update) -> list[Event]:
        now = update.now or time.time_ns()  # nothing was captured yet: this host's clock is all there is
        machines = [machine for machine in update.machines if wanted(machine, self._only)]
        found = [*self._changes.captures(update.captures, now), *self._changes.machines(machines, now)]
        for mac in update.forgotten:
            self._changes.forget(mac)
        if update.network is not None:
            found += self._changes.network(update.network, now)
        return found


class EventView:
    """One JSON object a line, flushed."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self._arguments = arguments
        self._events = _Events(arguments)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Nothing to undo."""

    def show(self, session: LiveSession, update: Update) -> None:  # noqa: ARG002  (views share this shape)
        from . import complain

        lines = [line(event) for event in self._events.of(update)]
        for news in update.news:
            complain(news.text)
        if lines:
            sys.stdout.write("".join(lines))
            sys.stdout.flush()

    def idle(self, session: LiveSession) -> None:
        """Silence is no event."""

    def finish(self, report: Report) -> int:
        verdict = Verdict()
        for _ in verdict.watch(report.machines):
            pass
        sys.stdout.writelines(closing(report, report.now))
        sys.stdout.flush()
        return tell_status(verdict, report, self._arguments)


class PlainView:
    """A log that scrolls; on a terminal the machines that are booting stand below it, each with what it waits for."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self._arguments = arguments
        self._events = _Events(arguments)
        self._paper = paper(arguments)
        self._log = LogWriter(self._paper, quiet=arguments.quiet, verbose=arguments.verbose)
        self._clock = Clock(None, utc=arguments.utc)
        self._below = sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
        self._state = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._erase()
        sys.stdout.flush()

    def show(self, session: LiveSession, update: Update) -> None:
        events = self._events.of(update)
        state = self._state_of(session) if self._below else ""
        if not events and not update.news and state == self._state:
            return
        self._erase()
        for event in events:
            self._log.write(event, time_of(event, self._clock))
        for news in update.news:
            if not news.dropped:  # lost packets have an event
                self._log.note(news.text, self._clock.time_of_day(news.time))
        self._state = state
        sys.stdout.write(state)
        sys.stdout.flush()

    def idle(self, session: LiveSession) -> None:
        """The state changes with updates only."""

    def finish(self, report: Report) -> int:
        verdict = Verdict()
        shown = Report(
            report.captures, tuple(verdict.watch(report.machines)), report.findings, report.now, report.counters
        )
        self._paper.blank()
        write_text(shown, self._paper, text_options(self._arguments))
        return tell_status(verdict, report, self._arguments)

    def _state_of(self, session: LiveSession) -> str:
        """Lines of the machines that are booting, the latest ones when there are many; they fit the terminal."""
        columns, height = _size()
        if columns < MIN_WIDTH:
            return ""
        booting = [machine for machine in session.machines.values() if machine.status == "in-progress"]
        booting = [machine for machine in booting if wanted(machine, self._arguments.machine)]
        frames = sum(info.frames for info in session.captures)
        lost = sum(info.dropped_frames for info in session.captures)
        room = max(1, min(MAX_STATE_LINES, height - 4))
        shown = sorted(sorted(booting, key=_last_seen)[-room:], key=lambda machine: machine.mac)
        text = io.StringIO()
        lines = Paper(text, width=min(columns, self._paper.width), color=self._paper.color)
        lines.line(f"-- {frames:,} frames, {lost:,} lost, {len(session.machines):,} machines, {len(booting):,} booting")
        for machine in shown:
            write_summary(machine, lines)
        if len(booting) > room:
            lines.line(f"   and {len(booting) - room:,} more")
        return text.getvalue()

    def _erase(self) -> None:
        """Take the state back: the log goes on where it stood."""
        if self._state:
            columns, _ = _size()
            # The terminal may have become narrower, and have wrapped what stands there.
            rows = sum(max(1, -(-len(_SGR.sub("", text)) // columns)) for text in self._state.splitlines())
            sys.stdout.write(f"\x1b[{rows}F\x1b[J")
            self._state = ""


def _size() -> tuple[int, int]:
    """Columns and lines of the terminal, as it is now."""
    try:
        size = os.get_terminal_size(sys.stdout.fileno())
    except (OSError, ValueError):
        return 80, 24
    return size.columns or 80, size.lines or 24


def _last_seen(machine: Machine) -> int:
    return machine.last_seen
