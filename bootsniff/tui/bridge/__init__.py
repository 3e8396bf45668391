"""What stands between the engine and the screen: feeds that hand over reports; no widget and no protocol here.

A feed does its work elsewhere (a thread, another process) and the screen asks it a few times a second. Nothing of it
may block: neither `latest()` nor `close()` wait for packets.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol, runtime_checkable

from msgspec import Struct

from ...model import FrameStore, Report


class FeedStatus(Struct, frozen=True):
    """How the source is doing, for the header and for the error line."""

    state: Literal["waiting", "reading", "live", "ended", "failed"]
    """`waiting`: no packet yet, or the interface is gone; `reading`: a file, not at its end; `live`: packets may come;
    `ended`: no more will come; `failed`: an error ended it, and what was read before still stands."""
    text: str = ""
    """One sentence when there is something to say (an error with its way out, an interface that is gone)."""
    progress: float | None = None
    """Part of a file that was read, 0 to 1; None where it cannot be told."""


class Feed(Protocol):
    """Where reports come from. All methods are called from the screen's thread and return at once."""

    @property
    def frames(self) -> FrameStore:
        """Bytes of the frames that reports cite."""

    def latest(self) -> Report | None:
        """The newest report; the same object as long as nothing changed. None before the first.

        Machines that did not change are the same objects in the next report as far as the feed can manage.
        """

    def status(self) -> FeedStatus:
        """How the source is doing."""

    def pause(self) -> None:
        """Nobody looks at reports for a while: making them may stop, capturing and reading go on."""

    def resume(self) -> None:
        """Reports are wanted again."""

    def close(self) -> None:
        """Ends the source's thread or process without waiting for it; safe to call twice."""


@runtime_checkable
class Recording(Protocol):
    """A feed that can be watched again: reports of many moments of the capture, kept while reading."""

    def moments(self) -> tuple[int, ...]:
        """Times (ns) of the kept reports, rising; grows while the file is being read."""

    def at(self, time: int) -> Report | None:
        """The report of the latest kept moment not after `time`."""

    def traffic(self) -> Sequence[tuple[int, int]]:
        """(time, frames so far), rising; for the strip of traffic."""
