"""Sets of integers as sorted, disjoint intervals: which bytes or blocks of a flow have been seen. No protocol here."""

from __future__ import annotations

from bisect import bisect_left, bisect_right

MAX_INTERVALS = 4096
"""More holes than this are not told apart: the lowest one is forgotten, as if it had been filled."""


class Ranges:
    """Half-open intervals `[start, end)`, kept sorted and apart from each other.

    Adding at the end, the case of every healthy transfer, costs the same however long the transfer is.
    """

    __slots__ = ("ends", "starts")

    def __init__(self) -> None:
        self.starts: list[int] = []
        self.ends: list[int] = []

    @property
    def highest(self) -> int:
        """End of the last interval; 0 when there is none."""
        return self.ends[-1] if self.ends else 0

    def add(self, start: int, end: int) -> list[tuple[int, int]]:
        """Put `[start, end)` in; returns the pieces of it that were not there before, in order."""
        if start >= end:
            return []
        starts, ends = self.starts, self.ends
        if not ends or start > ends[-1]:
            starts.append(start)
            ends.append(end)
            if len(starts) > MAX_INTERVALS:
                del starts[1], ends[0]
            return [(start, end)]
        if start == ends[-1]:
            ends[-1] = end
            return [(start, end)]
        low = bisect_left(ends, start)  # the first interval that touches [start, end)
        high = bisect_right(starts, end)  # one past the last that does
        fresh = []
        at = start
        for index in range(low, high):
            if at < starts[index]:
                fresh.append((at, min(end, starts[index])))
            at = max(at, ends[index])
        if at < end:
            fresh.append((at, end))
        if low < high:
            start = min(start, starts[low])
            end = max(end, ends[high - 1])
        starts[low:high] = [start]
        ends[low:high] = [end]
        if len(starts) > MAX_INTERVALS:
            del starts[1], ends[0]
        return fresh

    def reach(self, start: int) -> int:
        """How many members follow each other from `start` on; 0 when it is none itself."""
        index = bisect_right(self.starts, start) - 1
        return max(0, self.ends[index] - start) if index >= 0 else 0

    def covers(self, start: int, end: int) -> bool:
        """Whether nothing of `[start, end)` is missing."""
        if start >= end:
            return True
        index = bisect_right(self.starts, start) - 1
        return index >= 0 and end <= self.ends[index]

    def holes(self, start: int, end: int) -> int:
        """How many gaps there are inside `[start, end)` below the highest member of it."""
        first = bisect_right(self.ends, start)
        last = bisect_left(self.starts, end)
        if first >= last:
            return 0
        return last - first - (1 if self.starts[first] <= start else 0)
