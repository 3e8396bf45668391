"""Folds packets that only bring bytes into the columns of their lanes, and those into records; no packet objects.

Packets of one lane that continue each other are a run. A lane with one run that goes on where the lane stands is updated
in the columns alone; every other run goes to its flow in order, so that losses, duplicates and gaps are exact.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from ..model import Block, FrameRef
from ..wire.columns import UDP, Columns
from .connection import Connection
from .lanes import CONTROL, IGNORED, OPEN_BODY, QUIET, TFTP_ACK, TFTP_DATA, UDP_IGNORED, Conversation, Flow
from .table import MAX_CONVERSATIONS, FlowTable

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

_SYN_FIN_RST = 7
_MASK = 0xFFFFFFFF

_BEGINNINGS = np.zeros(1 << 16, np.bool_)
"""First two bytes of HTTP messages and of TLS handshake records: what begins so is looked at."""
for _word in (b"GE", b"HE", b"PO", b"PU", b"OP", b"CO", b"DE", b"PA", b"PR", b"TR", b"HT", b"\x16\x03"):
    _BEGINNINGS[_word[0] << 8 | _word[1]] = True


class Batch:
    """The packets of a block as columns that the folding works on: shape (n,) each."""

    __slots__ = (
        "begin",
        "capture",
        "first_frame",
        "flags",
        "head",
        "lane",
        "length",
        "sequence",
        "size",
        "tcp",
        "time",
        "window",
    )

    def __init__(self, block: Block, columns: Columns) -> None:
        self.capture = block.capture
        self.first_frame = block.first_frame
        self.time = block.time
        self.head = columns.head
        self.length = columns.length
        self.flags = columns.flags
        self.window = columns.window
        self.sequence = columns.sequence
        udp = columns.protocol == UDP
        self.tcp = ~udp
        # A run is told by where each packet begins and how much it brings: bytes of TCP, blocks of TFTP.
        self.begin = np.where(udp, columns.head & 0xFFFF, columns.sequence).astype(np.int64)
        self.size = np.where(udp, 1, columns.length)
        self.lane: npt.NDArray[np.uint16] = np.zeros(len(block), np.uint16)

    def frame(self, index: int) -> FrameRef:
        return FrameRef(self.capture, self.first_frame + index, int(self.time[index]))


class Bulk:
    """The table of one capture and the conversations behind its lanes."""

    def __init__(self) -> None:
        self.table = FlowTable()
        self.conversations: dict[int, Conversation] = {}
        self.server_packets = 0
        """From servers, among the packets folded."""
        self._capture = 0

    # --- which packets ---------------------------------------------------------------------------------------

    def mask(self, batch: Batch, index: Ints | slice) -> Bools:
        """Which of the packets need not be looked at one by one, as their lanes stand."""
        table = self.table
        lane = batch.lane[index]
        kind = table.kind[lane]
        head, length = batch.head[index], batch.length[index]
        opcode = head >> np.uint32(16)
        number = head & np.uint32(0xFFFF)
        low = table.low[lane]
        span = table.span[lane]
        ahead = (batch.sequence[index] - low).astype(np.int64)
        inside = ahead + length < span
        begins = _BEGINNINGS[opcode]
        tcp = (
            (kind >= QUIET) & (kind <= IGNORED) & (batch.flags[index] & _SYN_FIN_RST == 0) & (batch.window[index] != 0)
        )
        scanned = (kind >= OPEN_BODY) & begins
        tcp &= (length == 0) | ((kind > QUIET) & (inside | (kind == IGNORED)) & ~scanned)
        result: Bools = tcp
        if (kind >= TFTP_DATA).any():
            result |= (kind == TFTP_DATA) & (opcode == 3) & (length - 4 == span) & (number > low)
            result |= (kind == TFTP_ACK) & (opcode == 4) & (number > low)
            result |= (kind == UDP_IGNORED) & ((opcode == 0) | (opcode > 6))
        return result

    # --- folding ---------------------------------------------------------------------------------------------

    def fold(self, batch: Batch, index: Ints) -> None:
        """Count bulk packets, given in order of their frames."""
        if not len(index):
            return
        table = self.table
        self._capture = batch.capture
        lane = batch.lane[index]
        table.last_time[lane] = batch.time[index]
        table.last_frame[lane] = index + batch.first_frame
        table.dirty[lane] = True
        self.server_packets += int(np.count_nonzero(table.from_server[lane]))
        kind = table.kind[lane]
        counted = (kind >= TFTP_DATA) & (kind <= TFTP_ACK)
        counted |= (kind > QUIET) & (kind < IGNORED) & (batch.length[index] > 0)
        index = index[counted]
        if not len(index):
            return
        lane = lane[counted]
        order = np.argsort(lane, kind="stable")
        self._runs(batch, index[order], lane[order])

    def _runs(self, batch: Batch, index: Ints, lane: npt.NDArray[np.uint16]) -> None:
        """Cut packets, sorted by lane and frame, into runs."""
        table = self.table
        begin = batch.begin[index]
        end = (begin + batch.size[index]) & _MASK
        time = batch.time[index]
        kind = table.kind[lane]
        other = np.ones(len(index), np.bool_)
        other[1:] = lane[1:] != lane[:-1]
        broken = np.zeros(len(index), np.bool_)
        broken[1:] = begin[1:] != end[:-1]
        ack = kind == TFTP_ACK
        if ack.any():  # ACKs need not follow each other without a gap, only go forward
            back = np.zeros(len(index), np.bool_)
            back[1:] = (begin[1:] - begin[:-1]) & 0xFFFF >= 0x8000
            broken = np.where(ack, back, broken)
        broken |= other
        wait = np.zeros(len(index), np.int64)
        wait[1:] = time[1:] - time[:-1]
        wait[broken] = 0
        starts = np.flatnonzero(broken)
        stops = np.append(starts[1:], len(index)) - 1
        lanes = lane[starts]
        alone = other[starts].copy()
        alone[:-1] &= other[starts[1:]]
        acks = ack[starts]
        frontier = table.frontier[lanes]
        goes_on = np.where(acks, (begin[starts] - frontier) & 0xFFFF < 0x8000, begin[starts] == frontier)
        easy = np.flatnonzero(alone & goes_on)
        if len(easy):
            waits = np.maximum.reduceat(wait, starts)[easy]
            self._extend(batch, lanes[easy], starts[easy], stops[easy], acks[easy], index, begin, end, time, waits)
        if len(easy) < len(starts):
            hard = np.ones(len(starts), np.bool_)
            hard[easy] = False
            for run in np.flatnonzero(hard).tolist():
                self._hand_over(
                    batch, int(lanes[run]), slice(int(starts[run]), int(stops[run]) + 1), index, begin, end, wait
                )

    def _extend(
        self,
        batch: Batch,
        lanes: npt.NDArray[np.uint16],
        first: Ints,
        last: Ints,
        acks: Bools,
        index: Ints,
        begin: Ints,
        end: Ints,
        time: Ints,
        wait: Ints,
    ) -> None:
        """One run a lane, each going on where its lane stands."""
        table = self.table
        fresh = table.packets[lanes] == 0
        new = lanes[fresh]
        table.begin[new] = begin[first[fresh]]
        table.first_time[new] = time[first[fresh]]
        table.first_frame[new] = index[first[fresh]] + batch.first_frame
        table.wait[new] = 0
        table.bytes[new] = 0
        wait = np.maximum(wait, np.where(fresh, 0, time[first] - table.run_time[lanes]))
        table.wait[lanes] = np.maximum(table.wait[lanes], wait)
        table.packets[lanes] += last - first + 1
        table.bytes[lanes] += (end[last] - begin[first]) & _MASK
        table.run_time[lanes] = time[last]
        table.run_frame[lanes] = index[last] + batch.first_frame
        table.frontier[lanes] = np.where(acks, begin[last], end[last])

    def _hand_over(self, batch: Batch, lane: int, run: slice, index: Ints, begin: Ints, end: Ints, wait: Ints) -> None:
        """A run that does not go on where its lane stands, straight to its flow."""
        conversation = self.conversations[lane >> 1]
        owner = conversation.owner
        if owner is None:
            return
        self._flush_lane(conversation, lane)
        by_client = lane == conversation.client_lane
        kind = int(self.table.kind[lane])
        at = run.start
        if kind == TFTP_ACK:
            for item in range(run.start, run.stop):
                frame = batch.frame(int(index[item]))
                owner.take_run(kind, 0, 1, int(begin[item]), frame, frame, 0, by_client=by_client)
        elif isinstance(owner, Connection):
            # Only what lies beyond everything seen so far can be counted as one; the rest packet by packet.
            while at < run.stop and owner.seen_before(int(begin[at]), by_client=by_client):
                frame = batch.frame(int(index[at]))
                size = (int(end[at]) - int(begin[at])) & _MASK
                owner.take_run(kind, int(begin[at]), 1, size, frame, frame, 0, by_client=by_client)
                at += 1
        if at < run.stop and kind != TFTP_ACK:
            first, last = batch.frame(int(index[at])), batch.frame(int(index[run.stop - 1]))
            size = (int(end[run.stop - 1]) - int(begin[at])) & _MASK
            inner = int(wait[at + 1 : run.stop].max(initial=0))
            owner.take_run(kind, int(begin[at]), run.stop - at, size, first, last, inner, by_client=by_client)
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
        for number in np.unique(np.flatnonzero(self.table.dirty) >> 1).tolist():
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
        conversation.owner.take_run(
            kind,
            int(table.begin[lane]),
            packets,
            int(table.frontier[lane] if kind == TFTP_ACK else table.bytes[lane]),
            FrameRef(self._capture, int(table.first_frame[lane]), int(table.first_time[lane])),
            FrameRef(self._capture, int(table.run_frame[lane]), int(table.run_time[lane])),
            int(table.wait[lane]),
            by_client=lane == conversation.client_lane,
        )

    def _note_last(self, conversation: Conversation, lane: int, flow: Any) -> None:
        """The latest packet of a lane may be the latest of its flow."""
        record = flow.record
        last = FrameRef(self._capture, int(self.table.last_frame[lane]), int(self.table.last_time[lane]))
        if last.capture != record.last.capture or last.frame > record.last.frame:
            record.last = last
        if lane != conversation.client_lane:
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
        state = owner.lane(conversation, by_client=by_client)
        table.kind[lane] = state.kind
        table.low[lane] = state.low
        table.span[lane] = state.span
        table.frontier[lane] = state.frontier
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

    def disown(self, flows: Iterable[Flow]) -> None:
        """Flows that were forgotten: their conversations are unknown from now on."""
        for flow in flows:
            self.flush(flow)
            for conversation in flow.conversations:
                conversation.owner = None
                self.table.kind[2 * conversation.number : 2 * conversation.number + 2] = CONTROL
                self.table.from_server[2 * conversation.number : 2 * conversation.number + 2] = False
            flow.conversations.clear()

    def make_room(self) -> None:
        """When the table is more than half full, forget conversations that no flow owns, the quietest first."""
        table = self.table
        if len(table) <= MAX_CONVERSATIONS // 2:
            return
        alone = [number for number, item in self.conversations.items() if item.owner is None]
        alone.sort(key=lambda number: int(table.last_time[2 * number : 2 * number + 2].max()))
        gone = alone[: max(0, len(table) - MAX_CONVERSATIONS // 4)]
        for number in gone:
            del self.conversations[number]
        table.remove(gone)
