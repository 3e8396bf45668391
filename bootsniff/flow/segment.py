"""One direction of a byte stream: its offsets, a piece of it, and the reader that puts pieces in order; no protocol here."""

from __future__ import annotations

from typing import NamedTuple

from ..model import FrameRef

MAX_PENDING = 64
"""Pieces a reader keeps that it cannot use yet."""


class Half:
    """One direction: sequence numbers become offsets from its first byte, across any number of wraps."""

    __slots__ = ("base", "fin", "highest")

    def __init__(self) -> None:
        self.base: int | None = None
        """Sequence number of offset 0."""
        self.highest = 0
        """Offset behind the last byte seen."""
        self.fin: int | None = None
        """Offset at which the stream ends."""

    def offset(self, sequence: int) -> int:
        """The offset nearest to the highest one that has this sequence number; negative before the first byte."""
        relative = sequence - (self.base or 0) - self.highest
        return self.highest + ((relative + 0x80000000) & 0xFFFFFFFF) - 0x80000000


class Segment(NamedTuple):
    """Payload of one TCP packet: `length` bytes of the wire from offset `start` on, of which `data` was captured."""

    at: FrameRef
    start: int
    length: int
    data: bytes

    @property
    def end(self) -> int:
        return self.start + self.length


class Reader:
    """Gives the bytes of a stream from `position` on, as far as they are there without a hole."""

    __slots__ = ("pending", "position")

    def __init__(self, position: int) -> None:
        self.position = position
        self.pending: list[Segment] = []
        """In order of their start; all of them reach beyond `position`."""

    def put(self, segment: Segment) -> None:
        """Keep a segment; when there are too many, the one farthest ahead is dropped."""
        if segment.end <= self.position:
            return
        index = len(self.pending)
        while index and self.pending[index - 1].start > segment.start:
            index -= 1
        before = self.pending[index - 1] if index else None
        if before is not None and before.start == segment.start and len(before.data) >= len(segment.data):
            return
        self.pending.insert(index, segment)
        del self.pending[MAX_PENDING:]

    def gather(self) -> tuple[bytes, bool]:
        """The bytes there are, and whether they stop because the capture cut a packet."""
        parts = []
        at = self.position
        for segment in self.pending:
            if segment.start > at:
                break
            fresh = segment.data[at - segment.start :]
            if fresh:
                parts.append(fresh)
                at += len(fresh)
            if at < segment.end:
                return b"".join(parts), True
        return b"".join(parts), False

    @property
    def readable(self) -> int:
        """Where the bytes end that there are."""
        at = self.position
        for segment in self.pending:
            if segment.start > at:
                break
            at = max(at, segment.start + len(segment.data))
            if at < segment.end:
                break
        return at

    def advance(self, position: int) -> None:
        """Go on at `position`; what lies before it is forgotten."""
        self.position = position
        self.pending = [segment for segment in self.pending if segment.end > position]
