"""The lanes of a piece whose packets all go on where their lane stands: counted at once, and nothing is looked at.

Nearly all packets of a boot are of such lanes. What `Bulk.mask` and `Bulk.fold` decide packet by packet is decided here
for whole lanes; a lane that is not plainly steady is left to them.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .batch import Batch, Runs
from .bulk import Bulk, forward
from .lanes import IGNORED, TFTP_ACK, UDP_IGNORED

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

_NOTHING: Ints = np.zeros(0, np.int64)


class Steady:
    """The packets `start` to `stop` of a batch, by lane; `rest` are those of lanes that are not steady."""

    def __init__(self, bulk: Bulk, batch: Batch, start: int, stop: int) -> None:
        self._bulk = bulk
        self._batch = batch
        table = bulk.table
        lane = batch.lane[start:stop]
        self._order = order = np.argsort(lane.astype(np.uint16), kind="stable")  # 16 bits are sorted by radix
        lane = lane[order]
        order += start
        first = np.flatnonzero(lane[1:] != lane[:-1])
        first += 1
        bounds = np.empty(len(first) + 2, np.int64)
        bounds[0], bounds[1:-1], bounds[-1] = 0, first, len(lane)
        self._first = first = bounds[:-1]
        self._count = bounds[1:] - first
        self._lanes = lanes = lane[first]
        size = batch.size[order]
        least, most = np.minimum.reduceat(size, first), np.maximum.reduceat(size, first)
        kind = table.kind[lanes]
        # Bytes or acknowledgements: of both in one lane of one piece there is little.
        self._brings = (least > 0) & table.counted[lanes]
        self._good = good = ((most == 0) & table.pure[lanes]) | self._brings | (kind == IGNORED) | (kind == UDP_IGNORED)
        self._mark_odd(start, stop)
        self._runs: Runs | None = None
        if int(most.max()) * len(size) >= 1 << 31:  # sequence numbers may wrap inside the piece
            good[self._brings] = False
        elif self._brings.any():
            self._runs = self._joined(size)

    def rest(self) -> Ints:
        """Packets of the other lanes, in order of frames."""
        return self._members(~self._good)

    def commit(self, busy: Bools | None) -> Ints:
        """Count the steady lanes but those of `busy` conversations; the packets of these, in order of frames."""
        good, left = self._good, _NOTHING
        if busy is not None:
            held = good & busy[self._lanes >> 1]
            if held.any():
                left = self._members(held)
                good = good & ~held
        which = np.flatnonzero(good)
        if not len(which):
            return left
        bulk, lanes, count = self._bulk, self._lanes[which], self._count[which]
        bulk.note(self._batch, lanes, self._order[self._first[which] + count - 1])
        bulk.server_packets += int(count[bulk.table.from_server[lanes]].sum())
        if self._runs is not None:
            mine = good[self._brings]
            if mine.any():
                lanes = self._lanes[self._brings][mine]
                bulk.extend(self._runs, lanes, self._begin[mine], self._end[mine], self._acks[mine], self._wait[mine])
        return left

    def _members(self, which: Bools) -> Ints:
        if not which.any():
            return _NOTHING
        members = self._order[np.repeat(which, self._count)]
        members.sort()
        return members

    def _mark_odd(self, start: int, stop: int) -> None:
        """Lanes with a packet that has to be looked at for what it says."""
        batch, table = self._batch, self._bulk.table
        odd = np.flatnonzero(~batch.calm[start:stop])
        udp = np.flatnonzero(batch.udp[start:stop])
        if len(udp):
            odd = np.concatenate((odd, udp[~self._bulk.mask(batch, udp + start)]))
        if table.scan[self._lanes].any():
            scanned = np.flatnonzero(table.scan[batch.lane[start:stop]])
            odd = np.concatenate((odd, scanned[self._bulk.begins_message(batch, scanned + start)]))
        if len(odd):
            wrong = np.zeros(len(table.kind), np.bool_)
            wrong[batch.lane[odd + start]] = True
            self._good &= ~wrong[self._lanes]

    def _joined(self, size: npt.NDArray[np.uint32]) -> Runs:
        """The packets that bring something as one run a lane; lanes where they do not follow each other are not good."""
        batch, table, brings = self._batch, self._bulk.table, self._brings
        place = self._order
        if not brings.all():
            here = np.flatnonzero(np.repeat(brings, self._count))
            place, size = place[here], size[here]
        begin, time = batch.begin[place], batch.time[place]
        end = begin + size
        lanes, count = self._lanes[brings], self._count[brings]
        self._end = last = np.cumsum(count) - 1
        self._begin = first = last - count + 1
        wait = np.empty(len(place), np.int64)
        np.subtract(time[1:], time[:-1], out=wait[1:])
        wait[first] = 0
        self._wait = np.maximum.reduceat(wait, first)
        self._acks = acks = table.kind[lanes] == TFTP_ACK
        # ACKs need not follow each other without a gap, only go forward.
        ahead = begin[first].astype(np.int64) - table.frontier[lanes]
        good = np.where(acks, forward(ahead), ahead == 0)
        reach = (begin[first] - table.low[lanes]).astype(np.int64) + (end[last] - begin[first])
        good &= batch.udp[place[first]] | (reach < table.span[lanes])
        inside = np.ones(len(place), np.bool_)
        inside[first] = False
        broken = np.flatnonzero(begin[1:] != end[:-1])
        broken += 1
        broken = broken[inside[broken]]
        if len(broken):
            number = np.searchsorted(first, broken, side="right") - 1
            ahead = forward(begin[broken].astype(np.int64) - begin[broken - 1])
            good[number[~(acks[number] & ahead)]] = False
        self._good[brings] &= good
        return Runs(batch, place, begin, end, time, wait)
