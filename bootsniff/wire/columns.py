"""Header fields of all packets of a block at once, as NumPy columns; no state, no packet objects.

A packet is *plain* when its UDP or TCP header can be read by fixed positions: IPv4 (with or without options) or IPv6
without extension headers, not a fragment, headers whole in the capture, behind Ethernet with up to three VLAN tags,
Linux cooked v1 or v2, raw IP, null or loop. For plain packets the columns agree with `wire.dissect` field by
field; all others (`odd`) are for `dissect` to read or to refuse.

Nothing outside a packet's captured bytes decides anything, whatever its length fields claim.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from ..model import Block
from .rows import LEAD, Rows, network_header

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]
_U1 = npt.NDArray[np.uint8]
_U2 = npt.NDArray[np.uint16]
_U4 = npt.NDArray[np.uint32]
_U8 = npt.NDArray[np.uint64]

TCP, UDP = 6, 17

_TAIL = 24
"""Bytes of a row behind the IP header: a TCP header without options and 4 bytes of payload."""
_ETHERNET_IPV4 = np.frombuffer(b"\x08\x00", np.uint16)[0]
_FRAGMENT = np.frombuffer(b"\x3f\xff", np.uint16)[0]
"""More fragments, and the fragment offset, as they lie in the header."""
_DATA_OFFSET = np.arange(256) >> 4 << 2
"""Length of a TCP header by the byte that tells it."""


class Columns:
    """One value a packet in each column: shape (n,), n packets of the block, in its order.

    Where `plain` is False every other column holds 0 (or -1 for `vlan`).
    """

    __slots__ = (
        "acknowledgement",
        "flags",
        "head",
        "identification",
        "l3",
        "length",
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
    identification: _U2
    """Of the IPv4 header; 0 for IPv6."""
    length: Ints
    """Payload bytes on the wire, by the IP (and UDP) lengths, captured or not."""
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
        if block.prepared is not None:
            return cls._from_arrays(block.prepared, len(block))
        if not len(block):
            return cls.nothing(0)
        source = Rows(block)
        if source.guess_ethernet_ipv4():
            columns, rest = _ethernet_ipv4(source)
        else:
            columns, rest = cls(), source.everything
        if len(rest) == len(block):
            columns = _any_link(source)
        elif len(rest):
            columns.put(rest, _any_link(source.part(rest)))
        if block.vlan is not None:
            _add_vlan(columns, block.vlan)
        return columns

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Columns by name, but those of zeros: what `Block.prepared` brings from another process."""
        columns = {name: getattr(self, name) for name in self.__slots__}
        return {name: column for name, column in columns.items() if column is not None and column.any()}

    @classmethod
    def _from_arrays(cls, arrays: Mapping[str, npt.NDArray[Any]], count: int) -> Columns:
        columns = cls()
        for name, kind in _ALWAYS.items():
            column = arrays.get(name)
            setattr(columns, name, np.zeros(count, kind) if column is None else column)
        columns.vlan = arrays.get("vlan")
        columns.point = arrays.get("point")
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
            if self.vlan is None:
                self.vlan = np.full(len(self.plain), -1, np.int32)
            self.vlan[index] = part.vlan
        if part.point is not None:
            if self.point is None:
                self.point = np.zeros(len(self.plain), np.uint32)
            self.point[index] = part.point

    @classmethod
    def nothing(cls, count: int) -> Columns:
        """Columns of packets none of which is plain."""
        columns = cls()
        for name, kind in _ALWAYS.items():
            setattr(columns, name, np.zeros(count, kind))
        columns.vlan = None
        columns.point = None
        return columns


_ALWAYS = {
    "acknowledgement": np.uint32,
    "flags": np.uint8,
    "head": np.uint32,
    "identification": np.uint16,
    "l3": np.int64,
    "length": np.int64,
    "plain": np.bool_,
    "protocol": np.uint8,
    "sequence": np.uint32,
    "source": np.uint64,
    "source_high": np.uint64,
    "source_port": np.uint16,
    "target": np.uint64,
    "target_high": np.uint64,
    "target_port": np.uint16,
    "version": np.uint8,
    "window": np.uint16,
}


def _ethernet_ipv4(source: Rows) -> tuple[Columns, Ints]:
    """Columns of the untagged Ethernet frames with IPv4 without options; indices of all other packets."""
    l3 = source.offset + 14
    rows = source.gather(l3 - LEAD, LEAD + 20 + _TAIL)
    mine = rows.view(np.uint16).reshape(len(l3), -1)[:, 1] == _ETHERNET_IPV4
    mine &= rows.view(np.uint8).reshape(len(l3), -1)[:, LEAD] == 0x45
    mine &= source.captured >= 34
    columns = _transport(source, rows, l3, 4, 20, mine)
    return columns, np.flatnonzero(~mine)


def _any_link(source: Rows) -> Columns:
    """Columns of packets with whatever link and IP headers, in groups that have the IP header at one place."""
    l3, version, vlan, point = network_header(source)
    end = source.offset + source.captured
    first = source.gather(l3, 1).view(np.uint8)
    header = np.where(version == 4, (first & 15).astype(np.int64) * 4, 40)
    good = (version > 0) & (first >> 4 == version) & (header >= 20) & (l3 + header <= end)
    groups = np.where(good, version << 8 | header, 0)
    numbers = np.flatnonzero(np.bincount(groups)).tolist()  # np.unique would import numpy.ma
    if len(numbers) == 1 and numbers[0]:
        rows = source.gather(l3 - LEAD, LEAD + (numbers[0] & 0xFF) + _TAIL)
        columns = _transport(source, rows, l3, numbers[0] >> 8, numbers[0] & 0xFF, good)
    else:
        columns = Columns.nothing(len(l3))
        for number in numbers:
            if number:
                index = np.flatnonzero(groups == number)
                rows = source.gather(l3[index] - LEAD, LEAD + (number & 0xFF) + _TAIL)
                part = _transport(source.part(index), rows, l3[index], number >> 8, number & 0xFF, good[index])
                columns.put(index, part)
    if vlan is not None:
        columns.vlan = np.where(columns.plain, vlan, -1).astype(np.int32)
    if point is not None:
        columns.point = np.where(columns.plain, point, 0).astype(np.uint32)
    return columns


