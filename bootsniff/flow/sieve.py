"""Blocks of packets in, events of messages and flows out; no machine is known here, and no clock but the packets'.

The sieve splits packets: those that can change what a flow is go one at a time to the desk; those that only bring bytes
are folded into columns. Where a packet of the first kind stands between packets of the second kind of the same flow,
what comes before it is folded before it is looked at, and what comes after it is judged anew.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from heapq import heapify, heappop, heappush
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import Malformed
from ..model import Block
from ..wire.packet import Packet, dissect
from .bulk import Bulk
from .desk import TCP, Desk, is_message
from .duplicates import Duplicates
from .lanes import CONTROL, IGNORED, UDP_IGNORED, Conversation, Flow
from .messages import Message, read_arp, read_datagram
from .ports import CONTROL_PORTS
from .records import Event
from .steady import Steady
from .table import Key
from .work import SWEEP, Work, cuts

SMALL = 48
"""Pieces of fewer packets are not worth the columns."""
FORCED = 3
"""After a packet that was looked at, so many of its conversation are too, before the rest is judged anew."""

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


class _Group:
    """The packets of one conversation in a piece that cannot be folded in one go."""

    __slots__ = ("at", "forced", "members", "next")

    def __init__(self, members: list[int]) -> None:
        self.members = members
        self.at = 0
        """Members before this one are done."""
        self.next = -1
        """Index of the packet that is looked at next; -1 when all that is left is bulk."""
        self.forced = 0


class Sieve:
    """All flows of one capture. `feed` blocks in order, then `finish`."""

    def __init__(self, capture: int) -> None:
        self.last_time = 0
        """Latest capture time so far, ns; 0 before the first packet."""
        self.packets = 0
        self.cut = 0
        """Frames of which the capture holds less than was on the wire."""
        self.duplicates = 0
        """Packets of flows and messages seen a second time at the same capture point, and not counted."""
        self._desk = Desk()
        self._desk.capture = capture
        self._bulk = Bulk()
        self._duplicates = Duplicates()
        self._stale: dict[Flow, None] = {}
        """Flows that were looked at since their lanes were set."""
        self._swept = 0

    # --- what the capture has shown so far; counts are packets ----------------------------------------------------

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
        work = Work(block)
        self.packets += len(block)
        self.cut += int(np.count_nonzero(block.captured < block.original))
        for start, stop in cuts(block.time, self._swept):
            time = int(block.time[start])
            if abs(time - self._swept) > SWEEP or self._desk.crowded:
                self._sweep(time)
            self.last_time = self._desk.now = max(self.last_time, int(block.time[start:stop].max()))
            if stop - start < SMALL:
                for index in work.get_rows(self._without_copies(work, np.arange(start, stop))):
                    self._single(work, index)
            else:
                self._piece(work, start, stop)
            self._duplicates.remember(work.columns, work.keys, block.time, start, stop)
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

    # --- one at a time ----------------------------------------------------------------------------------------------

    def _dissect(self, work: Work, index: int) -> Packet | None:
        """The packet, None when its headers cannot be read or it is the copy of another one."""
        packet = work.packets.pop(index, None)
        if packet is not None:
            return packet
        offset, captured, original, time, interface, vlan, plain = work.row(index)
        data = bytes(work.view[offset : offset + captured])
        try:
            packet = dissect(data, original, work.block.interfaces[interface].link_type, None if vlan < 0 else vlan)
        except Malformed:
            self._desk.undecoded += 1
            return None
        if interface:
            packet.point = interface
        if (not plain or is_message(packet)) and self._duplicates.odd(packet, packet.point, time):
            self.duplicates += 1
            return None
        return packet

    def _take(self, work: Work, index: int, packet: Packet) -> Flow | None:
        frame = work.block.first_frame + index
        flow = self._desk.take(packet, frame, work.row(index)[3], packet.point)
        self._touched(flow)
        return flow

    def _touched(self, flow: Flow | None) -> None:
        if flow is not None and flow not in self._stale:
            self._bulk.flush(flow)
            self._stale[flow] = None

    def _message(self, work: Work, index: int, message: Message) -> None:
        """A packet on a control port, or ARP: it belongs to no conversation."""
        capture, frame = self._desk.capture, work.block.first_frame + index
        if message.l3:
            envelope, identification, datagram = read_datagram(work.view, message, capture, frame)
            parts = envelope.point, envelope.source, envelope.target, datagram
            if self._duplicates.again(parts, identification, envelope.time):
                self.duplicates += 1
                return
            self._touched(self._desk.take_udp(envelope, datagram[8:], int(work.columns.length[index])))
            return
        envelope, content = read_arp(work.view, message, capture, frame)
        if self._duplicates.again((envelope.point, envelope.source_mac, content), 0, envelope.time):
            self.duplicates += 1
            return
        self._desk.take_arp(envelope, content)

    def _single(self, work: Work, index: int) -> None:
        """A packet that has no conversation to be kept in step with."""
        message = work.messages.get(index)
        if message is not None:
            self._message(work, index, message)
            return
        packet = self._dissect(work, index)
        if packet is None:
            return
        for flow in self._desk.flows_of(packet, packet.point):
            self._bulk.flush(flow)
            self._stale[flow] = None
        self._take(work, index, packet)

    # --- many at a time ---------------------------------------------------------------------------------------------

    def _piece(self, work: Work, start: int, stop: int) -> None:
        bulk, batch = self._bulk, work.batch
        self._set_lanes()
        if bulk.table.room < stop - start:
            self.sync()
            bulk.make_room()
        plain = work.columns.plain[start:stop]
        batch.lane[start:stop] = lanes = bulk.table.find(work.keys.part(start, stop), plain)
        strange = np.flatnonzero(lanes == 0)
        fresh = self._meet(work, strange[plain[strange]] + start)
        if len(strange) == len(lanes) and not batch.lane[start:stop].any():
            for index in work.get_rows(self._without_copies(work, strange + start)):
                self._single(work, index)
            return
        steady = self._steady(work, start, stop)
        rest = self._without_copies(work, steady.rest())
        control = rest[~self._mask(work, rest)]
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
        self._mixed(work, rest, control, busy)

    def _mixed(self, work: Work, rest: Ints, control: Ints, busy: Bools) -> None:
        """Packets of both kinds: those of `control` are looked at, in order, and what comes between is counted."""
        bulk, batch = self._bulk, work.batch
        conversation = batch.lane[rest] >> 1
        looked_at = np.zeros(len(rest), np.bool_)
        looked_at[np.searchsorted(rest, control)] = True
        involved = busy[conversation]
        bulk.fold(batch, rest[~looked_at & ~involved])
        heap: list[tuple[int, int]] = [(index, 0) for index in rest[looked_at & (conversation == 0)].tolist()]
        members = np.flatnonzero(involved & (conversation != 0))
        members = members[np.argsort(conversation[members].astype(np.uint16), kind="stable")]
        groups: dict[int, _Group] = {}
        if len(members):
            numbers = conversation[members]
            begins = np.flatnonzero(numbers[1:] != numbers[:-1]) + 1
            begins = np.concatenate(([0], begins))
            first = looked_at[members]
            order = rest[members]
            ends = [*begins[1:].tolist(), len(members)]
            for number, begin, end in zip(numbers[begins].tolist(), begins.tolist(), ends, strict=True):
                group = groups[number] = _Group(order[begin:end].tolist())
                at = int(first[begin:end].argmax())
                if first[begin + at]:
                    group.next = group.members[at]
                    heap.append((group.next, number))
        heapify(heap)
        while heap:
            index, number = heappop(heap)
            if not number:
                self._look(work, index, None, groups, heap)
            elif groups[number].next == index:
                self._look(work, index, number, groups, heap)
        left = [index for group in groups.values() for index in group.members[group.at :]]
        bulk.fold(batch, np.array(left, np.int64))

    def _without_copies(self, work: Work, index: Ints) -> Ints:
        """Without what was captured twice; `index` holds all packets of a conversation or none."""
        if not len(index):
            return index
        copies = self._duplicates.plain(work.columns, work.keys, work.block.time, index)
        found = int(np.count_nonzero(copies))
        self.duplicates += found
        return index[~copies] if found else index

    def _steady(self, work: Work, start: int, stop: int) -> Steady:
        return Steady(self._bulk, work.batch, start, stop)

    def _mask(self, work: Work, index: Ints) -> Bools:
        """Which packets need not be looked at one by one."""
        return self._bulk.mask(work.batch, index)

    def _meet(self, work: Work, unknown: Ints) -> list[int]:
        """Give conversations to packets that have none; returns the first packet of each new one."""
        first: list[int] = []
        if not len(unknown):
            return first
        table, keys = self._bulk.table, work.keys
        lanes: list[int] = []
        known: dict[int, int] = {}
        met: dict[Key, int] = {}
        for index, name in zip(unknown.tolist(), keys.hash[unknown].tolist(), strict=True):
            lane = known.get(name)
            if lane is None:
                key = keys.key(index)
                lane = met.get(key)
                if lane is None:
                    lane = self._new_lane(key)
                    met[table.turned(key)] = lane ^ 1 if lane else 0
                    if lane:
                        first.append(index)
                known[name] = lane
            lanes.append(lane)
        work.batch.lane[unknown] = lanes
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
            packet = self._dissect(work, index)
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

    def _look(
        self, work: Work, index: int, number: int | None, groups: dict[int, _Group], heap: list[tuple[int, int]]
    ) -> None:
        """Look at one packet; everything that its flows brought before it is counted first."""
        message = work.messages.get(index)
        if message is not None:
            self._message(work, index, message)
            return
        packet = self._dissect(work, index)
        group = groups[number] if number else None
        if packet is None:
            if group is not None:
                self._fold_until(work, group, index)
                self._go_on(work, group, number or 0, heap)
            return
        flows: dict[Any, None] = dict.fromkeys(self._desk.flows_of(packet, packet.point))
        conversation = self._bulk.conversations[number] if number else None
        if conversation is not None and conversation.owner is not None:
            flows[conversation.owner] = None
        for flow in flows:
            for item in flow.conversations:
                other = groups.get(item.number)
                if other is not None:
                    self._fold_until(work, other, index)
            self._bulk.flush(flow)
            self._stale[flow] = None
        if group is not None:
            self._fold_until(work, group, index)
        owner = self._take(work, index, packet)
        if conversation is not None:
            self._bulk.table.last_time[work.batch.lane[index]] = work.batch.time[index]
            self._settle(conversation, int(work.batch.lane[index]), owner, packet)
        for flow in flows:  # their other conversations have to be judged anew
            for item in flow.conversations:
                other = groups.get(item.number)
                if other is not None and other is not group:
                    self._look_next(other, item.number, heap)
        if group is not None:
            self._go_on(work, group, number or 0, heap)

    def _settle(self, conversation: Conversation, lane: int, owner: Any, packet: Packet) -> None:
        """Say whose a conversation is, now that one of its packets was looked at."""
        bulk = self._bulk
        if owner is None:
            if conversation.owner is None:
                kind = IGNORED if packet.protocol == TCP else UDP_IGNORED
                bulk.dismiss(conversation, kind)
            return
        if conversation.owner is not owner:
            bulk.adopt(conversation, owner)
            record = owner.record
            from_client = (packet.source, packet.source_port) == (record.client, record.client_port)
            conversation.client_lane = lane if from_client else lane ^ 1
            source, target = (packet.source, packet.source_port), (packet.target, packet.target_port)
            conversation.server = target if from_client else source
            bulk.dismiss(conversation, CONTROL)

    def _look_next(self, group: _Group, number: int, heap: list[tuple[int, int]]) -> None:
        """The next packet of a group is looked at, whatever it is."""
        group.next = -1
        group.forced = max(group.forced, 1)
        if group.at < len(group.members):
            group.next = group.members[group.at]
            heappush(heap, (group.next, number))

    def _go_on(self, work: Work, group: _Group, number: int, heap: list[tuple[int, int]]) -> None:
        """After a packet of a group was looked at: which one is next."""
        position = bisect_left(group.members, group.next)
        group.at = position + 1
        left = len(group.members) - group.at
        group.next = -1
        if not left:
            return
        if group.forced == 0:
            group.forced = FORCED
        group.forced -= 1
        ahead = group.at
        if group.forced == 0 and left > FORCED:
            self._set_lanes()
            rest = np.array(group.members[group.at :], np.int64)
            control = np.flatnonzero(~self._mask(work, rest))
            if not len(control):
                return
            ahead += int(control[0])
        group.next = group.members[ahead]
        heappush(heap, (group.next, number))

    def _fold_until(self, work: Work, group: _Group, index: int) -> None:
        """Count the bulk packets of a group that come before a packet."""
        stop = bisect_left(group.members, index)
        if group.at < stop:
            part = group.members[group.at : stop]
            group.at = stop
            self._bulk.fold(work.batch, np.array(part, np.int64))

    def _set_lanes(self) -> None:
        for flow in self._stale:
            self._bulk.set_lanes(flow)
        self._stale.clear()

    # --- housekeeping -----------------------------------------------------------------------------------------------

    def _sweep(self, now: int) -> None:
        """Forget what has been quiet for long."""
        self._swept = now
        self._set_lanes()
        self.sync()
        self._desk.expire(now)
        self._bulk.disown([*self._desk.tftp.evict(now), *self._desk.tcp.evict(now)])
        self._bulk.make_room()
