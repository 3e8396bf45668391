"""DHCP, DNS and ARP straight from a block's bytes: the headers of many packets at once; no conversation is known here.

A network that boots sends hardly anything else, so these few shapes are read by fixed positions: ARP in an untagged
Ethernet frame, and datagrams of the control ports behind Ethernet and an IPv4 header without options. What is read here
is what `wire.dissect` reads; everything else is left to it.
"""

from __future__ import annotations

from itertools import repeat
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from ..model import Block
from ..wire.addresses import ipv4_text, mac_text
from ..wire.columns import UDP, Columns
from ..wire.ip import CHECKED_BYTES, udp_checksum_is_wrong
from ..wire.messages import ArpMessage, Envelope
from ..wire.packet import ARP, ETHERNET
from ..wire.ports import CONTROL_PORTS
from .duplicates import MAX_REMEMBERED, WINDOW

_ARP_SIZE: Final = 14 + 28
_CONTROL = np.zeros(1 << 16, np.bool_)
_CONTROL[list(CONTROL_PORTS)] = True
_MACS = np.dtype([("target", "V6"), ("source", "V6")])
_DATAGRAM = np.dtype(
    {
        "names": ["total", "number", "hops", "source", "target", "from", "to", "claimed", "checksum"],
        "formats": [">u2", ">u2", "u1", "V4", "V4", ">u2", ">u2", ">u2", ">u2"],
        "offsets": [2, 4, 8, 12, 16, 20, 22, 24, 26],
        "itemsize": 28,
    }
)
_ARP = np.dtype(
    [("hardware", ">u2"), ("kind", ">u4"), ("operation", ">u2"), ("sender", "V6"), ("sender_ip", "V4"), ("target", "V6"),
     ("target_ip", "V4")]
)  # fmt: skip
_ETHERNET_HARDWARE, _IPV4_OVER_ETHERNET = 1, 0x08000604
_SUMMED_AT_ONCE: Final = 4096
"""Checksums are worked out at once where so many bytes or less stand between one message and the next."""
_MIX = tuple(np.uint64(number) for number in (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9))

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
_U8 = npt.NDArray[np.uint64]


class Message(NamedTuple):
    """A message, and where its bytes stand in the block."""

    envelope: Envelope
    arp: ArpMessage | None
    number: int
    """The IP identification."""
    start: int
    """Of the UDP payload, or of what follows the Ethernet header."""
    stop: int
    """Where it ends, as far as it was captured and without padding behind it."""
    length: int
    """Of the payload on the wire."""
    suspect: bool
    """It may be the copy of another one, or have one."""


class Messages:
    """Reads messages of one capture; remembers a trace of those of the last few milliseconds."""

    def __init__(self) -> None:
        self._traces = np.zeros(0, np.uint64)
        self._times = np.zeros(0, np.int64)

    def find(self, block: Block, columns: Columns, index: Ints) -> dict[int, Message]:
        """Those of the packets `index` that can be read here."""
        if not len(index) or columns.point is not None:
            return {}
        if any(interface.link_type != ETHERNET for interface in block.interfaces):
            return {}
        offset, l3 = block.offset[index], columns.l3[index]
        buffer = np.frombuffer(block.buffer, np.uint8)
        datagram = columns.plain[index] & (columns.protocol[index] == UDP) & (columns.version[index] == 4)
        datagram &= _CONTROL[columns.source_port[index]] | _CONTROL[columns.target_port[index]]
        datagram &= buffer[l3] == 0x45
        arp = ~columns.plain[index] & (block.captured[index] >= _ARP_SIZE)
        where = np.where(arp, offset, 0)
        arp &= (buffer[where + 12] == ARP >> 8) & (buffer[where + 13] == ARP & 0xFF)
        found: dict[int, Message] = {}
        for read, wanted in ((_datagrams, datagram), (_arps, arp)):
            if not wanted.any():
                continue
            part, traces, rows = read(block, columns, buffer, index[wanted])
            if len(part):
                suspects = self._suspects(traces, block.time[part])
                found.update(zip(part.tolist(), map(Message._make, zip(*rows, suspects, strict=True)), strict=True))
        return found

    def _suspects(self, traces: _U8, time: Ints) -> list[bool]:
        """Which messages have the trace of another one, or came so late that one of the next block may be a copy."""
        late = time >= int(time.max()) - WINDOW
        if (np.diff(time) < 0).any():
            late[:] = True
        held = len(self._traces)
        everything = np.concatenate((self._traces, traces))
        order = np.argsort(everything, kind="stable")
        ordered = everything[order]
        same = ordered[1:] == ordered[:-1]
        twins = np.zeros(len(everything), np.bool_)
        twins[order[1:][same]] = twins[order[:-1][same]] = True
        times = np.concatenate((self._times, time))
        recent = np.flatnonzero(times >= int(time.max()) - WINDOW)[-MAX_REMEMBERED:]
        self._traces, self._times = everything[recent], times[recent]
        suspects: list[bool] = (twins[held:] | late).tolist()
        return suspects


def _rows(buffer: npt.NDArray[np.uint8], position: Ints, kind: np.dtype[Any]) -> npt.NDArray[Any]:
    """The fields of `kind` at every position."""
    size = kind.itemsize
    return np.ndarray((len(buffer) - size + 1,), f"V{size}", buffer, 0, (1,))[position].view(kind)


def _texts(write: Any, column: npt.NDArray[Any]) -> list[str]:
    return list(map(write, column.tolist()))


