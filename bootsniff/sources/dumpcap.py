"""Live capture as an ordinary user, by Wireshark's dumpcap and its file capabilities."""

from __future__ import annotations

import re
import select
import shutil
import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from msgspec.structs import replace

from ..errors import CaptureError
from ..model import Block, CaptureInfo, Interface, Tick
from .advice import advice
from .boot_filter import ETHERNET
from .interfaces import Watch, hardware_type
from .live import Item, News
from .pipe import PipeSource, Wanted
from .reorder import Reorder
from .ring import LINK_TYPES

_CONTROL = ("-B", "32")
_BULK = ("-B", "32", "-t", "-N", "500000", "-C", str(64 << 20))
"""The kernel's buffer in MiB; for bodies also a thread that empties it, and what may wait behind that one."""
_LOOK_SECONDS = 0.2
_GATHER_SECONDS = 0.03
"""Bodies come in large numbers: so long they gather, which makes looking at them cheaper."""
_QUIET_SECONDS = 0.1
_AT_ONCE = 4
"""Blocks taken of one dumpcap before the others have their turn."""
HOLD_NS = 300_000_000
"""dumpcap empties its buffer every 250 ms (its CAP_READ_TIMEOUT); packets of the others wait for those."""


class _Half:
    """A dumpcap of its own for one interface and one half of the filter."""

    def __init__(self, pipe: PipeSource) -> None:
        self.pipe = pipe
        self.items = pipe.items()
        self.seen = 0
        """All packets up to this time have come, dumpcap's own delay aside, ns."""
        self.heard = 0.0
        """When the last packets came, by the monotonic clock."""

    def is_quiet(self) -> bool:
        """Whether nothing waits in dumpcap: on a busy line its pipe is often empty for a moment, and its queue is not."""
        return time.monotonic() - self.heard > _QUIET_SECONDS


class _Line:
    """One interface, and its two dumpcaps while it is there."""

    def __init__(self, name: str, place: int) -> None:
        self.watch = Watch(name)
        self.place = place
        """Among all interfaces."""
        self.halves: list[_Half] = []
        self.past: list[CaptureInfo] = []
        """Of dumpcaps that have ended."""
        self.leaving = False
        """Its dumpcaps were told to end, or did by themselves: they look at an interface that is no more."""
        self.begin_at = 0.0
        """Not before this time of the monotonic clock is dumpcap started again."""
        self.told = ""
        """Why it could not be started the last time."""

    def leave(self) -> None:
        """What its dumpcaps have captured by now still comes out of them."""
        self.leaving = True
        for half in self.halves:
            half.pipe.stop()

    def ended(self, half: _Half) -> None:
        self.halves.remove(half)
        self.past += half.pipe.captures()
        half.pipe.close()

    def captures(self) -> list[CaptureInfo]:
        """Of all dumpcaps that it has and had."""
        return [*self.past, *(info for half in self.halves for info in half.pipe.captures())]


