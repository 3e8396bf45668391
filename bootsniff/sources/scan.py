"""What a file format's decoder makes of one window of bytes."""

from __future__ import annotations

import mmap
import struct
from typing import Protocol

import numpy as np
import numpy.typing as npt
from msgspec import Struct, field

from ..model import Interface

MAX_CAPTURED = 1 << 18
"""Longest packet taken seriously unless the file's own snap length says more: libpcap's and Wireshark's limit."""
MAX_SNAP_LENGTH = 1 << 24
"""Longest packet taken seriously even then, and longest block of a pcapng file that is held whole."""

Buffer = bytearray | mmap.mmap
"""Mutable bytes: a process's own, or shared between two."""
Ints = npt.NDArray[np.int64]
NOTHING: Ints = np.empty(0, np.int64)


class Scan(Struct):
    """Whole packet records found from the start of a window; columns as in `Block`, all of one length."""

    next: Decoder
    """Decodes what follows."""
    consumed: int
    """Where in the buffer the next record begins."""
    need: int = 0
    """Bytes that must follow `consumed` before more can be decoded; 0: call again at once."""
    skip: int = 0
    """Bytes from `consumed` that hold nothing of interest and need not be read."""
    time: Ints = field(default_factory=lambda: NOTHING)
    offset: Ints = field(default_factory=lambda: NOTHING)
    captured: Ints = field(default_factory=lambda: NOTHING)
    original: Ints = field(default_factory=lambda: NOTHING)
    interface: npt.NDArray[np.uint16] | None = None
    drops: dict[tuple[int, int, int], int] = field(default_factory=dict)
    """Packets lost so far, for (section, interface, counter)."""
    ended: int | None = None
    """When capturing ended, ns, if that is told here."""
    problem: str | None = None
    """Why nothing behind `consumed` can be decoded, as the end of the sentence `packet 7 at byte 345 …`."""


class Decoder(Protocol):
    """Decodes the records of one capture; immutable, so that a window can be decoded again later."""

    @property
    def format(self) -> str: ...
    @property
    def interfaces(self) -> tuple[Interface, ...]:
        """All interfaces told of so far; a Block's `interface` column points here."""

    def sharing(self, other: Decoder) -> Decoder:
        """The same decoder, made of parts of `other` where they are equal: many of them are kept."""

    def scan(self, buffer: Buffer, start: int, end: int) -> Scan:
        """Decode `buffer[start:end]`. `buffer` is at least `SLACK` bytes longer; nothing behind it is read."""


def as_ints(values: list[int]) -> Ints:
    """An array of the values; three times as fast as NumPy's own way from a list."""
    return np.frombuffer(struct.pack(f"{len(values)}q", *values), np.int64)


def rows(buffer: Buffer, positions: Ints, words: int, order: str) -> npt.NDArray[np.uint32]:
    """`words` 32-bit numbers at each byte position: shape (len(positions), words). All must lie inside the buffer."""
    width = 4 * words
    # Gathering untyped bytes and looking at them as numbers afterwards is four times as fast as a structured gather.
    windows: npt.NDArray[np.void] = np.ndarray((len(buffer) - width + 1,), f"V{width}", buffer, 0, (1,))
    return windows[positions].view(f"{order}u4").reshape(-1, words)
