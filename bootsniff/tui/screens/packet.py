"""The frames behind a finding or a step: our decoding, scapy's, Wireshark's, hex, and the filter to find them there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import TabbedContent, TabPane

from ...model import FrameBytes, FrameRef, Machine
from ..bridge.dissect import Way
from ..cited import Cited
from ..facts import MachineKey, first_time, key_of
from ..lines import Row, Span, cut, line, width_of
from ..messages import RowMessage, RowSelected, Unwrapped
from ..views.packet import about, decode, decode_inside, display_filter, field_rows, hex_rows, machine_filter, text_rows
from ..widgets.bar import Bar
from ..widgets.rows import TextRows
from ..wording import offset
from .base import BaseScreen

TABS = (("decoded", "Decoded"), ("scapy", "scapy"), ("tshark", "tshark"), ("hex", "Hex"), ("wireshark", "Filter"))
_WAYS: tuple[Way, ...] = ("scapy", "tshark")


class PacketScreen(BaseScreen):
    """A list of frames above, the chosen one in five views below."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,backspace", "app.back", "Back"),
        *(Binding(str(number + 1), f"tab('{name}')", title, show=False) for number, (name, title) in enumerate(TABS)),
        Binding("y", "copy_filter", "Copy the display filter", show=False),
    ]
    KEYS: ClassVar[Sequence[tuple[str, str]]] = (
        ("esc", "back"), ("↑↓", "frame"), ("1-5", "views"), ("tab", "into the view"), ("y", "copy filter"),
        ("w", "save packets"), ("?", "help"), ("q", "quit"),
    )  # fmt: skip

    def __init__(self, title: str, frames: Sequence[Cited], place: int, machine: Machine | None) -> None:
        super().__init__()
        self._heading = title
        self._frames = frames
        self._place = place
        self._mac = machine.mac if machine else None
        self._machine_key: MachineKey | None = key_of(machine) if machine else None
        self._texts: dict[Way, str] = {}
        self._asked: set[Way] = set()

    def compose(self) -> ComposeResult:
        yield self.header()
        yield Bar(lambda width: (line(" ", (cut(self._heading, width - 2), "bold")),), id="columns")
        yield TextRows(self._frame_rows, id="packet-frames")
        with TabbedContent(initial="tab-decoded"):
            for number, (name, title) in enumerate(TABS):
                with TabPane(f"{number + 1} {title}", id=f"tab-{name}"):
                    yield TextRows(id=name)
        yield self.footer()

    def on_mount(self) -> None:
        frames = self.query_one("#packet-frames", TextRows)
        frames.cursor = self._place
        frames.focus()
        self._show()

    def machine(self) -> Machine | None:
        return self.boots.board.machines.get(self._machine_key) if self._machine_key else None

    def _frame_rows(self, width: int) -> list[Row]:
        report = self.boots.player.report
        start = (first_time(report) if report else None) or (self._frames[0].time if self._frames else 0)
        several = len({each.capture for each in self._frames}) > 1
        rows = []
        for place, each in enumerate(self._frames):
            where = f"{each.capture + 1}:" if several else ""
            lead = line(" ", (f"{offset(each.time - start):>10} ", "dim"), (f"{where}{each.frame:>6} ", "bold"))
            rows.append(Row((*lead, Span(cut(each.role, width - width_of(lead)))), place))
        return rows or [Row(line(" no frame stands behind this: it is about packets that did not come"))]

    def _frame(self) -> FrameBytes | None:
        if not self._frames:
            return None
        each = self._frames[self._place]
        return self.boots.feed.frames.get(each.capture, each.frame)

    def _show(self) -> None:
        """All views of the chosen frame; the slow ones only when they are looked at."""
        frame = self._frame()
        self._texts.clear()
        self._asked.clear()
        if frame is None:
            words = "the bytes of this frame are not kept; open the capture file in Wireshark to see them"
            for name in ("decoded", "scapy", "tshark", "hex"):
                self.query_one(f"#{name}", TextRows).show(lambda width: text_rows(words, width) if self._frames else [])
        else:
            self._show_decoded(frame)
            self.query_one("#hex", TextRows).show(lambda width: hex_rows(frame.data, width))
            self._dissect(frame)
        self.query_one("#wireshark", TextRows).show(self._filter_rows)
        for name, _ in TABS:
            self.query_one(f"#{name}", TextRows).scroll_home(animate=False)

    def _show_decoded(self, frame: FrameBytes) -> None:
        found = self.boots.dissector.inside(frame, lambda: self.post_message(Unwrapped(self, None)))
        if found is None:
            entries = [*about(frame), ("packet", "asking tshark …")]
        elif found.frames == (frame,):
            entries = decode(frame)
        else:
            entries = decode_inside(frame, found.frames, found.problem)
        self.query_one("#decoded", TextRows).show(lambda width: field_rows(entries, width))

    def _dissect(self, frame: FrameBytes) -> None:
        active = self.query_one(TabbedContent).active.removeprefix("tab-")
        for way in _WAYS:
            if way != active or way in self._asked:
                continue
            self._asked.add(way)
            self._show_text(way, self.boots.dissector.known(way, frame) or f"asking {way} …")
            self.boots.dissector.ask(
                way,
                frame,
                lambda text, way=way: self.post_message(Dissected(self, way, frame, text)),  # type: ignore[misc]
            )

    def _show_text(self, way: Way, text: str) -> None:
        self.query_one(f"#{way}", TextRows).show(lambda width: text_rows(text, width))

    def on_unwrapped(self) -> None:
        frame = self._frame()
        if frame is not None:
            self._show_decoded(frame)

    def on_dissected(self, event: Dissected) -> None:
        frame = self._frame()
        if frame is not None and frame[:2] == event.frame[:2]:
            self._show_text(event.way, event.text)

    def _filter_rows(self, width: int) -> list[Row]:
        rows = [Row(line(" ", ("paste into Wireshark's filter line; y copies the first", "dim"))), Row(())]
        for title, text in self.filters():
            rows.append(Row(line(" ", (title, "head"))))
            rows += text_rows(text, width)
        return rows

    def filters(self) -> list[tuple[str, str]]:
        """Titles and display filters, the one for these very frames first."""
        out = []
        report = self.boots.player.report
        captures = report.captures if report else ()
        for capture in dict.fromkeys(each.capture for each in self._frames):
            refs = [FrameRef(each.capture, each.frame, each.time) for each in self._frames]
            name = captures[capture].path if capture < len(captures) else f"capture {capture + 1}"
            out.append((f"these frames, in {name}", display_filter(refs, capture)))
        if self._mac:
            out.append(("everything of this machine", machine_filter(self._mac)))
        return out

    @on(RowSelected)
    def row_selected(self, event: RowMessage) -> None:
        if event.sender.id == "packet-frames" and isinstance(event.key, int):
            self._place = event.key
            self._show()

    @on(TabbedContent.TabActivated)
    def tab_activated(self) -> None:
        frame = self._frame()
        if frame is not None:
            self._dissect(frame)

    def action_tab(self, name: str) -> None:
        self.query_one(TabbedContent).active = f"tab-{name}"

    def action_copy_filter(self) -> None:
        filters = self.filters()
        if filters:
            self.boots.copy(filters[0][1], "the display filter")


class Dissected(RowMessage):
    """Another program's text of a frame is there."""

    def __init__(self, sender: PacketScreen, way: Way, frame: FrameBytes, text: str) -> None:
        super().__init__(sender, None)
        self.way = way
        self.frame = frame
        self.text = text
