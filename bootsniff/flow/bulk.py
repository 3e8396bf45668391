"""Folds packets that only bring bytes into the columns of their lanes, and those into records; no packet objects.

Packets of one lane that continue each other are a run. A lane with one run that goes on where the lane stands is updated
in the columns alone; every other run goes to its flow in order, so that losses, duplicates and gaps are exact.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from ..model import FrameRef
from .batch import Batch, Runs
from .connection import Connection
from .lanes import CONTROL, TFTP_ACK, Conversation, Flow, Lane, Run
from .table import MAX_CONVERSATIONS, FlowTable

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

_MASK = 0xFFFFFFFF

_BEGINNINGS = np.zeros(1 << 16, np.bool_)
"""First two bytes of HTTP messages and TLS handshake records (TCP): what begins so is looked at."""
for _word in (b"GE", b"HE", b"PO", b"PU", b"OP", b"CO", b"DE", b"PA", b"PR", b"TR", b"HT", b"\x16\x03"):
    _BEGINNINGS[_word[0] << 8 | _word[1]] = True
_OPCODES = np.zeros(1 << 16, np.bool_)
"""First two bytes of TFTP packets (UDP)."""
_OPCODES[1:7] = True


def forward(step: Ints) -> Bools:
    """Whether block numbers go on from one to the next, through a roll-over or not, and do not repeat."""
    result: Bools = (step - 1) & 0xFFFF < 0x7FFF
    return result


class Bulk:
    """The table of one capture and the conversations behind its lanes."""

    def __init__(self) -> None:
        self.table = FlowTable()
        self.conversations: dict[int, Conversation] = {}
        self.server_packets = 0
        """From servers, among the packets folded."""
        self._capture = 0

    # --- which packets ---------------------------------------------------------------------------------------

    def mask(self, batch: Batch, index: Ints) -> Bools:
        """Which of the packets need not be looked at one by one, as their lanes stand."""
        table = self.table
        lane = batch.lane[index]
        length = batch.length[index]
        inside = (batch.value[index] - table.low[lane]) + length < table.span[lane]
        full = table.full[lane]
        inside &= (full == length) | (full < 0)
        scan = table.scan[lane]
        if scan.any():
            inside &= ~(scan & self.begins_message(batch, index))
        result: Bools = batch.calm[index] & (inside | (table.pure[lane] & (length == 0)))
        return result

    @staticmethod
    def begins_message(batch: Batch, index: Ints) -> Bools:
        """Which of the packets begin like an HTTP or TLS message, or look like TFTP."""
        word = batch.head[index] >> np.uint32(16)
        result: Bools = np.where(batch.udp[index], _OPCODES[word], _BEGINNINGS[word])
        return result

    # --- folding ---------------------------------------------------------------------------------------------

    def note(self, batch: Batch, lanes: Ints, last: Ints) -> None:
        """The last packet of each lane so far."""
        table = self.table
        self._capture = batch.capture
        table.last_time[lanes] = batch.time[last]
        table.last_frame[lanes] = last + batch.first_frame
        table.acknowledged[lanes] = batch.acknowledgement[last]
        table.dirty[lanes] = True

    def fold(self, batch: Batch, index: Ints) -> None:
        """Count bulk packets, given in order of their frames."""
        if not len(index):
            return
        table = self.table
        lane = batch.lane[index]
        self.note(batch, lane, index)
        self.server_packets += int(np.count_nonzero(table.from_server[lane]))
        counted = table.counted[lane] & (batch.size[index] > 0)
        index = index[counted]
        if len(index):
            lane = lane[counted]
            order = np.argsort(lane.astype(np.uint16), kind="stable")  # 16 bits are sorted by radix
            self._runs(batch, index[order], lane[order])

    def _runs(self, batch: Batch, index: Ints, lane: Ints) -> None:
        """Cut packets, sorted by lane and frame, into runs."""
        table = self.table
        begin = batch.begin[index]
        end = begin + batch.size[index]
        time = batch.time[index]
        other = np.empty(len(index), np.bool_)
        other[0] = True
        np.not_equal(lane[1:], lane[:-1], out=other[1:])
        broken = other.copy()
        broken[1:] |= begin[1:] != end[:-1]
        # ACKs need not follow each other without a gap, only go forward.
        jumps = np.flatnonzero(broken & ~other)
        jumps = jumps[table.kind[lane[jumps]] == TFTP_ACK]
        broken[jumps] = ~forward(begin[jumps].astype(np.int64) - begin[jumps - 1])
        starts = np.flatnonzero(broken)
        stops = np.append(starts[1:], len(index)) - 1
        wait = np.zeros(len(index), np.int64)
        np.subtract(time[1:], time[:-1], out=wait[1:])
        wait[starts] = 0
        lanes = lane[starts]
        acks = table.kind[lanes] == TFTP_ACK
        alone = other[starts]
        alone[:-1] &= alone[1:].copy()
        first = begin[starts].astype(np.int64)
        frontier = table.frontier[lanes]
        easy = alone & np.where(acks, forward(first - frontier), first == frontier)
        runs = Runs(batch, index, begin, end, time, wait)
        if easy.all():
            self.extend(runs, lanes, starts, stops, acks, np.maximum.reduceat(wait, starts))
            return
        if easy.any():
            waits = np.maximum.reduceat(wait, starts)
            self.extend(runs, lanes[easy], starts[easy], stops[easy], acks[easy], waits[easy])
        hard: dict[int, list[tuple[int, int]]] = {}
        which = ~easy
        for number, start, stop in zip(
            lanes[which].tolist(), starts[which].tolist(), (stops[which] + 1).tolist(), strict=True
        ):
            hard.setdefault(number, []).append((start, stop))
        for number, parts in hard.items():
            self._hand_over(runs, number, parts)

    def extend(self, runs: Runs, lanes: Ints, first: Ints, last: Ints, acks: Bools, wait: Ints) -> None:
        """One run a lane, each going on where its lane stands."""
        table = self.table
        begin, end = runs.begin[first], runs.end[last].astype(np.int64)
        time, frame = runs.time[last], runs.place[last] + runs.batch.first_frame
        had = table.packets[lanes]
        fresh = had == 0
        if fresh.any():
            new, at = lanes[fresh], first[fresh]
            table.begin[new] = runs.begin[at]
            table.first_time[new] = table.run_time[new] = runs.time[at]
            table.first_frame[new] = runs.place[at] + runs.batch.first_frame
            table.wait[new] = 0
            table.bytes[new] = 0
        np.maximum(wait, runs.time[first] - table.run_time[lanes], out=wait)
        table.wait[lanes] = np.maximum(table.wait[lanes], wait)
        table.packets[lanes] = had + (last - first + 1)
        table.bytes[lanes] += (end - begin) & _MASK
        table.run_time[lanes] = time
        table.run_frame[lanes] = frame
        table.frontier[lanes] = np.where(acks, runs.begin[last], end)

    def _hand_over(self, runs: Runs, lane: int, parts: list[tuple[int, int]]) -> None:
        """Runs of a lane that do not simply go on where it stands, in their order, straight to its flow."""
        conversation = self.conversations[lane >> 1]
        owner = conversation.owner
        if owner is None:
            return
        self._flush_lane(conversation, lane)
        by_client = lane == conversation.client_lane
        kind = int(self.table.kind[lane])
        for start, stop in parts:
            at = start
            while at < stop:
                begin = int(runs.begin[at])
                last = stop - 1
                if kind == TFTP_ACK:
                    last = at
                elif isinstance(owner, Connection) and owner.seen_before(begin, by_client=by_client):
                    # What was seen before can be counted as one, as can what is new, but not the two together. A single
                    # byte may be a keep-alive probe.
                    ends = runs.end[at:stop] - np.uint32(begin)
                    old = int(np.searchsorted(ends, owner.seen_from(begin), "right")) if ends[0] > 1 else 0
                    last = at + max(0, old - 1)
                size = begin if kind == TFTP_ACK else (int(runs.end[last]) - begin) & _MASK
                wait = int(runs.wait[at + 1 : last + 1].max(initial=0))
                packets = last - at + 1
                owner.take_run(Run(kind, begin, packets, size, runs.frame(at), runs.frame(last), wait, by_client))
                at = last + 1
        self._set_lane(conversation, lane)

    # --- records ---------------------------------------------------------------------------------------------

    def flush(self, flow: Flow) -> None:
        """Bring a flow's record up to date."""
        table = self.table
        for conversation in flow.conversations:
            pair = (2 * conversation.number, 2 * conversation.number + 1)
            dirty = [lane for lane in pair if table.dirty[lane]]
            # ACKs are counted through roll-overs by the blocks they acknowledge: DATA goes first.
            for lane in sorted(dirty, key=lambda item: int(table.kind[item])):
                self._flush_lane(conversation, lane)
                self._note_last(conversation, lane, flow)
                table.dirty[lane] = False

    def flush_all(self) -> None:
        """Bring every record up to date."""
        for number in sorted({lane >> 1 for lane in np.flatnonzero(self.table.dirty).tolist()}):
            conversation = self.conversations.get(number)
            if conversation is not None and conversation.owner is not None:
                self.flush(conversation.owner)
            self.table.dirty[2 * number : 2 * number + 2] = False

    def _flush_lane(self, conversation: Conversation, lane: int) -> None:
        table = self.table
        packets = int(table.packets[lane])
        if not packets or conversation.owner is None:
            return
        table.packets[lane] = 0
        kind = int(table.kind[lane])
        run = Run(
            kind,
            begin=int(table.begin[lane]),
            packets=packets,
            size=int(table.frontier[lane] if kind == TFTP_ACK else table.bytes[lane]),
            first=FrameRef(self._capture, int(table.first_frame[lane]), int(table.first_time[lane])),
            last=FrameRef(self._capture, int(table.run_frame[lane]), int(table.run_time[lane])),
            wait=int(table.wait[lane]),
            by_client=lane == conversation.client_lane,
        )
        conversation.owner.take_run(run)

    def _note_last(self, conversation: Conversation, lane: int, flow: Any) -> None:
        """The latest packet of a lane may be the latest of its flow."""
        record = flow.record
        last = FrameRef(self._capture, int(self.table.last_frame[lane]), int(self.table.last_time[lane]))
        if last.capture != record.last.capture or last.frame > record.last.frame:
            record.last = last
        if lane == conversation.client_lane:
            if isinstance(flow, Connection):
                flow.acknowledge(int(self.table.acknowledged[lane]), last)
        else:
            before = record.last_from_server
            if before is None or last.capture != before.capture or last.frame > before.frame:
                record.last_from_server = last

    def set_lanes(self, flow: Flow) -> None:
        """Take over how a flow's conversations stand now."""
        for conversation in flow.conversations:
            self._set_lane(conversation, 2 * conversation.number)
            self._set_lane(conversation, 2 * conversation.number + 1)

    def _set_lane(self, conversation: Conversation, lane: int) -> None:
        owner: Any = conversation.owner
        table = self.table
        by_client = lane == conversation.client_lane
        table.set(lane, owner.lane(conversation, by_client=by_client))
        table.from_server[lane] = not by_client

    # --- conversations ---------------------------------------------------------------------------------------

    def adopt(self, conversation: Conversation, owner: Flow | None) -> None:
        """Say which flow a conversation's packets belong to; its lanes are set by `set_lanes`."""
        if conversation.owner is owner:
            return
        if conversation.owner is not None:
            self.flush(conversation.owner)
            conversation.owner.conversations.remove(conversation)
        conversation.owner = owner
        self.table.dirty[2 * conversation.number : 2 * conversation.number + 2] = False
        if owner is not None:
            owner.conversations.append(conversation)

    def dismiss(self, conversation: Conversation, kind: int) -> None:
        """Both lanes of a conversation that no flow owns."""
        for lane in (2 * conversation.number, 2 * conversation.number + 1):
            self.table.set(lane, Lane(kind))
            self.table.from_server[lane] = False

    def disown(self, flows: Iterable[Flow]) -> None:
        """Flows that were forgotten: their conversations are unknown from now on."""
        for flow in flows:
            self.flush(flow)
            for conversation in flow.conversations:
                conversation.owner = None
                self.dismiss(conversation, CONTROL)
            flow.conversations.clear()

    def make_room(self) -> None:
        """When the table is more than half full, forget conversations, those of ended flows and the quietest first.

        A flow that goes on is met again with its next packet. Records must be up to date.
        """
        table = self.table
        excess = len(table) - MAX_CONVERSATIONS // 4
        if len(table) <= MAX_CONVERSATIONS // 2:
            return
        last = np.maximum(table.last_time[::2], table.last_time[1::2])
        order = sorted(
            self.conversations.values(),
            key=lambda item: (item.owner is not None and not item.owner.ended, last[item.number]),
        )
        for item in order[:excess]:
            if item.owner is not None:
                item.owner.conversations.remove(item)
            del self.conversations[item.number]
        table.remove([item.number for item in order[:excess]])
