"""Bytes of all packets of a block at once, from wherever their headers lie; finds the IP headers, reads none of them."""

from __future__ import annotations

from copy import copy

import numpy as np
import numpy.typing as npt

from ..model import Block
from .packet import ETHERNET, LOOP, NULL, RAW_LINKS, SLL, SLL2

Ints = npt.NDArray[np.int64]
_U4 = npt.NDArray[np.uint32]

LEAD = 4
"""Bytes of a gathered row before the IP header: the ethertype of an Ethernet frame is among them."""
_ROOM = 64
"""Bytes that must be there behind the last packet, so that rows near the end need not be moved."""
_MAX_TAGS = 3
_IPV4, _IPV6 = 0x0800, 0x86DD
_IS_TAG = np.zeros(1 << 16, np.bool_)
_IS_TAG[[0x8100, 0x88A8, 0x9100, 0x9200, 0x9300]] = True
_AF_INET, _AF_INET6 = 2, (10, 24, 28, 30)


class Rows:
    """The bytes of a block, arranged so that gathering near its ends stays inside; or some packets of it."""

    def __init__(self, block: Block) -> None:
        self.buffer: bytearray | memoryview | bytes = block.buffer
        self.shift = 0
        """Added to positions in the block's buffer to give positions in `buffer`."""
        offset, captured = block.offset, block.captured
        low, high = int(offset.min()), int((offset + captured).max())
        if low < LEAD or high + _ROOM > len(block.buffer):
            # Not the whole buffer: a ring's is large, and the last packet in it often ends where it ends.
            self.buffer = bytes(_ROOM) + bytes(memoryview(block.buffer)[low:high]) + bytes(_ROOM)
            self.shift = _ROOM - low
        self.offset = offset + self.shift if self.shift else offset
        self.captured = captured
        self.original = block.original
        links = [interface.link_type for interface in block.interfaces]
        self.links = set(links)
        """Link types that packets of the block may have."""
        self.link: Ints | None = None
        """Link type of each packet, when there are several."""
        if len(self.links) > 1:
            self.link = np.array(links, np.int64)[0 if block.interface is None else block.interface]
            self.link = np.broadcast_to(self.link, offset.shape)

    @property
    def everything(self) -> Ints:
        return np.arange(len(self.offset))

    def part(self, index: Ints) -> Rows:
        """The packets `index` alone."""
        part = copy(self)
        part.offset, part.captured, part.original = self.offset[index], self.captured[index], self.original[index]
        part.link = None if self.link is None else self.link[index]
        return part

    def guess_ethernet_ipv4(self) -> bool:
        """Whether this looks like a block of plain Ethernet and IPv4, by the packet in its middle."""
        if self.links != {ETHERNET}:
            return False
        at = int(self.offset[len(self.offset) // 2])
        return bytes(self.buffer[at + 12 : at + 15]) in {b"\x08\x00\x45", b"\x08\x06\x00"}

    def gather(self, position: Ints, width: int) -> npt.NDArray[np.void]:
        """`width` bytes at each position. Positions behind the buffer are moved inside: mask what comes of them."""
        # Untyped bytes first, numbers afterwards: four times as fast as gathering a structured type.
        count = len(self.buffer) - width + 1
        windows: npt.NDArray[np.void] = np.ndarray((count,), f"V{width}", self.buffer, 0, (1,))
        return windows[np.minimum(position, count - 1)]


def network_header(source: Rows) -> tuple[Ints, Ints, Ints | None, _U4 | None]:
    """Where IP begins, its version by the link header (0 for what is no IP), VLAN ids or None, SLL2 interfaces."""
    if source.link is None:
        (link,) = source.links
        return _link_header(source, link)
    count = len(source.offset)
    l3, version = source.offset.copy(), np.zeros(count, np.int64)
    vlans, points = np.full(count, -1, np.int64), np.zeros(count, np.uint32)
    for link in source.links:
        index = np.flatnonzero(source.link == link)
        if not len(index):
            continue
        l3[index], version[index], vlan, point = _link_header(source.part(index), link)
        if vlan is not None:
            vlans[index] = vlan
        if point is not None:
            points[index] = point
    return l3, version, vlans, points if SLL2 in source.links else None


def _link_header(source: Rows, link: int) -> tuple[Ints, Ints, Ints | None, _U4 | None]:
    """`network_header` for packets of one link type."""
    offset = source.offset
    if link in RAW_LINKS:
        version = (source.gather(offset, 1).view(np.uint8) >> 4).astype(np.int64)
        return offset, np.where((version == 4) | (version == 6), version, 0), None, None
    if link in (NULL, LOOP):
        family = source.gather(offset, 4).view(">u4").astype(np.uint32)
        family = np.where(family >> 24 != 0, family.byteswap(), family)
        six = np.isin(family, _AF_INET6)
        return offset + 4, np.where(family == _AF_INET, 4, np.where(six, 6, 0)), None, None
    size = {ETHERNET: 14, SLL: 16, SLL2: 20}.get(link)
    if size is None:
        return offset, np.zeros(len(offset), np.int64), None, None
    # The ethertype and up to three VLAN tags behind it; SLL2 alone has its protocol in front.
    words = source.gather(offset + size - 2, 4 * _MAX_TAGS + 2).view(">u2").reshape(len(offset), -1)
    ethertype, point = words[:, 0], None
    if link == SLL2:
        start = source.gather(offset, 8)
        ethertype = start.view(">u2").reshape(-1, 4)[:, 0]
        point = start.view(">u4").reshape(-1, 2)[:, 1].astype(np.uint32)
    l3 = offset + size
    vlan: Ints | None = None
    for tag in range(_MAX_TAGS):
        tagged = _IS_TAG[ethertype]
        if not tagged.any():
            break
        number = (words[:, 2 * tag + 1] & 0xFFF).astype(np.int64)
        vlan = np.full(len(offset), -1, np.int64) if vlan is None else vlan
        vlan = np.where(tagged & (vlan < 0) & (number > 0), number, vlan)
        ethertype = np.where(tagged, words[:, 2 * tag + 2], ethertype)
        l3 = l3 + tagged * 4
    return l3, np.where(ethertype == _IPV4, 4, np.where(ethertype == _IPV6, 6, 0)), vlan, point
