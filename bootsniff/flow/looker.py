"""One packet of a block at a time: dissected, told from its copies, and taken to the desk; no order of packets here.

Before a packet is looked at, what its flows had piled up in columns is brought into their records.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import Malformed
from ..wire.dissect import dissect
from ..wire.packet import Packet
from .bulk import Bulk
from .desk import TCP, Desk, is_message
from .duplicates import Duplicates
from .lanes import CONTROL, IGNORED, UDP_IGNORED, Conversation, Flow
from .messages import Message, Messages
from .work import Work

Ints = npt.NDArray[np.int64]


class Looker:
    """Looks at packets for one sieve."""

    def __init__(self, desk: Desk, bulk: Bulk) -> None:
        self.desk = desk
        self.bulk = bulk
        self.duplicates = 0
        """Packets of flows and messages seen a second time at the same capture point, and not counted."""
        self.messages = Messages()
        self._copies = Duplicates()
        self._stale: dict[Flow, None] = {}
        """Flows that were looked at since their lanes were set."""

    def dissect(self, work: Work, index: int) -> Packet | None:
        """The packet, None when its headers cannot be read or it is the copy of another one."""
        packet = work.packets.pop(index, None)
        if packet is not None:
            return packet
        offset, captured, original, time, interface, vlan, plain = work.row(index)
        data = bytes(work.view[offset : offset + captured])
        try:
            packet = dissect(data, original, work.block.interfaces[interface].link_type, None if vlan < 0 else vlan)
        except Malformed:
            self.desk.undecoded += 1
            return None
        if interface:
            packet.point = interface
        if (not plain or is_message(packet)) and self._copies.odd(packet, packet.point, time):
            self.duplicates += 1
            return None
        return packet

    def flows_of(self, packet: Packet, conversation: Conversation | None) -> dict[Flow, None]:
        """The flows that a packet can change: what they brought before it has to be counted before it is taken."""
        owner = conversation.owner if conversation is not None else None
        if owner is not None and packet.protocol == TCP:
            return {owner: None}  # a conversation over TCP is one connection
        flows: dict[Flow, None] = dict.fromkeys(self.desk.flows_of(packet, packet.point))
        if owner is not None:
            flows[owner] = None
        return flows

    def take(
        self, work: Work, index: int, packet: Packet, conversation: Conversation | None, flows: dict[Flow, None]
    ) -> None:
        """Hand a packet of `conversation` to the desk; `flows` are those of `flows_of`."""
        for flow in flows:
            self._begin(flow)
        time = work.row(index)[3]
        owner = self.desk.take(packet, work.block.first_frame + index, time, packet.point)
        self._touched(owner)
        if owner is not None:
            for flow in flows:
                if flow is not owner and flow.key == owner.key:  # what still comes for the old one is the new one's
                    for item in [*flow.conversations]:
                        self.bulk.adopt(item, owner)
        if conversation is not None:
            lane = int(work.batch.lane[index])
            self.bulk.table.last_time[lane] = time
            self._settle(conversation, lane, owner, packet)

    def _begin(self, flow: Flow) -> None:
        """Something is about to happen to a flow: its record is brought up to date, its lanes will have to be."""
        self.bulk.flush(flow)
        self._stale[flow] = None

    def _touched(self, flow: Flow | None) -> None:
        if flow is not None and flow not in self._stale:
            self._begin(flow)

    def message(self, work: Work, message: Message) -> None:
        """A packet on a control port, or ARP: it belongs to no conversation."""
        envelope, arp, number, start, stop, length, suspect = message
        if arp is None or suspect:
            content = work.view[start:stop].tobytes()
            if suspect:
                source = envelope.source_mac if arp else envelope.source
                ends = source, envelope.source_port, envelope.target, envelope.target_port
                if self._copies.again((envelope.point, ends, content), number, envelope.time):
                    self.duplicates += 1
                    return
        if arp is not None:
            self.desk.take_arp(envelope, arp)
        else:
            self._touched(self.desk.take_udp(envelope, content, length))

    def single(self, work: Work, index: int) -> None:
        """A packet in its turn, when all before it were looked at. Its conversation may be known from other pieces."""
        message = work.messages.get(index)
        if message is not None:
            self.message(work, message)
            return
        packet = self.dissect(work, index)
        if packet is None:
            return
        conversation = self.bulk.conversations.get(int(work.batch.lane[index]) >> 1)
        self.take(work, index, packet, conversation, self.flows_of(packet, conversation))

    def without_copies(self, work: Work, index: Ints) -> Ints:
        """Without what was captured twice; `index` holds all packets of a conversation or none."""
        if not len(index):
            return index
        copies = self._copies.plain(work.columns, work.keys, work.block.time, index)
        found = int(np.count_nonzero(copies))
        self.duplicates += found
        return index[~copies] if found else index

    def _settle(self, conversation: Conversation, lane: int, owner: Any, packet: Packet) -> None:
        """Say whose a conversation is, now that one of its packets was looked at."""
        bulk = self.bulk
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

    def set_lanes(self) -> None:
        """Let the lanes of all flows that were looked at say how these stand now."""
        for flow in self._stale:
            self.bulk.set_lanes(flow)
        self._stale.clear()

    def remember(self, work: Work, start: int, stop: int) -> None:
        """The packets `start` to `stop` of a block have passed."""
        self._copies.remember(work.columns, work.keys, work.block.time, start, stop)
