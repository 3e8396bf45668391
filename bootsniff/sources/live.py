"""Live capture on interfaces of this host, as one stream of Blocks, Ticks and news; Linux only.

A packet has left its ring at most two retire times after it came: a Tick never runs ahead of that, and packets of
several interfaces are held back for as long, so that they come in one order of time.
"""

from __future__ import annotations

import select
import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

import numpy as np

from ..errors import CaptureError
from ..model import Block, CaptureInfo, Interface, Tick
from .interfaces import LinkNews, Watch
from .link_types import link_type_name
from .reorder import Reorder
from .ring import RETIRE_MS, RING_BLOCKS, Ring

QUIET_MS = 100
"""A line without packets is told this often."""
_GATHER_BLOCKS = 8
_GATHER_S = 0.05
"""On a busy line the reader sleeps until so many blocks should be full, but no longer than this."""
_LOOK_EVERY_NS = 250_000_000
_TAKE_BLOCKS = 10


class News(NamedTuple):
    """Something about the capture itself: packets lost, an interface that went or came back."""

    time: int
    text: str
    """For people, without a full stop."""
    dropped: int = 0
    """Packets lost since the last time, 0 when it is about something else."""
    interface: str = ""
    """Where they were lost."""


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
    """The packet rings of one or several interfaces, as one capture."""

    def __init__(self, names: Sequence[str]) -> None:
        """Open everything that needs privileges. Raises NoRightError, NoRingError, CaptureError."""
        self._stopped: int | None = None
        several = len(names) > 1
        # Several interfaces wait for each other, to be brought into one order: then blocks come sooner.
        self._retire_ms = RETIRE_MS // 3 if several else RETIRE_MS
        self._settled = (2 * self._retire_ms + 30) * 1_000_000
        self.rings: list[Ring] = []
        self._news = LinkNews()
        try:
            for name in names:
                blocks = max(8, RING_BLOCKS // len(names))
                self.rings.append(Ring(name, blocks=blocks, retire_ms=self._retire_ms))
            self._watches = [Watch(name) for name in names]
        except CaptureError:
            self.close()
            raise
        interfaces = tuple(Interface(ring.link_type, ring.name) for ring in self.rings)
        self._order = Reorder(interfaces) if several else None

    @property
    def interfaces(self) -> tuple[Interface, ...]:
        return tuple(Interface(ring.link_type, ring.name) for ring in self.rings)

    def start(self, programs: Sequence[bytes | None]) -> None:
        """Let packets in, each ring through its own program; after this no privileges are needed."""
        for ring, program in zip(self.rings, programs, strict=True):
            ring.start(program)

    def stop(self) -> None:
        self._stopped = self._stopped or time.time_ns()

    def items(self) -> Iterator[Item]:
        poll, news = self._poll()
        look_at = told = 0
        for watch in self._watches:
            if watch.state != "up":
                yield News(time.time_ns(), f"{watch.name} is {watch.state}")
        while True:
            gather, blocks = _GATHER_S, 0
            settled = time.time_ns() - self._settled
            for number, ring in enumerate(self.rings):
                block = ring.take(_TAKE_BLOCKS)
                if block is None:
                    continue
                blocks += 1
                if self._order is None:
                    told = int(block.time[-1])
                    yield block
                else:
                    self._order.add(block, np.array([number]))
                ring.release()
                wanted = min(_GATHER_BLOCKS, ring.blocks // 3)  # the rings of many interfaces are small
                waiting = ring.ready(wanted)
                if waiting:
                    settled = min(settled, ring.last or 0)
                # What came while this one was looked at is not made to wait.
                gather = min(gather, (wanted - waiting) * ring.block_seconds if ring.full else 0)
            now = time.time_ns()
            merged = None if self._order is None else self._order.take(settled)
            if merged is not None:
                told = int(merged.time[-1])
                yield merged
            if now >= look_at:
                look_at = now + _LOOK_EVERY_NS
                yield from self._drops(now)
                yield from self._changes()
            if blocks and gather:
                # A few blocks at once cost less than one at a time; the ring has room for several times as many.
                time.sleep(gather)
                continue
            if blocks:
                continue
            if self._stopped is not None and now - self._stopped > self._settled:
                last = None if self._order is None else self._order.take(now)
                if last is not None:
                    yield last
                yield from self._drops(now)
                return
            if now - max(told, 0) > QUIET_MS * 1_000_000 + self._settled:
                told = now - self._settled
                yield Tick(told)
            events = poll.poll(self._retire_ms if self._order is not None or self._stopped else QUIET_MS)
            if any(descriptor == news or flags & ~select.POLLIN for descriptor, flags in events):
                self._news.drain()
                yield from self._changes()

    def _poll(self) -> tuple[select.poll, int | None]:
        """What to sleep on, and the descriptor that tells of interfaces."""
        poll = select.poll()
        for ring in self.rings:
            poll.register(ring.fileno(), select.POLLIN)
        news = self._news.fileno()
        if news is not None:
            poll.register(news, select.POLLIN)
        return poll, news

    def _drops(self, now: int) -> Iterator[News]:
        for ring in self.rings:
            dropped = ring.read_drops()
            if dropped:
                yield News(now, f"{dropped} packets lost on {ring.name}", dropped, ring.name)

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
            yield News(time.time_ns(), text)

    def captures(self) -> tuple[CaptureInfo, ...]:
        rings = self.rings
        return (
            CaptureInfo(
                path=",".join(ring.name for ring in rings),
                format="live",
                link_types=tuple(dict.fromkeys(link_type_name(ring.link_type) for ring in rings)),
                frames=sum(ring.frames for ring in rings),
                bytes=sum(ring.bytes for ring in rings),
                first=min((ring.first for ring in rings if ring.first is not None), default=None),
                last=max((ring.last for ring in rings if ring.last is not None), default=None),
                dropped_frames=sum(ring.dropped for ring in rings),
                interfaces=tuple(ring.name for ring in rings),
            ),
        )

    def close(self) -> None:
        for ring in self.rings:
            ring.close()
        self._news.close()
