"""A block, everything that is worked out about all its packets at once, and where it is cut into pieces."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ..model import NANOSECONDS, Block
from ..wire.columns import Columns
from ..wire.packet import Packet
from .batch import Batch
from .messages import Message, Messages
from .table import Keys

SWEEP = 10 * NANOSECONDS
"""How often idle flows are looked for, by packet time."""
MAX_SPAN = 2 * NANOSECONDS
"""Longest piece of a block, by packet time: so much may records be ahead of events."""
QUIET = NANOSECONDS // 4
"""A pause after which a new piece begins."""

Ints = npt.NDArray[np.int64]
Row = tuple[int, int, int, int, int, int, bool]
"""Offset, captured and original length, time, interface, VLAN or -1, whether it is plain."""


class Work:
    """A block and everything that is worked out about it."""

    __slots__ = ("_reader", "_rows", "batch", "block", "columns", "keys", "messages", "packets", "view")

    def __init__(self, block: Block, reader: Messages) -> None:
        self.block = block
        self._reader = reader
        self.view = memoryview(block.buffer)
        self.columns = columns = Columns.of(block)
        point: npt.NDArray[Any] | None = columns.point
        if block.interface is not None and len(block.interfaces) > 1:
            point = block.interface if point is None else np.where(block.interface > 0, block.interface, point)
        self.keys = Keys(columns, point)
        self.batch = Batch(block, columns)
        self.packets: dict[int, Packet] = {}
        """Packets that were dissected ahead of their turn."""
        self.messages: dict[int, Message] = {}
        """Those of the packets of `get_rows` that need not be dissected."""
        self._rows: dict[int, Row] = {}

    def get_rows(self, index: Ints) -> list[int]:
        """Take what is known of some packets out of the columns at once, as they will be looked at."""
        block = self.block
        everything: list[int] = index.tolist()
        # DHCP, DNS and ARP belong to no conversation.
        self.messages = {} if self.batch.lane[index].all() else self._reader.find(block, self.columns, index)
        if self.messages:
            index = index[[number not in self.messages for number in everything]]
        numbers: list[int] = index.tolist()
        count = len(numbers)
        interfaces = [0] * count if block.interface is None else block.interface[index].tolist()
        vlans = [-1] * count if block.vlan is None else block.vlan[index].tolist()
        rows = zip(
            block.offset[index].tolist(),
            block.captured[index].tolist(),
            block.original[index].tolist(),
            block.time[index].tolist(),
            interfaces,
            vlans,
            self.columns.plain[index].tolist(),
            strict=True,
        )
        self._rows = dict(zip(numbers, rows, strict=True))
        return everything

    def row(self, index: int) -> Row:
        """Offset, captured and original length, time, interface, VLAN or -1, whether it is plain."""
        row = self._rows.get(index)
        if row is None:
            block = self.block
            row = self._rows[index] = (
                int(block.offset[index]),
                int(block.captured[index]),
                int(block.original[index]),
                int(block.time[index]),
                0 if block.interface is None else int(block.interface[index]),
                -1 if block.vlan is None else int(block.vlan[index]),
                bool(self.columns.plain[index]),
            )
        return row


def cuts(time: Ints, swept: int) -> list[tuple[int, int]]:
    """Where the pieces of a block begin and end: at pauses, every two seconds, and where a sweep is due."""
    low, high = int(time.min()), int(time.max())
    if high - low <= QUIET and high - SWEEP <= swept <= low + SWEEP:
        return [(0, len(time))]
    pieces = []
    start = 0
    pauses = [*(np.flatnonzero(np.abs(np.diff(time)) > QUIET) + 1).tolist(), len(time)]
    for pause in pauses:
        while start < pause:
            begin = int(time[start])
            if abs(begin - swept) > SWEEP:
                swept = begin
            piece = time[start:pause]
            late = (np.abs(piece - begin) > MAX_SPAN) | (np.abs(piece - swept) > SWEEP)
            stop = start + int(late.argmax()) if late.any() else pause
            pieces.append((start, stop))
            start = stop
    return pieces