class DumpcapSource:
    """Each interface captured twice: control packets by a dumpcap of their own, which bodies cannot hold up.

    (One dumpcap for both puts all packets into one queue, and when bodies fill it, control packets are lost as well.)
    They end when their interface is removed, and are started again once it is back; those of the others go on.
    """

    def __init__(self, names: Sequence[str], wanted: Wanted, filters: Callable[[int], tuple[str, str]]) -> None:
        """Start dumpcap; `filters` gives the two halves of the filter, control packets first, for a link type.

        Raises CaptureError with the way to get the right to capture.
        """
        program = shutil.which("dumpcap")
        if program is None:
            raise CaptureError(f"no right to capture: {advice()}")
        self._words = [program, "-q", "-w", "-"]
        self._filters = filters
        self._names = tuple(names)
        self._label = ",".join(names)
        self._wanted = wanted
        self._stopped = False
        self._looked_at = 0.0
        self._until = 0
        """Packets up to this time have been given out, ns."""
        self._devices = [Interface(ETHERNET, name) for name in names]
        self._order = Reorder(tuple(self._devices))
        self._lines = [_Line(name, place) for place, name in enumerate(names)]
        try:
            for line in self._lines:
                self._begin(line)
        except CaptureError as error:
            self.close()
            if re.search(r"permission|not permitted", str(error)):
                raise CaptureError(f"no right to capture on {self._label}: {advice()}") from error
            raise

    def _begin(self, line: _Line) -> None:
        """Run dumpcap on an interface, under the name that it has now. Raises CaptureError."""
        name = line.watch.name
        control, bulk = self._filters(LINK_TYPES.get(hardware_type(name) or 0, ETHERNET))
        started: list[_Half] = []
        try:
            for text, room, gather in ((control, _CONTROL, 0.0), (bulk, _BULK, _GATHER_SECONDS)):
                pipe = PipeSource([*self._words, *room, "-i", name, "-f", text], name, self._wanted, interfaces=[name])
                pipe.capture.wait_no_longer(gather)
                started.append(_Half(pipe))
        except CaptureError:
            for half in started:
                half.pipe.close()
            raise
        line.halves = started
        line.leaving = False
        line.told = ""

    def items(self) -> Iterator[Item]:
        for line in self._lines:
            if line.watch.state != "up":
                yield News(time.time_ns(), f"{line.watch.name} is {line.watch.state}")
        while True:
            yield from self._tend()
            halves = self._halves()
            if not halves and self._is_over():
                break
            now = time.time_ns()
            ready = select.select([half.pipe for half in halves], [], [], _LOOK_SECONDS / 2)[0]
            for line in self._lines:
                for half in list(line.halves):
                    # One that does not end when it is told to is made to, where it is asked again.
                    if not ready or half.pipe in ready or line.leaving:
                        yield from self._turn(line, half)
            halves = self._halves()
            for half in halves:
                if half.pipe not in ready and half.is_quiet():
                    half.seen = max(half.seen, now)
            # What is started later captures later: never back.
            self._until = max(self._until, min((half.seen for half in halves), default=now) - HOLD_NS)
            yield from self._due(self._until)
            if not ready:
                yield Tick(self._until)
        yield from self._due(1 << 62)

    def _is_over(self) -> bool:
        return self._stopped or not self._wanted()

    def _turn(self, line: _Line, half: _Half) -> Iterator[Item]:
        """Take what one dumpcap has. Raises CaptureError when it has ended, and its interface is there."""
        try:
            for _ in range(_AT_ONCE):
                item = next(half.items, None)
                if item is None:
                    line.ended(half)
                    return
                if isinstance(item, Block):
                    self._known(line.place, item.interfaces[0])
                    self._order.add(item, np.full(len(item.interfaces), line.place))
                    half.seen = max(half.seen, int(item.time.max()))
                    half.heard = time.monotonic()
                elif isinstance(item, Tick):  # it has no more
                    return
                else:
                    yield item
        except CaptureError:
            line.ended(half)
            yield from self._look()
            if line.watch.state == "up" and not line.leaving:
                raise
            line.leave()

    def _known(self, place: int, interface: Interface) -> None:
        """What an interface is, now that its dumpcap has told."""
        if self._devices[place] != interface:
            self._devices[place] = replace(interface, name=self._names[place])
            self._order.interfaces = tuple(self._devices)

    def _look(self) -> Iterator[News]:
        """What became of the interfaces. One that is gone, or is another one by now, has to be opened anew."""
        self._looked_at = time.monotonic()
        for line in self._lines:
            change = line.watch.check()
            if change is not None:
                yield News(time.time_ns(), change.text)
                if change.rebind or change.state == "gone":
                    line.leave()

    def _tend(self) -> Iterator[Item]:
        """Look after the interfaces a few times a second, and start dumpcap on one of those that are back."""
        now = time.monotonic()
        if now - self._looked_at >= _LOOK_SECONDS:
            yield from self._look()
        for line in self._lines:
            if line.halves or line.watch.state != "up" or now < line.begin_at or self._is_over():
                continue
            try:
                self._begin(line)
            except CaptureError as error:
                line.begin_at = now + _LOOK_SECONDS
                if str(error) != line.told and not self._is_over():
                    line.told = str(error)
                    yield News(time.time_ns(), line.told)
            return  # the others' packets first

    def _due(self, until: int) -> Iterator[Item]:
        block = self._order.take(until)
        if block is not None:
            yield block

    def stop(self) -> None:
        self._stopped = True
        for half in self._halves():
            half.pipe.stop()

    def captures(self) -> tuple[CaptureInfo, ...]:
        parts = [info for line in self._lines for info in line.captures()]
        return (
            replace(
                parts[-1],
                path=self._label,
                format="live, by dumpcap",
                link_types=tuple(dict.fromkeys(kind for part in parts for kind in part.link_types)),
                frames=sum(part.frames for part in parts),
                bytes=sum(part.bytes for part in parts),
                first=min((part.first for part in parts if part.first is not None), default=None),
                last=max((part.last for part in parts if part.last is not None), default=None),
                truncated=any(part.truncated for part in parts),
                cut_frames=sum(part.cut_frames for part in parts),
                dropped_frames=sum(part.dropped_frames for part in parts),
                problem=next((part.problem for part in parts if part.problem), None),
                interfaces=self._names,
            ),
        )

    def close(self) -> None:
        for half in self._halves():
            half.pipe.close()

    def _halves(self) -> list[_Half]:
        """All dumpcaps that run."""
        return [half for line in self._lines for half in line.halves]
