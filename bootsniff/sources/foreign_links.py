"""Puts packets of link types that are not read here into a link header that is, with the help of tshark.

The frames keep their numbers, times and interfaces, so that native and foreign ones of one file stay in one order;
the frame store keeps the frames as they were captured.
"""

from __future__ import annotations

from collections.abc import Iterator
from operator import itemgetter

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from ..errors import CaptureError
from ..model import Block, Interface
from .blocks import cut
from .link_reader import MAX_FRAME, NOTHING, VLAN, Inside, LinkReader
from .link_types import READ_HERE, link_type_name
from .scan import Ints

ETHERNET, SLL = 1, 113
# Links with Ethernet's addresses, whose packets get an Ethernet header; others get a cooked one, which may go without.
_LIKE_ETHERNET = frozenset({6, 10, 105, 119, 127, 143, 163, 192, 240, 274})
_BATCH_FRAMES, _BATCH_BYTES = 1024, 1 << 20
_MAX_READERS = 4
"""Processes at once: more link types than these in one file are nothing but damage."""
_ARPHRD_NONE = 0xFFFE
_MARGIN = bytes(128)
"""Around the packets: headers are gathered in fixed widths."""


class _Count(Struct):
    """What became of the frames of one link type."""

    frames: int = 0
    unread: int = 0
    packets: int = 0
    reason: str = ""
    """Why some were not read."""

    def tell(self, link_type: int) -> str:
        """In words; empty when there is nothing to tell."""
        kind = f"of link type {link_type_name(link_type)}"
        if self.unread:
            return f"{self.unread} {'frame' if self.unread == 1 else 'frames'} {kind} not read: {self.reason}"
        if self.packets:
            return ""
        if self.frames == 1:
            return f"1 frame {kind} holds no IP or ARP that tshark can see"
        return f"none of the {self.frames} frames {kind} holds IP or ARP that tshark can see"


class ForeignLinks:
    """Translates the blocks of one capture."""

    def __init__(self) -> None:
        self._readers: dict[int, LinkReader | None] = {}
        self._counts: dict[int, _Count] = {}

    @property
    def unread(self) -> str | None:
        """How many frames of which link type were not read and why, in one line; None when all were."""
        told = [text for link_type, count in self._counts.items() if (text := count.tell(link_type))]
        if len(told) > _MAX_READERS + 1:
            told[_MAX_READERS + 1 :] = [f"and {len(told) - _MAX_READERS - 1} more link types"]
        return "; ".join(told) or None

    def close(self) -> None:
        """End the processes."""
        for reader in self._readers.values():
            if reader is not None:
                reader.close()
        self._readers.clear()

    def readable(self, block: Block) -> Iterator[Block]:
        """The block itself, or the same frames with their foreign ones translated.

        A frame with several packets inside comes again in a block of its own for each of the others.
        """
        links = [interface.link_type for interface in block.interfaces]
        if READ_HERE.issuperset(links):
            yield block
            return
        link = np.array(links, np.int64)[np.zeros(len(block), int) if block.interface is None else block.interface]
        builder = _Builder(block, keeps=any(number in READ_HERE for number in links))
        for link_type in sorted(set(link.tolist()) - READ_HERE):
            for batch in _batches(block, np.flatnonzero(link == link_type)):
                self._translate(builder, link_type, batch)
        yield from builder.blocks()

    def _translate(self, builder: _Builder, link_type: int, batch: list[int]) -> None:
        count = self._counts.setdefault(link_type, _Count())
        reader = self._reader(link_type, count)
        found = [NOTHING] * len(batch)
        if reader is not None:
            try:
                found = reader.read([builder.frame(index) for index in batch])
            except CaptureError as error:
                reader.close()
                self._readers[link_type] = None
                count.reason = str(error)
        for index, inside in zip(batch, found, strict=True):
            packets = _linked(inside, link_type)
            builder.put(index, packets)
            count.unread += not packets
            count.packets += len(inside.packets)
        count.frames += len(batch)
        count.reason = count.reason or "neither IP nor ARP that tshark can see in them (encrypted, or cut?)"

    def _reader(self, link_type: int, count: _Count) -> LinkReader | None:
        if link_type in self._readers:
            return self._readers[link_type]
        reader = None
        if len(self._readers) >= _MAX_READERS:
            count.reason = "too many link types in one file"
        else:
            try:
                reader = LinkReader(link_type)
            except CaptureError as error:
                count.reason = str(error)
        self._readers[link_type] = reader
        return reader


