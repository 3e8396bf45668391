"""What a report is without because a bug of ours raised, in words; the counters say so, nothing else is looked at."""

from __future__ import annotations

from collections.abc import Iterable

from ..model import FAILED_EVENT, FAILED_MACHINES, FAILED_RULE
from .units import count


def failure(name: str, number: int) -> tuple[str, int] | None:
    """`rule CODE`, `2 dhcp events` or `1 machine`, and how many things that is; None for counters of other things."""
    if name.startswith(FAILED_RULE):
        return f"rule {name.removeprefix(FAILED_RULE)}", 1
    if name.startswith(FAILED_EVENT):
        return count(number, f"{name.removeprefix(FAILED_EVENT)} event"), number
    return (count(number, "machine"), number) if name == FAILED_MACHINES else None


def failures(counters: Iterable[tuple[str, int]]) -> str | None:
    """One sentence about all of them; None when nothing failed."""
    found = [told for name, number in counters if (told := failure(name, number)) is not None]
    if not found:
        return None
    them = "it" if sum(number for _, number in found) == 1 else "them"
    return f"{', '.join(words for words, _ in found)} failed: the report is without {them}"
