"""A program that captures and writes what it captures to a pipe: dumpcap here, tcpdump on another host."""

from __future__ import annotations

import contextlib
import io
import re
import select
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence

from msgspec.structs import replace

from ..errors import CaptureError
from ..model import CaptureInfo
from ..text import printable
from .capture_file import open_capture
from .capture_source import CaptureSource
from .live import Item, News
from .program import start

_LOOK_SECONDS = 0.1
_END_SECONDS = 2.0
"""A program that was asked to end and goes on is told to end by SIGTERM after this time."""
_GIVE_UP_SECONDS = 4.0
"""What it still writes after this time is not read."""
_HEAD = 256
_STATISTICS = re.compile(r"(\d+) packets? (captured|received by filter|dropped by kernel|dropped by interface)")
"""The last lines of tcpdump."""
_NO_COMPLAINT = re.compile(
    r"tcpdump: (?:listening on|data link type|WARNING:|verbose output)|Capturing on |File: |Packets (?:captured|received)|"
    rf"{_STATISTICS.pattern}$"
)

Wanted = Callable[[], bool]
"""Whether somebody still wants packets; asked while a program is waited for."""


class PipeSource:
    """Its packets as they come; the program is stopped when nobody wants more."""

    def __init__(
        self,
        words: Sequence[str],
        name: str,
        wanted: Wanted,
        *,
        interfaces: Sequence[str],
        ends_with_input: bool = False,
    ) -> None:
        """Start the program, out of reach of Ctrl-C, and wait for the head of its capture.

        It ends by SIGINT, or with `ends_with_input` when its standard input ends: ssh then shares this terminal, to
        ask for a password. Raises CaptureError, with the program's own last line when it ends before that.
        """
        self.name = name
        self._interfaces = tuple(interfaces)
        self._wanted = wanted
        self._opening = True
        self._stopped_at: float | None = None
        self._lost = 0
        # ssh leaves a signal alone that was ignored when it was started (clientloop.c).
        before = signal.signal(signal.SIGINT, signal.SIG_IGN) if ends_with_input else None
        try:
            program = start(
                words,
                stdin=subprocess.PIPE if ends_with_input else subprocess.DEVNULL,
                with_terminal=ends_with_input,
            )
        finally:
            if ends_with_input:
                signal.signal(signal.SIGINT, before)
        self._process, self._stream, self._errors = program
        output = _Output(self._stream, self._go_on)
        try:
            self.capture: CaptureSource = open_capture(name, 0, output)
        except CaptureError as error:
            stopped = self._stopped_at is not None
            self._end()
            if stopped:
                raise CaptureError(f"{name}: told to end before the capture began") from error
            text = printable(output.head.partition(b"\n")[0].strip(), 60)
            came = f"no capture came, but “{text}”: is it printed at every login?" if text else "nothing came"
            raise CaptureError(f"{name}: {self.complaint() or came}") from error
        self._opening = False

    def fileno(self) -> int:
        """Readable when the program has written something, or has ended."""
        return self._stream.fileno()

    def items(self) -> Iterator[Item]:
        for item in self.capture.blocks(live=True):
            yield item
            if not self._go_on():
                break
        stopped = not self._wanted() or self._stopped_at is not None
        self._end()
        counted = filter(None, map(_STATISTICS.fullmatch, self._said()))
        self._lost = sum(int(match[1]) for match in counted if match[2] == "dropped by kernel")
        dropped = self.captures()[0].dropped_frames
        if dropped:
            yield News(time.time_ns(), f"{dropped} packets lost on {self.name}", dropped, self._interfaces[0])
        if not stopped:
            raise CaptureError(f"{self.name}: the capture ended by itself: {self.complaint() or self._status()}")

    def stop(self) -> None:
        """Ask the program to end; what it has captured still comes through the pipe."""
        if self._stopped_at is not None:
            return
        self._stopped_at = time.monotonic()
        if self._process.stdin is not None:
            self._process.stdin.close()
        else:
            self._signal(signal.SIGINT)
        if self._opening:
            self._signal(signal.SIGTERM)  # it may be asking for a password, or waiting for a host that is off

    def captures(self) -> tuple[CaptureInfo, ...]:
        """What it captured; what a program counts as lost in words is known when it has ended."""
        info = self.capture.info()
        return (replace(info, dropped_frames=info.dropped_frames + self._lost),)

    def complaint(self) -> str:
        """The line of the program's standard error that says what went wrong, safe to show; may be empty."""
        lines = [line for line in self._said() if line and not _NO_COMPLAINT.match(line)]
        for program in ("dumpcap: ", "tcpdump: "):
            for line in lines:
                if line.startswith(program):
                    return printable(line.removeprefix(program))  # what follows may be half a page of advice
        return printable(lines[-1]) if lines else ""

    def _status(self) -> str:
        status = self._process.returncode
        return f"killed by signal {-status}" if status < 0 else f"exit status {status}"

    def close(self) -> None:
        self.stop()
        self._end()
        self._errors.close()

    def _said(self) -> list[str]:
        self._errors.seek(0)
        return [line.strip() for line in self._errors.read(1 << 16).decode("utf-8", "replace").splitlines()]

    def _go_on(self) -> bool:
        """Whether more should be read. A program that does not end when nobody wants more is made to."""
        if not self._wanted():
            self.stop()
        if self._stopped_at is None:
            return True
        waited = time.monotonic() - self._stopped_at
        if waited > _END_SECONDS:
            self._signal(signal.SIGTERM)
        return waited < _GIVE_UP_SECONDS

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(OSError):
            self._process.send_signal(number)

    def _end(self) -> None:
        """It has written all that is read of it: wait for it, with less and less patience."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                self._process.wait(_END_SECONDS)
            except subprocess.TimeoutExpired:
                self._signal(number)
            else:
                return
        self._process.wait()


class _Output:
    """What a program writes; it ends when nobody wants more, whether the program does or not."""

    def __init__(self, stream: io.FileIO, go_on: Callable[[], bool]) -> None:
        self._stream = stream
        self._go_on = go_on
        self.head = b""
        """What came first."""

    def fileno(self) -> int:
        return self._stream.fileno()

    def readinto(self, view: memoryview, /) -> int | None:
        while not select.select([self._stream], [], [], _LOOK_SECONDS)[0]:
            if not self._go_on():
                return 0
        count = self._stream.readinto(view)
        if len(self.head) < _HEAD:
            self.head += bytes(view[: min(count or 0, _HEAD)])
        return count

    def close(self) -> None:
        self._stream.close()
