"""Lists and texts of any length: lines drawn when they are seen, a cursor that stays with its row; no domain here."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from ..lines import Line, Row, fit_line, width_of
from ..messages import RowChosen, RowSelected

CURSOR = "❯"
"""Marks the row under the cursor in the first column, whatever the colours."""


class RowsView(ScrollView, can_focus=True):
    """Rows of lines. Subclasses say how many there are and what each looks like, and are asked for visible ones only.

    Rows with a key can be chosen; several neighbouring rows with one key are one thing. When rows come or go, the
    cursor stays with its key and that key with its line on the screen.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "rows--bold", "rows--dim", "rows--ok", "rows--note", "rows--warning", "rows--error", "rows--accent",
        "rows--head", "rows--mark", "rows--cursor", "rows--cursor-blurred",
    }  # fmt: skip
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("pageup,ctrl+b", "page(-1)", "Page up", show=False),
        Binding("pagedown,ctrl+f", "page(1)", "Page down", show=False),
        Binding("home,g", "edge(-1)", "First", show=False),
        Binding("end,G", "edge(1)", "Last", show=False),
        Binding("left,h", "sideways(-8)", "Left", show=False),
        Binding("right,l", "sideways(8)", "Right", show=False),
        Binding("enter", "choose", "Open", show=False),
    ]

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)
        self.cursor: Hashable = None
        """Key of the row under the cursor; None when nothing can be chosen."""
        self.cursor_index = 0
        """Its first row."""
        self._width = 0

    # --- what subclasses say ---

    def row_count(self) -> int:
        raise NotImplementedError

    def row_key(self, index: int) -> Hashable:
        raise NotImplementedError

    def row_line(self, index: int, width: int) -> Line:
        raise NotImplementedError

    def row_index(self, key: Hashable) -> int | None:
        """The first row of a key."""
        raise NotImplementedError

    def content_width(self, width: int) -> int:
        """How wide the widest line is; more than `width` lets the view scroll sideways."""
        return width

    # --- changes ---

    def rows_changed(self) -> None:
        """The rows are new: keeps the cursor's key, and its line on the screen."""
        count = self.row_count()
        place = self.row_index(self.cursor) if self.cursor is not None else None
        if place is None:
            place = min(self.cursor_index, max(0, count - 1))
            self.cursor = self._key_near(place)
            place = (self.row_index(self.cursor) if self.cursor is not None else None) or place
        shift = place - self.cursor_index
        self.cursor_index = place
        self._set_extent(count)
        if shift and self.scroll_y > 0:
            self.scroll_to(y=self.scroll_y + shift, animate=False, force=True)
        self.refresh()

    def set_cursor(self, key: Hashable, *, tell: bool = False) -> None:
        """Puts the cursor onto a key and scrolls just as far as needed to see it."""
        index = self.row_index(key)
        if index is None:
            return
        self.cursor = key
        self.cursor_index = index
        last = index
        while last + 1 < self.row_count() and last - index < 30 and self.row_key(last + 1) == key:
            last += 1
        self.scroll_to_region(Region(0, index, 1, last - index + 1), animate=False, force=True, x_axis=False)
        self.refresh()
        if tell:
            self.post_message(RowSelected(self, key))

    def _set_extent(self, count: int) -> None:
        width = self.scrollable_content_region.width
        self._width = max(width, self.content_width(width))
        self.virtual_size = Size(self._width, count)

    def _key_near(self, place: int) -> Hashable:
        """Key of the row there, else of the nearest row that has one."""
        count = self.row_count()
        for distance in range(count):
            for index in (place - distance, place + distance):
                if 0 <= index < count and (key := self.row_key(index)) is not None:
                    return key
            if distance > 500:
                break
        return None

    # --- drawing ---

    def render_line(self, y: int) -> Strip:
        offset_x, offset_y = self.scroll_offset
        index = y + offset_y
        width = self.size.width
        base = self.rich_style
        if index >= self.row_count():
            return Strip.blank(width, base)
        spans = fit_line(self.row_line(index, self._width or width), max(self._width, width))
        key = self.row_key(index)
        chosen = key is not None and key == self.cursor
        over = self._style("cursor" if self.has_focus else "cursor-blurred") if chosen else Style.null()
        if chosen and spans and spans[0].text.startswith(" "):
            first, *rest = spans
            mark = CURSOR if index == self.cursor_index else " "
            spans = (first._replace(text=mark + first.text[1:]), *rest)
        segments = [Segment(text, base + (self._style(tone) if tone else Style.null()) + over) for text, tone in spans]
        return Strip(segments).crop_extend(offset_x, offset_x + width, base + over)

    def _style(self, tone: str) -> Style:
        return self.get_component_rich_style(f"rows--{tone}", partial=True)

    def on_resize(self, event: events.Resize) -> None:
        self._resized(event.size.width)

    def _resized(self, width: int) -> None:  # noqa: ARG002 (subclasses wrap to it)
        self.rows_changed()

    # --- keys and mouse ---

    def action_move(self, step: int) -> None:
        if self.cursor is None:
            self.scroll_relative(y=step, animate=False)
            return
        index = self.cursor_index
        count = self.row_count()
        while 0 <= (index := index + step) < count:
            key = self.row_key(index)
            if key is not None and key != self.cursor:
                self.set_cursor(key, tell=True)
                return
        self.scroll_relative(y=step, animate=False)

    def action_page(self, step: int) -> None:
        height = max(1, self.size.height - 1)
        if self.cursor is None:
            self.scroll_relative(y=step * height, animate=False)
        else:
            self._land_on(self.cursor_index + step * height)

    def action_edge(self, step: int) -> None:
        if self.cursor is None:
            self.scroll_to(y=0 if step < 0 else self.max_scroll_y, animate=False)
        else:
            self._land_on(0 if step < 0 else self.row_count() - 1)

    def action_sideways(self, step: int) -> None:
        self.scroll_relative(x=step, animate=False)

    def action_choose(self) -> None:
        if self.cursor is not None:
            self.post_message(RowChosen(self, self.cursor))

    def _land_on(self, index: int) -> None:
        key = self._key_near(max(0, min(self.row_count() - 1, index)))
        if key is not None:
            self.set_cursor(key, tell=True)

    def on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        if offset is None:
            return
        index = offset.y + self.scroll_offset.y
        if index >= self.row_count():
            return
        key = self.row_key(index)
        if key is None:
            return
        if key == self.cursor:
            self.post_message(RowChosen(self, key))
        else:
            self.set_cursor(key, tell=True)


