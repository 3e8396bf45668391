"""Which flows are forgotten: those that were quiet for long, and the quietest when there are too many."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Protocol, TypeVar

from ..model import FrameRef


class _Record(Protocol):
    last: FrameRef


class _Item(Protocol):
    ended: bool

    @property
    def record(self) -> _Record: ...


T = TypeVar("T", bound=_Item)


def to_forget(items: Collection[T], now: int, idle: Callable[[T], int], most: int) -> tuple[list[T], int]:
    """What to drop of `items`, and how much of it only for want of room: more than `most` are not kept.

    `idle` tells how long, in ns, an item may be without a packet. Of too many, ended ones go first.
    """
    gone = [item for item in items if abs(now - item.record.last.time) > idle(item)]
    left = len(items) - len(gone)
    if left <= most:
        return gone, 0
    dropped = set(gone)
    rest = [item for item in items if item not in dropped]
    rest.sort(key=lambda item: (not item.ended, item.record.last.time))
    excess = left - most * 7 // 8
    return gone + rest[:excess], excess
