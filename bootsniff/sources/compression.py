"""Takes gzip, Zstandard and xz off a capture as it is read, in bounded memory; tells them by content."""

from __future__ import annotations

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
        self._error = zstandard.ZstdError
        decoder = zstandard.ZstdDecompressor(max_window_size=MAX_MEMORY // 2)
        readable = cast("IO[bytes]", _Readable(raw))  # all it asks of a file is `read`
        self._stream: zstandard.ZstdDecompressionReader = decoder.stream_reader(
            readable, read_size=CHUNK, read_across_frames=True
        )
        self._more = False

    def readinto(self, view: memoryview) -> int:
        try:
            count = self._stream.readinto1(view)
        except self._error as error:
            raise EOFError(f"the zstd data is damaged ({error})") from error
        self._more = count == len(view)
        return count

    def ready(self, timeout: float) -> bool:
        return self._more or self._raw.ready(timeout)

    def close(self) -> None:
        self._raw.close()


class _Readable:
    """`read` for a library that knows no `readinto`."""

    def __init__(self, raw: ByteInput) -> None:
        self._raw = raw

    def read(self, count: int = -1) -> bytes:
        buffer = bytearray(count if count > 0 else CHUNK)
        return bytes(buffer[: self._raw.readinto(memoryview(buffer))])