class _Builder:
    """A block in the making: columns of the old one, a buffer of its own, other bytes for some of the frames."""

    def __init__(self, block: Block, *, keeps: bool) -> None:
        """`keeps`: some frames stay as they are."""
        self._block = block
        self._buffer = bytearray(_MARGIN)
        self._offset = block.offset + len(_MARGIN)
        if keeps:
            self._buffer += block.buffer
        self._captured, self._original = block.captured.copy(), block.original.copy()
        self._interfaces = tuple(map(_read_as, block.interfaces))
        self._more: list[tuple[int, bytes]] = []

    def frame(self, index: int) -> tuple[int, int, bytes]:
        """Time, length on the wire and bytes of a frame as it was captured."""
        block = self._block
        start, captured = int(block.offset[index]), int(block.captured[index])
        return int(block.time[index]), int(block.original[index]), bytes(block.buffer[start : start + captured])

    def put(self, index: int, packets: list[bytes]) -> None:
        """Give frame `index` these bytes instead of its own; none makes it a frame without a whole header."""
        missing = int(self._block.original[index] - self._block.captured[index])
        first = packets[0] if packets else b""
        self._offset[index] = len(self._buffer)
        self._captured[index] = len(first)
        self._original[index] = len(first) + missing
        self._buffer += first
        self._more += ((index, packet) for packet in packets[1:])

    def blocks(self) -> Iterator[Block]:
        """The block, in pieces where frames come again."""
        self._buffer += _MARGIN
        whole = replace(
            self._block,
            buffer=self._buffer,
            offset=self._offset,
            captured=self._captured,
            original=self._original,
            interfaces=self._interfaces,
            prepared=None,
        )
        done = 0
        for index, packet in sorted(self._more, key=itemgetter(0)):
            if done <= index:
                yield cut(whole, done, index + 1)
                done = index + 1
            length = np.array([len(packet)], np.int64)
            yield replace(
                cut(whole, index, index + 1),
                buffer=bytearray(_MARGIN + packet + _MARGIN),
                offset=np.array([len(_MARGIN)], np.int64),
                captured=length,
                original=length,
            )
        if done < len(whole):
            yield cut(whole, done, len(whole))


def _read_as(interface: Interface) -> Interface:
    if interface.link_type in READ_HERE:
        return interface
    return replace(interface, link_type=ETHERNET if interface.link_type in _LIKE_ETHERNET else SLL)


def _linked(inside: Inside, link_type: int) -> list[bytes]:
    """The packets behind a link header; a header alone for a frame without any, nothing for one not understood."""
    ethernet = link_type in _LIKE_ETHERNET
    if not inside.understood or (ethernet and inside.packets and not (inside.source and inside.target)):
        return []
    if ethernet:
        head = inside.target.ljust(6, b"\0") + inside.source.ljust(6, b"\0")
    else:  # LINKTYPE_LINUX_SLL: packet type, ARPHRD type, address length, address, protocol
        kind = 1 if inside.source else _ARPHRD_NONE
        head = b"\0\0" + kind.to_bytes(2) + len(inside.source).to_bytes(2) + inside.source.ljust(8, b"\0")
    if inside.vlan:
        head += VLAN.to_bytes(2) + inside.vlan.to_bytes(2)
    return [head + ethertype.to_bytes(2) + packet for ethertype, packet in inside.packets or ((0, b""),)]


def _batches(block: Block, index: Ints) -> Iterator[list[int]]:
    """The frames in order, few enough of them at once."""
    batch: list[int] = []
    size = 0
    for number, captured in zip(index.tolist(), block.captured[index].tolist(), strict=True):
        if batch and (len(batch) == _BATCH_FRAMES or size + captured > _BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(number)
        size += min(captured, MAX_FRAME)
    if batch:
        yield batch