def _outside(
    block: Block, buffer: npt.NDArray[np.uint8], index: Ints, vlan: npt.NDArray[Any] | None
) -> tuple[tuple[Any, ...], list[int]]:
    """The first fields of the packets' envelopes, up to the VLAN; and the last, the capture points."""
    macs = _rows(buffer, block.offset[index], _MACS)
    vlans = repeat(None) if vlan is None else [number if number > 0 else None for number in vlan[index].tolist()]
    frames, times = (index + block.first_frame).tolist(), block.time[index].tolist()
    first = repeat(block.capture), frames, times, *(_texts(mac_text, macs[end]) for end in ("source", "target")), vlans
    return first, [0] * len(index) if block.interface is None else block.interface[index].tolist()


def _datagrams(
    block: Block, columns: Columns, buffer: npt.NDArray[np.uint8], index: Ints
) -> tuple[Ints, _U8, tuple[Any, ...]]:
    offset, l3 = block.offset[index], columns.l3[index]
    captured, original = block.captured[index], block.original[index]
    rows = _rows(buffer, l3, _DATAGRAM)
    total = rows["total"].astype(np.int64)
    total = np.where(total == 0, offset + original - l3, total)
    claimed = rows["claimed"].astype(np.int64)
    size = np.where((claimed > 0) & (claimed <= total - 20), claimed, total - 20)
    held = offset + captured - l3
    start = l3 + 20
    stop = l3 + np.minimum(held, 20 + size)
    checked = (rows["checksum"] > 0) & (claimed == size) & (size <= CHECKED_BYTES) & (stop - start >= size)
    source, target = (np.ascontiguousarray(rows[name]).view(">u4").astype(np.uint64) for name in ("source", "target"))
    traces = (source * _MIX[0]) ^ (target * _MIX[1])
    for name in ("number", "from", "to", "checksum"):
        traces = (traces ^ rows[name].astype(np.uint64)) * _MIX[2]
    first, points = _outside(block, buffer, index, columns.vlan)
    envelopes = map(
        Envelope,
        *first,
        _texts(ipv4_text, rows["source"]),
        _texts(ipv4_text, rows["target"]),
        rows["from"].tolist(),
        rows["to"].tolist(),
        ((captured < original) | (held < total)).tolist(),
        _wrong(buffer, start, size, checked, source + (target << np.uint64(32))),
        rows["hops"].tolist(),
        points,
    )
    columns_of_rows = (
        envelopes,
        repeat(None, len(index)),
        rows["number"].tolist(),
        (start + 8).tolist(),
        stop.tolist(),
        columns.length[index].tolist(),
    )
    return index, traces, columns_of_rows


def _wrong(buffer: npt.NDArray[np.uint8], start: Ints, size: Ints, checked: Bools, addresses: _U8) -> list[bool]:
    """Which of the UDP checksums fail (RFC 768); False where it is not `checked`.

    The sum of 16-bit words in one's complement is their sum modulo 65535, times 256 when their bytes are swapped.
    """
    if len(start) * _SUMMED_AT_ONCE < len(buffer):
        return [
            known and udp_checksum_is_wrong(pair.to_bytes(8, "big"), buffer[begin : begin + length].tobytes(), length)
            for begin, length, known, pair in zip(
                start.tolist(), size.tolist(), checked.tolist(), addresses.tolist(), strict=True
            )
        ]
    sums = np.zeros(len(start), np.uint64)
    for parity in (0, 1):
        chosen = np.flatnonzero(checked & (start & 1 == parity))
        if not len(chosen):
            continue
        words = buffer[parity : parity + (len(buffer) - parity & ~1)].view("<u2")
        ends = np.empty(2 * len(chosen), np.int64)
        ends[::2] = start[chosen] >> 1
        ends[1::2] = ends[::2] + (size[chosen] >> 1)
        if ends[-1] == len(words):
            ends = ends[:-1]
        sums[chosen] = np.add.reduceat(words, ends, dtype=np.uint64)[::2]
    odd = np.flatnonzero(checked & (size & 1 == 1))
    sums[odd] += buffer[start[odd] + size[odd] - 1]
    sums *= np.uint64(256)
    for shift in (0, 16, 32, 48):
        sums += addresses >> np.uint64(shift) & np.uint64(0xFFFF)
    sums += (size + UDP).astype(np.uint64)
    result: list[bool] = ((sums % np.uint64(0xFFFF) != 0) & checked).tolist()
    return result


def _arps(
    block: Block, _columns: Columns, buffer: npt.NDArray[np.uint8], index: Ints
) -> tuple[Ints, _U8, tuple[Any, ...]]:
    rows = _rows(buffer, block.offset[index] + 14, _ARP)
    known = (rows["hardware"] == _ETHERNET_HARDWARE) & (rows["kind"] == _IPV4_OVER_ETHERNET)
    if not known.all():
        index, rows = index[known], rows[known]
    offset, captured = block.offset[index], block.captured[index]
    traces = rows["operation"].astype(np.uint64)
    for name in ("sender_ip", "target_ip"):
        traces = (traces ^ np.ascontiguousarray(rows[name]).view(">u4").astype(np.uint64)) * _MIX[2]
    # Of what is not plain, a tag that the kernel took out of the frame stands in no other column.
    first, points = _outside(block, buffer, index, block.vlan)
    envelopes = map(
        Envelope,
        *first,
        repeat(""),
        repeat(""),
        repeat(0),
        repeat(0),
        (captured < block.original[index]).tolist(),
        repeat(False),
        repeat(0),
        points,
    )
    messages = map(
        ArpMessage,
        rows["operation"].tolist(),
        _texts(mac_text, rows["sender"]),
        _texts(ipv4_text, rows["sender_ip"]),
        _texts(mac_text, rows["target"]),
        _texts(ipv4_text, rows["target_ip"]),
    )
    columns_of_rows = (
        envelopes,
        messages,
        repeat(0, len(index)),
        (offset + 14).tolist(),
        (offset + captured).tolist(),
        repeat(0, len(index)),
    )
    return index, traces, columns_of_rows
