"""One machine: all its boots and stages, the ladder of its packets, DHCP options side by side, its fetches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import TabbedContent, TabPane

from ...model import Arrow, Finding, FrameBytes, Machine, Stage
from .. import cited
from ..board import Board
from ..bridge.dissect import Inside
from ..facts import MachineKey, findings_of
from ..lines import Line, Row, line
from ..messages import RowChosen, RowSelected, Unwrapped
from ..views.fetches import fetch_rows
from ..views.findings import finding_rows
from ..views.ladder import ArrowKey, ladder_rows
from ..views.options import Entry, compare, compare_fields, message_of, option_rows
from ..views.timeline import StepKey, timeline
from ..widgets.bar import Bar
from ..widgets.rows import TextRows
from .base import BaseScreen

TABS = (
    ("stages", "Stages"),
    ("ladder", "Ladder"),
    ("options", "DHCP options"),
    ("fetches", "Fetches"),
    ("faults", "Findings"),
)


class MachineScreen(BaseScreen):
    """Five views of one machine. It keeps showing that machine, whatever the table selects."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,backspace", "app.back", "Back"),
        *(Binding(str(number + 1), f"tab('{name}')", title, show=False) for number, (name, title) in enumerate(TABS)),
        Binding("tab", "next_tab(1)", "Next view", show=False, priority=True),
        Binding("shift+tab", "next_tab(-1)", "View before", show=False, priority=True),
        Binding("b", "boot(1)", "Next boot", show=False),
        Binding("s", "stage(1)", "Next stage with DHCP", show=False),
        Binding("p", "pair(1)", "Next request and reply", show=False),
        Binding("x", "raw", "Raw bytes", show=False),
    ]
    KEYS: ClassVar[Sequence[tuple[str, str]]] = (
        ("esc", "back"), ("1-5", "views"), ("⏎", "frames"), ("b", "boot"), ("s", "stage"), ("p", "pair"), ("x", "raw"),
        ("c", "copy fix"), ("v", "copy verdict"), ("w", "save packets"), ("?", "help"), ("q", "quit"),
    )  # fmt: skip

    def __init__(self, key: MachineKey, *, tab: str = "stages") -> None:
        super().__init__()
        self.key = key
        self._first_tab = tab
        self._boot: int | None = None
        self._stage: int | None = None
        self._pair: int | None = None
        self._raw: bool | None = None
        self._seen: tuple[object, ...] = ()

    def compose(self) -> ComposeResult:
        yield self.header()
        yield Bar(lambda _: (self._title(),), id="columns")
        with TabbedContent(initial=f"tab-{self._first_tab}"):
            for number, (name, title) in enumerate(TABS):
                with TabPane(f"{number + 1} {title}", id=f"tab-{name}"):
                    yield TextRows(id=name)
        yield self.footer()

    def on_mount(self) -> None:
        self.query_one(f"#{self._first_tab}").focus()

    def machine(self) -> Machine | None:
        board: Board = self.boots.board
        return board.machines.get(self.key)

    def _title(self) -> Line:
        machine = self.machine()
        if machine is None:
            return line(" ", (f"{self.key[0]} is no longer in the report", "warning"))
        parts = [machine.hostname, machine.vendor, *machine.addresses[-3:]]
        parts += [f"vlan {machine.vlan}"] if machine.vlan is not None else []
        parts += [f"boot {self.boot + 1} of {len(machine.boots)}"] if len(machine.boots) > 1 else []
        return line(" ", (machine.mac, "bold"), "  ", "  ".join(part for part in parts if part))

    # --- what is shown ---

    @property
    def boot(self) -> int:
        """The chosen boot, else the last one."""
        machine = self.machine()
        last = len(machine.boots) - 1 if machine else 0
        return last if self._boot is None else max(0, min(self._boot, last))

    def _stages(self) -> list[tuple[int, Stage]]:
        """Stages of the boot that speak DHCP."""
        machine = self.machine()
        if machine is None or not machine.boots:
            return []
        return [(n, stage) for n, stage in enumerate(machine.boots[self.boot].stages) if cited.exchanges(stage)]

    def refresh_view(self) -> None:
        super().refresh_view()
        machine = self.machine()
        app = self.boots
        seen = (machine, app.player.now, self._boot, self._stage, self._pair, self._raw)
        if seen == self._seen and seen[0] is self._seen[0]:
            return
        self._seen = seen
        self.query_one("#columns", Bar).changed()
        if machine is None:
            return
        now, boot = app.player.now, self.boot
        report = app.player.report
        network = report.findings if report else ()
        self._show("stages", lambda width: timeline(machine, width, now=now, utc=app.utc, every_boot=True))
        self._show("ladder", lambda width: ladder_rows(machine, boot, width))
        self._show("fetches", lambda width: fetch_rows(machine, width))
        self._show("faults", lambda width: finding_rows(machine, network, width, fixes=True))
        entries, heads, about = self._comparison()
        raw = self.has_class("-tall") if self._raw is None else self._raw
        if entries:
            self._show("options", lambda width: option_rows(entries, heads, width, raw=raw, about=about))
        else:
            self._show("options", lambda _: [Row(line(" ", (heads[0], "dim")))])

    def _show(self, name: str, build: Callable[[int], Sequence[Row]]) -> None:
        self.query_one(f"#{name}", TextRows).show(build)

    def _comparison(self) -> tuple[list[Entry], tuple[str, str], str]:
        """The chosen request and reply, compared; their names; where they stand. A reason instead when there are none."""
        stages = self._stages()
        if not stages:
            return [], ("no DHCP message of this boot is in the capture", ""), ""
        wanted = len(stages) - 1 if self._stage is None else self._stage % len(stages)
        number, stage = stages[wanted]
        pairs = cited.exchanges(stage)
        place = len(pairs) - 1 if self._pair is None else self._pair % len(pairs)
        request, reply = pairs[place]
        frames = self._frame(request), self._frame(reply)
        about = f"{stage.name or stage.client} (stage {number + 1}), exchange {place + 1} of {len(pairs)}"
        heads = _head(request, "request"), _head(reply, "reply")
        if not any(frames):
            return [], ("the bytes of these frames are not kept; open the capture file to see them", ""), ""
        found = [self._inside(frame) for frame in frames]
        if None in found:
            return [], ("asking tshark what stands in these frames …", ""), ""
        packets = [each.frames[0] if each and each.frames else None for each in found]
        if not any(packets):
            return [], ("; ".join({each.problem: None for each in found if each and each.problem}), ""), ""
        messages = message_of(packets[0]), message_of(packets[1])
        if any(messages):
            return compare(*messages), heads, about
        return compare_fields(*packets), heads, about

    def _frame(self, arrow: Arrow | None) -> FrameBytes | None:
        return self.boots.feed.frames.get(arrow.capture, arrow.frame) if arrow else None

    def _inside(self, frame: FrameBytes | None) -> Inside | None:
        """What can be read of a frame; None while tshark is asked."""
        if frame is None:
            return Inside(())
        return self.boots.dissector.inside(frame, lambda: self.post_message(Unwrapped(self, None)))

    def on_unwrapped(self) -> None:
        self._seen = ()
        self.refresh_view()

    # --- keys ---

    @on(RowChosen)
    def row_chosen(self, event: RowChosen) -> None:
        machine = self.machine()
        if machine is None:
            return
        if isinstance(event.key, StepKey):
            self.boots.show_step(event.key, machine)
        elif isinstance(event.key, ArrowKey):
            frames, place = cited.of_arrow(machine, self.boot, event.key)
            self.boots.show_frames(frames, place, machine)
        elif event.sender.id == "faults":
            self.boots.action_frames()

    @on(RowSelected)
    def row_selected(self, event: RowSelected) -> None:
        if isinstance(event.key, StepKey) and event.key.boot != self.boot:
            self._boot, self._stage, self._pair = event.key.boot, None, None
            self.refresh_view()

    def finding(self) -> Finding | None:
        machine = self.machine()
        cursor = self.query_one("#faults", TextRows).cursor
        every = findings_of(machine) if machine else ()
        return next(
            (each for each in every if (each.code, each.boot, each.subject) == cursor), every[0] if every else None
        )

    def action_tab(self, name: str) -> None:
        self.query_one(TabbedContent).active = f"tab-{name}"
        self.query_one(f"#{name}").focus()

    def action_next_tab(self, step: int) -> None:
        names = [name for name, _ in TABS]
        here = names.index(self.query_one(TabbedContent).active.removeprefix("tab-"))
        self.action_tab(names[(here + step) % len(names)])

    @on(TabbedContent.TabActivated)
    def tab_activated(self, event: TabbedContent.TabActivated) -> None:
        name = (event.pane.id or "").removeprefix("tab-")
        if name:
            self.query_one(f"#{name}").focus()

    def action_boot(self, step: int) -> None:
        machine = self.machine()
        if machine and machine.boots:
            self._boot = (self.boot + step) % len(machine.boots)
            self._stage = self._pair = None
            self.refresh_view()

    def action_stage(self, step: int) -> None:
        count = len(self._stages())
        if count:
            self._stage = ((count - 1 if self._stage is None else self._stage) + step) % count
            self._pair = None
            self.action_tab("options")
            self.refresh_view()

    def action_pair(self, step: int) -> None:
        stages = self._stages()
        if stages:
            _, stage = stages[len(stages) - 1 if self._stage is None else self._stage % len(stages)]
            count = len(cited.exchanges(stage))
            self._pair = ((count - 1 if self._pair is None else self._pair) + step) % count
            self.action_tab("options")
            self.refresh_view()

    def action_raw(self) -> None:
        self._raw = not (self.has_class("-tall") if self._raw is None else self._raw)
        self.action_tab("options")
        self.refresh_view()


def _head(arrow: Arrow | None, otherwise: str) -> str:
    return f"frame {arrow.frame}: {arrow.label}" if arrow else f"no {otherwise} seen"
