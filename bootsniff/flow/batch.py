"""The packets of a block as the folding sees them: places, sizes and times, shape (n,) each; nothing is decided here."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..model import Block, FrameRef
from ..wire.columns import UDP, Columns

Ints = npt.NDArray[np.int64]

_SYN_FIN_RST = np.uint8(7)


class Batch:
    """The packets of a block as columns that the folding works on: shape (n,) each."""

    __slots__ = (
        "acknowledgement",
        "begin",
        "calm",
        "capture",
        "first_frame",
        "head",
        "lane",
        "length",
        "size",
        "time",
        "udp",
        "value",
    )

    def __init__(self, block: Block, columns: Columns) -> None:
        self.capture = block.capture
        self.first_frame = block.first_frame
        self.time = block.time
        self.head = columns.head
        self.acknowledgement = columns.acknowledgement
        self.length = columns.length
        self.udp = udp = columns.protocol == UDP
        self.value = np.where(udp, columns.head, columns.sequence)
        """What tells a packet's place: TCP sequence number, or TFTP opcode and block number."""
        self.calm = udp | ((columns.flags & _SYN_FIN_RST == 0) & (columns.window != 0))
        """No TCP packet that opens, ends or halts its connection."""
        # A run is told by where each packet begins and how much it brings: bytes of TCP, blocks of TFTP.
        # 32 bits wrap around as sequence numbers do.
        self.begin = np.where(udp, columns.head & np.uint32(0xFFFF), columns.sequence)
        self.size = np.where(udp, 1, columns.length).astype(np.uint32)
        self.lane: Ints = np.zeros(len(block), np.int64)

    def frame(self, index: int) -> FrameRef:
        return FrameRef(self.capture, self.first_frame + index, int(self.time[index]))


class Runs(NamedTuple):
    """Packets sorted by lane: where each stands in the batch, begins and ends, and how long after the one before."""

    batch: Batch
    place: Ints
    begin: npt.NDArray[np.uint32]
    end: npt.NDArray[np.uint32]
    time: Ints
    wait: Ints

    def frame(self, at: int) -> FrameRef:
        return self.batch.frame(int(self.place[at]))
