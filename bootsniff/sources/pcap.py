"""The pcap file format: both byte orders, micro- and nanoseconds, and the old modified header; no I/O."""

from __future__ import annotations

import struct

import numpy as np
import numpy.typing as npt

from ..errors import CaptureError
from ..model import Interface
from .scan import MAX_CAPTURED, MAX_SNAP_LENGTH, Buffer, Decoder, Ints, Scan, as_ints, rows

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
        self._version: int = struct.unpack(f"{order}I", struct.pack(f"{order}HH", 2, 4))[0]
        self._high = [record_header + 256 * byte for byte in range(256)]

    def sharing(self, _other: Decoder) -> Decoder:
        return self

    def scan(self, buffer: Buffer, start: int, end: int) -> Scan:
        positions, stop = self._walk(buffer, start, end)
        header = self.record_header
        records = rows(buffer, positions, 4, self._order)
        if len(positions) and int(records[:, 2].max()) >> 16:  # here the walk went astray
            first = int((records[:, 2] >> 16 > 0).argmax())
            positions, records, stop = positions[:first], records[:first], int(positions[first])
        problem = None
        if not records[:, 3].all():
            first, problem = self._no_record(records)
            if problem is not None:
                positions, records, stop = positions[:first], records[:first], int(positions[first])
        need = header
        if problem is None and end - stop >= header:
            length = struct.unpack_from(f"{self._order}I", buffer, stop + 8)[0]
            need = header + length
            if length > self._limit:
                problem = f"claims {length} captured bytes, more than any packet has"
            elif need <= end - stop:  # a long packet, which is whole: it comes alone, in this scan or the next
                need = 0
                if not len(positions):
                    positions = as_ints([stop])
                    records = rows(buffer, positions, 4, self._order)
                    stop += header + length
        time = records[:, 0].astype(np.int64)
        time *= 1_000_000_000
        fraction = records[:, 1].astype(np.int64)
        fraction *= self._ns_per_fraction
        time += fraction
        captured = records[:, 2].astype(np.int64)
        original = records[:, 3].astype(np.int64)
        np.maximum(original, captured, out=original)
        return Scan(self, stop, need, 0, time, positions + header, captured, original, problem=problem)

    def _no_record(self, records: npt.NDArray[np.uint32]) -> tuple[int, str | None]:
        """The first of the records with a length of 0 that is something else, and what it is."""
        empty = ~records[:, 2:].any(axis=1)
        header = np.isin(records[:, 0], list(_MAGICS)) & (records[:, 1] == self._version)
        zeros = records[:, 0] | records[:, 1] == 0
        strange = np.flatnonzero(empty & (header | zeros))
        if not len(strange):
            return 0, None
        first = int(strange[0])
        if zeros[first]:
            return first, "is all zeros, as in a file whose end was not written"
        return first, "is the header of another capture: `mergecap -a` puts one file after the other"

    def _walk(self, buffer: Buffer, start: int, end: int) -> tuple[Ints, int]:
        """Positions of all records that are whole in `buffer[start:end]`, and where the first other one begins."""
        header = self.record_header
        found: list[int] = []
        extend = found.extend
        # `at` points at the low byte of a record's length, `at + up` at the next higher one. Two bytes and a table are
        # faster to get than four through struct; `scan` sorts out what is longer than they can say. Eight records a
        # turn, as this loop is the slowest part of reading: positions only grow, so one comparison covers all eight.
        up = 1 if self._order == "<" else -1
        low = 8 if self._order == "<" else 11
        high = self._high
        at = start + low
        last = end + low
        try:
            while True:
                a = at
                b = a + buffer[a] + high[buffer[a + up]]
                c = b + buffer[b] + high[buffer[b + up]]
                d = c + buffer[c] + high[buffer[c + up]]
                e = d + buffer[d] + high[buffer[d + up]]
                f = e + buffer[e] + high[buffer[e + up]]
                g = f + buffer[f] + high[buffer[f + up]]
                h = g + buffer[g] + high[buffer[g + up]]
                at = h + buffer[h] + high[buffer[h + up]]
                if at > last:
                    break
                extend((a, b, c, d, e, f, g, h))
        except IndexError:  # a record leads out of the buffer
            pass
        at = a
        while at + header <= last:
            following = at + buffer[at] + high[buffer[at + up]]
            if following > last:
                break
            found.append(at)
            at = following
        return as_ints(found) - low, at - low
