"""A piece in which packets that change flows stand between packets that only bring bytes; one piece, then it is done.

Conversations with packets of the first kind are gone through in order: what comes before such a packet is folded before
it is looked at, and what comes after it is judged anew.
"""

from __future__ import annotations

from bisect import bisect_left
from heapq import heapify, heappop, heappush

import numpy as np
import numpy.typing as npt

from .looker import Looker
from .work import Work

FORCED = 3
"""After a packet that was looked at, so many of its conversation are too, before the rest is judged anew."""

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


class _Group:
    """The packets of one conversation in a piece that cannot be folded in one go."""

    __slots__ = ("at", "forced", "members", "next", "places")

    def __init__(self, places: Ints) -> None:
        self.places = places
        self.members: list[int] = places.tolist()
        self.at = 0
        """Members before this one are done."""
        self.next = -1
        """Index of the packet that is looked at next; -1 when all that is left is bulk."""
        self.forced = 0


class Mixed:
    """The conversations of a piece that cannot be folded in one go."""

    def __init__(self, looker: Looker, work: Work) -> None:
        self._looker = looker
        self._work = work
        self._groups: dict[int, _Group] = {}
        self._heap: list[tuple[int, int]] = []
        """Packets to look at, and their conversations; 0 for none."""

    def run(self, rest: Ints, control: Ints, busy: Bools) -> None:
        """Take the packets `rest` in order: look at those of `control`, count the others.

        `busy` are the conversations that packets of `control` may touch.
        """
        bulk, batch = self._looker.bulk, self._work.batch
        conversation = batch.lane[rest] >> 1
        looked_at = np.zeros(len(rest), np.bool_)
        looked_at[np.searchsorted(rest, control)] = True
        involved = busy[conversation]
        bulk.fold(batch, rest[~looked_at & ~involved])
        self._heap = [(index, 0) for index in rest[looked_at & (conversation == 0)].tolist()]
        members = np.flatnonzero(involved & (conversation != 0))
        if len(members):
            members = members[np.argsort(conversation[members].astype(np.uint16), kind="stable")]
            self._group(conversation[members], rest[members], looked_at[members])
        heap, groups = self._heap, self._groups
        heapify(heap)
        while heap:
            index, number = heappop(heap)
            if not number:
                self._look(index, None)
            elif groups[number].next == index:
                self._look(index, number)
        left = [group.places[group.at :] for group in groups.values() if group.at < len(group.members)]
        if left:
            bulk.fold(batch, np.concatenate(left))

    def _group(self, conversation: Ints, index: Ints, looked_at: Bools) -> None:
        """Make the groups of packets that are sorted by their conversations."""
        begins = [0, *(np.flatnonzero(conversation[1:] != conversation[:-1]) + 1).tolist()]
        ends = [*begins[1:], len(conversation)]
        for number, begin, end in zip(conversation[begins].tolist(), begins, ends, strict=True):
            group = self._groups[number] = _Group(index[begin:end])
            at = int(looked_at[begin:end].argmax())
            if looked_at[begin + at]:
                group.next = group.members[at]
                self._heap.append((group.next, number))

    def _look(self, index: int, number: int | None) -> None:
        """Look at one packet; everything that its flows brought before it is counted first."""
        work, looker, groups = self._work, self._looker, self._groups
        message = work.messages.get(index)
        if message is not None:
            looker.message(work, message)
            return
        packet = looker.dissect(work, index)
        group = groups[number] if number else None
        if packet is None:
            if group is not None:
                self._fold_until(group, index)
                self._go_on(group, number or 0)
            return
        conversation = looker.bulk.conversations[number] if number else None
        flows = looker.flows_of(packet, conversation)
        touched = [
            item.number
            for flow in flows
            for item in flow.conversations
            if item.number != number and item.number in groups
        ]
        for other in touched:
            self._fold_until(groups[other], index)
        if group is not None:
            self._fold_until(group, index)
        looker.take(work, index, packet, conversation, flows)
        for other in touched:  # they have to be judged anew
            self._look_next(groups[other], other)
        if group is not None:
            self._go_on(group, number or 0)

    def _look_next(self, group: _Group, number: int) -> None:
        """The next packet of a group is looked at, whatever it is."""
        group.next = -1
        group.forced = max(group.forced, 1)
        if group.at < len(group.members):
            group.next = group.members[group.at]
            heappush(self._heap, (group.next, number))

    def _go_on(self, group: _Group, number: int) -> None:
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
            self._looker.set_lanes()
            control = np.flatnonzero(~self._looker.bulk.mask(self._work.batch, group.places[group.at :]))
            if not len(control):
                return
            ahead += int(control[0])
        group.next = group.members[ahead]
        heappush(self._heap, (group.next, number))

    def _fold_until(self, group: _Group, index: int) -> None:
        """Count the bulk packets of a group that come before a packet."""
        stop = bisect_left(group.members, index)
        if group.at < stop:
            part = group.places[group.at : stop]
            group.at = stop
            self._looker.bulk.fold(self._work.batch, part)
