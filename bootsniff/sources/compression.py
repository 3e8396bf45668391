"""Takes gzip, Zstandard and xz off a capture as it is read, in bounded memory; tells them by content."""

from __future__ import annotations

from collections.abc import Callable
from typing import IO, TYPE_CHECKING, cast

from .raw_input import ByteInput

if TYPE_CHECKING:
    import lzma
    import zlib

    import zstandard

CHUNK = 1 << 17
MAX_MEMORY = 1 << 28
"""What a decoder may take for its window (`zstd --ultra --long=27` and `xz -9` need 128 and 65 MiB)."""

_SKIPPABLE = range(0x184D2A50, 0x184D2A60)  # Zstandard skippable frames, RFC 8878 section 3.1.2


def compression_of(head: bytes) -> str | None:
    """`gzip`, `zstd`, `xz` or None, from the first six bytes."""
    if head[:3] == b"\x1f\x8b\x08":
        return "gzip"
    if head[:4] == b"\x28\xb5\x2f\xfd" or (len(head) >= 4 and int.from_bytes(head[:4], "little") in _SKIPPABLE):
        return "zstd"
    if head[:6] == b"\xfd7zXZ\x00":
        return "xz"
    return None


def decompressed(kind: str, raw: ByteInput) -> ByteInput:
    """The bytes inside. Reading raises EOFError where the compressed stream is cut or broken."""
    if kind == "zstd":
        return _ZstdInput(raw)
    return _MemberInput(raw, kind)


class _MemberInput:
    """gzip members or xz streams, one after the other, as `cat a.gz b.gz` makes them."""

    def __init__(self, raw: ByteInput, kind: str) -> None:
        self._raw = raw
        self._kind = kind
        self._chunk = memoryview(bytearray(CHUNK))
        self._decoder: zlib._Decompress | lzma.LZMADecompressor | None = None
        self._input = b""
        self._hungry = True
        self._ended = False

    def readinto(self, view: memoryview) -> int:
        while not self._ended:
            if self._decoder is None and not self._next_member():
                break
            if self._hungry and not self._input and not self._read():
                self._ended = True
                raise EOFError(f"the {self._kind} data ends before it is complete")
            data = self._decode(len(view))
            if data:
                view[: len(data)] = data
                return len(data)
        return 0

    def ready(self, timeout: float) -> bool:
        return bool(self._input) or not self._hungry or self._raw.ready(timeout)

    def close(self) -> None:
        self._raw.close()

    def _read(self) -> bool:
        self._input = bytes(self._chunk[: self._raw.readinto(self._chunk)])
        return bool(self._input)

    def _next_member(self) -> bool:
        """Begin the next member; False at the end. Zero padding between members is allowed by both formats."""
        while not (rest := self._input.lstrip(b"\0")):
            if not self._read():
                self._ended = True
                return False
        while len(rest) < 6 and self._read():
            rest += self._input
        self._input = rest
        if compression_of(rest) != self._kind:
            self._ended = True
            raise EOFError(f"after the {self._kind} data stands something else")
        self._hungry = False
        if self._kind == "gzip":
            import zlib

            self._decoder = zlib.decompressobj(wbits=31)
        else:
            import lzma

            self._decoder = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=MAX_MEMORY)
        return True

    def _decode(self, count: int) -> bytes:
        import lzma
        import zlib

        decoder = self._decoder
        try:
            if isinstance(decoder, lzma.LZMADecompressor):
                data = decoder.decompress(self._input, count)
                self._input = b""
                self._hungry = decoder.needs_input
            else:
                assert decoder is not None  # noqa: S101  # for the type checker: _next_member made one
                data = decoder.decompress(self._input, count)
                self._input = decoder.unconsumed_tail
                self._hungry = not self._input and len(data) < count
        except (zlib.error, lzma.LZMAError) as error:
            self._ended = True
            raise EOFError(f"the {self._kind} data is damaged ({error})") from error
        if decoder.eof:
            self._input = decoder.unused_data
            self._decoder = None
            self._hungry = True
        return data


