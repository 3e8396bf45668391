"""Sorts packets of many flows by time and writes them as pcap or pcapng, bulk packets without a Python loop each."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]

VERBATIM, TCP_DATA, TCP_ACK, TFTP_DATA, TFTP_ACK = range(5)
_CHUNK = 40_000


@dataclass
class Flow:
    """What is constant for the bulk packets of one transfer. Templates are whole frames with zeros in what varies."""

    body: npt.NDArray[np.uint8]
    """Shape (segments, bytes): all full segments of the file."""
    body_sums: Ints
    """One's complement sum of each segment, not folded."""
    server_template: bytes
    """Frame header of a data packet, up to the payload."""
    client_template: bytes
    """Whole frame of an acknowledgement."""
    network: int
    """Where the IP header begins."""
    version: int
    sequence: int = 0
    """TCP: number of the first body byte."""


@dataclass
class Plan:
    """All packets of a capture, in any order."""

    link_type: int
    flows: list[Flow] = field(default_factory=list)
    verbatim: list[bytes] = field(default_factory=list)
    _parts: list[tuple[Ints, int, int, Ints]] = field(default_factory=list)
    _singles: list[tuple[int, int]] = field(default_factory=list)

    def one(self, time: int, frame: bytes) -> None:
        self._singles.append((time, len(self.verbatim)))
        self.verbatim.append(frame)

    def many(self, times: Ints, kind: int, flow: int, numbers: Ints) -> None:
        """Bulk packets of one flow; `numbers` are segments, acknowledged segments, or TFTP blocks."""
        self._parts.append((times, kind, flow, numbers))

    def in_order(self) -> tuple[Ints, Ints, Ints, Ints]:
        """Time, kind, flow and number of every packet, sorted by time."""
        singles = np.array(self._singles or [(0, 0)], np.int64)[: len(self._singles)]
        times = [singles[:, 0], *(part[0] for part in self._parts)]
        kinds = [np.zeros(len(singles), np.int64), *(np.full(len(part[0]), part[1]) for part in self._parts)]
        flows = [np.zeros(len(singles), np.int64), *(np.full(len(part[0]), part[2]) for part in self._parts)]
        numbers = [singles[:, 1], *(part[3] for part in self._parts)]
        time = np.concatenate(times)
        order = np.argsort(time, kind="stable")
        return time[order], np.concatenate(kinds)[order], np.concatenate(flows)[order], np.concatenate(numbers)[order]


def write(plan: Plan, path: Path, *, pcapng: bool) -> int:
    """Write the capture; returns how many packets it has."""
    time, kind, flow, number = plan.in_order()
    with path.open("wb") as out:
        if pcapng:
            out.write(struct.pack("<IIIHHqI", 0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0, -1, 28))
            out.write(struct.pack("<IIHHII", 1, 20, plan.link_type, 0, 262144, 20))
        else:
            out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, plan.link_type))
        for start in range(0, len(time), _CHUNK):
            part = slice(start, start + _CHUNK)
            _write_chunk(out, plan, (time[part], kind[part], flow[part], number[part]), pcapng=pcapng)
    return len(time)


