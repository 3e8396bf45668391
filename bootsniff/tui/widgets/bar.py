"""A few fixed lines: header, strip of time, footer; drawn from the same lines as the lists."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.strip import Strip
from textual.widget import Widget

from ..lines import Line, fit_line
from ..messages import SeekAsked


class Bar(Widget):
    """Lines that a function makes for the width at hand."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "rows--bold", "rows--dim", "rows--ok", "rows--note", "rows--warning", "rows--error", "rows--accent",
        "rows--head", "rows--mark",
    }  # fmt: skip

    def __init__(self, build: Callable[[int], Sequence[Line]], *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._build = build
        self._lines: Sequence[Line] | None = None

    def changed(self) -> None:
        """What it shows may be another: repaints only when it is."""
        lines = self._build(self.size.width)
        if lines != self._lines:
            self._lines = lines
            self.refresh()

    @property
    def text(self) -> str:
        return "\n".join("".join(span.text for span in line).rstrip() for line in self._lines or ())

    def render_line(self, y: int) -> Strip:
        if self._lines is None:
            self._lines = self._build(self.size.width)
        base = self.rich_style
        if y >= len(self._lines):
            return Strip.blank(self.size.width, base)
        spans = fit_line(self._lines[y], self.size.width)
        return Strip(
            [Segment(text, base + (self._tone(tone) if tone else Style.null())) for text, tone in spans],
            self.size.width,
        )

    def _tone(self, tone: str) -> Style:
        return self.get_component_rich_style(f"rows--{tone}", partial=True)

    def on_resize(self) -> None:
        self._lines = None
        self.refresh()


class TimeBar(Bar):
    """The strip of traffic; on a recording a click or a drag asks for that moment."""

    def __init__(self, build: Callable[[int], Sequence[Line]], area: Callable[[int], tuple[int, int]]) -> None:
        super().__init__(build, id="timebar")
        self._area = area
        self._dragging = False

    def _ask(self, x: int) -> None:
        first, last = self._area(self.size.width)
        if last > first:
            self.post_message(SeekAsked(max(0.0, min(1.0, (x - first) / (last - first)))))

    def on_mouse_down(self, event: events.MouseDown) -> None:
        self._dragging = True
        self.capture_mouse()
        self._ask(event.x)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        if self._dragging:
            self._ask(event.x)

    def on_mouse_up(self) -> None:
        self._dragging = False
        self.release_mouse()
