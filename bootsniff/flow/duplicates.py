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
from .ports import CONTROL_PORTS
from .table import Keys

WINDOW: Final = 5 * NANOSECONDS // 1000
WINDOW_WITHOUT_IDENTIFICATION: Final = NANOSECONDS // 2000
"""IPv6, and IPv4 with identification 0 (RFC 6864): a genuine repetition looks the same, but does not come so soon."""
MAX_REMEMBERED: Final = 4096

_SLOT_BITS: Final = 16
_MIX = tuple(np.uint64(number) for number in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53, 0x9FB21C651E98DF25))
_SYN_FIN_RST = 7
_MESSAGES = np.zeros(1 << 16, np.bool_)
_MESSAGES[list(CONTROL_PORTS)] = True

_Ints = npt.NDArray[np.int64]


class Duplicates:
    """The packets of the last few milliseconds."""

    def __init__(self) -> None:
        self._odd: dict[int, int] = {}
        self._slot = np.zeros(1 << _SLOT_BITS, np.int32)
        self._shared = np.zeros(1 << _SLOT_BITS, np.bool_)
        self._identity = np.zeros(0, np.uint64)
        self._time = np.zeros(0, np.int64)

    def plain(self, block: Block, columns: Columns, keys: Keys) -> npt.NDArray[np.bool_]:
        """Which plain packets of a block were captured at the same point a moment ago.

        Acknowledgements without data are never told: they may repeat, and nothing counts them. Nor are messages of
        DHCP and DNS: many clients broadcast almost the same, so `odd` looks at all their bytes.
        """
        found = np.zeros(len(block), np.bool_)
        identity = _identities(columns, keys)
        number = columns.identification
        held = len(self._identity)
        identity = np.concatenate((self._identity, identity))
        time = np.concatenate((self._time, block.time))
        before, after = self._twins(identity)
        if len(after):
            told = (after >= held) & _told(columns, np.maximum(after - held, 0))
            before, after = before[told], after[told]
            allowed = np.where(number[after - held] != 0, WINDOW, WINDOW_WITHOUT_IDENTIFICATION)
            apart = time[after] - time[before]
            found[after[(apart >= 0) & (apart <= allowed)] - held] = True
        late = np.flatnonzero(time >= int(time.max()) - WINDOW)[-MAX_REMEMBERED:]
        self._identity, self._time = identity[late], time[late]
        return found

    def _twins(self, identity: npt.NDArray[np.uint64]) -> tuple[_Ints, _Ints]:
        """Pairs of packets of the same identity, nothing of it between them."""
        suspects = self._suspects(identity)
        suspects = suspects[np.argsort(identity[suspects], kind="stable")]
        name = identity[suspects]
        same: npt.NDArray[np.bool_] = name[1:] == name[:-1]
        return suspects[:-1][same], suspects[1:][same]

    def _suspects(self, identity: npt.NDArray[np.uint64]) -> _Ints:
        """Packets that share a slot of a small table with another one."""
        slot = (identity >> np.uint64(64 - _SLOT_BITS)).view(np.int64)
        number = np.arange(len(slot), dtype=np.int32)
        self._slot[slot] = number
        crowded = slot[self._slot[slot] != number]
        if not len(crowded):
            return np.zeros(0, np.int64)
        self._shared[crowded] = True
        suspects = np.flatnonzero(self._shared[slot])
        self._shared[crowded] = False
        return suspects

    def odd(self, packet: Packet, point: int, time: int) -> bool:
        """The same of one packet that is not plain, or a message on a control port."""
        content = packet.body if packet.version else packet.payload
        source = packet.source if packet.version else packet.source_mac
        protocol = packet.protocol, packet.fragment_offset
        return self.again((point, source, packet.target, protocol, content), packet.identification, time)

    def again(self, parts: tuple[object, ...], identification: int, time: int) -> bool:
        """Whether something that is the same in all `parts` and in its identification was there a moment ago."""
        identity = hash((identification, parts))
        before = self._odd.pop(identity, None)
        self._odd[identity] = time
        if before is not None:
            window = WINDOW if identification else WINDOW_WITHOUT_IDENTIFICATION
            return 0 <= time - before <= window
        if len(self._odd) > MAX_REMEMBERED:
            recent = {key: seen for key, seen in self._odd.items() if 0 <= time - seen <= WINDOW}
            self._odd = recent if len(recent) < MAX_REMEMBERED else {}
        return False


def _identities(columns: Columns, keys: Keys) -> npt.NDArray[np.uint64]:
    """A number for each packet that only the same packet has."""
    identity = columns.identification * _MIX[0]
    identity ^= columns.sequence * _MIX[1]
    identity ^= columns.acknowledgement * _MIX[2]
    identity += columns.head * _MIX[0]
    identity += columns.length.view(np.uint64) * _MIX[2]
    identity ^= keys.hash
    identity *= _MIX[1]
    return identity


def _told(columns: Columns, index: _Ints) -> npt.NDArray[np.bool_]:
    """Packets that can be told to be copies here: plain ones, no bare acknowledgements, no messages."""
    tcp = columns.protocol[index] == TCP
    bare = tcp & (columns.length[index] == 0) & (columns.flags[index] & _SYN_FIN_RST == 0)
    message = ~tcp & (_MESSAGES[columns.source_port[index]] | _MESSAGES[columns.target_port[index]])
    told: npt.NDArray[np.bool_] = columns.plain[index] & ~bare & ~message
    return told
