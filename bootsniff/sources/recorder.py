"""Writes what is captured to pcapng files while it is captured; knows packets and interfaces, and reads nothing.

Every write is a run of whole blocks handed to the kernel at once, nothing is kept back: a file is readable at any
moment, also after a kill. Format: draft-ietf-opsawg-pcapng.
"""

from __future__ import annotations

import os
import struct
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from msgspec import Struct

from ..errors import CaptureError, UsageError
from ..model import NANOSECONDS, Block, Interface

_SECTION, _INTERFACE, _STATISTICS, _PACKET = 0x0A0D0D0A, 1, 5, 6
_MAGIC = 0x1A2B3C4D
_WHOLE = 262_144
_TAG_AT = 12
"""A VLAN tag stands behind the two Ethernet addresses."""

Buffer = bytes | memoryview


class Rotation(Struct, frozen=True):
    """When the recorder goes on in a new file; zero stands for never."""

    max_bytes: int = 0
    max_seconds: int = 0
    keep: int = 0
    """How many files stay; older ones are deleted."""


class _Counted(Struct):
    """An interface of the current file, and what was lost on it since the file began."""

    number: int
    received: int = 0
    dropped: int = 0


class Recorder:
    """One recording: a file, or with a rotation a row of files that each stand for themselves."""

    def __init__(self, path: Path, software: str, rotation: Rotation | None = None, capture_filter: str = "") -> None:
        """Open the (first) file; times in its name are filled in as by strftime. Raises CaptureError, UsageError."""
        self.path = path
        self.bytes = 0
        """Bytes in the current file."""
        self.files: deque[Path] = deque()
        self._software = software
        self._rotation = rotation or Rotation()
        self._filter = capture_filter
        self._interfaces: dict[tuple[int, Interface], _Counted] = {}
        self._count = 0
        self._started: int | None = None
        self._last = 0
        self._file = -1
        if self._rotation.keep and not (self._rotation.max_bytes or self._rotation.max_seconds):
            raise UsageError("a number of files to keep needs a size or a time at which the next one begins")
        self._open(None)

    def declare(self, capture: int, interface: Interface) -> None:
        """Name an interface before its first packet, so that a file without packets tells where it was taken."""
        self._number(capture, interface)

    def write(self, block: Block) -> None:
        """Append all packets of a block. Raises CaptureError when the file system takes no more."""
        if not len(block):
            return
        first = int(block.time[0])
        if self._due(first):
            self._rotate(first)
        if self._started is None:
            self._started = first
        self._last = int(block.time[-1])
        self._append(self._packets(block))

    def add_drops(self, interface: str, count: int) -> None:
        """Packets that were lost on an interface; they go into its statistics block."""
        for (_, known), counted in self._interfaces.items():
            if known.name == interface:
                counted.dropped += count
                self._append([self._statistics(counted)])
                return

    def close(self, ended: int | None = None) -> None:
        """Write the final statistics and end the file. `ended`: until when packets would have been captured, ns."""
        if self._file >= 0:
            self._end_file(ended)

    def _due(self, now: int) -> bool:
        rotation = self._rotation
        if self._started is None:
            return False
        if rotation.max_bytes and self.bytes >= rotation.max_bytes:
            return True
        return bool(rotation.max_seconds) and now - self._started >= rotation.max_seconds * NANOSECONDS

    def _rotate(self, now: int) -> None:
        self._end_file()
        known = list(self._interfaces)
        self._interfaces.clear()
        self._started = None
        self._open(now)
        for capture, interface in known:
            self.declare(capture, interface)
        while self._rotation.keep and len(self.files) > self._rotation.keep:
            self.files.popleft().unlink(missing_ok=True)

    def _open(self, now: int | None) -> None:
        path = self._next_path(now)
        try:
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise CaptureError(f"cannot record to {path}: {os.strerror(error.errno or 0)}") from error
        self.bytes = 0
        self.files.append(path)
        self._append([_section(self._software)])

    def _next_path(self, now: int | None) -> Path:
        name = str(self.path)
        if "%" in name:
            name = time.strftime(name, time.localtime(None if now is None else now // NANOSECONDS))
        path = Path(name)
        if self._rotation.max_bytes or self._rotation.max_seconds:
            self._count += 1
            # A time in the name may be the same for two files that were full within its unit.
            if self._count > 1 and ("%" not in str(self.path) or path in self.files):
                path = path.with_name(f"{path.stem}-{self._count}{path.suffix}")
        return path

    def _number(self, capture: int, interface: Interface) -> _Counted:
        counted = self._interfaces.get((capture, interface))
        if counted is None:
            counted = self._interfaces[capture, interface] = _Counted(len(self._interfaces))
            self._append([_interface(interface, self._filter)])
        return counted

    def _packets(self, block: Block) -> list[Buffer]:
        count = len(block)
        captured = block.captured.astype(np.uint32)
        original = block.original.astype(np.uint32)
        tagged: list[int] = []
        if block.vlan_tag is not None:
            has_tag = (block.vlan_tag != 0) & (captured >= _TAG_AT)
            captured = captured + np.where(has_tag, 4, 0).astype(np.uint32)
            original = original + np.where(has_tag, 4, 0).astype(np.uint32)
            tagged = np.flatnonzero(has_tag).tolist()
        numbers = self._interface_numbers(block)
        padding = (-captured.astype(np.int64)) & 3
        # Between the bytes of two packets stand the first one's padding and length and the second one's header: rows
        # of padding, length and header, each cut at the front to the padding that this packet needs.
        rows = np.zeros((count + 1, 9), "<u4")
        rows[1:, 1] = rows[:-1, 3] = captured + padding + 32
        rows[:-1, 2] = _PACKET
        rows[:-1, 4] = numbers
        rows[:-1, 5] = block.time >> 32
        rows[:-1, 6] = block.time & 0xFFFFFFFF
        rows[:-1, 7] = captured
        rows[:-1, 8] = original
        glue = memoryview(rows.tobytes())
        data = memoryview(block.buffer)
        starts = block.offset.tolist()
        ends = (block.offset + block.captured).tolist()
        cuts = (np.arange(1, count + 1) * 36 + 4 - padding).tolist()
        pieces: list[Buffer] = [b""] * (2 * count + 1)
        pieces[0] = glue[8:36]
        pieces[1::2] = [data[start:end] for start, end in zip(starts, ends, strict=True)]
        pieces[2::2] = [glue[cut : cut - cut % 36 + 36] for cut in cuts]
        pieces[-1] = glue[cuts[-1] : count * 36 + 8]
        if block.vlan_tag is not None:
            for i in tagged:
                start = starts[i]
                tag = int(block.vlan_tag[i]).to_bytes(4, "big")
                pieces[2 * i + 1] = b"".join((data[start : start + _TAG_AT], tag, data[start + _TAG_AT : ends[i]]))
        return pieces

    def _interface_numbers(self, block: Block) -> int | np.ndarray[tuple[int], np.dtype[np.uint32]]:
        if block.interface is None:
            counted = self._number(block.capture, block.interfaces[0])
            counted.received += len(block)
            return counted.number
        seen = np.bincount(block.interface, minlength=len(block.interfaces)).tolist()
        numbers = np.zeros(len(seen), np.uint32)
        for i, packets in enumerate(seen):
            if packets:
                counted = self._number(block.capture, block.interfaces[i])
                counted.received += packets
                numbers[i] = counted.number
        return numbers[block.interface]

    def _statistics(self, counted: _Counted, ended: int | None = None) -> bytes:
        options = b"" if ended is None else struct.pack("<HHII", 3, 8, ended >> 32, ended & 0xFFFFFFFF)
        # if_recv counts what the interface gave, with what was lost afterwards (tcpdump: "received by filter").
        options += b"".join(
            struct.pack("<HHQ", code, 8, value)
            for code, value in ((4, counted.received + counted.dropped), (5, counted.dropped))
        )
        return _block(
            _STATISTICS, struct.pack("<III", counted.number, self._last >> 32, self._last & 0xFFFFFFFF), options
        )

    def _end_file(self, ended: int | None = None) -> None:
        try:
            self._append([self._statistics(counted, ended) for counted in self._interfaces.values()])
        finally:
            os.close(self._file)
            self._file = -1

    def _append(self, pieces: Sequence[Buffer]) -> None:
        if self._file < 0:
            return
        data = memoryview(b"".join(pieces))
        try:
            while data:
                written = os.write(self._file, data)
                self.bytes += written
                data = data[written:]
        except OSError as error:
            os.close(self._file)
            self._file = -1
            raise CaptureError(f"recording ends, {self.files[-1]}: {os.strerror(error.errno or 0)}") from error


def _section(software: str) -> bytes:
    return _block(_SECTION, struct.pack("<IHHq", _MAGIC, 1, 0, -1), _option(4, software.encode()))


def _interface(interface: Interface, capture_filter: str) -> bytes:
    options = _option(2, interface.name.encode()) if interface.name else b""
    options += _option(9, b"\x09")  # times count nanoseconds
    if capture_filter:
        options += _option(11, b"\0" + capture_filter.encode())
    return _block(_INTERFACE, struct.pack("<HHI", interface.link_type, 0, interface.snap_length or _WHOLE), options)


def _option(code: int, value: bytes) -> bytes:
    return struct.pack("<HH", code, len(value)) + value + bytes(-len(value) & 3)


def _block(kind: int, body: bytes, options: bytes) -> bytes:
    if options:
        options += bytes(4)
    length = 12 + len(body) + len(options)
    return struct.pack("<II", kind, length) + body + options + struct.pack("<I", length)
