"""Keeps the beginning of a body while its pieces arrive in any order; knows nothing of what the bytes mean."""

from __future__ import annotations

import re

from .records import HEAD_BYTES, TEXT_BYTES

MAX_PENDING = 64
"""Pieces kept that arrived ahead of a hole."""

# Control characters that no script or configuration holds; tab, line ends, form feed and escape do occur in them.
_BINARY = re.compile(rb"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f]")


_SHARED = 512
_shared: dict[bytes, bytes] = {}
"""Beginnings of bodies, each once: many machines fetch the same file, and one fetches it at every boot."""


def _one_for_all(head: bytes) -> bytes:
    if len(_shared) >= _SHARED:
        _shared.clear()
    return _shared.setdefault(head, head)


def looks_like_text(data: bytes) -> bool:
    """Whether bytes can be the beginning of a script or a configuration file."""
    if _BINARY.search(data):
        return False
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        # A character may be cut at the end; Latin-1 comments in old menus are text too, random bytes are not.
        return error.start >= len(data) - 3 or sum(byte > 0x7F for byte in data) * 8 < len(data)
    return True


class HeadKeeper:
    """The first bytes of one body: `HEAD_BYTES` of it, `TEXT_BYTES` as long as they look like text."""

    __slots__ = ("_data", "_pending", "_text", "_view", "full")

    def __init__(self) -> None:
        self.full = False
        self._data = bytearray()
        """Empty again once it is full."""
        self._pending: dict[int, bytes] = {}
        self._text: bool | None = None
        self._view: bytes | None = b""

    @property
    def limit(self) -> int:
        """Bytes from here on are not wanted (as far as is known)."""
        return TEXT_BYTES if self._text is not False else HEAD_BYTES

    def wants(self, offset: int) -> bool:
        """Whether a piece that begins at `offset` of the body can still be of use."""
        return offset < self.limit and not self.full

    def value(self) -> bytes:
        """What stands there without a hole from the first byte on."""
        if self._view is None:
            self._view = bytes(self._data)
        return self._view

    def add(self, offset: int, piece: bytes) -> bool:
        """Take a piece of the body that begins at `offset`; tells whether the beginning grew."""
        if not piece or not self.wants(offset):
            return False
        if offset > len(self._data):
            held = self._pending.get(offset)
            if (held is None and len(self._pending) < MAX_PENDING) or (held is not None and len(held) < len(piece)):
                self._pending[offset] = piece[: TEXT_BYTES - offset]
            return False
        grew = self._extend(offset, piece)
        while grew and self._pending:
            ready = [start for start in self._pending if start <= len(self._data)]
            if not ready:
                break
            for start in ready:
                if not self.full:
                    self._extend(start, self._pending.pop(start))
        return grew

    def _extend(self, offset: int, piece: bytes) -> bool:
        fresh = piece[len(self._data) - offset :]
        if not fresh:
            return False
        if self._text is not False:
            self._text = looks_like_text(fresh)
        self._data += fresh
        self._view = None
        if len(self._data) >= self.limit:
            self.full = True
            self._view = _one_for_all(bytes(self._data[: self.limit]))
            self._data = bytearray()
            self._pending.clear()
        return True
