"""IP fragments put together again, in bounded memory; decodes nothing above IP.

Lengths are those of the wire: a capture that was cut by a snap length still tells when a datagram was whole, and
only the bytes at its beginning that were captured come out.
"""

from __future__ import annotations

from typing import NamedTuple

from msgspec import Struct, field

from ..model import NANOSECONDS
from .ranges import Ranges

MAX_DATAGRAMS = 512
MAX_PIECES = 256
"""Fragments of one datagram; 64 KiB over the smallest common path (576 bytes) makes 119."""
TIMEOUT = 30 * NANOSECONDS
"""How long a datagram waits for its missing pieces (Linux: 30 s for IPv4, RFC 8200 section 4.5: 60 s)."""


class FragmentKey(NamedTuple):
    """What the fragments of one datagram have in common (RFC 791 section 3.2, RFC 8200 section 4.5)."""

    point: int
    source: str
    target: str
    protocol: int
    identification: int


class Whole(NamedTuple):
    """A datagram's payload: its captured beginning and its length on the wire."""

    data: bytes
    length: int
    longest: int
    """Bytes of the longest piece."""


class Unresolved(Struct):
    """A datagram that stayed incomplete."""

    key: FragmentKey
    head: bytes
    """The transport header and what was captured after it; empty when the first fragment was not seen."""
    time: int
    frame: int


class _Datagram(Struct):
    time: int
    frame: int
    seen: Ranges = field(default_factory=Ranges)
    pieces: dict[int, bytes] = field(default_factory=dict)
    total: int | None = None
    longest: int = 0


class Reassembler:
    """All datagrams of one capture that wait for fragments."""

    def __init__(self) -> None:
        self._waiting: dict[FragmentKey, _Datagram] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def add(
        self, key: FragmentKey, offset: int, data: bytes, length: int, *, more: bool, time: int, frame: int
    ) -> tuple[Whole | None, list[Unresolved]]:
        """Take one fragment: `data` are its captured bytes, `length` all of them, `offset` in bytes.

        Returns the datagram when this was its last missing piece, and those that had to be given up to make room.
        """
        given_up: list[Unresolved] = []
        datagram = self._waiting.get(key)
        if datagram is not None and abs(time - datagram.time) > TIMEOUT:
            given_up.append(_give_up(key, self._waiting.pop(key)))
            datagram = None
        if datagram is None:
            given_up += self._make_room(time)
            datagram = self._waiting[key] = _Datagram(time, frame)
        end = offset + length
        if end > 65535 or len(datagram.pieces) >= MAX_PIECES:
            return None, given_up
        if not more and datagram.total is None:
            datagram.total = end
        # What was there first stays: overlapping pieces are an attack or a duplicate, never new data (RFC 5722).
        if datagram.seen.add(offset, end) or not length:
            datagram.pieces.setdefault(offset, data)
            datagram.longest = max(datagram.longest, length)
        if datagram.total is None or not datagram.seen.covers(0, datagram.total):
            return None, given_up
        del self._waiting[key]
        return Whole(_join(datagram), datagram.total, datagram.longest), given_up

    def expire(self, now: int | None) -> list[Unresolved]:
        """Give up what has waited too long; all of it when `now` is None."""
        late = [key for key, item in self._waiting.items() if now is None or abs(now - item.time) > TIMEOUT]
        return [_give_up(key, self._waiting.pop(key)) for key in late]

    def _make_room(self, now: int) -> list[Unresolved]:
        if len(self._waiting) < MAX_DATAGRAMS:
            return []
        given_up = self.expire(now)
        if len(self._waiting) >= MAX_DATAGRAMS:
            oldest = next(iter(self._waiting))
            given_up.append(_give_up(oldest, self._waiting.pop(oldest)))
        return given_up


def _join(datagram: _Datagram) -> bytes:
    """The captured bytes from 0 on without a hole, at most the whole datagram."""
    joined = bytearray()
    for offset in sorted(datagram.pieces):
        if offset > len(joined):
            break
        joined += datagram.pieces[offset][len(joined) - offset :]
    return bytes(joined[: datagram.total])


def _give_up(key: FragmentKey, datagram: _Datagram) -> Unresolved:
    return Unresolved(key, datagram.pieces.get(0, b""), datagram.time, datagram.frame)
