"""Blocks of packets in, events of messages and flows out; no machine is known here, and no clock but the packets'.

The sieve splits packets: those that can change what a flow is go one at a time to the desk; those that only bring bytes
are folded into columns. Where a packet of the first kind stands between packets of the second kind of the same flow,
what comes before it is folded before it is looked at, and what comes after it is judged anew.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from ..model import Block
from ..wire.ports import CONTROL_PORTS
from .bulk import Bulk
from .desk import TCP, Desk
from .lanes import UDP_IGNORED, Conversation, Flow
from .looker import Looker
from .mixed import Mixed
from .records import Event
from .steady import Steady
from .table import Key
from .work import SWEEP, Work, cuts

SMALL = 48
"""Pieces of fewer packets are not worth the columns."""

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


class Sieve:
    """All flows of one capture. `feed` blocks in order, then `finish`."""

    bulk: type[Bulk] = Bulk
    steady: type[Steady] = Steady
    """What decides which packets are bulk; the oracle of the tests has its own."""

    def __init__(self, capture: int) -> None:
        self.last_time = 0
        """Latest capture time so far, ns; 0 before the first packet."""
        self.packets = 0
        self.cut = 0
        """Frames of which the capture holds less than was on the wire."""
        self._desk = Desk()
        self._desk.capture = capture
        self._bulk = self.bulk()
        self._looker = Looker(self._desk, self._bulk)
        self._swept = 0

    # --- what the capture has shown so far; counts are packets ----------------------------------------------------

    @property
    def duplicates(self) -> int:
        """Packets of flows and messages seen a second time at the same capture point, and not counted."""
        return self._looker.duplicates

    @property
    def undecoded(self) -> int:
        """Frames whose headers could not be read, or whose link type is not known."""
        return self._desk.undecoded

    @property
    def server_packets(self) -> int:
        """From servers to clients, of any kind."""
        return self._desk.server_packets + self._bulk.server_packets

    @property
    def unicast_server_packets(self) -> int:
        return self._desk.unicast_server_packets + self._bulk.server_packets

    @property
    def tcp_seen(self) -> bool:
        return self._desk.tcp_seen

    @property
    def arp_seen(self) -> bool:
        return self._desk.arp_seen

    @property
    def more_than_udp_seen(self) -> bool:
        """Something that no filter of UDP's ports lets pass: TCP, ARP, neighbour discovery, IGMP, BPDUs."""
        return self._desk.tcp_seen or self._desk.arp_seen or self._desk.rest_seen

    @property
    def dhcp_seen(self) -> bool:
        return self._desk.dhcp_seen

    @property
    def other_seen(self) -> bool:
        return self._desk.other_seen

    @property
    def tftp_data_seen(self) -> bool:
        return self._desk.tftp_data_seen

    @property
    def evicted(self) -> int:
        """Flows forgotten because there were too many."""
        return self._desk.tftp.evicted + self._desk.tcp.evicted

    # --- blocks -----------------------------------------------------------------------------------------------------

    def feed(self, block: Block) -> list[Event]:
        """Take the packets of a block; returns what happened, in order of frames."""
        return [event for events in self.pieces(block) for event in events]

    def pieces(self, block: Block) -> Iterator[list[Event]]:
        """As `feed`, in pieces of at most two seconds: records are never ahead of their events by more."""
        if not len(block):
            return
        if block.capture != self._desk.capture:  # a rotated capture goes on in its next file
            self.sync()
            self._desk.capture = block.capture
        work = Work(block, self._looker.messages)
        self.packets += len(block)
        self.cut += int(np.count_nonzero(block.captured < block.original))
        for start, stop in cuts(block.time, self._swept):
            time = int(block.time[start])
            if abs(time - self._swept) > SWEEP or self._desk.crowded:
                self._sweep(time)
            self.last_time = self._desk.now = max(self.last_time, int(block.time[start:stop].max()))
            if stop - start < SMALL:
                plain = work.columns.plain[start:stop]
                work.batch.lane[start:stop] = self._bulk.table.find(work.keys.part(start, stop), plain)
                for index in work.get_rows(self._looker.without_copies(work, np.arange(start, stop))):
                    self._looker.single(work, index)
            else:
                self._piece(work, start, stop)
            self._looker.remember(work, start, stop)
            out, self._desk.out = self._desk.out, []
            yield out

    def sync(self) -> None:
        """Bring the records of all open flows up to date."""
        self._bulk.flush_all()

    def finish(self) -> list[Event]:
        """The capture is over: what still waits for fragments will stay incomplete."""
        self.sync()
        self._desk.expire(None)
        out, self._desk.out = self._desk.out, []
        return out

    # --- pieces of a block ------------------------------------------------------------------------------------------

    def _piece(self, work: Work, start: int, stop: int) -> None:
        bulk, batch = self._bulk, work.batch
        self._looker.set_lanes()
        if bulk.table.room < stop - start:
            self.sync()
            bulk.make_room()
        plain = work.columns.plain[start:stop]
        batch.lane[start:stop] = lanes = bulk.table.find(work.keys.part(start, stop), plain)
        strange = np.flatnonzero(lanes == 0)
        fresh = self._meet(work, strange[plain[strange]] + start)
        if len(strange) == len(lanes) and not batch.lane[start:stop].any():
            for index in work.get_rows(self._looker.without_copies(work, strange + start)):
                self._looker.single(work, index)
            return
        steady = self.steady(bulk, batch, start, stop)
        rest = self._looker.without_copies(work, steady.rest())
        control = rest[~bulk.mask(batch, rest)]
        if not len(control):
            steady.commit(None)
            bulk.fold(batch, rest)
            return
        work.get_rows(control)
        busy, control = self._busy(work, control, fresh)
        left = steady.commit(busy)
        if len(left):
            rest = np.concatenate((rest, left))
            rest.sort()
        Mixed(self._looker, work).run(rest, control, busy)

    def _meet(self, work: Work, unknown: Ints) -> list[int]:
        """Give conversations to packets that have none; returns the first packet of each new one that has to be looked at."""
        first: list[int] = []
        if not len(unknown):
            return first
        bulk, keys = self._bulk, work.keys.some(unknown)
        met: set[Key] = set()
        strange = work.batch.udp[unknown] & ~bulk.begins_message(work.batch, unknown)
        for place in keys.distinct().tolist():
            key = keys.key(place)
            if key in met:
                continue
            met.update((key, bulk.table.turned(key)))
            lane = self._new_lane(key)
            if lane and strange[place]:
                self._desk.other_seen = True
                bulk.dismiss(bulk.conversations[lane >> 1], UDP_IGNORED)
            elif lane:
                first.append(int(unknown[place]))
        if met:
            work.batch.lane[unknown] = bulk.table.find(keys, np.ones(len(unknown), np.bool_))
        return first

    def _new_lane(self, key: Key) -> int:
        """The first lane of a new conversation; 0 for ports whose packets are messages, and when there is no room."""
        ends = key[4]
        message = ends & 0x7F != TCP and not CONTROL_PORTS.isdisjoint((ends >> 48, ends >> 32 & 0xFFFF))
        if message or not self._bulk.table.room:
            return 0
        number = self._bulk.table.add(key)
        self._bulk.conversations[number] = Conversation(number)
        return 2 * number

    def _busy(self, work: Work, control: Ints, fresh: list[int]) -> tuple[Bools, Ints]:
        """The conversations that packets of the first kind may touch in this piece; those packets that can be read."""
        bulk = self._bulk
        busy = np.zeros(bulk.table.kind.size // 2, np.bool_)
        busy[work.batch.lane[control] >> 1] = True
        flows: dict[Flow, None] = {}
        for number in np.flatnonzero(busy).tolist():
            owner = bulk.conversations[number].owner if number else None
            if owner is not None:
                flows[owner] = None
        odd = control[~work.columns.plain[control]].tolist()
        unreadable: set[int] = set()
        for index in (*fresh, *(number for number in odd if number not in work.messages)):
            packet = self._looker.dissect(work, index)
            if packet is None:
                unreadable.add(index)
                continue
            work.packets[index] = packet
            flows.update(dict.fromkeys(self._desk.flows_of(packet, packet.point)))
        for flow in flows:
            for conversation in flow.conversations:
                busy[conversation.number] = True
        busy[0] = True
        if unreadable:
            control = control[[index not in unreadable for index in control.tolist()]]
        return busy, control

    # --- housekeeping -----------------------------------------------------------------------------------------------

    def _sweep(self, now: int) -> None:
        """Forget what has been quiet for long."""
        self._swept = now
        self._looker.set_lanes()
        self.sync()
        self._desk.expire(now)
        self._bulk.disown([*self._desk.tftp.evict(now), *self._desk.tcp.evict(now)])
        self._bulk.make_room()
