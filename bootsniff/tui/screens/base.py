"""What all screens share: a header, a footer of keys, and being told that something changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, cast

from textual.screen import Screen

from ...model import Finding, Machine
from ..lines import Line
from ..views.head import footer_line, header_lines
from ..widgets.bar import Bar

if TYPE_CHECKING:
    from ..app import BootsniffApp


class BaseScreen(Screen[None]):
    """A full screen with header and footer lines."""

    KEYS: ClassVar[Sequence[tuple[str, str]]] = ()
    """Keys named in the footer, the most useful first."""
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (120, "-wide"), (180, "-broad")]  # noqa: RUF012 (Textual's own name)
    VERTICAL_BREAKPOINTS = [(0, "-short"), (18, "-middle"), (36, "-tall")]  # noqa: RUF012

    @property
    def boots(self) -> BootsniffApp:
        """The application, by its own type."""
        return cast("BootsniffApp", self.app)

    def header(self) -> Bar:
        return Bar(self._header_lines, id="header")

    def footer(self) -> Bar:
        return Bar(lambda width: footer_line(self.keys(), width, self.boots.note), id="footer")

    def keys(self) -> Sequence[tuple[str, str]]:
        return self.KEYS

    def _header_lines(self, width: int) -> Sequence[Line]:
        app = self.boots
        return header_lines(
            app.source, app.player.report, app.feed.status(), width,
            trouble=app.board.trouble_count(), shown=len(app.board.order), words=app.board.words,
        )  # fmt: skip

    def refresh_view(self) -> None:
        """The report, the moment or the selection is another one."""
        header = self.query_one("#header", Bar)
        height = len(self._header_lines(max(20, self.size.width)))
        if header.styles.height is None or header.styles.height.value != height:
            header.styles.height = height
        header.changed()
        self.query_one("#footer", Bar).changed()

    def on_screen_resume(self) -> None:
        self.refresh_view()

    def on_resize(self) -> None:
        self.call_after_refresh(self.refresh_view)

    # --- what keys act on ---

    def machine(self) -> Machine | None:
        """The machine that this screen is about."""
        return self.boots.board.machine()

    def finding(self) -> Finding | None:
        """The finding that this screen is about."""
        return None
