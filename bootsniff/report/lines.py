"""Lines of literal text with styles, and the paper they are written on: width, colour and character set of a stream.

Why not a layout library: packet text can never become markup here, 20,000 lines cost what 20,000 strings cost, and
a fix stays one unbroken line.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple, TextIO

from msgspec import Struct

Style = Literal["", "good", "bad", "warning", "dim", "strong", "code", "fix"]

_SGR: dict[Style, str] = {
    "good": "32",
    "bad": "1;31",
    "warning": "33",
    "dim": "2",
    "strong": "1",
    "code": "1;36",
    "fix": "36",
}
_WORD = re.compile(r" *[^ ]+ *| +")
_LONGEST_LINE = 110
"""Prose wider than this is hard to read, however wide the terminal is."""


class Span(NamedTuple):
    """A piece of literal text in one style."""

    text: str
    style: Style = ""


class Glyphs(Struct, frozen=True):
    """The few signs that are not ASCII, and what stands for them where the stream cannot carry them."""

    good: str = "✓"
    bad: str = "✗"
    survived: str = "~"
    running: str = "…"
    then: str = "›"
    times: str = "×"
    to: str = "→"
    back: str = "←"
    lost: str = "⇢"
    ellipsis: str = "…"


_ASCII = Glyphs("+", "X", "~", ".", ">", "x", "->", "<-", "-/>", "...")


class Paper:
    """Writes lines to a text stream.

    `width` is in terminal cells; `color` says whether styles become escape sequences. What the stream's encoding
    cannot carry is written as a visible escape.
    """

    def __init__(self, stream: TextIO, *, width: int = 80, color: bool = False, ascii_signs: bool = False) -> None:
        """`ascii_signs`: no other signs of our own, whatever the stream could carry (fonts of text consoles)."""
        self.width = max(40, min(width, _LONGEST_LINE))
        self._stream = stream
        self.color = color
        encoding = getattr(stream, "encoding", None) or "utf-8"
        self.glyphs = _ASCII if ascii_signs else Glyphs()
        self._narrow: str | None = None
        try:
            "".join(str(getattr(self.glyphs, name)) for name in Glyphs.__struct_fields__).encode(encoding)
        except (UnicodeEncodeError, LookupError):
            self.glyphs = _ASCII
        if not encoding.lower().replace("-", "").startswith("utf"):
            self._narrow = encoding

    def line(self, *spans: Span | str) -> None:
        """One line, as it is: never wrapped."""
        text = ""
        for span in spans[:-1]:
            text += span if isinstance(span, str) else _styled(span) if self.color else span.text
        for span in spans[-1:]:
            last = (span if isinstance(span, str) else span.text).rstrip()
            text += last if isinstance(span, str) or not self.color else _styled(Span(last, span.style))
        if self._narrow is not None and not text.isascii():
            text = text.encode(self._narrow, "backslashreplace").decode(self._narrow)
        self._stream.write(text + "\n")

    def prose(self, text: str, indent: int = 0, *, style: Style = "", label: Span | None = None) -> None:
        """Text wrapped at words; further lines stand under the first word (behind `label`, when there is one)."""
        words = [[Span(word, style)] for word in text.split(" ") if word]
        self.flow(words, indent, label=label)

    def flow(
        self, chunks: Iterable[list[Span]], indent: int = 0, *, between: Span | str = " ", label: Span | None = None
    ) -> None:
        """Chunks side by side, `between` them, on as many lines as they need; a chunk is split only when it must."""
        hanging = indent + (cell_width(label.text) + 1 if label else 0)
        separator = between if isinstance(between, Span) else Span(between)
        gap = cell_width(separator.text)
        # A visible separator ends its line, so that the next one begins with a step.
        ending = Span(separator.text.rstrip(), separator.style)
        room = max(16, self.width - hanging - cell_width(ending.text))
        line: list[Span] = [label, Span(" ")] if label else []
        used, started, first = 0, False, True
        for chunk in chunks:
            for number, part in enumerate(_fitting(chunk, room)):
                size = sum(cell_width(span.text) for span in part)
                if started and (number or used + gap + size > room):
                    if not number:
                        line.append(ending)
                    self.line(" " * (indent if first else hanging), *line)
                    line, used, started, first = [], 0, False, False
                if started:
                    line.append(separator)
                    used += gap
                line += part
                used += size
                started = True
        self.line(" " * (indent if first else hanging), *line)

    def blank(self) -> None:
        self._stream.write("\n")

    def shorten(self, text: str, cells: int, *, ends: bool = True) -> str:
        """At most `cells` wide. The middle is left out, as both ends tell names apart; of sentences (`ends` off) the end."""
        if cell_width(text) <= cells:
            return text
        keep = max(2, cells - len(self.glyphs.ellipsis))
        tail = _within(text[::-1], keep // 2)[::-1] if ends else ""
        return _within(text, keep - cell_width(tail)).rstrip() + self.glyphs.ellipsis + tail


def _within(text: str, cells: int) -> str:
    """As much of the beginning as fits."""
    if text.isascii():
        return text[:cells]
    used = 0
    for number, character in enumerate(text):
        used += cell_width(character)
        if used > cells:
            return text[:number]
    return text


def cell_width(text: str) -> int:
    """Terminal cells that printable text takes (it holds no combining or control characters, see `text.printable`)."""
    if text.isascii():
        return len(text)
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def _styled(span: Span) -> str:
    code = _SGR.get(span.style)
    return f"\x1b[{code}m{span.text}\x1b[0m" if code and span.text else span.text


def _fitting(chunk: list[Span], room: int) -> Iterator[list[Span]]:
    """The chunk itself, or pieces of it that fit: cut between words, inside of one only when it is too long itself."""
    if sum(cell_width(span.text) for span in chunk) <= room:
        yield chunk
        return
    piece: list[Span] = []
    used = 0
    for span in chunk:
        for word in _WORD.findall(span.text):
            for part in _parts(word, room):
                if piece and used + cell_width(part.rstrip()) > room:
                    yield piece
                    piece, used = [], 0
                piece.append(Span(part, span.style))
                used += cell_width(part)
    if piece:
        yield piece


def _parts(word: str, room: int) -> Iterator[str]:
    """The word, cut where it is wider than the room."""
    if cell_width(word.rstrip()) <= room:
        yield word
        return
    part, used = "", 0
    for character in word:
        size = cell_width(character)
        if used + size > room:
            whole = part.rfind("/") + 1
            if whole <= room // 2:
                whole = len(part)  # of a path whole names, if that leaves no great gap
            yield part[:whole]
            part = part[whole:]
            used = cell_width(part)
        part += character
        used += size
    yield part
