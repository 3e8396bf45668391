"""Memory that a reading process and its reader share: windows of raw bytes, and columns beside them."""

from __future__ import annotations

import mmap
import os
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from .scan import Buffer
from .window import SLACK, WINDOW, Window

SLOTS = 5
COLUMN_BYTES = 4 << 20
"""Room for the columns of one window. Pages that are never written take no memory."""
_COLUMNS_AT = WINDOW + SLACK + 63 & ~63

Arrays = dict[str, npt.NDArray[Any]]
Placed = list[tuple[str, str, int, int] | tuple[str, npt.NDArray[Any]]]
"""Where an array stands in a slot (name, type, offset, length), or the array itself when there was no room."""


class TooLarge(Exception):
    """A record does not fit into a slot."""


class Slots:
    """A ring of slots; made before the processes part. The writer takes them, the reader gives them back."""

    def __init__(self) -> None:
        self.memory = [mmap.mmap(-1, _COLUMNS_AT + COLUMN_BYTES) for _ in range(SLOTS)]
        self._freed, self._free = os.pipe()
        self._fresh = list(range(SLOTS))

    def take(self) -> int:
        """A free slot; waits for one. Raises EOFError when the reader is gone."""
        if self._fresh:
            return self._fresh.pop()
        number = os.read(self._freed, 1)
        if not number:
            raise EOFError
        return number[0]

    def give_back(self, number: int) -> None:
        os.write(self._free, bytes([number]))

    def writer_only(self) -> None:
        """Called in the writing process, so that it notices when the reader is gone."""
        os.close(self._free)

    def close(self) -> None:
        """Called in the reading process. The memory goes when nobody looks at it any more."""
        os.close(self._freed)
        os.close(self._free)

    def put(self, number: int, at: int, arrays: Mapping[str, npt.NDArray[Any]]) -> tuple[Placed, int]:
        """Copy arrays into a slot's column part from `at` on; returns where they are, and where the next may go."""
        memory = self.memory[number]
        placed: Placed = []
        for name, array in arrays.items():
            end = at + array.nbytes
            if end > COLUMN_BYTES:
                placed.append((name, array))
                continue
            view: npt.NDArray[Any] = np.frombuffer(memory, array.dtype, len(array), _COLUMNS_AT + at)
            view[:] = array
            placed.append((name, array.dtype.str, at, len(array)))
            at = end + 7 & ~7
        return placed, at

    def get(self, number: int, placed: Placed) -> Arrays:
        """The arrays that `put` placed, as views of the slot."""
        arrays: Arrays = {}
        for item in placed:
            if len(item) == 2:
                arrays[item[0]] = item[1]
            else:
                name, kind, at, count = item
                arrays[name] = np.frombuffer(self.memory[number], np.dtype(kind), count, _COLUMNS_AT + at)
        return arrays


class SlotWindow(Window):
    """A window that moves on to the next free slot once a block of its present one was handed out."""

    def __init__(self, window: Window, slots: Slots) -> None:
        """Go on where `window`, a private one, stands."""
        super().__init__(window.source, waits=False, size=0)
        held = window.buffer[window.start : window.end]
        self._slots = slots
        self.number = slots.take()
        self.lent = False
        """A block of this slot was handed out: it is the reader's until it gives it back."""
        self.room = WINDOW
        self.buffer = slots.memory[self.number]
        self.buffer[: len(held)] = bytes(held)
        self.end = len(held)
        self.offset = window.offset

    def _next_buffer(self, need: int) -> Buffer:
        if need > self.room:
            raise TooLarge
        if not self.lent:
            return self.buffer
        self.lent = False
        self.number = self._slots.take()
        return self._slots.memory[self.number]