class _ZstdInput:
    """Zstandard frames, one after the other."""

    def __init__(self, raw: ByteInput) -> None:
        import zstandard

        self._raw = raw
        self._frames = _ZstdFrames()
        self._error = zstandard.ZstdError
        decoder = zstandard.ZstdDecompressor(max_window_size=MAX_MEMORY // 2)
        readable = cast("IO[bytes]", _Readable(raw, self._frames))  # all it asks of a file is `read`
        self._stream: zstandard.ZstdDecompressionReader = decoder.stream_reader(
            readable, read_size=CHUNK, read_across_frames=True
        )
        self._more = False

    def readinto(self, view: memoryview) -> int:
        try:
            count = self._stream.readinto1(view)
        except self._error as error:
            raise EOFError(f"the zstd data is damaged ({error})") from error
        if not count and not self._frames.whole:  # the decoder takes this for the plain end
            raise EOFError("the zstd data ends before it is complete")
        self._more = count == len(view)
        return count

    def ready(self, timeout: float) -> bool:
        return self._more or self._raw.ready(timeout)

    def close(self) -> None:
        self._raw.close()


class _ZstdFrames:
    """Follows the lengths in Zstandard data, to tell whether it may end where it does (RFC 8878 section 3.1)."""

    def __init__(self) -> None:
        self._next: Callable[[bytes], int] = self._magic
        """What the next header is; each answers with how long the bytes behind it are that say nothing here."""
        self._need = 4
        """Bytes of that header."""
        self._header = b""
        self._skip = 0
        self._checksum = False

    @property
    def whole(self) -> bool:
        """Nothing is missing of the frames that began so far."""
        return self._next == self._magic and not self._header and not self._skip

    def feed(self, data: memoryview) -> None:
        """Go on over these bytes."""
        at = 0
        while at < len(data):
            if self._skip:
                step = min(self._skip, len(data) - at)
                self._skip -= step
                at += step
                continue
            piece = data[at : at + self._need - len(self._header)]
            at += len(piece)
            self._header += piece
            if len(self._header) == self._need:
                header, self._header = self._header, b""
                self._skip = self._next(header)

    def _then(self, following: Callable[[bytes], int], need: int) -> None:
        self._next, self._need = following, need

    def _magic(self, header: bytes) -> int:
        if int.from_bytes(header, "little") in _SKIPPABLE:
            self._then(self._skippable, 4)
        else:  # if it is none, the decoder complains
            self._then(self._frame, 1)
        return 0

    def _skippable(self, header: bytes) -> int:
        self._then(self._magic, 4)
        return int.from_bytes(header, "little")

    def _frame(self, header: bytes) -> int:
        descriptor = header[0]
        single = descriptor >> 5 & 1
        self._checksum = bool(descriptor >> 2 & 1)
        self._then(self._block, 3)
        window, dictionary = 1 - single, (0, 1, 2, 4)[descriptor & 3]
        return window + dictionary + (single, 2, 4, 8)[descriptor >> 6]

    def _block(self, header: bytes) -> int:
        number = int.from_bytes(header, "little")
        last, kind, size = number & 1, number >> 1 & 3, number >> 3
        length = 1 if kind == 1 else size  # one byte that is repeated
        if last:
            self._then(self._magic, 4)
            length += 4 * self._checksum
        return length


class _Readable:
    """`read` for a library that knows no `readinto`."""

    def __init__(self, raw: ByteInput, frames: _ZstdFrames) -> None:
        self._raw = raw
        self._frames = frames

    def read(self, count: int = -1) -> bytes:
        buffer = bytearray(count if count > 0 else CHUNK)
        view = memoryview(buffer)
        view = view[: self._raw.readinto(view)]
        self._frames.feed(view)
        return bytes(view)
