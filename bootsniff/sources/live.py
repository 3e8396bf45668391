"""Live capture on one or several interfaces of this host, as one stream of Blocks, Ticks and news; Linux only."""

from __future__ import annotations

import select
import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

from ..errors import CaptureError
from ..model import Block, CaptureInfo, Tick
from .interfaces import LinkNews, Watch
from .link_types import link_type_name
from .ring import RETIRE_MS, RING_BLOCKS, Ring

QUIET_MS = 100
"""A line without packets is told this often."""
SETTLED_NS = (2 * RETIRE_MS + 30) * 1_000_000
"""Packets older than this have left the ring; a Tick never runs ahead of packets that are still in it."""
_GATHER_S = 0.004
_DROPS_EVERY_NS = 250_000_000
_TAKE_BLOCKS = 8


class News(NamedTuple):
    """Something about the capture itself: packets lost, an interface that went or came back."""

    time: int
    capture: int
    text: str
    """For people, without a full stop."""
    dropped: int = 0
    """Packets lost since the last time, 0 when it is about something else."""


Item = Block | Tick | News


class LiveSource(Protocol):
    """What every way to capture live offers."""

    def items(self) -> Iterator[Item]:
        """Everything that comes, until `stop` and all that had arrived by then. A Block is valid until the next item.

        Yields at least every 0.2 s. Raises CaptureError when the capture cannot go on.
        """

    def stop(self) -> None:
        """End the stream: what has arrived by now still comes out of it."""

    def captures(self) -> tuple[CaptureInfo, ...]: ...

    def close(self) -> None: ...


class RingSource:
    """The interfaces' packet rings; each interface is a capture point of its own."""

    def __init__(self, names: Sequence[str]) -> None:
        """Open everything that needs privileges. Raises CaptureError."""
        self._stopped: int | None = None
        blocks = max(8, RING_BLOCKS // len(names))
        self.rings: list[Ring] = []
        try:
            for number, name in enumerate(names):
                self.rings.append(Ring(name, number, blocks=blocks))
        except CaptureError:
            self.close()
            raise
        self._watches = [Watch(name) for name in names]
        self._news = LinkNews()

    def start(self, programs: Sequence[bytes | None]) -> None:
        """Let packets in, each ring through its own program; ends the time in which privileges are needed."""
        for ring, program in zip(self.rings, programs, strict=True):
            ring.start(program)

    def stop(self) -> None:
        self._stopped = time.time_ns()

    def items(self) -> Iterator[Item]:
        poll = select.poll()
        for ring in self.rings:
            poll.register(ring.fileno(), select.POLLIN)
        news = self._news.fileno()
        if news is not None:
            poll.register(news, select.POLLIN)
        watch_at = drops_at = last = 0
        for watch in self._watches:
            if watch.state != "up":
                yield News(time.time_ns(), self._watches.index(watch), f"{watch.name} is {watch.state}")
        while True:
            packets = full = False
            for ring in self.rings:
                block = ring.take(_TAKE_BLOCKS)
                if block is not None:
                    packets = True
                    full = full or ring.full
                    last = max(last, int(block.time[-1]))
                    yield block
                    ring.release()
            now = time.time_ns()
            if now >= drops_at:
                drops_at = now + _DROPS_EVERY_NS
                yield from self._drops(now)
            if packets:
                if full:
                    # A few blocks at once cost less than one at a time; the ring has room for much longer.
                    time.sleep(_GATHER_S)
                continue
            if self._stopped is not None and now - self._stopped > SETTLED_NS:
                yield from self._drops(now)
                return
            events = poll.poll(QUIET_MS)
            if not events:
                last = max(last, time.time_ns() - SETTLED_NS)
                yield Tick(last)
            changed = any(descriptor == news or flags & ~select.POLLIN for descriptor, flags in events)
            if changed or now >= watch_at:
                watch_at = now + _DROPS_EVERY_NS
                self._news.drain()
                yield from self._changes()

    def _drops(self, now: int) -> Iterator[News]:
        for ring in self.rings:
            dropped = ring.read_drops()
            if dropped:
                yield News(now, ring.capture, f"{dropped} packets lost on {ring.name}", dropped)

    def _changes(self) -> Iterator[News]:
        for watch, ring in zip(self._watches, self.rings, strict=True):
            ring.take_error()
            change = watch.check()
            if change is None:
                continue
            text = change.text
            if change.rebind:
                try:
                    ring.bind(change.name)
                except CaptureError as error:
                    watch.forget()
                    text = str(error)
            ring.name = change.name
            yield News(time.time_ns(), ring.capture, text)

    def captures(self) -> tuple[CaptureInfo, ...]:
        return tuple(
            CaptureInfo(
                path=ring.name,
                format="live",
                link_types=(link_type_name(ring.link_type),),
                frames=ring.frames,
                bytes=ring.bytes,
                first=ring.first,
                last=ring.last,
                dropped_frames=ring.dropped,
                interfaces=(ring.name,),
            )
            for ring in self.rings
        )

    def close(self) -> None:
        for ring in self.rings:
            ring.close()
        self._news.close()
