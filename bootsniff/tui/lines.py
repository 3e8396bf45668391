"""Lines of literal text with tones, the one thing all views are drawn from; knows widths, but no widget and no colour.

Text from packets goes into a `Span` as it is. Nothing here or further on reads markup, so a file named `[/x]` stays one.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Literal, NamedTuple

from rich.cells import cell_len, chop_cells, set_cell_size

Tone = Literal["", "bold", "dim", "ok", "note", "warning", "error", "accent", "head", "mark"]
"""What a piece of text means; bootsniff.tcss says how each looks. None of them carries meaning alone: words and glyphs do."""


class Span(NamedTuple):
    """A piece of text in one tone."""

    text: str
    tone: Tone = ""


Line = tuple[Span, ...]


class Row(NamedTuple):
    """One line on the screen, and the thing it belongs to (None: it cannot be chosen)."""

    line: Line
    key: Hashable = None


def line(*pieces: str | Span | tuple[str, Tone]) -> Line:
    """A line of plain strings and (text, tone) pairs."""
    return tuple(Span(piece) if isinstance(piece, str) else Span(*piece) for piece in pieces)


def fit(text: str, width: int, *, keep: Literal["start", "end"] = "start") -> str:
    """Exactly `width` cells: padded, or cut with an ellipsis at the side that is not kept."""
    if width <= 0:
        return ""
    if cell_len(text) <= width:
        return set_cell_size(text, width)
    if keep == "start":
        return set_cell_size(text, width - 1) + "…"
    tail = text[-width:]
    while cell_len(tail) > width - 1:
        tail = tail[1:]
    return set_cell_size("…" + tail, width)


def cut(text: str, width: int) -> str:
    """At most `width` cells, with an ellipsis when something is missing."""
    return text if cell_len(text) <= width else fit(text, width)


def width_of(spans: Iterable[Span]) -> int:
    return sum(cell_len(span.text) for span in spans)


def fit_line(spans: Line, width: int) -> Line:
    """Exactly `width` cells, each span in its tone."""
    out: list[Span] = []
    left = width
    for text, tone in spans:
        size = cell_len(text)
        if size > left:
            out.append(Span(fit(text, left), tone))
            return tuple(out)
        out.append(Span(text, tone))
        left -= size
    out.append(Span(" " * left))
    return tuple(out)


def wrap(text: str, width: int) -> list[str]:
    """Lines of at most `width` cells; breaks at spaces, and inside a word that is longer than a line.

    Line ends in `text` (of a fix, say) stay line ends, and the spaces at their beginnings stay too.
    """
    width = max(1, width)
    out: list[str] = []
    for paragraph in text.split("\n"):
        bare = paragraph.lstrip(" ")
        current = " " * min(len(paragraph) - len(bare), max(0, width - 8))
        filled = False
        for word in bare.split(" "):
            joined = f"{current} {word}" if filled else current + word
            if cell_len(joined) <= width:
                current, filled = joined, True
                continue
            if filled:
                out.append(current)
            *whole, current = chop_cells(word if filled else current + word, width) or [""]
            out.extend(whole)
            filled = True
        out.append(current)
    return out


def wrapped(text: str, width: int, tone: Tone = "", *, first: str = "", rest: str | None = None) -> list[Line]:
    """`text` as lines with a lead before the first and another (or as many spaces) before the others."""
    indent = " " * cell_len(first) if rest is None else rest
    parts = wrap(text, width - max(cell_len(first), cell_len(indent)))
    return [line(first if n == 0 else indent, (part, tone)) for n, part in enumerate(parts)]


def plain(spans: Line) -> str:
    """The text alone."""
    return "".join(span.text for span in spans)
