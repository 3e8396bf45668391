"""Live capture as an ordinary user, by Wireshark's dumpcap and its file capabilities."""

from __future__ import annotations

import re
import select
import shutil
import time
from collections.abc import Callable, Generator, Iterator, Sequence

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

    def __init__(self, pipe: PipeSource, place: int) -> None:
        self.pipe = pipe
        self.place = place
        """Of the interface, among all."""
        self.items = pipe.items()
        self.seen = 0
        """All packets up to this time have come, dumpcap's own delay aside, ns."""
        self.heard = 0.0
        """When the last packets came, by the monotonic clock."""

    def is_quiet(self) -> bool:
        """Whether nothing waits in dumpcap: on a busy line its pipe is often empty for a moment, and its queue is not."""
        return time.monotonic() - self.heard > _QUIET_SECONDS


class DumpcapSource:
    """Each interface captured twice: control packets by a dumpcap of their own, which bodies cannot hold up.

    (One dumpcap for both puts all packets into one queue, and when bodies fill it, control packets are lost as well.)
    They end when an interface is removed, and are started again for those that are there.
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
        self._changed = False
        """An interface went or came back since dumpcap was started."""
        self._looked_at = 0.0
        self._devices = [Interface(ETHERNET, name) for name in names]
        self._order = Reorder(tuple(self._devices))
        self._past: list[CaptureInfo] = []
        """Of dumpcaps that have ended."""
        self._watches = [Watch(name) for name in names]
        try:
            self._halves = self._start()
        except CaptureError as error:
            if re.search(r"permission|not permitted", str(error)):
                raise CaptureError(f"no right to capture on {self._label}: {advice()}") from error
            raise

    def _start(self) -> list[_Half]:
        """Run dumpcap on the interfaces that are there, under the names that they have now."""
        self._changed = False
        started: list[_Half] = []
        try:
            for place, watch in enumerate(self._watches):
                if watch.state == "gone":
                    continue
                control, bulk = self._filters(LINK_TYPES.get(hardware_type(watch.name) or 0, ETHERNET))
                for text, room, gather in ((control, _CONTROL, 0.0), (bulk, _BULK, _GATHER_SECONDS)):
                    words = [*self._words, *room, "-i", watch.name, "-f", text]
                    pipe = PipeSource(words, watch.name, self._wanted, interfaces=[watch.name])
                    pipe.capture.wait_no_longer(gather)
                    started.append(_Half(pipe, place))
        except CaptureError:
            for half in started:
                half.pipe.close()
            raise
        return started

    def items(self) -> Iterator[Item]:
        for watch in self._watches:
            if watch.state != "up":
                yield News(time.time_ns(), f"{watch.name} is {watch.state}")
        while True:
            try:
                yield from self._captured()
            except CaptureError:
                yield from self._changes(now=True)
                if not self._changed:
                    raise
            if self._stopped or not self._wanted():
                break
            yield from self._start_again()
        yield from self._due(1 << 62)

    def _captured(self) -> Iterator[Item]:
        """What the dumpcaps capture, until one of them ends by itself, or all do because they were told to."""
        left = list(self._halves)
        while left:
            now = time.time_ns()
            ready = select.select([half.pipe for half in left], [], [], _LOOK_SECONDS / 2)[0]
            for half in [half for half in left if not ready or half.pipe in ready]:
                if not (yield from self._turn(half)):
                    left.remove(half)
            for half in left:
                if half.pipe not in ready and half.is_quiet():
                    half.seen = max(half.seen, now)
            until = min((half.seen for half in left), default=self._order.latest) - HOLD_NS
            yield from self._due(until)
            if not ready:
                yield Tick(max(0, until))
            yield from self._changes()
            if self._changed and not self._stopped:
                return

    def _turn(self, half: _Half) -> Generator[Item, None, bool]:
        """Take what one dumpcap has; False when it has ended."""
        for _ in range(_AT_ONCE):
            item = next(half.items, None)
            if item is None:
                return False
            if isinstance(item, Block):
                self._known(half.place, item.interfaces[0])
                self._order.add(item, np.full(len(item.interfaces), half.place))
                half.seen = max(half.seen, int(item.time.max()))
                half.heard = time.monotonic()
            elif isinstance(item, Tick):  # it has no more
                break
            else:
                yield item
        return True

    def _known(self, place: int, interface: Interface) -> None:
        """What an interface is, now that its dumpcap has told."""
        if self._devices[place] != interface:
            self._devices[place] = replace(interface, name=self._names[place])
            self._order.interfaces = tuple(self._devices)

    def _changes(self, *, now: bool = False) -> Iterator[News]:
        """What became of the interfaces, looked at a few times a second. One that is back has to be opened anew."""
        if not now and time.monotonic() - self._looked_at < _LOOK_SECONDS:
            return
        self._looked_at = time.monotonic()
        for watch in self._watches:
            change = watch.check()
            if change is not None:
                yield News(time.time_ns(), change.text)
                self._changed = self._changed or change.rebind or change.state == "gone"

    def _start_again(self) -> Iterator[Item]:
        """Wait for an interface to be there, and start dumpcap; tells what it says when it cannot be started."""
        for half in self._halves:
            half.pipe.stop()
            for item in half.items:  # what it had captured by then
                if isinstance(item, Block):
                    self._order.add(item, np.full(len(item.interfaces), half.place))
            half.pipe.close()
        told = ""
        while self._wanted() and not self._stopped:
            yield from self._changes()
            if any(watch.state != "gone" for watch in self._watches):
                try:
                    started = self._start()
                except CaptureError as error:
                    if str(error) != told:
                        told = str(error)
                        yield News(time.time_ns(), told)
                else:
                    self._past += [info for half in self._halves for info in half.pipe.captures()]
                    self._halves = started
                    return
            time.sleep(_LOOK_SECONDS)
            until = time.time_ns() - HOLD_NS
            yield from self._due(until)
            yield Tick(until)

    def _due(self, until: int) -> Iterator[Item]:
        block = self._order.take(until)
        if block is not None:
            yield block

    def stop(self) -> None:
        self._stopped = True
        for half in self._halves:
            half.pipe.stop()

    def captures(self) -> tuple[CaptureInfo, ...]:
        parts = [*self._past, *(info for half in self._halves for info in half.pipe.captures())]
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
                dropped_frames=sum(part.dropped_frames for part in parts),
                interfaces=self._names,
            ),
        )

    def close(self) -> None:
        for half in self._halves:
            half.pipe.close()
