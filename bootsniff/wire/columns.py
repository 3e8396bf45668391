"""Header fields of all packets of a block at once, as NumPy columns; no state, no packet objects.

A packet is *plain* when its UDP or TCP header can be read by fixed positions: IPv4 (with or without options) or IPv6
without extension headers, not a fragment, headers whole in the capture, behind Ethernet with up to three VLAN tags,
Linux cooked v1 or v2, raw IP, null or loop. For plain packets the columns agree with `wire.packet.dissect` field by
field; all others (`odd`) are for `dissect` to read or to refuse.

Nothing outside a packet's captured bytes decides anything, whatever its length fields claim.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..model import Block
from .packet import ETHERNET, LOOP, NULL, RAW_LINKS, SLL, SLL2

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]
_U1 = npt.NDArray[np.uint8]
_U2 = npt.NDArray[np.uint16]
_U4 = npt.NDArray[np.uint32]
_U8 = npt.NDArray[np.uint64]

TCP, UDP = 6, 17

_BEFORE = 24
"""Bytes of a row before the transport header: the IPv4 header without options and the 4 bytes in front of it."""
_WIDTH = 48
"""Bytes of a row: `_BEFORE`, a TCP header without options, 4 bytes more."""
_MAX_TAGS = 3
_IPV4, _IPV6 = 0x0800, 0x86DD


class Columns:
    """One value a packet in each column: shape (n,), n packets of the block, in its order.

    Where `plain` is False every other column but `fragment` holds 0 (or -1 for `vlan`).
    """

    __slots__ = (
        "acknowledgement",
        "available",
        "flags",
        "fragment",
        "head",
        "l3",
        "length",
        "payload",
        "plain",
        "point",
        "protocol",
        "sequence",
        "source",
        "source_high",
        "source_port",
        "target",
        "target_high",
        "target_port",
        "version",
        "vlan",
        "window",
    )

    plain: Bools
    """The other columns say what the packet is."""
    fragment: Bools
    """An IPv4 fragment (more-fragments bit or an offset); never plain. IPv6 fragments are just not plain."""
    version: _U1
    """4 or 6."""
    protocol: _U1
    """6 TCP or 17 UDP."""
    source: _U8
    """IPv4 source address, or the low 64 bits of the IPv6 one, as a number."""
    source_high: _U8
    """High 64 bits of an IPv6 source address; 0 for IPv4."""
    target: _U8
    target_high: _U8
    source_port: _U2
    target_port: _U2
    l3: Ints
    """Where the IP header begins in the block's buffer."""
    payload: Ints
    """Where the UDP or TCP payload begins in the block's buffer (may lie behind the captured bytes)."""
    length: Ints
    """Payload bytes on the wire, by the IP (and UDP) lengths, captured or not."""
    available: Ints
    """Payload bytes in the buffer: at most `length`."""
    head: _U4
    """First four payload bytes, big-endian; 0 when fewer than four are captured. TFTP: `head >> 16` is the opcode,
    `head & 0xffff` the block number or error code."""
    flags: _U1
    """TCP flags (1 FIN, 2 SYN, 4 RST, 8 PSH, 16 ACK); 0 for UDP."""
    sequence: _U4
    """TCP; 0 for UDP."""
    acknowledgement: _U4
    window: _U2
    vlan: npt.NDArray[np.int32] | None
    """Outermost VLAN id, in the bytes or out of band; -1 for none. None when no packet of the block has one."""
    point: _U4 | None
    """Interface index of an SLL2 header. None when the block has no SLL2 packets."""

    @classmethod
    def of(cls, block: Block) -> Columns:
        """Columns of a block; takes about 0.1 µs per packet, and no Python code per packet."""
        source = _Source(block)
        if source.link_type == ETHERNET:
            columns, rest = _ethernet_ipv4(source)
        else:
            columns, rest = None, np.arange(len(block))
        if columns is None or len(rest):
            others = _any_link(source, rest)
            if columns is None or len(rest) == len(block):
                columns = others
            else:
                columns.put(rest, others)
        if block.vlan is not None:
            _add_vlan(columns, block.vlan)
        return columns

    @property
    def odd(self) -> Ints:
        """Indices of the packets that are not plain."""
        return np.flatnonzero(~self.plain)

    def put(self, index: Ints, part: Columns) -> None:
        """Take over the columns of `part` as those of the packets `index`."""
        for name in _ALWAYS:
            getattr(self, name)[index] = getattr(part, name)
        if part.vlan is not None:
            self.vlan = np.full(len(self.plain), -1, np.int32)
            self.vlan[index] = part.vlan
        if part.point is not None:
            self.point = np.zeros(len(self.plain), np.uint32)
            self.point[index] = part.point


