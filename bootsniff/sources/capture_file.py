"""Opens a capture file, a pipe or standard input and yields its packets as Blocks; decodes no packet.

The format is told by content: pcap and pcapng, plain or compressed, are read here; other formats are turned into
pcapng by Wireshark's tools when they are installed, and so are other link types into one that is read here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal, Protocol, overload

import numpy as np
import numpy.typing as npt
from msgspec import Struct, field

from ..errors import CaptureError
from ..model import Block, CaptureInfo, FrameStore, Tick
from .compression import compression_of, decompressed
from .frames import FileFrames, SpooledFrames
from .link_types import READ_HERE, link_type_name
from .pcap import HEADER, pcap_decoder
from .pcapng import PcapngDecoder, is_pcapng
from .raw_input import RawFile, RawInput
from .scan import Decoder, Scan
from .window import Window

if TYPE_CHECKING:
    from .foreign_links import ForeignLinks

PARALLEL_BYTES = 16 << 20
"""Smaller files are read before another process has started."""
_UNPACKERS = {b"BZh": "bzcat", b"PK\3\4": "unzip -p", b"LZIP": "lzip -dc"}
"""What takes off a compression that is no capture's own, by how the file begins."""
TICK_SECONDS = 0.25
"""How long a quiet pipe is waited for before a Tick says that time passed."""


class KeepingFrameStore(FrameStore, Protocol):
    """A frame store that may have to be told which frames will be asked for."""

    def keep(self, frame: int) -> None:
        """Keep a frame of the block that was yielded last."""


class _Store(KeepingFrameStore, Protocol):
    def begin(self, block: Block, offset: int, length: int, decoder: Decoder, /) -> None: ...
    def end(self) -> None: ...
    def close(self) -> None: ...


Prepare = Callable[[Block], Mapping[str, npt.NDArray[Any]]]


def open_capture(
    path: str, index: int, pipe: RawFile | None = None, *, prepare: Prepare | None = None
) -> CaptureSource:
    """Open a capture by name; `-` is standard input. `index` is its place in `Report.captures`.

    With `pipe`, that is read, and `path` only names it. With `prepare`, a large plain file is read by a process of its
    own, which also calls `prepare` for each block and brings what it returns in `Block.prepared`; where that is not
    possible, it is read as without. Raises CaptureError, one line that says what to do, when
    nothing of it can be read.
    """
    raw = RawInput(path, pipe)
    try:
        source = _opened(raw, path, index)
    except CaptureError:
        raw.close()
        raise
    if prepare is not None and source.plain and (raw.size or 0) >= PARALLEL_BYTES:
        from .parallel import in_parallel

        return in_parallel(source, prepare)
    return source


def _opened(raw: RawInput, path: str, index: int) -> CaptureSource:
    name = "standard input" if path == "-" else path
    kind = compression_of(raw.peek(6))
    source = decompressed(kind, raw) if kind else raw
    window = Window(source, waits=not raw.regular)
    window.fill(HEADER)
    head = bytes(window.buffer[: min(window.end, 4096)])
    if len(head) < HEADER and window.problem is not None:
        raise CaptureError(f"nothing of {name} can be read: {window.problem}; copy it again, or wait for its end")
    if not head:
        if path == "-":
            raise CaptureError("standard input is empty: look at what the program before the pipe says")
        raise CaptureError(f"{name} is empty: nothing was recorded, or not flushed yet")
    decoder = pcap_decoder(head, name)
    if decoder is not None:
        window.advance(HEADER)
        return CaptureSource(path, index, raw, window, decoder)
    if is_pcapng(head):
        return CaptureSource(path, index, raw, window, PcapngDecoder())
    if len(head) < 4 or (len(head) < 12 and head.startswith((b"\n\r\r\n", b"\xfd7zX"))):
        raise CaptureError(f"{name} ends after {len(head)} bytes, inside its file header: copy it or record it again")
    unpack = next((program for magic, program in _UNPACKERS.items() if head.startswith(magic)), None)
    if unpack is not None:
        raise CaptureError(f"{name} is compressed in a way that is not read here: {unpack} FILE | bootsniff read -")
    if _is_text(head):
        raise CaptureError(f"{name} is text, not a capture: record one with `tcpdump -w`, or convert it with text2pcap")
    if kind or not raw.regular:
        inside = f"what is inside {name}" if kind else name
        raise CaptureError(f"{inside} is neither pcap nor pcapng: convert it with `editcap -F pcapng` first")
    raw.close()
    from ..wireshark import as_pcapng  # with it come subprocess and tempfile, which most captures do not need

    converted = RawInput(path, as_pcapng(path))
    window = Window(converted, waits=True)
    if not window.fill(HEADER):
        converted.close()
        raise CaptureError(f"{name} is no capture file that is known here: {window.problem or 'it holds no packets'}")
    return CaptureSource(path, index, converted, window, PcapngDecoder(format="converted by Wireshark"))


def _is_text(head: bytes) -> bool:
    return not set(head) & {*range(8), *range(14, 27), *range(28, 32), 127}


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

    def __init__(self, path: str, index: int, raw: RawInput, window: Window, decoder: Decoder) -> None:
        self.path = path
        self.index = index
        self._raw = raw
        self._window = window
        self._decoder = decoder
        self.plain = raw.regular and window.source is raw
        """A file that is neither compressed nor a pipe."""
        self._store: _Store = FileFrames(raw, index) if self.plain else SpooledFrames(index)
        self._counters = Counters()
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
        )

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
            self._counters.ended = scan.ended or self._counters.ended
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
        while not self._window.ready(TICK_SECONDS):
            last = self._counters.last
            yield Tick(0 if last is None else last + time.monotonic_ns() - quiet_since)

    def _stop(self, problem: str) -> None:
        what = "record" if self._decoder.format == "pcap" else "block"
        self._counters.problem = (
            f"after frame {self._counters.packets}, the {what} at byte {self._window.offset} {problem}"
        )
