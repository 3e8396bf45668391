"""Tells apart a packet that was captured twice from one that was sent twice.

A mirror port set to both directions, or `tcpdump -i any` above a bridge, sees one packet several times: every byte of
the IP datagram is the same, its identification too, and at most a few milliseconds lie between.
"""

from __future__ import annotations

from ..model import NANOSECONDS
from ..wire.packet import Packet

WINDOW = 5 * NANOSECONDS // 1000
WINDOW_WITHOUT_IDENTIFICATION = NANOSECONDS // 2000
"""IPv6, and IPv4 with identification 0 (RFC 6864): a genuine repetition looks the same, but not so soon."""
MAX_REMEMBERED = 4096

_Identity = tuple[int, str, str, int, int, int, int]


class Duplicates:
    """The packets of the last few milliseconds."""

    def __init__(self) -> None:
        self._seen: dict[_Identity, int] = {}

    def seen(self, packet: Packet, point: int, time: int) -> bool:
        """Whether this very packet was captured at this point a moment ago."""
        identity = (
            point,
            packet.source,
            packet.target,
            packet.protocol,
            packet.identification,
            packet.fragment_offset,
            hash(packet.body or packet.payload),
        )
        before = self._seen.pop(identity, None)
        window = WINDOW if packet.identification else WINDOW_WITHOUT_IDENTIFICATION
        self._seen[identity] = time
        if before is not None and 0 <= time - before <= window:
            return True
        if len(self._seen) > MAX_REMEMBERED:
            self._forget(time)
        return False

    def _forget(self, now: int) -> None:
        self._seen = {key: time for key, time in self._seen.items() if 0 <= now - time <= WINDOW}
        while len(self._seen) > MAX_REMEMBERED // 2:
            del self._seen[next(iter(self._seen))]