_ALWAYS = tuple(name for name in Columns.__slots__ if name not in {"vlan", "point"})


class _Source:
    """The bytes of a block, arranged so that gathering near its ends stays inside."""

    def __init__(self, block: Block) -> None:
        self.buffer: bytearray | memoryview | bytes = block.buffer
        self.shift = 0
        """Added to positions in the block's buffer to give positions in `buffer`."""
        offset, captured = block.offset, block.captured
        low, high = (int(offset.min()), int((offset + captured).max())) if len(offset) else (0, 0)
        if low < _BEFORE or high + _WIDTH + 4 > len(block.buffer):
            self.buffer = bytes(64) + bytes(block.buffer) + bytes(64)
            self.shift = 64
        self.offset = offset + self.shift if self.shift else offset
        self.captured = captured
        self.original = block.original
        self.end = self.offset + captured
        links = [interface.link_type for interface in block.interfaces]
        self.link_type: int | None = links[0] if len(set(links)) == 1 else None
        """The one link type of all interfaces; None when they differ."""
        self.link_types: Ints = np.array(links, np.int64)[0 if block.interface is None else block.interface]

    def gather(self, position: Ints, width: int) -> npt.NDArray[np.void]:
        """`width` bytes at each position. Positions outside the buffer are moved inside: mask what comes of them."""
        # Untyped bytes first, numbers afterwards: four times as fast as gathering a structured type.
        count = len(self.buffer) - width + 1
        windows: npt.NDArray[np.void] = np.ndarray((count,), f"V{width}", self.buffer, 0, (1,))
        return windows[np.minimum(position, count - 1)]


