"""Stores that give back single frames of a capture: by file offset, or from a bounded spool; decode nothing."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from typing import IO, NamedTuple

import numpy as np

from ..model import Block, FrameBytes
from .raw_input import RawInput
from .scan import Decoder
from .window import SLACK

SPOOL_BYTES = 64 << 20
"""Disk space a spool may take; frames after that are not kept."""
SPOOL_FRAMES = 1 << 20


class _Piece(NamedTuple):
    """A stretch of the file that was decoded in one go, and the decoder as it was before."""

    offset: int
    length: int
    decoder: Decoder


class FileFrames:
    """Frames of a plain file, read again where the index says that they stand. Keeps 1 entry per window read."""

    def __init__(self, source: RawInput, capture: int, clock_shift: int = 0) -> None:
        """`clock_shift`, ns, is added to all times."""
        self._source = source
        self._capture = capture
        self._clock_shift = clock_shift
        self._first: array[int] = array("q")
        self._pieces: list[_Piece] = []
        self._held: tuple[int, Block] | None = None

    def begin(self, block: Block, offset: int, length: int, decoder: Decoder, /) -> None:
        """The frames of `block` stand in `length` bytes at `offset` of the file; `decoder` is as it was before them."""
        self._first.append(block.first_frame)
        self._pieces.append(_Piece(offset, length, decoder))

    def keep(self, frame: int) -> None:
        """Nothing to do: the file keeps it."""

    def end(self) -> None:
        """Nothing to do."""

    def close(self) -> None:
        """The file is its source's to close."""

    def get(self, capture: int, frame: int) -> FrameBytes | None:
        index = bisect_right(self._first, frame) - 1
        if capture != self._capture or index < 0:
            return None
        if self._held is None or self._held[0] != index:
            block = self._decode(index)
            if block is None:
                return None
            self._held = (index, block)
        return frame_of(self._held[1], frame)

    def _decode(self, index: int) -> Block | None:
        piece = self._pieces[index]
        try:
            data = self._source.read_at(piece.offset, piece.length)
        except (OSError, ValueError):  # gone, or closed meanwhile
            return None
        buffer = bytearray(data + bytes(SLACK + (-len(data) & 3)))
        scan = piece.decoder.scan(buffer, 0, len(data))
        return Block(
            self._capture,
            buffer,
            self._first[index],
            scan.time + self._clock_shift,
            scan.offset,
            scan.captured,
            scan.original,
            scan.interface,
            scan.next.interfaces,
        )


class SpooledFrames:
    """Frames of a pipe or a compressed file that `keep` asked for, while the block they came in was current."""

    def __init__(self, capture: int, limit: int = SPOOL_BYTES) -> None:
        self._capture = capture
        self._limit = limit
        self._spool: IO[bytes] | None = None
        self._used = 0
        self._block: Block | None = None
        self._wanted: set[int] = set()
        # Sorted by frame; numbers in arrays, because there may be many.
        self._frame: array[int] = array("q")
        self._place: array[int] = array("q")
        self._time: array[int] = array("q")
        self._captured: array[int] = array("l")
        self._original: array[int] = array("q")
        self._link_type: array[int] = array("l")
        self.refused = 0
        """Frames that were asked for and did not fit."""

    def begin(self, block: Block, _offset: int, _length: int, _decoder: Decoder, /) -> None:
        """`block` is current from now on."""
        self._block = block

    def end(self) -> None:
        """The buffer of the current block is about to be used again."""
        self._flush()
        self._block = None

    def keep(self, frame: int) -> None:
        """Keep this frame of the current block."""
        self._wanted.add(frame)

    def get(self, capture: int, frame: int) -> FrameBytes | None:
        if capture != self._capture:
            return None
        self._flush()
        index = bisect_left(self._frame, frame)
        if index == len(self._frame) or self._frame[index] != frame:
            return None
        self._file.seek(self._place[index])
        data = self._file.read(self._captured[index])
        return FrameBytes(capture, frame, self._time[index], self._link_type[index], self._original[index], data)

    def close(self) -> None:
        if self._spool is not None:
            self._spool.close()

    @property
    def _file(self) -> IO[bytes]:
        if self._spool is None:
            import tempfile

            self._spool = tempfile.TemporaryFile(prefix="bootsniff-")  # noqa: SIM115  # lives as long as the store
        return self._spool

    def _flush(self) -> None:
        wanted, self._wanted = sorted(self._wanted), set()
        for frame in wanted:
            index = bisect_left(self._frame, frame)
            found = frame_of(self._block, frame) if self._block is not None else None
            if found is None or self._frame[index : index + 1] == array("q", (frame,)):
                continue
            if self._used + len(found.data) > self._limit or len(self._frame) >= SPOOL_FRAMES:
                self.refused += 1
                continue
            self._file.seek(self._used)
            self._file.write(found.data)
            self._frame.insert(index, frame)
            self._place.insert(index, self._used)
            self._time.insert(index, found.time)
            self._captured.insert(index, len(found.data))
            self._original.insert(index, found.original_length)
            self._link_type.insert(index, found.link_type)
            self._used += len(found.data)


def frame_of(block: Block, frame: int) -> FrameBytes | None:
    """One packet of a block by its frame number, its bytes copied; None when it is not in the block."""
    index = frame - block.first_frame
    if not 0 <= index < len(block):
        return None
    start, length = int(block.offset[index]), int(block.captured[index])
    number = 0 if block.interface is None else int(np.int64(block.interface[index]))
    return FrameBytes(
        block.capture,
        frame,
        int(block.time[index]),
        block.interfaces[number].link_type,
        int(block.original[index]),
        bytes(block.buffer[start : start + length]),
    )