Builder = Callable[[int], Sequence[Row]]
"""Makes all rows for a width in cells."""


class TextRows(RowsView):
    """Rows that a function makes for the width at hand; made anew when the content or the width changes."""

    def __init__(self, build: Builder | None = None, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)
        self._build: Builder = build or (lambda _: ())
        self._rows: Sequence[Row] = ()
        self._made_for = -1

    def show(self, build: Builder) -> None:
        """Shows other content; the cursor and the scroll position stay where they can."""
        self._build = build
        self._make()

    def _make(self) -> None:
        self._made_for = self.scrollable_content_region.width
        self._rows = self._build(max(10, self._made_for))
        self.rows_changed()

    def _resized(self, width: int) -> None:
        del width
        if self.scrollable_content_region.width != self._made_for:
            self._make()
        else:
            self.rows_changed()

    @property
    def text(self) -> str:
        """All lines as plain text."""
        return "\n".join("".join(span.text for span in row.line).rstrip() for row in self._rows)

    def row_count(self) -> int:
        return len(self._rows)

    def row_key(self, index: int) -> Hashable:
        return self._rows[index].key

    def row_line(self, index: int, width: int) -> Line:
        del width
        return self._rows[index].line

    def row_index(self, key: Hashable) -> int | None:
        return next((n for n, row in enumerate(self._rows) if row.key == key), None)

    def content_width(self, width: int) -> int:
        return max((width_of(row.line) for row in self._rows), default=width)