def _ethernet_ipv4(source: _Source) -> tuple[Columns, Ints]:
    """Columns of the untagged Ethernet frames with IPv4 without options; indices of all other packets."""
    offset = source.offset
    rows = source.gather(offset + 10, _WIDTH)
    by1 = rows.view(np.uint8).reshape(-1, _WIDTH)
    by2 = rows.view(">u2").reshape(-1, _WIDTH // 2)
    by4 = rows.view(">u4").reshape(-1, _WIDTH // 4)
    mine = (by2[:, 1] == _IPV4) & (by1[:, 4] == 0x45) & (source.captured >= 34)
    l3 = offset + 14
    total = by2[:, 3].astype(np.int64)
    unset = total == 0
    if unset.any():
        total[unset] = source.original[unset] - 14
    fragment = (by2[:, 5] & 0x3FFF) != 0
    part = _transport(
        source,
        _Ip(
            rows,
            usable=mine & (total >= 20) & ~fragment,
            fragment=mine & fragment,
            version=4,
            protocol=by1[:, 13],
            l3=l3,
            l4=l3 + 20,
            length=total - 20,
            stop=np.minimum(source.end, l3 + total),
        ),
    )
    part.source = _where(part.plain, by4[:, 4])
    part.target = _where(part.plain, by4[:, 5])
    part.source_high = np.zeros(len(offset), np.uint64)
    part.target_high = part.source_high.copy()
    return part, np.flatnonzero(~mine)


def _any_link(source: _Source, index: Ints) -> Columns:
    """Columns of the packets `index`, whatever their link and IP headers are."""
    l3, ethertype, vlan, point = _network_header(source, index)
    end = source.end[index]
    wire_end = source.offset[index] + source.original[index]
    four = (ethertype == _IPV4) & (end - l3 >= 20)
    six = (ethertype == _IPV6) & (end - l3 >= 40)
    rows = source.gather(l3, 40)
    by1 = rows.view(np.uint8).reshape(-1, 40)
    by2 = rows.view(">u2").reshape(-1, 20)
    by4 = rows.view(">u4").reshape(-1, 10)
    by8 = rows.view(">u8").reshape(-1, 5)
    header = np.where(four, (by1[:, 0] & 15).astype(np.int64) * 4, 40)
    four &= (by1[:, 0] >> 4 == 4) & (header >= 20) & (l3 + header <= end)
    six &= by1[:, 0] >> 4 == 6
    total = np.where(four, by2[:, 1], by2[:, 2].astype(np.int64) + 40)
    unset = np.where(four, total == 0, total == 40)
    total = np.where(unset, np.maximum(wire_end - l3, np.where(six, 40, 0)), total)
    fragment = four & ((by2[:, 3] & 0x3FFF) != 0)
    usable = (four | six) & (total >= header) & ~fragment
    l4 = l3 + header
    part = _transport(
        source,
        _Ip(
            source.gather(np.where(usable, l4 - _BEFORE, 0), _WIDTH),
            usable,
            fragment,
            version=np.where(four, 4, 6).astype(np.uint8),
            protocol=np.where(four, by1[:, 9], by1[:, 6]),
            l3=l3,
            l4=l4,
            length=total - header,
            stop=np.minimum(end, l3 + total),
        ),
    )
    plain4, plain6 = part.plain & four, part.plain & six
    part.source = np.where(plain4, by4[:, 3], _where(plain6, by8[:, 2]))
    part.target = np.where(plain4, by4[:, 4], _where(plain6, by8[:, 4]))
    part.source_high = _where(plain6, by8[:, 1])
    part.target_high = _where(plain6, by8[:, 3])
    if (vlan >= 0).any():
        part.vlan = np.where(part.plain, vlan, -1).astype(np.int32)
    if point is not None:
        part.point = np.where(part.plain, point, 0).astype(np.uint32)
    return part


def _network_header(source: _Source, index: Ints) -> tuple[Ints, Ints, Ints, _U4 | None]:
    """Where IP begins, the ethertype (0 for none that is read here), VLAN id or -1, SLL2 interface index."""
    offset, end = source.offset[index], source.end[index]
    link = source.link_types[index] if source.link_types.ndim else np.full(len(index), source.link_types)
    rows = source.gather(offset, 20)
    by2 = rows.view(">u2").reshape(-1, 10)
    by4 = rows.view(">u4").reshape(-1, 5)
    l3 = offset.copy()
    ethertype = np.zeros(len(index), np.int64)
    point: _U4 | None = None
    for kind in np.unique(link).tolist():
        mine = link == kind
        if kind == ETHERNET:
            ethertype[mine] = by2[mine, 6]
            l3[mine] += 14
        elif kind == SLL:
            ethertype[mine] = by2[mine, 7]
            l3[mine] += 16
        elif kind == SLL2:
            ethertype[mine] = by2[mine, 0]
            l3[mine] += 20
            point = np.where(mine, by4[:, 1], 0).astype(np.uint32)
        elif kind in RAW_LINKS:
            version = rows.view(np.uint8).reshape(-1, 20)[mine, 0] >> 4
            ethertype[mine] = np.where(version == 4, _IPV4, np.where(version == 6, _IPV6, 0))
        elif kind in (NULL, LOOP):
            family = by4[mine, 0]
            family = np.where(family >> 24 != 0, family.byteswap(), family)
            six = np.isin(family, (10, 24, 28, 30))
            ethertype[mine] = np.where(family == 2, _IPV4, np.where(six, _IPV6, 0))
            l3[mine] += 4
    ethertype[l3 > end] = 0
    vlan = np.full(len(index), -1, np.int64)
    for _ in range(_MAX_TAGS):
        tagged = np.isin(ethertype, (0x8100, 0x88A8, 0x9100, 0x9200, 0x9300))
        if not tagged.any():
            break
        tags = source.gather(np.where(tagged, l3, 0), 4).view(">u2").reshape(-1, 2)
        whole = l3 + 4 <= end
        number = (tags[:, 0] & 0xFFF).astype(np.int64)
        vlan = np.where(tagged & whole & (vlan < 0) & (number > 0), number, vlan)
        ethertype = np.where(tagged, np.where(whole, tags[:, 1], 0), ethertype)
        l3 = np.where(tagged, l3 + 4, l3)
    return l3, ethertype, vlan, point


class _Ip(NamedTuple):
    """What the IP headers of some packets told."""

    rows: npt.NDArray[np.void]
    """`_WIDTH` bytes of each packet, the transport header at `_BEFORE`."""
    usable: Bools
    """The IP header is good; where it is not, the other fields mean nothing."""
    fragment: Bools
    version: int | _U1
    protocol: npt.NDArray[Any]
    l3: Ints
    l4: Ints
    length: Ints
    """IP payload on the wire."""
    stop: Ints
    """Where the captured part of it ends."""


def _transport(source: _Source, ip: _Ip) -> Columns:
    """UDP and TCP columns; addresses are for the caller to add."""
    rows, usable, protocol, l4, length = ip.rows, ip.usable, ip.protocol, ip.l4, ip.length
    by2 = rows.view(">u2").reshape(-1, _WIDTH // 2)
    by4 = rows.view(">u4").reshape(-1, _WIDTH // 4)
    held = ip.stop - l4
    tcp = usable & (protocol == TCP) & (held >= 20)
    udp = usable & (protocol == UDP) & (held >= 8)
    bits = by2[:, 18]
    claimed = by2[:, 14].astype(np.int64)
    header = np.where(tcp, (bits >> 12).astype(np.int64) * 4, 8)
    tcp &= (header >= 20) & (header <= length)
    udp &= (claimed == 0) | (claimed >= 8)
    plain = tcp | udp
    shorter = udp & (claimed != 0) & (claimed < length)
    if shorter.any():  # padding between the UDP datagram and the end of the IP packet
        length = np.where(shorter, claimed, length)
        held = np.minimum(held, length)
    zero = np.zeros(len(l4), np.uint32)
    part = Columns()
    part.plain = plain
    part.fragment = ip.fragment
    part.version = np.where(plain, ip.version, 0).astype(np.uint8)
    part.protocol = np.where(plain, protocol, 0).astype(np.uint8)
    part.source_port = np.where(plain, by2[:, 12], 0).astype(np.uint16)
    part.target_port = np.where(plain, by2[:, 13], 0).astype(np.uint16)
    part.l3 = np.where(plain, ip.l3 - source.shift, 0)
    payload = l4 + header
    part.payload = np.where(plain, payload - source.shift, 0)
    part.length = np.where(plain, length - header, 0)
    part.available = np.where(plain, np.maximum(held - header, 0), 0)
    first = part.available >= 4
    part.head = np.where(first, source.gather(np.where(first, payload, 0), 4).view(">u4"), zero)
    part.flags = np.where(tcp, bits & 0xFF, 0).astype(np.uint8)
    part.sequence = np.where(tcp, by4[:, 7], zero)
    part.acknowledgement = np.where(tcp, by4[:, 8], zero)
    part.window = np.where(tcp, by2[:, 19], 0).astype(np.uint16)
    part.vlan = None
    part.point = None
    return part


def _where(mask: Bools, values: npt.NDArray[Any]) -> _U8:
    return np.where(mask, values, 0).astype(np.uint64)


def _add_vlan(columns: Columns, outer: npt.NDArray[np.int32]) -> None:
    """VLAN ids that the kernel took out of the frames stand before those in the bytes."""
    known = columns.plain & (outer > 0)
    if known.any():
        inner = columns.vlan if columns.vlan is not None else np.int32(-1)
        columns.vlan = np.where(known, outer, inner).astype(np.int32)
