"""The pcap file format: both byte orders, micro- and nanoseconds, and the old modified header; no I/O."""

from __future__ import annotations

import struct

import numpy as np

from ..errors import CaptureError
from ..model import Interface
from .scan import MAX_CAPTURED, MAX_SNAP_LENGTH, Decoder, Ints, Scan, rows

HEADER = 24
"""Bytes of the file header."""

# https://www.ietf.org/archive/id/draft-ietf-opsawg-pcap-05.html; 0xa1b2cd34 is Alexey Kuznetzov's modified format
# of old Red Hat tcpdumps: interface index, protocol and packet type stand behind each record header.
_MAGICS = {0xA1B2C3D4: (1000, 16), 0xA1B23C4D: (1, 16), 0xA1B2CD34: (1000, 24)}


def pcap_decoder(head: bytes, path: str) -> PcapDecoder | None:
    """The decoder for a file that begins with `head`, or None when that is no pcap file header.

    Raises CaptureError when it begins as one but is cut or of a version that never was.
    """
    for order in "<>":
        known = _MAGICS.get(struct.unpack(f"{order}I", head[:4])[0]) if len(head) >= 4 else None
        if known is None:
            continue
        if len(head) < HEADER:
            raise CaptureError(f"{path} ends inside its pcap file header: record the capture again")
        major, minor, _, _, snap_length, network = struct.unpack(f"{order}HHiIII", head[4:HEADER])
        if major != 2:
            raise CaptureError(f"{path} is pcap of version {major}.{minor}, which nobody writes: its header is damaged")
        return PcapDecoder(order, *known, snap_length, network & 0x03FFFFFF)
    return None


class PcapDecoder:
    """Decodes the records of one pcap file; it has no state."""

    format = "pcap"

    def __init__(self, order: str, ns_per_fraction: int, record_header: int, snap_length: int, link_type: int) -> None:
        self.interfaces = (Interface(link_type, None, snap_length),)
        self.record_header = record_header
        self._order = order
        self._ns_per_fraction = ns_per_fraction
        self._limit = max(MAX_CAPTURED, min(snap_length, MAX_SNAP_LENGTH))
        self._length_at = struct.Struct(f"{order}I").unpack_from

    def scan(self, buffer: bytearray, start: int, end: int) -> Scan:
        positions, stop = self._walk(buffer, start, end)
        header = self.record_header
        problem = None
        records = rows(buffer, positions, 4, self._order)
        captured = records[:, 2].astype(np.int64)
        if len(positions) and int(captured.max()) > self._limit:
            bad = int((captured > self._limit).argmax())
            positions, records, captured, stop = positions[:bad], records[:bad], captured[:bad], int(positions[bad])
        held = end - stop
        need = header
        if held >= header:
            length = self._length_at(buffer, stop + 8)[0]
            need = header + length
            if length > self._limit:
                problem = f"claims {length} captured bytes, more than any packet has"
        time = records[:, 0].astype(np.int64)
        time *= 1_000_000_000
        fraction = records[:, 1].astype(np.int64)
        fraction *= self._ns_per_fraction
        time += fraction
        original = records[:, 3].astype(np.int64)
        np.maximum(original, captured, out=original)
        decoder: Decoder = self
        return Scan(decoder, stop, need, 0, time, positions + header, captured, original, problem=problem)

    def _walk(self, buffer: bytearray, start: int, end: int) -> tuple[Ints, int]:
        """Positions of all records that are whole in `buffer[start:end]`, and where the first other one begins."""
        length = self._length_at
        header = self.record_header
        found: list[int] = []
        extend = found.extend
        # `at` points at a record's length field, 8 bytes into it. Eight records a turn: the loop is the slowest part
        # of reading, and lengths are never negative, so that one comparison covers all eight.
        at = start + 8
        last = end + 8
        try:
            while True:
                a = at
                b = a + header + length(buffer, a)[0]
                c = b + header + length(buffer, b)[0]
                d = c + header + length(buffer, c)[0]
                e = d + header + length(buffer, d)[0]
                f = e + header + length(buffer, e)[0]
                g = f + header + length(buffer, f)[0]
                h = g + header + length(buffer, g)[0]
                at = h + header + length(buffer, h)[0]
                if at > last:
                    break
                extend((a, b, c, d, e, f, g, h))
        except struct.error:  # a record leads out of the buffer
            pass
        at = a
        while at + header <= last:
            following = at + header + length(buffer, at)[0]
            if following > last:
                break
            found.append(at)
            at = following
        return np.array(found, np.int64) - 8, at - 8
