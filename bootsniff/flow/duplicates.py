"""Tells apart a packet that was captured twice from one that was sent twice.

A mirror port set to both directions, or `tcpdump -i any` above a bridge, sees one packet several times: every byte of
the IP datagram is the same, its identification too, and at most a few milliseconds lie between.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from ..model import NANOSECONDS
from ..wire.columns import TCP, Columns
from ..wire.packet import Packet
from ..wire.ports import CONTROL_PORTS
from .table import Keys

WINDOW: Final = 5 * NANOSECONDS // 1000
WINDOW_WITHOUT_IDENTIFICATION: Final = NANOSECONDS // 2000
"""IPv6, and IPv4 with identification 0 (RFC 6864): a genuine repetition looks the same, but does not come so soon."""
MAX_REMEMBERED: Final = 4096

_MIX = tuple(np.uint64(number) for number in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53, 0x9FB21C651E98DF25))
_SYN_FIN_RST = 7
_MESSAGES = np.zeros(1 << 16, np.bool_)
_MESSAGES[list(CONTROL_PORTS)] = True

_Ints = npt.NDArray[np.int64]
_Bools = npt.NDArray[np.bool_]


class Duplicates:
    """The packets of the last few milliseconds."""

    def __init__(self) -> None:
        self._odd: dict[int, int] = {}
        self._identity = np.zeros(0, np.uint64)
        self._time = np.zeros(0, np.int64)

    def plain(self, columns: Columns, keys: Keys, time: _Ints, index: _Ints) -> _Bools:
        """Which of the plain packets `index` of a block were captured at the same point a moment ago.

        Ask for all packets of a conversation in a piece together; `remember` the piece afterwards. `time` is that of all
        packets of the block. Acknowledgements without data are never told: they may repeat, and nothing counts them. Nor
        are messages of DHCP and DNS: many clients broadcast almost the same, so `odd` looks at all their bytes.
        """
        found = np.zeros(len(index), np.bool_)
        held = len(self._identity)
        identity = np.concatenate((self._identity, _identities(columns, keys, index)))
        name = np.sort(identity)
        again = name[1:][name[1:] == name[:-1]]
        if not len(again):
            return found
        # Few are there more than once: only these are brought into order.
        several = np.flatnonzero(again[np.minimum(np.searchsorted(again, identity), len(again) - 1)] == identity)
        name = identity[several]
        order = np.argsort(name, kind="stable")
        several, name = several[order], name[order]
        same = np.flatnonzero(name[1:] == name[:-1])
        before, after = several[same], several[same + 1] - held
        ours = after >= 0
        before, after = before[ours], after[ours]
        if len(after):
            told = _told(columns, index[after])
            before, after = before[told], after[told]
            allowed = np.where(columns.identification[index[after]] != 0, WINDOW, WINDOW_WITHOUT_IDENTIFICATION)
            apart = time[index[after]] - np.concatenate((self._time, time[index]))[before]
            found[after[(apart >= 0) & (apart <= allowed)]] = True
        return found

    def remember(self, columns: Columns, keys: Keys, time: _Ints, start: int, stop: int) -> None:
        """Packets `start` to `stop` of a block have passed: those of the last few milliseconds are kept."""
        piece = time[start:stop]
        begin = int(piece.max()) - WINDOW
        late = np.flatnonzero(piece >= begin)[-MAX_REMEMBERED:]
        late += start
        identity, time = _identities(columns, keys, late), time[late]
        if len(late) < MAX_REMEMBERED and len(self._time):
            recent = np.flatnonzero(self._time >= begin)[len(late) - MAX_REMEMBERED :]
            identity = np.concatenate((self._identity[recent], identity))
            time = np.concatenate((self._time[recent], time))
        self._identity, self._time = identity, time

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


def _identities(columns: Columns, keys: Keys, index: _Ints) -> npt.NDArray[np.uint64]:
    """A number for each packet that only the same packet has."""
    identity = columns.identification[index] * _MIX[0]
    identity ^= columns.sequence[index] * _MIX[1]
    identity ^= columns.acknowledgement[index] * _MIX[2]
    identity += columns.head[index] * _MIX[0]
    identity += columns.length[index].view(np.uint64) * _MIX[2]
    identity ^= keys.hash[index]
    identity *= _MIX[1]
    return identity


def _told(columns: Columns, index: _Ints) -> _Bools:
    """Packets that can be told to be copies here: plain ones, no bare acknowledgements, no messages."""
    tcp = columns.protocol[index] == TCP
    bare = tcp & (columns.length[index] == 0) & (columns.flags[index] & _SYN_FIN_RST == 0)
    message = ~tcp & (_MESSAGES[columns.source_port[index]] | _MESSAGES[columns.target_port[index]])
    told: _Bools = columns.plain[index] & ~bare & ~message
    return told
