"""The showing side of a live capture: starts the capture process, follows what it tells, and ends it."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any, Self

from ..errors import BootsniffError, CaptureError, UsageError
from ..model import CaptureInfo, Finding, Machine, Report
from ..sources.frame_log import FrameLog
from ..sources.privileges import drop_privileges, may_import, target_account
from .live_channel import PAUSE, RESUME, STOP, Failed, Inlet, Outlet, Ready
from .live_open import Task
from .live_parcel import Update

_STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class LiveSession:
    """A context manager; inside of it the capture process runs. The first SIGINT ends the capture, the second all."""

    def __init__(self, task: Task, *, imports_more: bool = False) -> None:
        """`imports_more`: this process will load more code later, and can give root up only if that stays readable."""
        self.note: str | None = None
        self._imports_more = imports_more
        self.frames = FrameLog()
        self.interrupts = 0
        self.ended = False
        """The final update has come."""
        self.failure: str | None = None
        self.now: int | None = None
        self.captures: tuple[CaptureInfo, ...] = ()
        self.network: tuple[Finding, ...] = ()
        self.counters: tuple[tuple[str, int], ...] = ()
        self.machines: dict[str, Machine] = {}
        self._task = task
        self._before: dict[signal.Signals, Any] = {}
        self._inlet: Inlet | None = None
        self._process = 0

    def __enter__(self) -> Self:
        account = target_account(self._task.user)
        ours, theirs = socket.socketpair()
        self._process = os.fork()
        if self._process == 0:
            _become_capture_process(self._task, theirs, ours, self.frames)
        theirs.close()
        self._inlet = Inlet(ours)
        for number in _STOPPING:
            self._before[number] = signal.signal(number, self._handle)
        # Only the capture process opens sockets: what shows strangers' packets needs no root.
        if account is not None and self._imports_more and not may_import(account):
            self.note = f"the screen stays root's: {account.name} may not read {sys.base_prefix}"
        elif account is not None:
            drop_privileges(account)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def wait_until_ready(self) -> Ready:
        """Raises the capture process's error when it cannot open the capture."""
        while True:
            for message in self._messages(None):
                if isinstance(message, Ready):
                    return message
            if self._ended_early():
                raise CaptureError(self.failure or "the capture process ended before it began")

    def updates(self, timeout: float) -> list[Update]:
        """What came, waiting at most `timeout` seconds for the first; keeps the picture of all machines current."""
        found = []
        for message in self._messages(timeout):
            if isinstance(message, Update):
                self._apply(message)
                found.append(message)
        if not self.ended and self._ended_early():
            self.ended = True
            self.failure = self.failure or "the capture process ended unexpectedly; this is what was known until then"
        return found

    def report(self, only: Callable[[Machine], bool] | None = None) -> Report:
        machines = tuple(machine for machine in self.machines.values() if only is None or only(machine))
        return Report(self.captures, machines, self.network, self.now, self.counters)

    def stop(self) -> None:
        """End the capture; the final update comes soon after."""
        self._tell(STOP)

    def pause(self) -> None:
        self._tell(PAUSE)

    def resume(self) -> None:
        self._tell(RESUME)

    def close(self) -> None:
        """End the capture process, at once if it is still at work; safe to call twice."""
        if self._inlet is not None:
            self._inlet.close()
            self._inlet = None
        if self._process:
            if not self._reaped(2.0):
                with contextlib.suppress(ProcessLookupError, PermissionError):  # ended; or still root, unlike this
                    os.kill(self._process, signal.SIGKILL)
                self._reaped(None)
            self._process = 0

    def _reaped(self, seconds: float | None) -> bool:
        """Wait for the capture process: its recording is closed when it ends by itself."""
        deadline = None if seconds is None else time.monotonic() + seconds
        while True:
            done, _ = os.waitpid(self._process, 0 if deadline is None else os.WNOHANG)
            if done:
                return True
            if deadline is not None and time.monotonic() >= deadline:
                return False
            time.sleep(0.01)

    def _apply(self, update: Update) -> None:
        self.now = update.now
        self.captures = update.captures
        self.counters = update.counters
        for machine in update.machines:
            self.machines[machine.mac] = machine
        for mac in update.forgotten:
            self.machines.pop(mac, None)
        if update.network is not None:
            self.network = update.network
        if update.final:
            self.ended = True
            self.failure = update.failure

    def _messages(self, timeout: float | None) -> list[Ready | Failed | Update]:
        inlet = self._inlet
        if inlet is None:
            return []
        if inlet.fileno() >= 0:
            select.select([inlet], [], [], timeout)
        messages = inlet.messages()
        for message in messages:
            if isinstance(message, Failed):
                raise _error(message)
        return messages

    def _ended_early(self) -> bool:
        return self._inlet is None or self._inlet.ended

    def _tell(self, command: bytes) -> None:
        if self._inlet is not None:
            self._inlet.tell(command)

    def _handle(self, _number: int, _frame: FrameType | None) -> None:
        self.interrupts += 1
        if self.interrupts > 1:
            raise KeyboardInterrupt
        self.stop()


def _error(message: Failed) -> BootsniffError:
    kind = UsageError if message.status == UsageError.exit_status else CaptureError
    return kind(message.text)


def _become_capture_process(task: Task, end: socket.socket, other: socket.socket, log: FrameLog) -> None:
    """In the forked child: never returns. Standard output and input are the parent's alone."""
    status = 1
    try:
        other.close()
        null = os.open(os.devnull, os.O_RDWR)
        os.dup2(null, 0)
        os.dup2(null, 1)
        # Threads of a linear algebra that nobody uses here would only take memory.
        os.environ["OPENBLAS_NUM_THREADS"] = "1"
        from .live_process import run_capture

        run_capture(task, Outlet(end), log)
        status = 0
    finally:
        os._exit(status)
