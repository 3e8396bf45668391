"""Puts packets that were captured side by side into one order of time; copies them once, and decodes none."""

from __future__ import annotations

from collections import deque

import numpy as np
import numpy.typing as npt

from ..model import Block, Interface

_FIELDS = 6
"""Rows of a piece's numbers: time, offset, captured, original, interface, VLAN tag."""
ARENA = 4 << 20
_EDGE = 64
"""Bytes kept free at both ends of the memory: gathering fields near a packet's ends stays inside."""
_Rows = npt.NDArray[np.int64]


class _Piece:
    """Packets that were added together and have not all been given out."""

    def __init__(self, rows: _Rows, start: int, end: int) -> None:
        self.rows = rows
        self.earliest = int(rows[0].min())
        self.start = start
        self.end = end


class Reorder:
    """Takes blocks of several interfaces; gives blocks with an interface column, in order of time.

    `numbers` maps a block's (capture, interface) to the place in `interfaces`: one interface that is captured twice,
    through two filters, has one place. A block given out is valid until the next call.
    """

    def __init__(self, interfaces: tuple[Interface, ...], capture: int = 0) -> None:
        self.interfaces = interfaces
        self._capture = capture
        self._pieces: deque[_Piece] = deque()
        """As they lie in the memory, which they use as a ring: always the same pages, fresh ones cost as much again."""
        self._arena = bytearray(ARENA)
        self._frames = 0
        self.latest = 0
        """The latest packet time that was added, ns."""

    def add(self, block: Block, numbers: npt.NDArray[np.int64]) -> None:
        """Copy a block's packets; `numbers` is the interface's place for each of the block's own interfaces."""
        if not len(block):
            return
        offset, captured = block.offset, block.captured
        data = memoryview(block.buffer).cast("B")
        first, last = int(offset.min()), int((offset + captured).max())
        rows = np.zeros((_FIELDS, len(block)), np.int64)
        size = max(1, int(captured.sum()))  # no piece is without a place, or the ring could not tell full from empty
        if last - first <= 2 * size:
            size = max(1, last - first)
            start = self._place(size)
            self._arena[start : start + last - first] = data[first:last]
            rows[1] = offset + (start - first)
        else:
            # Little of it is packets: a kernel's ring at its turn, or mostly empty.
            start = self._place(size)
            ends = (offset + captured).tolist()
            body = b"".join([data[begin:end] for begin, end in zip(offset.tolist(), ends, strict=True)])
            self._arena[start : start + len(body)] = body
            rows[1] = start + np.cumsum(captured) - captured
        rows[0] = block.time
        rows[2] = captured
        rows[3] = block.original
        rows[4] = numbers[0] if block.interface is None else numbers[block.interface]
        if block.vlan_tag is not None:
            rows[5] = block.vlan_tag
        self._pieces.append(_Piece(rows, start, start + size))
        self.latest = max(self.latest, int(block.time.max()))

    def take(self, until: int) -> Block | None:
        """All packets that are not later than `until` (ns); nothing that is added afterwards may be earlier."""
        parts = []
        for piece in self._pieces:
            if piece.rows.shape[1] and piece.earliest <= until:
                due = piece.rows[0] <= until
                parts.append(piece.rows[:, due])
                piece.rows = piece.rows[:, ~due]
                piece.earliest = int(piece.rows[0].min()) if piece.rows.shape[1] else 0
        if not parts:
            return None
        ready = np.concatenate(parts, axis=1) if len(parts) > 1 else parts[0]
        ready = ready[:, np.argsort(ready[0], kind="stable")]
        first = self._frames + 1
        self._frames += ready.shape[1]
        tags = ready[5] if ready[5].any() else None
        return Block(
            capture=self._capture,
            buffer=memoryview(self._arena),
            first_frame=first,
            time=ready[0],
            offset=ready[1],
            captured=ready[2],
            original=ready[3],
            interface=ready[4].astype(np.uint16) if len(self.interfaces) > 1 else None,
            interfaces=self.interfaces,
            vlan=None if tags is None else np.where(tags != 0, tags & 0xFFF, -1).astype(np.int32),
            vlan_tag=None if tags is None else tags.astype(np.uint32),
        )

    def _place(self, size: int) -> int:
        """Where in the memory so many bytes go; what has been given out is overwritten."""
        pieces = self._pieces
        while pieces and not pieces[0].rows.shape[1]:
            pieces.popleft()
        if not pieces and len(self._arena) > ARENA and size <= ARENA - 2 * _EDGE:
            self._arena = bytearray(ARENA)  # a burst is over
        end = len(self._arena) - _EDGE
        at = pieces[-1].end if pieces else _EDGE
        if not pieces or pieces[-1].start >= pieces[0].start:
            if at + size <= end:
                return at
            at, end = _EDGE, pieces[0].start if pieces else 0
        else:
            end = pieces[0].start
        return at if at + size <= end else self._enlarge(size)

    def _enlarge(self, size: int) -> int:
        """Move all that is still to come to a memory with room for twice as much, and `size` bytes."""
        self._pieces = deque(piece for piece in self._pieces if piece.rows.shape[1])
        held = sum(piece.end - piece.start for piece in self._pieces)
        arena = bytearray(max(ARENA, 2 * (held + size + _EDGE)))
        at = _EDGE
        for piece in self._pieces:
            count = piece.end - piece.start
            arena[at : at + count] = self._arena[piece.start : piece.end]
            piece.rows[1] += at - piece.start
            piece.start, piece.end = at, at + count
            at += count
        self._arena = arena
        return at
