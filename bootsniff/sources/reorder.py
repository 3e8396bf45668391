"""Puts packets that were captured side by side into one order of time; copies them, and decodes none."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..model import Block, Interface

_FIELDS = 6
"""Rows of a piece's numbers: time, offset, captured, original, interface, VLAN tag."""


class Reorder:
    """Takes blocks of several interfaces; gives blocks with an interface column, in order of time.

    `numbers` maps a block's (capture, interface) to the place in `interfaces`: one interface that is captured twice,
    through two filters, has one place.
    """

    def __init__(self, interfaces: tuple[Interface, ...], capture: int = 0) -> None:
        self.interfaces = interfaces
        self._capture = capture
        self._bytes: list[bytes | memoryview] = []
        self._numbers: list[npt.NDArray[np.int64]] = []
        self._size = 0
        self._frames = 0
        self.latest = 0
        """The latest packet time that was added, ns."""

    def add(self, block: Block, numbers: npt.NDArray[np.int64]) -> None:
        """Copy a block's packets; `numbers` is the interface's place for each of the block's own interfaces."""
        if not len(block):
            return
        data = memoryview(block.buffer)
        ends = (block.offset + block.captured).tolist()
        body = b"".join([data[start:end] for start, end in zip(block.offset.tolist(), ends, strict=True)])
        rows = np.zeros((_FIELDS, len(block)), np.int64)
        rows[0] = block.time
        rows[1] = self._size + np.cumsum(block.captured) - block.captured
        rows[2] = block.captured
        rows[3] = block.original
        rows[4] = numbers[0] if block.interface is None else numbers[block.interface]
        if block.vlan_tag is not None:
            rows[5] = block.vlan_tag
        self._bytes.append(body)
        self._numbers.append(rows)
        self._size += len(body)
        self.latest = max(self.latest, int(block.time.max()))

    def take(self, until: int) -> Block | None:
        """All packets that are not later than `until` (ns); nothing that is added afterwards may be earlier."""
        if not self._numbers:
            return None
        rows = np.concatenate(self._numbers, axis=1) if len(self._numbers) > 1 else self._numbers[0]
        due = rows[0] <= until
        if not due.any():
            self._numbers = [rows]
            return None
        data = self._bytes[0] if len(self._bytes) == 1 else b"".join(self._bytes)
        later = rows[:, ~due]
        self._bytes, self._numbers, self._size = [], [], 0
        if later.shape[1]:
            view = memoryview(data)
            starts = later[1].tolist()
            body = b"".join([view[start : start + size] for start, size in zip(starts, later[2].tolist(), strict=True)])
            later[1] = np.cumsum(later[2]) - later[2]
            self._bytes, self._numbers, self._size = [body], [later], len(body)
        ready = rows[:, due]
        ready = ready[:, np.argsort(ready[0], kind="stable")]
        first = self._frames + 1
        self._frames += ready.shape[1]
        tags = ready[5] if ready[5].any() else None
        return Block(
            capture=self._capture,
            buffer=memoryview(data),
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
