"""Blocks in, machines out: drives the sieves of all captures and the engine in order of time. No source is known here."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable
from itertools import chain
from operator import attrgetter

from ..flow.records import Event
from ..flow.sieve import Sieve
from ..model import BROADCASTS_ONLY, NANOSECONDS, ONE_SIDED, Block, CaptureInfo, HostFacts
from .engine import Engine
from .failures import failed_events

ROTATION_GAP = 600 * NANOSECONDS
"""A file that begins this soon after another one ended, without overlap, goes on where that one stopped."""

MAX_SILENCE = 86_400 * NANOSECONDS

_time_of = attrgetter("envelope.time")


class Follower:
    """Follows captures: `feed` blocks (of all captures, in order of time), then `finish`.

    With `watching` the engine also acts on silence (`tick`, deadlines between packets), which live views and event
    streams want; a report at the end of a file does not need it.
    """

    def __init__(
        self,
        *,
        watching: bool = False,
        host: HostFacts | None = None,
        note: Callable[[int, int], None] | None = None,
        strict: bool = False,
    ) -> None:
        """`note` is told the capture and number of every frame that made an event, while its block is at hand.

        An event that the engine fails on is left out and counted; `strict` lets its error through.
        """
        self.engine = Engine(strict=strict)
        self._note = note
        self.engine.world.host = host
        self._watching = watching
        self._sieves: dict[int, Sieve] = {}
        self._places: dict[int, set[tuple[int, str | None]]] = {}
        """Link types and names of each capture's interfaces."""
        self._ended: set[int] = set()

    def feed(self, *blocks: Block) -> None:
        """Take one block, or blocks of several captures whose times overlap: what they bring is merged by time."""
        # A piece at a time: when an event is taken, the records are ahead of it by two seconds at most.
        sieves = [self._sieve(block) for block in blocks]
        if len(blocks) == 1:
            for events in sieves[0].pieces(blocks[0]):
                self._take(events)
                self._pass(sieves[0].last_time)
        else:
            parts = [chain.from_iterable(sieve.pieces(block)) for sieve, block in zip(sieves, blocks, strict=True)]
            self._take(heapq.merge(*parts, key=_time_of))
            self._pass(min((sieve.last_time for sieve in sieves), default=0))

    def tick(self, now: int) -> None:
        """Let time pass on a quiet line."""
        self.sync()
        self.engine.advance(now)

    def ended(self, capture: int) -> None:
        """A capture has no more packets; one that begins afterwards is its next part (rotation)."""
        self._ended.add(capture)

    def sync(self) -> None:
        """Bring the numbers of all open transfers up to date; before anybody looks."""
        for sieve in set(self._sieves.values()):
            sieve.sync()

    def finish(self, ended: int = 0) -> None:
        """The captures are over; `ended`: until when they would have shown a packet, ns, 0 when nobody knows."""
        for sieve in dict.fromkeys(self._sieves.values()):
            self._take(sieve.finish())
        self.sync()
        last = max((sieve.last_time for sieve in self._sieves.values()), default=0)
        # A time of end is only a file's word: a day of silence after the last packet is as good as any longer one.
        self.engine.advance(max(last, min(ended, last + MAX_SILENCE)))
        self.engine.world.ended = True

    def note_captures(self, captures: Iterable[CaptureInfo]) -> None:
        """Tell the rules what the captures could and could not see."""
        quality = self.engine.world.quality
        infos = list(captures)
        quality.captures = len(infos)
        quality.truncated = any(info.truncated for info in infos)
        # An event that was left out is a packet that was not seen.
        quality.dropped_frames = sum(info.dropped_frames for info in infos) + failed_events(self.engine.world)
        quality.cut_frames = sum(info.cut_frames for info in infos)
        quality.first = min((info.first for info in infos if info.first is not None), default=None)
        quality.last = max((info.last for info in infos if info.last is not None), default=None)
        sieves = set(self._sieves.values())
        quality.server_packets = sum(sieve.server_packets for sieve in sieves)
        quality.unicast_server_packets = sum(sieve.unicast_server_packets for sieve in sieves)
        quality.tcp_seen = any(sieve.tcp_seen for sieve in sieves)
        quality.arp_seen = any(sieve.arp_seen for sieve in sieves)
        quality.dhcp_seen = any(sieve.dhcp_seen for sieve in sieves)
        quality.sees_tcp = any(sieve.more_than_udp_seen for sieve in sieves)
        quality.sees_fetches = any(sieve.other_seen for sieve in sieves)
        quality.tftp_data_seen = any(sieve.tftp_data_seen for sieve in sieves)

    def undecoded(self, capture: int) -> int:
        """Frames of a capture whose headers could not be read."""
        sieve = self._sieves.get(capture)
        return sieve.undecoded if sieve is not None else 0

    def counters(self) -> dict[str, int]:
        """What the sieves threw away, and what this capture point does not show."""
        sieves, quality = set(self._sieves.values()), self.engine.world.quality
        blind_spots = {ONE_SIDED: quality.one_sided, BROADCASTS_ONLY: quality.lease_seen and not quality.unicast_seen}
        return {
            "duplicate_packets": sum(sieve.duplicates for sieve in sieves),
            "evicted_flows": sum(sieve.evicted for sieve in sieves),
            **{name: 1 for name, blind in blind_spots.items() if blind},
        }

    def _sieve(self, block: Block) -> Sieve:
        sieve = self._sieves.get(block.capture)
        if sieve is None:
            self._places[block.capture] = {(interface.link_type, interface.name) for interface in block.interfaces}
            sieve = self._continued(block) or Sieve(block.capture)
            self._sieves[block.capture] = sieve
        return sieve

    def _continued(self, block: Block) -> Sieve | None:
        """The sieve of an ended capture that this one continues: rotation cuts a capture into files.

        Where several have ended, the same interfaces tell which one it is, then the order in which they were named.
        """
        begin = int(block.time[0]) if len(block) else 0
        new, places = block.capture, self._places
        ended = {capture: self._sieves[capture] for capture in self._ended if capture in self._sieves}
        earlier = max(
            (capture for capture, sieve in ended.items() if 0 <= begin - sieve.last_time <= ROTATION_GAP),
            key=lambda capture: (places[capture] == places[new], capture < new, capture),
            default=None,
        )
        if earlier is None:
            return None
        self._ended.discard(earlier)
        self.engine.continues(new, earlier)
        return ended[earlier]

    def _take(self, events: Iterable[Event]) -> None:
        feed, note, watching = self.engine.feed, self._note, self._watching
        for event in events:
            if note is not None:
                note(event.envelope.capture, event.envelope.frame)
            if watching:
                self._pass(event.envelope.time)
            feed(event)

    def _pass(self, now: int) -> None:
        """Let the engine act on what should have come by now."""
        if self._watching:
            deadline = self.engine.deadline()
            if deadline is not None and deadline <= now:
                self.sync()
                self.engine.advance(now)
