"""Frames that a report cites, written by the capture process and read by the process that shows them; decodes nothing.

Both share one unnamed file: the reader asks nobody and waits for nobody, also after the capture has ended.
"""

from __future__ import annotations

import os
import struct
import tempfile

from ..model import Block, FrameBytes
from .frames import SPOOL_BYTES, SPOOL_FRAMES, frame_of

_RECORD = struct.Struct("=IqqIII")
"""Capture, frame, time, link type, original length, kept bytes; the bytes follow."""
_READ_SIZE = 1 << 20


class FrameLog:
    """Make it before the processes part; then one of them writes and the other reads."""

    def __init__(self, limit: int = SPOOL_BYTES) -> None:
        self._file = tempfile.TemporaryFile(prefix="bootsniff-", buffering=0)  # noqa: SIM115  # lives as long as this
        self._limit = limit
        self._used = 0
        self._count = 0
        self._block: Block | None = None
        self._wanted: dict[int, None] = {}
        self._index: dict[tuple[int, int], tuple[int, int]] = {}
        self._seen = 0

    # --- the writer -----------------------------------------------------------------------------------------

    def begin(self, block: Block) -> None:
        """`block` is current until `end`."""
        self._block = block

    def keep(self, capture: int, frame: int) -> None:
        """Keep this frame, if it is one of the current block."""
        if self._block is not None and self._block.capture == capture:
            self._wanted[frame] = None

    def end(self) -> None:
        """The current block's bytes are about to go: write what was asked for."""
        block, self._block = self._block, None
        wanted, self._wanted = self._wanted, {}
        pieces = []
        room = self._limit - self._used
        for frame in wanted:
            found = None if block is None or self._count >= SPOOL_FRAMES else frame_of(block, frame)
            if found is None or _RECORD.size + len(found.data) > room:
                continue
            head = (found.capture, frame, found.time, found.link_type, found.original_length, len(found.data))
            pieces += [_RECORD.pack(*head), found.data]
            room -= _RECORD.size + len(found.data)
            self._count += 1
        if pieces:
            try:
                self._used += os.pwrite(self._file.fileno(), b"".join(pieces), self._used)
            except OSError:
                self._limit = 0  # the disk is full: nothing more is kept

    # --- the reader -----------------------------------------------------------------------------------------

    def get(self, capture: int, frame: int) -> FrameBytes | None:
        """A frame that was kept, None for others."""
        if (capture, frame) not in self._index:
            self._read_on()
        place = self._index.get((capture, frame))
        if place is None:
            return None
        offset, length = place
        raw = os.pread(self._file.fileno(), length, offset)
        _, _, time, link_type, original, kept = _RECORD.unpack_from(raw)
        return FrameBytes(capture, frame, time, link_type, original, raw[_RECORD.size : _RECORD.size + kept])

    def _read_on(self) -> None:
        while True:
            raw = os.pread(self._file.fileno(), _READ_SIZE, self._seen)
            at = 0
            while at + _RECORD.size <= len(raw):
                capture, frame, _, _, _, kept = _RECORD.unpack_from(raw, at)
                if at + _RECORD.size + kept > len(raw):
                    break
                self._index.setdefault((capture, frame), (self._seen + at, _RECORD.size + kept))
                at += _RECORD.size + kept
            if not at:
                return
            self._seen += at

    def close(self) -> None:
        self._file.close()
