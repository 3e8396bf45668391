"""How far a stage came, as a value; the words that every judge of a stage shares."""

from __future__ import annotations

from typing import NamedTuple

from ..model import NANOSECONDS, StallPoint

NEVER = 1 << 62
DISCOVER, OFFERED, SUITED, BOUND, ASKED, ANSWERED, LOADED, CONFIGURED, KERNEL, DONE = range(10)
"""How far a stage came; SUITED: it was offered what it can use, or took an offer."""


class StageState(NamedTuple):
    """Where a stage stands. `failed` with `point` when it came to nothing; `check_at`: when silence may change it."""

    rank: int
    failed: bool = False
    point: StallPoint | None = None
    handed_off: bool = False
    waiting_for: str = ""
    check_at: int = NEVER


def is_over(last: int, limit: int, now: int) -> bool:
    return now - last > limit


def in_seconds(duration: int) -> str:
    """A duration in ns as whole seconds with the unit."""
    return f"{max(0, duration) // NANOSECONDS} s"
