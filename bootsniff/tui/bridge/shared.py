"""One feed for several screens in other processes, over a Unix socket: the engine runs once, each tab only looks.

Requests are fixed-size and numeric; answers are pickled by the process that owns the feed, which is the tabs' own
parent program, on a socket in a directory that only this user can enter.
"""

from __future__ import annotations

import contextlib
import pickle
import socket
import struct
import tempfile
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from msgspec.structs import replace

from ...errors import CaptureError
from ...model import FrameBytes, FrameStore, Machine, Report
from . import Feed, FeedStatus, Recording

_REQUEST = struct.Struct("=cqq")
_LENGTH = struct.Struct("=I")
HELLO, LATEST, AT, FRAME, MOMENTS, TRAFFIC = b"h", b"l", b"a", b"f", b"m", b"t"
ANSWER_SECONDS = 5.0


Told = dict[tuple[str, int | None], Machine]
"""Machines by hardware address and VLAN, as they were told last."""


class Hello(NamedTuple):
    """What a tab has to know to begin."""

    title: str
    utc: bool
    recording: bool


class Delta(NamedTuple):
    """A report as what is different from the one told before on the same connection."""

    rest: Report | None
    """The report without its machines; None when there is none yet."""
    changed: tuple[Machine, ...]
    order: tuple[tuple[str, int | None], ...] | None
    """All machines in order; None when they are the ones of before."""


class FeedServer:
    """Answers tabs about a feed. The feed is only ever asked under one lock."""

    def __init__(self, feed: Feed, *, title: str, utc: bool, only: Callable[[Machine], bool] | None = None) -> None:
        """`only` says which machines tabs get to see."""
        self._only = only
        self._feed = feed
        self._hello = Hello(title, utc, isinstance(feed, Recording))
        self._lock = threading.Lock()
        self._folder = tempfile.TemporaryDirectory(prefix="bootsniff-")  # mode 0700
        self.path = str(Path(self._folder.name) / "feed")
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.bind(self.path)
        self._socket.listen(16)
        threading.Thread(target=self._accept, name="tabs", daemon=True).start()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._folder.cleanup()

    def latest(self) -> Report | None:
        """Lets the feed work on while no tab looks, and gives its newest report."""
        with self._lock:
            return self._feed.latest()

    def _accept(self) -> None:
        while True:
            try:
                end, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(end,), name="tab", daemon=True).start()

    def _serve(self, end: socket.socket) -> None:
        told: Told = {}
        with end, contextlib.suppress(OSError, EOFError):
            while True:
                kind, first, second = _REQUEST.unpack(_exactly(end, _REQUEST.size))
                with self._lock:
                    value = self._answer(kind, first, second, told)
                body = pickle.dumps(value, protocol=5)
                end.sendall(_LENGTH.pack(len(body)) + body)

    def _answer(self, kind: bytes, first: int, second: int, told: Told) -> object:
        feed = self._feed
        if kind == HELLO:
            return self._hello
        if kind == LATEST:
            return feed.status(), self._delta(feed.latest(), told)
        if kind == FRAME:
            return feed.frames.get(first, second)
        if isinstance(feed, Recording):
            if kind == AT:
                return self._delta(feed.at(first), told)
            if kind == MOMENTS:
                return tuple(feed.moments())
            if kind == TRAFFIC:
                return tuple(feed.traffic())
        raise EOFError

    def _delta(self, report: Report | None, told: Told) -> Delta:
        if report is not None and self._only is not None:
            report = replace(report, machines=tuple(filter(self._only, report.machines)))
        return delta(report, told)


def delta(report: Report | None, told: Told) -> Delta:
    """What differs from what `told` says was told; brings `told` up to date."""
    if report is None:
        return Delta(None, (), None)
    now = {(machine.mac, machine.vlan): machine for machine in report.machines}
    changed = tuple(machine for key, machine in now.items() if told.get(key) is not machine)
    order = None if list(now) == list(told) else tuple(now)
    told.clear()
    told.update(now)
    return Delta(replace(report, machines=()), changed, order)


def merged(change: Delta, known: Told) -> Report | None:
    """The report that a delta stands for; brings `known` up to date."""
    if change.rest is None:
        return None
    for machine in change.changed:
        known[machine.mac, machine.vlan] = machine
    if change.order is not None:
        kept = {key: known[key] for key in change.order}
        known.clear()
        known.update(kept)
    return replace(change.rest, machines=tuple(known.values()))


class RemoteFeed:
    """A tab's feed: asks the server. One connection, used from the screen's thread only."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._known: Told = {}
        self._report: Report | None = None
        self._status = FeedStatus("waiting")

    @property
    def frames(self) -> FrameStore:
        return self

    def get(self, capture: int, frame: int) -> FrameBytes | None:
        found: FrameBytes | None = self._ask(FRAME, capture, frame)
        return found

    def latest(self) -> Report | None:
        answer = self._ask(LATEST)
        if answer is not None:
            self._status, change = answer
            self._take(change)
        return self._report

    def status(self) -> FeedStatus:
        return self._status

    def pause(self) -> None:
        """The engine has other tabs to serve."""

    def resume(self) -> None:
        """Nothing was held."""

    def close(self) -> None:
        self._end.close()

    def _take(self, change: Delta) -> None:
        same = not change.changed and change.order is None
        if same and self._report is not None and replace(self._report, machines=()) == change.rest:
            return  # the same report: the same object
        self._report = merged(change, self._known)

    def _ask(self, kind: bytes, first: int = 0, second: int = 0) -> Any:
        """The answer, None when the server is gone; the status says so from then on."""
        if self._status.state == "failed":
            return None
        try:
            return ask(self._end, kind, first, second)
        except (OSError, EOFError):
            words = "the bootsniff that captures has ended: start it again and reload this page"
            self._status = FeedStatus("failed", words)
            return None


class RemoteRecording(RemoteFeed):
    """The same for a recording."""

    def moments(self) -> tuple[int, ...]:
        found: tuple[int, ...] = self._ask(MOMENTS) or ()
        return found

    def at(self, time: int) -> Report | None:
        change = self._ask(AT, time)
        return merged(change, self._known) if change is not None else None

    def traffic(self) -> Sequence[tuple[int, int]]:
        found: tuple[tuple[int, int], ...] = self._ask(TRAFFIC) or ()
        return found


def connect(path: str) -> tuple[Hello, RemoteFeed]:
    """A feed on a server's socket. Raises CaptureError when nobody answers there."""
    end = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    end.settimeout(ANSWER_SECONDS)
    try:
        end.connect(path)
        hello: Hello = ask(end, HELLO)
    except (OSError, EOFError) as error:
        end.close()
        raise CaptureError("the bootsniff that captures does not answer: start it again") from error
    return hello, (RemoteRecording(end) if hello.recording else RemoteFeed(end))


def ask(end: socket.socket, kind: bytes, first: int = 0, second: int = 0) -> Any:
    """Sends one request and takes its answer."""
    end.sendall(_REQUEST.pack(kind, first, second))
    (length,) = _LENGTH.unpack(_exactly(end, _LENGTH.size))
    return pickle.loads(_exactly(end, length))  # noqa: S301 (our own parent wrote it, see above)


def _exactly(end: socket.socket, count: int) -> bytes:
    pieces = bytearray()
    while len(pieces) < count:
        piece = end.recv(min(count - len(pieces), 1 << 20))
        if not piece:
            raise EOFError
        pieces += piece
    return bytes(pieces)