def _transport(source: Rows, rows: npt.NDArray[np.void], l3: Ints, version: int, header: int, good: Bools) -> Columns:
    """Columns of packets whose IP headers are of one version and length; `rows` begin `LEAD` bytes before them.

    Where `good` is False there is no such header, and the packet is not plain.
    """
    # Numbers are turned into the machine's order column by column: most of a row is never asked for.
    count = len(l3)
    by1 = rows.view(np.uint8).reshape(count, LEAD + header + _TAIL)
    by2 = rows.view(">u2").reshape(count, -1)
    by4 = rows.view(">u4").reshape(count, -1)
    at1, at2, at4 = LEAD + header, (LEAD + header) // 2, (LEAD + header) // 4  # the transport header
    columns = Columns()
    if version == 4:
        good = good & (rows.view(np.uint16).reshape(count, -1)[:, 5] & _FRAGMENT == 0)
        protocol, total = by1[:, LEAD + 9].copy(), by2[:, 3].astype(np.int64)
        unset = total == 0  # segmentation offload: the sender's card would have filled it in
    else:
        protocol, total = by1[:, LEAD + 6].copy(), by2[:, 4].astype(np.int64)
        total += 40
        unset = total == 40
    _set_addresses(columns, version, by2, by4)
    if np.count_nonzero(unset):
        total[unset] = np.maximum((source.offset + source.original - l3)[unset], header if version == 6 else 0)
    length = total - header
    l4 = l3 + header
    held = np.minimum(source.offset + source.captured - l4, length)
    tcp = good & (protocol == TCP) & (held >= 20)
    udp = good & (protocol == UDP) & (held >= 8)
    own = np.where(tcp, _DATA_OFFSET[by1[:, at1 + 12]], 8)
    tcp &= (own >= 20) & (own <= length)
    has_udp = np.count_nonzero(udp) > 0
    if has_udp:
        claimed = by2[:, at2 + 2].astype(np.int64)
        short = udp & (claimed < length)
        if short.any():  # padding behind the UDP datagram; 0 is a jumbogram's or an offloaded one's
            udp &= (claimed == 0) | (claimed >= 8)
            short &= claimed > 0
            length = np.where(short, claimed, length)
            held = np.minimum(held, length)
    columns.plain = tcp | udp
    columns.protocol = protocol
    columns.version = np.empty(count, np.uint8)
    columns.version.fill(version)
    columns.source_port, columns.target_port = by2[:, at2].astype(np.uint16), by2[:, at2 + 1].astype(np.uint16)
    columns.l3 = l3 - source.shift
    columns.length = length - own
    head = by4[:, at4 + 5]
    columns.head = (np.where(tcp, head, by4[:, at4 + 2]) if has_udp else head).astype(np.uint32)
    options = np.flatnonzero(own > 20)
    if len(options):
        columns.head[options] = source.gather((l4 + own)[options], 4).view(">u4")
    np.putmask(columns.head, held - own < 4, 0)
    columns.sequence, columns.acknowledgement = by4[:, at4 + 1].astype(np.uint32), by4[:, at4 + 2].astype(np.uint32)
    columns.flags, columns.window = by1[:, at1 + 13].copy(), by2[:, at2 + 7].astype(np.uint16)
    columns.vlan = columns.point = None
    if has_udp:
        for column in (columns.sequence, columns.acknowledgement, columns.flags, columns.window):
            np.putmask(column, udp, 0)
    bad = np.flatnonzero(~columns.plain)
    if len(bad):
        for name in _ALWAYS:
            getattr(columns, name)[bad] = 0
    return columns


def _set_addresses(columns: Columns, version: int, by2: npt.NDArray[np.uint16], by4: npt.NDArray[np.uint32]) -> None:
    """Who sends to whom, and the identification, which IPv6 has in fragments alone; `by2` and `by4` are rows in numbers."""
    count = len(by4)
    if version == 4:
        columns.identification = by2[:, 4].astype(np.uint16)
        columns.source, columns.target = by4[:, 4].astype(np.uint64), by4[:, 5].astype(np.uint64)
        columns.source_high, columns.target_high = np.zeros(count, np.uint64), np.zeros(count, np.uint64)
        return
    columns.identification = np.zeros(count, np.uint16)
    wide = by4[:, 3:11].astype(np.uint64)
    wide = wide[:, ::2] << np.uint64(32) | wide[:, 1::2]
    columns.source_high, columns.source = wide[:, 0].copy(), wide[:, 1].copy()
    columns.target_high, columns.target = wide[:, 2].copy(), wide[:, 3].copy()


def _add_vlan(columns: Columns, outer: npt.NDArray[np.int32]) -> None:
    """VLAN ids that the kernel took out of the frames stand before those in the bytes."""
    known = columns.plain & (outer > 0)
    if known.any():
        inner = columns.vlan if columns.vlan is not None else np.int32(-1)
        columns.vlan = np.where(known, outer, inner).astype(np.int32)
