"""`bootsniff live` on a terminal: the TUI over the capture process, and the report on standard output afterwards."""

from __future__ import annotations

import argparse
import sys

from ..errors import BootsniffError, UsageError
from ..model import FrameStore, Report
from ..tui.bridge import FeedStatus
from . import complain
from .live_channel import Ready
from .live_ending import Ending, final_status
from .live_open import Task
from .live_session import LiveSession
from .read_tui import show, write_report

_END_SECONDS = 3.0
"""How long the final report is waited for once the screen is left."""

MAX_NOTES = 100


def run(task: Task, arguments: argparse.Namespace) -> int:
    """Show the capture until the user leaves, or until it ends by itself."""
    if not arguments.web and not (sys.stdin and sys.stdin.isatty()):
        raise UsageError("live needs a terminal for the TUI: add --plain for text or --json for events")
    with LiveSession(task, imports_more=True) as session:
        ready = session.wait_until_ready()
        feed = LiveFeed(session, Ending(arguments), ready)
        title = ",".join(task.interfaces)
        show(feed, title, arguments)
        feed.finish()
        for text in (*ready.notes, *([session.note] if session.note else []), *feed.notes):
            complain(text)
        status = write_report(session.report(), arguments)
    return final_status(session, feed.ending, status)


class LiveFeed:
    """The capture process as the screen sees it. It is asked a few times a second; nothing here waits."""

    def __init__(self, session: LiveSession, ending: Ending, ready: Ready) -> None:
        self.ending = ending
        self.notes: list[str] = []
        """What happened to the capture, latest last."""
        self._session = session
        self._latest: Report | None = None
        self._text = "; ".join(ready.notes)

    @property
    def frames(self) -> FrameStore:
        return self._session.frames

    def latest(self) -> Report | None:
        if self._take(0):
            self._latest = self._session.report()
        if self.ending.due and not self._session.ended:
            self._session.stop()
        return self._latest

    def _take(self, timeout: float) -> bool:
        """What came, waiting for it; whether anything did."""
        session = self._session
        try:
            updates = session.updates(timeout)
        except BootsniffError as error:
            session.ended, session.failure = True, str(error)
            return False
        for update in updates:
            self.ending.look(update)
            for news in update.news:
                self._text = news.text
                self.notes.append(news.text)
        del self.notes[:-MAX_NOTES]
        return bool(updates)

    def status(self) -> FeedStatus:
        session = self._session
        if session.failure is not None:
            return FeedStatus("failed", session.failure)
        if session.ended:
            return FeedStatus("ended", self._text)
        return FeedStatus("live" if any(info.frames for info in session.captures) else "waiting", self._text)

    def pause(self) -> None:
        self._session.pause()

    def resume(self) -> None:
        self._session.resume()

    def close(self) -> None:
        self._session.stop()

    def finish(self) -> None:
        """Fetch the final report, after the screen was left."""
        import time

        deadline = time.monotonic() + _END_SECONDS
        self._session.resume()
        while not self._session.ended and time.monotonic() < deadline:
            self._take(0.1)
