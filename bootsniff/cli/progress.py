"""A progress bar on standard error, for people only, and only when reading takes longer than a moment."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

PATIENCE_SECONDS = 1.0
_REFRESH_SECONDS = 0.1

Position = tuple[int, int | None]
"""Bytes read so far, and of how many; None when nobody knows."""


class ProgressBar:
    """Call `update` as often as you like; `close` wipes the bar away."""

    def __init__(self, position: Callable[[], Position], *, wanted: bool) -> None:
        self._position = position
        self._wanted = wanted and sys.stderr is not None and sys.stderr.isatty()
        self._due = time.monotonic() + PATIENCE_SECONDS
        self._bar: tuple[Progress, TaskID] | None = None

    def update(self) -> None:
        now = time.monotonic() if self._wanted else 0.0
        if not self._wanted or now < self._due:
            return
        self._due = now + _REFRESH_SECONDS
        done, total = self._position()
        if self._bar is None:
            self._bar = _made()
        progress, task = self._bar
        progress.update(task, completed=done, total=total)

    def close(self) -> None:
        if self._bar is not None:
            self._bar[0].stop()
            self._bar = None
        self._wanted = False


def _made() -> tuple[Progress, TaskID]:
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    progress = Progress(
        TextColumn("reading"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    progress.start()
    return progress, progress.add_task("reading", total=None)
