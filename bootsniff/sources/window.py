"""One reused buffer that slides over a ByteInput; knows no file format."""

from __future__ import annotations

import time

from .raw_input import ByteInput
from .scan import Buffer

WINDOW = 3 << 20
"""Large enough that NumPy's cost per call does not count, small enough to stay in a cache until it is looked at."""
SLACK = 128
"""Bytes behind the window that always exist, so that fixed-size headers can be gathered at its very end."""
MAX_WAIT = 0.1
"""How long bytes that have arrived on a pipe may wait for more, in seconds."""


class Window:
    """`buffer[start:end]` are the bytes not yet consumed; `offset` is where `start` stands in the stream."""

    def __init__(self, source: ByteInput, *, waits: bool, size: int = WINDOW) -> None:
        self.source = source
        self._waits = waits
        self.room = size
        """Bytes the buffer holds, `SLACK` aside."""
        self.buffer: Buffer = bytearray(size + SLACK)
        self.start = 0
        self.end = 0
        self.offset = 0
        self.max_wait = MAX_WAIT
        self.problem: str | None = None
        """What reading broke at, other than the plain end."""

    def advance(self, start: int) -> None:
        """Everything before `start` is done with."""
        self.offset += start - self.start
        self.start = start

    def ready(self, timeout: float) -> bool:
        return self.source.ready(timeout)

    def fill(self, need: int) -> bool:
        """Read on until the buffer is full, or for `max_wait` on a pipe; at least until `need` bytes are there.

        What `buffer` held before `start` is lost. False when the input ends first.
        """
        held = self.end - self.start
        buffer = self._next_buffer(need)
        if buffer is not self.buffer or self.start:
            buffer[:held] = self.buffer[self.start : self.end]
            self.buffer = buffer
        room = self.room
        self.start, self.end = 0, held
        deadline = time.monotonic() + self.max_wait if self._waits and held >= need else None
        view = memoryview(self.buffer)
        while self.end < room:
            if deadline is not None and not self.source.ready(max(0.0, deadline - time.monotonic())):
                break
            count = self._read(view[self.end : room])
            if not count:
                break
            self.end += count
            if self._waits and deadline is None and self.end >= need:
                deadline = time.monotonic() + self.max_wait
        return self.end >= need and self.end > held

    def _next_buffer(self, need: int) -> Buffer:
        """The buffer to go on with, with room for at least `need` bytes; the same one as long as it is large enough."""
        if need <= self.room:
            return self.buffer
        self.room = need + 3 & ~3
        return bytearray(self.room + SLACK)

    def skip(self, count: int) -> bool:
        """Leave out the next `count` bytes, however many; False when the input ends first."""
        while count:
            held = min(count, self.end - self.start)
            self.advance(self.start + held)
            count -= held
            if count and not self.fill(1):
                return False
        return True

    def close(self) -> None:
        self.source.close()

    def _read(self, view: memoryview) -> int:
        try:
            return self.source.readinto(view)
        except EOFError as error:
            self.problem = str(error)
        except OSError as error:
            self.problem = f"reading failed: {error.strerror}"
        return 0
