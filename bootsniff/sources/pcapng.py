"""The pcapng file format: sections of both byte orders, interfaces, packet blocks, statistics; no I/O."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from msgspec import Struct
from msgspec.structs import replace

from ..model import Interface
from ..text import printable
from .scan import MAX_CAPTURED, MAX_SNAP_LENGTH, Buffer, Decoder, Ints, Scan, as_ints, rows
from .timestamps import Clock, nanoseconds

# Block types, https://www.ietf.org/archive/id/draft-ietf-opsawg-pcapng-03.html
SECTION = 0x0A0D0D0A
INTERFACE = 1
OBSOLETE_PACKET = 2
SIMPLE_PACKET = 3
STATISTICS = 5
ENHANCED_PACKET = 6

_BYTE_ORDER_MAGIC = 0x1A2B3C4D
_MAX_INTERFACES = 4096
_PACKET_HEADER = 28
"""Bytes before the data of an enhanced or obsolete packet block."""


def is_pcapng(head: bytes) -> bool:
    return len(head) >= 12 and head[:4] == b"\n\r\r\n" and head[8:12] in {b"\x1a\x2b\x3c\x4d", b"\x4d\x3c\x2b\x1a"}


class PcapngDecoder(Struct, frozen=True):
    """Decodes the blocks of a pcapng file; what the file told so far about its interfaces is its state."""

    order: str = "<"
    interfaces: tuple[Interface, ...] = ()
    local: tuple[int, ...] = ()
    """For each interface number of this section, its index in `interfaces`."""
    clocks: tuple[Clock, ...] = ()
    """For each interface number of this section."""
    section: int = 0
    """How many section headers have been seen."""
    last_time: int = 0
    """Time of the packet before; simple packet blocks carry none."""
    format: str = "pcapng"

    def sharing(self, other: Decoder) -> Decoder:
        if isinstance(other, PcapngDecoder):
            moved = replace(other, last_time=self.last_time)
            if moved == self:
                return moved
        return self

    def scan(self, buffer: Buffer, start: int, end: int) -> Scan:
        if end - start < 12:
            return Scan(self, start, need=12)
        if buffer[start : start + 4] == b"\n\r\r\n":
            return self._section(buffer, start, end)
        positions, stop = self._walk(buffer, start, end)
        blocks = rows(buffer, positions, 8, self.order)
        sections = np.flatnonzero(blocks[:, 0] == SECTION)
        if len(sections):  # its length may have been read in the wrong byte order
            stop = int(positions[sections[0]])
            positions, blocks = positions[: sections[0]], blocks[: sections[0]]
        damaged = self._damaged(buffer, positions, blocks)
        if damaged < len(positions):
            stop = int(positions[damaged])
            positions, blocks = positions[:damaged], blocks[:damaged]
        scan = self._packets(buffer, positions, blocks, stop)
        if scan.problem is None:
            self._what_follows(scan, buffer, end)
        return scan

    def _walk(self, buffer: Buffer, start: int, end: int) -> tuple[Ints, int]:
        """Positions of all blocks that end before `end`, by their lengths alone, and where the next one begins."""
        word = np.frombuffer(buffer, f"{self.order}u4", len(buffer) // 4).astype("=u4", copy=False).data
        found: list[int] = []
        extend = found.extend
        # `at` points at a block's length, one word into it. Eight blocks a turn, as in pcap.py.
        at = (start >> 2) + 1
        last = (end >> 2) + 1
        try:
            while True:
                a = at
                b = a + (word[a] >> 2)
                c = b + (word[b] >> 2)
                d = c + (word[c] >> 2)
                e = d + (word[d] >> 2)
                f = e + (word[e] >> 2)
                g = f + (word[f] >> 2)
                h = g + (word[g] >> 2)
                at = h + (word[h] >> 2)
                if at > last or at == h:  # a length of zero holds on to its place
                    break
                extend((a, b, c, d, e, f, g, h))
        except IndexError:  # a block leads out of the buffer
            pass
        at = a
        while at + 2 <= last:
            following = at + (word[at] >> 2)
            if following > last or following < at + 3:
                break
            found.append(at)
            at = following
        return (as_ints(found) - 1) * 4, (at - 1) * 4

    def _damaged(self, buffer: Buffer, positions: Ints, blocks: npt.NDArray[np.uint32]) -> int:
        """Index of the first block whose two lengths differ or make no sense; len(positions) when all are good."""
        lengths = blocks[:, 1].astype(np.int64)
        words = np.frombuffer(buffer, f"{self.order}u4", len(buffer) // 4)
        bad = (lengths & 3 != 0) | (lengths < 12) | (words[((positions + lengths) >> 2) - 1] != lengths)
        return int(bad.argmax()) if bad.any() else len(positions)

    def _what_follows(self, scan: Scan, buffer: Buffer, end: int) -> None:
        """Say in `scan` what the block at `scan.consumed`, which is damaged or not whole in the buffer, needs."""
        held = end - scan.consumed
        if held < 12:
            scan.need = 12
            return
        kind, length = struct.unpack_from(f"{self.order}2I", buffer, scan.consumed)
        if kind == SECTION:
            return
        packet = kind in {ENHANCED_PACKET, OBSOLETE_PACKET, SIMPLE_PACKET}
        if length < 12 or length & 3:
            scan.problem = f"has a block length of {length}, which no block can have"
        elif length <= held:
            scan.problem = "does not end with the length it begins with"
        elif packet and length > self._limit() + 65536:
            scan.problem = f"claims {length} bytes, more than any packet has"
        elif packet or (kind in {INTERFACE, STATISTICS} and length <= MAX_SNAP_LENGTH):
            scan.need = length
        else:
            scan.skip = length

    def _limit(self) -> int:
        longest = max((interface.snap_length for interface in self.interfaces), default=0)
        return max(MAX_CAPTURED, min(longest, MAX_SNAP_LENGTH))

    def _section(self, buffer: Buffer, start: int, end: int) -> Scan:
        if end - start < 28:
            return Scan(self, start, need=28)
        order = "<" if buffer[start + 8] == _BYTE_ORDER_MAGIC & 0xFF else ">"
        length, magic, major = struct.unpack_from(f"{order}IIH", buffer, start + 4)
        if magic != _BYTE_ORDER_MAGIC or length < 28 or length & 3:
            return Scan(self, start, problem="is no section header, although it begins as one")
        if major != 1:
            return Scan(self, start, problem=f"begins a section of version {major}, and only version 1 is known")
        following = PcapngDecoder(
            order, self.interfaces, section=self.section + 1, last_time=self.last_time, format=self.format
        )
        return Scan(following, start, skip=length)

    def _packets(self, buffer: Buffer, positions: Ints, blocks: npt.NDArray[np.uint32], stop: int) -> Scan:
        """Columns of the packets among whole, undamaged blocks; interface descriptions become the next state."""
        kinds = blocks[:, 0]
        state, drops, ended, problem = self, {}, None, None
        enhanced = bool((kinds == ENHANCED_PACKET).all())
        if not enhanced:
            for index in np.flatnonzero((kinds == INTERFACE) | (kinds == STATISTICS)).tolist():
                at, length = int(positions[index]), int(blocks[index, 1])
                if kinds[index] == STATISTICS:
                    drops.update(state._statistics(buffer, at, length))
                    ended = state._end_time(buffer, at, length) or ended
                elif length >= 20 and len(state.interfaces) < _MAX_INTERFACES:
                    state = state._with_interface(buffer, at, length)
                else:
                    stop, problem = at, "describes an interface in no usable way"
                    positions, blocks = positions[:index], blocks[:index]
                    break
            keep = np.isin(blocks[:, 0], (ENHANCED_PACKET, OBSOLETE_PACKET, SIMPLE_PACKET))
            positions, blocks = positions[keep], blocks[keep]
        scan = Scan(state, stop, drops=drops, ended=ended, problem=problem)
        if len(positions):
            _fill(scan, state, positions, blocks, enhanced=enhanced)
        return scan

    def _with_interface(self, buffer: Buffer, at: int, length: int) -> PcapngDecoder:
        link_type, _, snap_length = struct.unpack_from(f"{self.order}HHI", buffer, at + 8)
        options = dict(self._options(buffer, at + 16, at + length - 4))
        name = options.get(2)
        interface = Interface(link_type, printable(name.rstrip(b"\0"), 64) if name else None, snap_length)
        number = len(self.local)
        # Sections of one capture, as `cat a.pcapng b.pcapng` or a restarted writer leaves them, describe the same
        # interfaces again: the same place, name and link type are the same interface.
        index = next(
            (i for i, known in enumerate(self.interfaces) if known == interface and i not in self.local),
            len(self.interfaces),
        )
        interfaces = self.interfaces if index < len(self.interfaces) else (*self.interfaces, interface)
        resolution = options.get(9, b"\x06")[:1] or b"\x06"
        offset = options.get(14, b"")
        seconds = struct.unpack(f"{self.order}q", offset)[0] if len(offset) == 8 else 0
        clock = Clock.of(resolution[0], seconds)
        assert number == len(self.clocks)  # noqa: S101
        return replace(self, interfaces=interfaces, local=(*self.local, index), clocks=(*self.clocks, clock))

    def _statistics(self, buffer: Buffer, at: int, length: int) -> dict[tuple[int, int, int], int]:
        """isb_ifdrop and isb_osdrop of one interface statistics block: totals since the section began."""
        if length < 24:
            return {}
        number = struct.unpack_from(f"{self.order}I", buffer, at + 8)[0]
        if number >= len(self.local):
            return {}
        return {
            (self.section, self.local[number], code): struct.unpack(f"{self.order}Q", value)[0]
            for code, value in self._options(buffer, at + 20, at + length - 4)
            if code in {5, 7} and len(value) == 8
        }

    def _end_time(self, buffer: Buffer, at: int, length: int) -> int | None:
        """isb_endtime of one interface statistics block, ns."""
        if length < 24:
            return None
        number = struct.unpack_from(f"{self.order}I", buffer, at + 8)[0]
        value = dict(self._options(buffer, at + 20, at + length - 4)).get(3, b"")
        if number >= len(self.clocks) or len(value) != 8:
            return None
        high, low = struct.unpack(f"{self.order}2I", value)
        stamp = np.array([high << 32 | low], np.uint64)
        return int(nanoseconds(stamp, np.zeros(1, np.int64), self.clocks[number : number + 1])[0])

    def _options(self, buffer: Buffer, at: int, end: int) -> Iterator[tuple[int, bytes]]:
        while at + 4 <= end:
            code, length = struct.unpack_from(f"{self.order}HH", buffer, at)
            at += 4
            if code == 0 or at + length > end:
                return
            yield code, bytes(buffer[at : at + length])
            at += length + 3 & ~3


def _fill(scan: Scan, state: PcapngDecoder, positions: Ints, blocks: npt.NDArray[np.uint32], *, enhanced: bool) -> None:
    """Fill the columns of `scan` from packet blocks, up to the first that contradicts itself.

    `enhanced` says that all are enhanced packet blocks.
    """
    length = blocks[:, 1].astype(np.int64)
    number = blocks[:, 2].astype(np.int64)
    captured = blocks[:, 5].astype(np.int64)
    original = blocks[:, 6].astype(np.int64)
    offset = positions + _PACKET_HEADER
    stamp = (blocks[:, 3].astype(np.uint64) << np.uint64(32)) | blocks[:, 4]
    simple: npt.NDArray[Any] | None = None
    if not enhanced:
        kinds = blocks[:, 0]
        obsolete = kinds == OBSOLETE_PACKET  # the interface is 16 bits wide, 16 bits of drops stand behind it
        number[obsolete] = number[obsolete] >> 16 if state.order == ">" else number[obsolete] & 0xFFFF
        simple = kinds == SIMPLE_PACKET
        if simple.any():
            snap = state.interfaces[state.local[0]].snap_length if state.local else 0
            number[simple] = 0
            original[simple] = blocks[simple, 2]
            captured[simple] = np.minimum(original[simple], length[simple] - 16)
            if snap:
                captured[simple] = np.minimum(captured[simple], snap)
            offset[simple] = positions[simple] + 12
    overhead = offset - positions + 4
    bad = (captured > length - overhead) | (number >= len(state.local))
    count = int(bad.argmax()) if bad.any() else len(bad)
    if count < len(bad):
        unknown = number[count] >= len(state.local)
        scan.consumed = int(positions[count])
        scan.problem = (
            f"came through interface {number[count]}, which the file does not describe"
            if unknown
            else f"claims {captured[count]} captured bytes in a block of {length[count]}"
        )
        if not count:
            return
    time = nanoseconds(stamp[:count], number[:count], state.clocks)
    if simple is not None and simple.any():
        _carry(time, simple[:count], state.last_time)
    np.maximum(original, captured, out=original)
    scan.time, scan.offset = time, offset[:count]
    scan.captured, scan.original = captured[:count], original[:count]
    if len(state.interfaces) > 1:
        scan.interface = np.array(state.local, np.uint16)[number[:count]]
    scan.next = replace(state, last_time=int(time[-1]))


def _carry(time: Ints, missing: npt.NDArray[Any], before: int) -> None:
    """Give each packet without a time that of the packet before it."""
    index = np.where(missing, -1, np.arange(len(time)))
    np.maximum.accumulate(index, out=index)
    time[:] = np.where(index < 0, before, time[index])
