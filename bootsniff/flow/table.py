"""Conversations of a capture as NumPy columns: which two ends, what to expect next, what has piled up; no protocol logic.

A conversation is two lanes, one a direction: lane `2 * c` goes the way its first packet went, lane `2 * c + 1` back.
Lane 0 and 1 stand for "none". Lanes are found by an open-addressed hash of their whole key, and every hit is verified.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ..wire.columns import Columns
from .lanes import BODY, CONTROL, IGNORED, OPEN_BODY, QUIET, TFTP_ACK, TFTP_DATA, UDP_IGNORED, Lane

Ints = npt.NDArray[np.int64]
_U8 = npt.NDArray[np.uint64]

MAX_CONVERSATIONS: Final = 32768
"""Lane numbers fit into 16 bits: NumPy sorts those by radix, five times as fast as wider ones."""
_SLOT_BITS: Final = 17
_SLOTS: Final = 1 << _SLOT_BITS
_MIX = tuple(
    np.uint64(number) for number in (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93)
)
_MASK: Final = (1 << 64) - 1


_ALL: Final = 1 << 40
_SCANNED: Final = frozenset({OPEN_BODY, IGNORED, UDP_IGNORED})
_COUNTED: Final = frozenset({BODY, OPEN_BODY, TFTP_DATA, TFTP_ACK})


Key = tuple[int, int, int, int, int]
"""Source, target (low and high 64 bits each), and `Keys.ends`."""


class Keys:
    """Keys of the packets of a block: shape (n,) each."""

    __slots__ = ("ends", "hash", "source", "source_high", "target", "target_high", "wide")

    def __init__(self, columns: Columns, point: npt.NDArray[Any] | None) -> None:
        self.source = columns.source
        self.target = columns.target
        self.source_high = columns.source_high
        self.target_high = columns.target_high
        ends = columns.source_port * np.uint64(1 << 48)
        ends += columns.target_port * np.uint64(1 << 32)
        ends += columns.protocol
        if point is not None:
            ends |= (point.astype(np.uint64) & np.uint64(0xFFFFFF)) << np.uint64(8)
        self.ends = ends
        """Ports, capture point, IP version and protocol in one number."""
        six = columns.version == 6
        self.wide = bool(six.any())
        if self.wide:
            ends |= six.astype(np.uint64) << np.uint64(7)
        mixed = self.source * _MIX[0]
        mixed ^= self.target * _MIX[1]
        mixed ^= ends * _MIX[2]
        if self.wide:
            mixed ^= (self.source_high * _MIX[3]) ^ (self.target_high * _MIX[0] >> np.uint64(3))
        self.hash = mixed * _MIX[3]

    def key(self, index: int) -> Key:
        """The key of one packet."""
        return (
            int(self.source[index]),
            int(self.source_high[index]),
            int(self.target[index]),
            int(self.target_high[index]),
            int(self.ends[index]),
        )

    def part(self, start: int, stop: int) -> Keys:
        """Keys of the packets from `start` to `stop`."""
        return self if start == 0 and stop == len(self.ends) else self.some(slice(start, stop))

    def some(self, which: slice | Ints) -> Keys:
        """Keys of some of the packets."""
        part = Keys.__new__(Keys)
        part.wide = self.wide
        for name in ("ends", "hash", "source", "source_high", "target", "target_high"):
            setattr(part, name, getattr(self, name)[which])
        return part

    def distinct(self) -> Ints:
        """The first packet of each key, in order of packets. There must be packets."""
        order = np.argsort(self.hash, kind="stable")
        name = self.hash[order]
        begins = np.ones(len(order), np.bool_)
        np.not_equal(name[1:], name[:-1], out=begins[1:])
        return np.sort(order[begins])


class FlowTable:
    """The columns are public: the sieve and the bulk folding read and write them by lane."""

    def __init__(self) -> None:
        lanes = 2 * MAX_CONVERSATIONS
        self._source = np.zeros(lanes, np.uint64)
        self._target = np.zeros(lanes, np.uint64)
        self._source_high = np.zeros(lanes, np.uint64)
        self._target_high = np.zeros(lanes, np.uint64)
        self._ends = np.zeros(lanes, np.uint64)
        self._hash = np.zeros(lanes, np.uint64)
        self._slots = np.zeros(_SLOTS, np.uint16)
        self._free = list(range(MAX_CONVERSATIONS - 1, 0, -1))
        self.kind = np.zeros(lanes, np.uint8)
        self.pure = np.zeros(lanes, np.bool_)
        """TCP packets without payload are bulk."""
        self.scan = np.zeros(lanes, np.bool_)
        """Payloads are bulk as long as they do not begin like a message."""
        self.counted = np.zeros(lanes, np.bool_)
        """Bulk packets are counted, not only noted as seen."""
        self.low = np.zeros(lanes, np.uint32)
        """A packet is bulk when what it says (`Batch.value`) lies in `span` numbers from here on, wrapping around."""
        self.span = np.zeros(lanes, np.int64)
        self.full = np.zeros(lanes, np.int64)
        """Length that a bulk packet must have; -1 for any."""
        self.frontier = np.zeros(lanes, np.int64)
        """What comes next: sequence number or block number. TFTP ACKs: the latest number."""
        self.from_server = np.zeros(lanes, np.bool_)
        self.dirty = np.zeros(lanes, np.bool_)
        """Something has piled up in the columns below that the records do not know yet."""
        self.packets = np.zeros(lanes, np.int64)
        self.bytes = np.zeros(lanes, np.int64)
        self.begin = np.zeros(lanes, np.int64)
        """Sequence or block number of the first of `packets`."""
        self.first_time = np.zeros(lanes, np.int64)
        self.first_frame = np.zeros(lanes, np.int64)
        self.run_time = np.zeros(lanes, np.int64)
        """Time and frame of the last of `packets`."""
        self.run_frame = np.zeros(lanes, np.int64)
        self.wait = np.zeros(lanes, np.int64)
        """Longest time between two of `packets`."""
        self.last_time = np.zeros(lanes, np.int64)
        self.last_frame = np.zeros(lanes, np.int64)
        """The latest packet of the lane, whether it brought something or not."""
        self.acknowledged = np.zeros(lanes, np.uint32)
        """What it acknowledges, of TCP."""

    def __len__(self) -> int:
        return MAX_CONVERSATIONS - 1 - len(self._free)

    @property
    def room(self) -> int:
        """How many conversations may still be added."""
        return len(self._free)

    @staticmethod
    def turned(key: Key) -> Key:
        """The key of the opposite direction."""
        source, source_high, target, target_high, ends = key
        ends = (ends >> 48) << 32 | (ends >> 32 & 0xFFFF) << 48 | (ends & 0xFFFFFFFF)
        return target, target_high, source, source_high, ends

    def find(self, keys: Keys, plain: npt.NDArray[np.bool_]) -> Ints:
        """The lane of each packet; 0 where it is not known (or the packet is not plain)."""
        # NumPy gathers by 64-bit integers twice as fast as by narrower or unsigned ones.
        slot = (keys.hash >> np.uint64(64 - _SLOT_BITS)).view(np.int64)
        lanes: Ints = self._slots[slot].astype(np.int64)
        wrong = self._ends[lanes] != keys.ends
        wrong |= self._source[lanes] != keys.source
        wrong |= self._target[lanes] != keys.target
        if keys.wide:
            wrong |= (self._source_high[lanes] != keys.source_high) | (self._target_high[lanes] != keys.target_high)
        rest = np.flatnonzero(wrong)
        if len(rest):
            self._probe(keys, lanes, slot, rest[plain[rest]])
            lanes[rest[~plain[rest]]] = 0
        return lanes

    def _probe(self, keys: Keys, lanes: Ints, slot: Ints, rest: Ints) -> None:
        """Look into the slots behind those that another lane has."""
        found = lanes[rest]
        lanes[rest] = 0
        rest = rest[found != 0]
        while len(rest):
            slot[rest] = (slot[rest] + 1) & (_SLOTS - 1)
            found = self._slots[slot[rest]].astype(np.int64)
            right = (
                (self._ends[found] == keys.ends[rest])
                & (self._source[found] == keys.source[rest])
                & (self._target[found] == keys.target[rest])
                & (self._source_high[found] == keys.source_high[rest])
                & (self._target_high[found] == keys.target_high[rest])
            )
            lanes[rest[right]] = found[right]
            rest = rest[~right & (found != 0)]

    def add(self, forward: Key) -> int:
        """A new conversation whose first packet had this key; returns its number. There must be room."""
        number = self._free.pop()
        for lane, key in ((2 * number, forward), (2 * number + 1, self.turned(forward))):
            (
                self._source[lane],
                self._source_high[lane],
                self._target[lane],
                self._target_high[lane],
                self._ends[lane],
            ) = key
            self._hash[lane] = hashed = _hash(*key)
            self.set(lane, Lane(CONTROL))
            self.dirty[lane] = self.from_server[lane] = False
            self.packets[lane] = self.last_time[lane] = 0
            if lane & 1 and key == forward:
                continue  # both ends are the same
            slot = hashed >> (64 - _SLOT_BITS)
            while self._slots[slot]:
                slot = (slot + 1) & (_SLOTS - 1)
            self._slots[slot] = lane
        return number

    def set(self, lane: int, state: Lane) -> None:
        """Say what becomes of a lane's packets."""
        kind, low, span, frontier = state
        full = -1
        if kind == TFTP_DATA:
            low, span, full = (3 << 16) + low + 1, (0xFFFF - low) + 4 + span, 4 + span
        elif kind == TFTP_ACK:
            low, span = (4 << 16) + low + 1, (0xFFFF - low) + 4
        elif kind in (IGNORED, UDP_IGNORED):
            span = _ALL
        self.kind[lane] = kind
        self.pure[lane] = QUIET <= kind <= IGNORED
        self.scan[lane] = kind in _SCANNED
        self.counted[lane] = kind in _COUNTED
        self.low[lane] = low & 0xFFFFFFFF
        self.span[lane] = span
        self.full[lane] = full
        self.frontier[lane] = frontier

    def used(self) -> Ints:
        """Numbers of all conversations."""
        mask = np.ones(MAX_CONVERSATIONS, np.bool_)
        mask[self._free] = False
        mask[0] = False
        return np.flatnonzero(mask)

    def remove(self, numbers: list[int]) -> None:
        """Forget conversations and build the hash anew."""
        self._free.extend(numbers)
        self._slots[:] = 0
        used = self.used()
        lanes = np.concatenate((2 * used, 2 * used + 1)).astype(np.uint16)
        slot = self._hash[lanes] >> np.uint64(64 - _SLOT_BITS)
        while len(lanes):
            free = self._slots[slot] == 0
            self._slots[slot[free]] = lanes[free]
            left = self._slots[slot] != lanes
            lanes = lanes[left]
            slot = (slot[left] + np.uint64(1)) & np.uint64(_SLOTS - 1)


def _hash(source: int, source_high: int, target: int, target_high: int, ends: int) -> int:
    """As `Keys.hash`, of one key."""
    one, two, three, four = map(int, _MIX)
    mixed = (source * one ^ target * two ^ ends * three) & _MASK
    if source_high or target_high:
        mixed ^= (source_high * four & _MASK) ^ ((target_high * one & _MASK) >> 3)
    return mixed * four & _MASK
