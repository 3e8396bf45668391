"""Opens a capture file, a pipe or standard input and yields its packets as Blocks; decodes no packet.

The format is told by content: pcap and pcapng, plain or compressed, are read here; other formats are turned into
pcapng by Wireshark's tools when they are installed, and so are other link types into one that is read here.
"""

from __future__ import annotations

from ..errors import CaptureError
from .capture_source import CaptureSource, Prepare
from .compression import compression_of, decompressed
from .pcap import HEADER, pcap_decoder
from .pcapng import PcapngDecoder, is_pcapng
from .raw_input import RawFile, RawInput
from .window import WINDOW, Window

PARALLEL_BYTES = 16 << 20
"""Smaller files are read before another process has started."""
_UNPACKERS = {b"BZh": "bzcat", b"PK\3\4": "unzip -p", b"LZIP": "lzip -dc"}
"""What takes off a compression that is no capture's own, by how the file begins."""


def open_capture(
    path: str,
    index: int,
    pipe: RawFile | None = None,
    *,
    prepare: Prepare | None = None,
    window: int = WINDOW,
    clock_shift: int = 0,
) -> CaptureSource:
    """Open a capture by name; `-` is standard input. `index` is its place in `Report.captures`.

    With `pipe`, that is read, and `path` only names it. With `prepare`, a large plain file is read by a process of its
    own, which also calls `prepare` for each block and brings what it returns in `Block.prepared`; where that is not
    possible, it is read as without. `window` is how many bytes of it are held; `clock_shift`, ns, is added to all times.
    Raises CaptureError, one line that says what to do, when nothing of it can be read.
    """
    raw = RawInput(path, pipe)
    try:
        source = _opened(raw, path, index, window, clock_shift)
    except CaptureError:
        raw.close()
        raise
    if prepare is not None and source.plain and (raw.size or 0) >= PARALLEL_BYTES:
        from .parallel import in_parallel  # with it come signal and pickle, which other captures do not need

        return in_parallel(source, prepare)
    return source


def _opened(raw: RawInput, path: str, index: int, size: int, clock_shift: int) -> CaptureSource:
    name = "standard input" if path == "-" else path
    kind = compression_of(raw.peek(6))
    source = decompressed(kind, raw) if kind else raw
    if not kind and raw.size is not None:
        size = min(size, max(HEADER, raw.size) + 3 & ~3)
    window = Window(source, waits=not raw.regular, size=size)
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
        return CaptureSource(path, index, raw, window, decoder, clock_shift)
    if is_pcapng(head):
        return CaptureSource(path, index, raw, window, PcapngDecoder(), clock_shift)
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
    window = Window(converted, waits=True, size=size)
    if not window.fill(HEADER):
        converted.close()
        raise CaptureError(f"{name} is no capture file that is known here: {window.problem or 'it holds no packets'}")
    return CaptureSource(path, index, converted, window, PcapngDecoder(format="converted by Wireshark"), clock_shift)


def _is_text(head: bytes) -> bool:
    return not set(head) & {*range(8), *range(14, 27), *range(28, 32), 127}
