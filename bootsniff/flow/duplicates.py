"""Tells apart a packet that was captured twice from one that was sent twice.

A mirror port set to both directions, or `tcpdump -i any` above a bridge, sees one packet several times: every byte of
the IP datagram is the same, its identification too, and at most a few milliseconds lie between.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from ..model import NANOSECONDS, Block
from ..wire.columns import TCP, Columns
from ..wire.packet import Packet
from .table import Keys

WINDOW: Final = 5 * NANOSECONDS // 1000
WINDOW_WITHOUT_IDENTIFICATION: Final = NANOSECONDS // 2000
"""IPv6, and IPv4 with identification 0 (RFC 6864): a genuine repetition looks the same, but does not come so soon."""
MAX_REMEMBERED: Final = 4096

_SLOT_BITS: Final = 18
_MIX = tuple(np.uint64(number) for number in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53, 0x9FB21C651E98DF25))
_SYN_FIN_RST = 7

_Identity = tuple[int, str, str, int, int, int, int]
_Ints = npt.NDArray[np.int64]


class Duplicates:
    """The packets of the last few milliseconds."""

    def __init__(self) -> None:
        self._odd: dict[_Identity, int] = {}
        self._slot = np.zeros(1 << _SLOT_BITS, np.int32)
        self._shared = np.zeros(1 << _SLOT_BITS, np.bool_)
        self._identity = np.zeros(0, np.uint64)
        self._time = np.zeros(0, np.int64)

    def plain(self, block: Block, columns: Columns, keys: Keys) -> npt.NDArray[np.bool_]:
        """Which plain packets of a block were captured at the same point a moment ago.

        Acknowledgements without data are never told: they may repeat, and nothing counts them.
        """
        found = np.zeros(len(block), np.bool_)
        told = columns.plain & ((columns.length > 0) | (columns.flags & _SYN_FIN_RST != 0) | (columns.protocol != TCP))
        index = np.flatnonzero(told)
        if not len(index):
            return found
        identity, window = _identities(block, columns, keys, index)
        held = len(self._identity)
        identity = np.concatenate((self._identity, identity))
        time = np.concatenate((self._time, block.time[index]))
        suspects = self._suspects(identity)
        if len(suspects):
            suspects = suspects[np.argsort(identity[suspects], kind="stable")]
            before, after = suspects[:-1], suspects[1:]
            apart = time[after] - time[before]
            allowed = window[np.maximum(after - held, 0)]
            same = (identity[before] == identity[after]) & (apart >= 0) & (apart <= allowed) & (after >= held)
            found[index[after[same] - held]] = True
        late = np.flatnonzero(time > int(time.max()) - WINDOW)[-MAX_REMEMBERED:]
        self._identity, self._time = identity[late], time[late]
        return found

    def _suspects(self, identity: npt.NDArray[np.uint64]) -> _Ints:
        """Packets that share a slot of a small table with another one."""
        slot: _Ints = (identity >> np.uint64(64 - _SLOT_BITS)).astype(np.int64)
        number = np.arange(len(slot), dtype=np.int32)
        self._slot[slot] = number
        crowded: _Ints = slot[self._slot[slot] != number]
        if not len(crowded):
            return crowded
        self._shared[crowded] = True
        suspects = np.flatnonzero(self._shared[slot])
        self._shared[crowded] = False
        return suspects

    def odd(self, packet: Packet, point: int, time: int) -> bool:
        """The same of one packet that is not plain."""
        content = hash((packet.source_mac, packet.payload)) if not packet.version else hash(packet.body)
        identity = (
            point,
            packet.source,
            packet.target,
            packet.protocol,
            packet.identification,
            packet.fragment_offset,
            content,
        )
        before = self._odd.pop(identity, None)
        self._odd[identity] = time
        if before is not None:
            window = WINDOW if packet.identification else WINDOW_WITHOUT_IDENTIFICATION
            return 0 <= time - before <= window
        if len(self._odd) > MAX_REMEMBERED:
            recent = {key: seen for key, seen in self._odd.items() if 0 <= time - seen <= WINDOW}
            self._odd = recent if len(recent) < MAX_REMEMBERED else {}
        return False


def _identities(
    block: Block, columns: Columns, keys: Keys, index: _Ints
) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int64]]:
    """A number for each packet that only the same packet has, and how long after it a second one is its copy."""
    octets = np.frombuffer(block.buffer, np.uint8)
    l3 = columns.l3[index]
    number = octets[l3 + 4].astype(np.uint64) << np.uint64(8) | octets[l3 + 5]
    if keys.wide:
        number[columns.version[index] == 6] = 0
    window = np.where(number != 0, WINDOW, WINDOW_WITHOUT_IDENTIFICATION)
    number |= columns.length[index].astype(np.uint64) << np.uint64(16)
    number |= columns.flags[index].astype(np.uint64) << np.uint64(48)
    order = columns.sequence[index].astype(np.uint64) << np.uint64(32) | columns.acknowledgement[index]
    identity = keys.hash[index] ^ number * _MIX[0]
    identity ^= order * _MIX[1]
    identity ^= columns.head[index] * _MIX[2]
    return identity * _MIX[0], window