def _write_chunk(out: BinaryIO, plan: Plan, columns: tuple[Ints, Ints, Ints, Ints], *, pcapng: bool) -> None:
    time, kind, flow, number = columns
    groups = list(_frames(plan, kind, flow, number))
    length = np.empty(len(time), np.int64)
    for index, rows in groups:
        length[index] = rows.shape[1]
    header = 28 if pcapng else 16
    size = header + length
    if pcapng:
        size = header + (length + 3 & ~3) + 4
    position = np.cumsum(size) - size
    buffer = np.zeros(int(size.sum()), np.uint8)
    stamp = time // 1000
    stamp_high, stamp_low = (stamp >> 32, stamp & 0xFFFFFFFF) if pcapng else (stamp // 1_000_000, stamp % 1_000_000)
    fields: list[Ints] = [stamp_high, stamp_low, length, length]
    if pcapng:
        fields = [np.full(len(time), 6), size, np.zeros(len(time), np.int64), *fields]
        _scatter(buffer, position + size - 4, size.astype("<u4").view(np.uint8).reshape(-1, 4))
    heads = np.stack([column.astype("<u4") for column in fields], axis=1)
    _scatter(buffer, position, np.ascontiguousarray(heads).view(np.uint8))
    for index, rows in groups:
        _scatter(buffer, position[index] + header, rows)
    out.write(buffer.data)


def _scatter(buffer: Bytes, position: Ints, rows: Bytes) -> None:
    width = rows.shape[1]
    windows: npt.NDArray[np.void] = np.ndarray((len(buffer) - width + 1,), f"V{width}", buffer.data, 0, (1,))
    windows[position] = np.ascontiguousarray(rows).view(f"V{width}")[:, 0]


def _frames(plan: Plan, kind: Ints, flow: Ints, number: Ints) -> Iterator[tuple[Ints, Bytes]]:
    """Groups of packets that are equally long: their places in the chunk, and their bytes as rows."""
    by_length: dict[int, list[int]] = {}
    for index in np.flatnonzero(kind == VERBATIM).tolist():
        by_length.setdefault(len(plan.verbatim[number[index]]), []).append(index)
    for width, places in by_length.items():
        joined = b"".join(plan.verbatim[number[index]] for index in places)
        yield np.array(places), np.frombuffer(joined, np.uint8).reshape(-1, width)
    for each in (TCP_DATA, TCP_ACK, TFTP_DATA, TFTP_ACK):
        mine = kind == each
        for which in np.unique(flow[mine]).tolist():
            chosen = np.flatnonzero(mine & (flow == which))
            yield chosen, _BUILD[each](plan.flows[which], number[chosen])


def _tcp_data(flow: Flow, segment: Ints) -> Bytes:
    rows = _data_rows(flow, segment)
    sequence = flow.sequence + segment * flow.body.shape[1] & 0xFFFFFFFF
    at = len(flow.server_template) - 20
    _put(rows, at + 4, sequence, 4)
    _put(
        rows,
        at + 16,
        _complement(_sum(rows, at + 16) + (sequence >> 16) + (sequence & 0xFFFF) + flow.body_sums[segment]),
        2,
    )
    return _identified(flow, rows, segment + 1)


def _tcp_ack(flow: Flow, segments: Ints) -> Bytes:
    rows = _rows(flow.client_template, len(segments))
    number = flow.sequence + segments * flow.body.shape[1] & 0xFFFFFFFF
    at = len(flow.client_template) - 20
    _put(rows, at + 8, number, 4)
    _put(rows, at + 16, _complement(_sum(rows, at + 16) + (number >> 16) + (number & 0xFFFF)), 2)
    return _identified(flow, rows, segments)


def _tftp_data(flow: Flow, block: Ints) -> Bytes:
    rows = _data_rows(flow, block - 1)
    at = len(flow.server_template) - 4
    wrapped = block & 0xFFFF
    _put(rows, at + 2, wrapped, 2)
    _put(rows, at - 2, _or_ones(_complement(_sum(rows, at - 2) + wrapped + flow.body_sums[block - 1])), 2)
    return _identified(flow, rows, wrapped)


def _tftp_ack(flow: Flow, block: Ints) -> Bytes:
    rows = _rows(flow.client_template, len(block))
    at = len(flow.client_template) - 4
    wrapped = block & 0xFFFF
    _put(rows, at + 2, wrapped, 2)
    _put(rows, at - 2, _or_ones(_complement(_sum(rows, at - 2) + wrapped)), 2)
    return _identified(flow, rows, wrapped)


_BUILD = {TCP_DATA: _tcp_data, TCP_ACK: _tcp_ack, TFTP_DATA: _tftp_data, TFTP_ACK: _tftp_ack}


def _rows(template: bytes, count: int) -> Bytes:
    return np.tile(np.frombuffer(template, np.uint8), (count, 1))


def _data_rows(flow: Flow, segment: Ints) -> Bytes:
    head = len(flow.server_template)
    rows = np.empty((len(segment), head + flow.body.shape[1]), np.uint8)
    rows[:, :head] = np.frombuffer(flow.server_template, np.uint8)
    rows[:, head:] = flow.body[segment]
    return rows


def _put(rows: Bytes, at: int, values: Ints, width: int) -> None:
    rows[:, at : at + width] = np.ascontiguousarray(values.astype(f">u{width}")).view(np.uint8).reshape(-1, width)


def _sum(rows: Bytes, at: int) -> Ints:
    """What the template's checksum field holds: the folded sum of everything that does not vary."""
    return (rows[:, at].astype(np.int64) << 8) + rows[:, at + 1]


def _complement(total: Ints) -> Ints:
    return (0xFFFF - total % 0xFFFF) % 0xFFFF


def _or_ones(checksum: Ints) -> Ints:
    """UDP's 0 means that there is no checksum (RFC 768)."""
    return np.where(checksum == 0, 0xFFFF, checksum)


def _identified(flow: Flow, rows: Bytes, identification: Ints) -> Bytes:
    """Give each IPv4 packet its identification; the template's checksum field holds the sum of the rest."""
    if flow.version == 4:
        number = identification & 0xFFFF
        _put(rows, flow.network + 4, number, 2)
        _put(rows, flow.network + 10, _complement(_sum(rows, flow.network + 10) + number), 2)
    return rows
