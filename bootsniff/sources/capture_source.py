"""One open capture as Blocks, and what is known of it; how it was opened is not known here."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal, Protocol, overload

import numpy as np
import numpy.typing as npt
from msgspec import Struct, field

from ..model import Block, CaptureInfo, FrameStore, Tick
from .frames import FileFrames, SpooledFrames
from .link_types import READ_HERE, link_type_name
from .raw_input import RawInput
from .scan import Decoder, Scan
from .window import Window

if TYPE_CHECKING:
    from .foreign_links import ForeignLinks

TICK_SECONDS = 0.25
"""How long a quiet pipe is waited for before a Tick says that time passed."""

Prepare = Callable[[Block], Mapping[str, npt.NDArray[Any]]]
"""What another process works out about a block."""


class KeepingFrameStore(FrameStore, Protocol):
    """A frame store that may have to be told which frames will be asked for."""

    def keep(self, frame: int) -> None:
        """Keep a frame of the block that was yielded last."""


class _Store(KeepingFrameStore, Protocol):
    def begin(self, block: Block, offset: int, length: int, decoder: Decoder, /) -> None: ...
    def end(self) -> None: ...
    def close(self) -> None: ...


class Counters(Struct):
    """What a CaptureInfo counts, so far."""

    packets: int = 0
    bytes: int = 0
    cut: int = 0
    first: int | None = None
    last: int | None = None
    drops: dict[tuple[int, int, int], int] = field(default_factory=dict)
    ended: int | None = None
    problem: str | None = None


class CaptureSource:
    """One open capture. Iterate `blocks()` once; `info()` and `frames` can be asked at any time."""

    parallel = False
    """Another process reads it."""

    def __init__(
        self, path: str, index: int, raw: RawInput, window: Window, decoder: Decoder, clock_shift: int = 0
    ) -> None:
        """`clock_shift`, ns, is added to all times."""
        self.path = path
        self.index = index
        self._clock_shift = clock_shift
        self._raw = raw
        self._window = window
        self._decoder = decoder
        self.plain = raw.regular and window.source is raw
        """A file that is neither compressed nor a pipe."""
        self._store: _Store = FileFrames(raw, index, clock_shift) if self.plain else SpooledFrames(index)
        self._counters = Counters()
        self._tick_seconds = TICK_SECONDS
        self._foreign: ForeignLinks | None = None
        self._translates = True
        """Not where another process is to get the blocks as they stand in the window."""

    @property
    def frames(self) -> KeepingFrameStore:
        """All frames of a plain file, seen so far; of a pipe or a compressed file those that `keep` asked for."""
        return self._store

    def progress(self) -> tuple[int, int | None]:
        """Bytes of the file read so far, and of how many; None for a pipe."""
        return self._raw.position, self._raw.size

    def info(self) -> CaptureInfo:
        """What is known so far; `bytes` are those of the packets on the wire."""
        interfaces = self._decoder.interfaces
        counters = self._counters
        return CaptureInfo(
            path=self.path,
            format=self._decoder.format,
            link_types=tuple(dict.fromkeys(link_type_name(interface.link_type) for interface in interfaces)),
            frames=counters.packets,
            bytes=counters.bytes,
            first=counters.first,
            last=counters.last,
            truncated=counters.problem is not None,
            cut_frames=counters.cut,
            dropped_frames=sum(counters.drops.values()),
            problem=counters.problem,
            interfaces=tuple(interface.name for interface in interfaces if interface.name),
            ended=counters.ended,
            unread=self._foreign.unread if self._foreign else None,
            clock_shift=self._clock_shift,
        )

    def wait_no_longer(self, gather: float) -> None:
        """For who waits for several pipes at once: a quiet one ticks at once, what comes gathers for `gather` seconds."""
        self._tick_seconds = 0.0
        self._window.max_wait = gather

    def close(self) -> None:
        """Let go of the file and of kept frames."""
        if self._foreign:
            self._foreign.close()
        self._store.close()
        self._window.close()

    @overload
    def blocks(self, *, live: Literal[False] = False) -> Iterator[Block]: ...
    @overload
    def blocks(self, *, live: bool) -> Iterator[Block | Tick]: ...

    def blocks(self, *, live: bool = False) -> Iterator[Block | Tick]:
        """The packets in order of the file. With `live`, a quiet pipe yields Ticks that move on the packets' time."""
        window = self._window
        while True:
            offset, start = window.offset, window.start
            before = self._decoder
            scan = before.scan(window.buffer, start, window.end)
            window.advance(scan.consumed)
            self._decoder = scan.next
            self._counters.drops.update(scan.drops)
            if scan.ended:
                self._counters.ended = scan.ended + self._clock_shift
            if len(scan.time):
                block = self._block(scan)
                self._store.begin(block, offset, scan.consumed - start, before)
                yield from self._readable(block)
                self._store.end()
            if scan.problem is not None:
                self._stop(scan.problem)
                return
            if scan.skip:
                whole = window.skip(scan.skip)
            elif scan.need:
                if live:
                    yield from self._ticks()
                whole = window.fill(scan.need)
            else:
                continue
            if not whole:
                if window.problem is not None:
                    self._stop(f"cannot be read: {window.problem}")
                elif window.end > window.start or scan.skip:
                    self._stop("is cut: the file ends inside it")
                return

    def _block(self, scan: Scan) -> Block:
        counters = self._counters
        first_frame = counters.packets + 1
        scan.time += self._clock_shift
        counters.packets += len(scan.time)
        counters.bytes += int(scan.original.sum())
        counters.cut += int(np.count_nonzero(scan.captured < scan.original))
        earliest, latest = int(scan.time.min()), int(scan.time.max())
        counters.first = earliest if counters.first is None else min(counters.first, earliest)
        counters.last = latest if counters.last is None else max(counters.last, latest)
        return Block(
            self.index,
            memoryview(self._window.buffer),
            first_frame,
            scan.time,
            scan.offset,
            scan.captured,
            scan.original,
            scan.interface,
            scan.next.interfaces,
        )

    def _readable(self, block: Block) -> Iterator[Block]:
        """The block, its frames of link types that are not read here translated."""
        if not self._translates or all(interface.link_type in READ_HERE for interface in block.interfaces):
            return iter((block,))
        if self._foreign is None:
            from .foreign_links import ForeignLinks  # with it comes subprocess, which most captures do not need

            self._foreign = ForeignLinks()
        return self._foreign.readable(block)

    def _ticks(self) -> Iterator[Tick]:
        """Ticks until more bytes come, of time 0 before the first packet.

        Their time is the packets' own: a replayed or remote capture has another clock.
        """
        quiet_since = time.monotonic_ns()
        while not self._window.ready(self._tick_seconds):
            last = self._counters.last
            yield Tick(0 if last is None else last + time.monotonic_ns() - quiet_since)

    def _stop(self, problem: str) -> None:
        what = "record" if self._decoder.format == "pcap" else "block"
        self._counters.problem = (
            f"after frame {self._counters.packets}, the {what} at byte {self._window.offset} {problem}"
        )
