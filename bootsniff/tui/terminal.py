"""Where the screen is painted: on the terminal, whichever of this program's streams lead elsewhere, and as long as it
is there. Paints nothing.

Textual paints on standard error and takes the size of standard output, without asking whether they are the terminal
(LinuxDriver): `bootsniff live virbr0 2>errors` would give a blank screen and a file of escape sequences.
"""

from __future__ import annotations

import contextlib
import io
import os
import select
import signal
import sys
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..errors import UsageError

if TYPE_CHECKING:
    from textual.driver import Driver

HANGUP_STATUS = 128 + signal.SIGHUP if os.name == "posix" else 1
GRACE_SECONDS = 5.0
"""What an orderly end may take once the terminal is gone."""


def driver() -> type[Driver] | None:
    """What to paint with when a stream leads elsewhere; None where Textual's own choice is right.

    Raises UsageError when there is no terminal at all.
    """
    if os.name != "posix" or "TEXTUAL_DRIVER" in os.environ:  # a web page (textual-serve) is no terminal
        return None
    streams = [_descriptor(sys.__stderr__), _descriptor(sys.__stdout__)]
    terminals = [number for number in streams if number is not None and os.isatty(number)]
    if len(terminals) == len(streams):
        return None
    try:
        number = os.dup(terminals[0]) if terminals else os.open("/dev/tty", os.O_WRONLY | os.O_NOCTTY)
    except OSError as error:
        raise UsageError("there is no terminal for the TUI: use --plain for text or --json") from error
    # What this terminal cannot show must not end the thread that paints.
    return _painting_on(io.TextIOWrapper(io.FileIO(number, "w"), errors="replace", write_through=False))


@contextlib.contextmanager
def ends_with_terminal(painter: type[Driver] | None) -> Iterator[None]:
    """A terminal that goes away (a window is closed, a connection is lost) ends the TUI, and what stands behind it.

    Textual's threads wait for it for ever, or spin: a capture would go on with nobody there.
    """
    streams = [_descriptor(stream) for stream in (sys.__stdin__, sys.__stdout__, sys.__stderr__)]
    numbers = [number for number in (*streams, getattr(painter, "number", None)) if number is not None]
    terminals = [number for number in numbers if os.isatty(number)]
    if os.name != "posix" or not terminals:
        yield
        return
    over, leave = os.pipe()
    watcher = threading.Thread(target=_watch, args=(terminals, over), daemon=True)
    watcher.start()
    try:
        yield
    finally:
        os.close(leave)
        watcher.join()
        os.close(over)


def _watch(terminals: list[int], over: int) -> None:
    """Wait until the terminal hangs up, or the other end of `over` is closed."""
    poll = select.poll()
    poll.register(over, 0)
    poll.register(terminals[0], 0)  # hanging up is told unasked
    if not any(number != over and flags & (select.POLLHUP | select.POLLERR) for number, flags in poll.poll()):
        return  # macOS cannot poll terminals, and says so
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in terminals:
        os.dup2(nothing, number)
    os.kill(os.getpid(), signal.SIGHUP)
    poll.unregister(terminals[0])
    if not poll.poll(GRACE_SECONDS * 1000):
        os._exit(HANGUP_STATUS)  # the main thread waits for one that paints no more


def _descriptor(stream: io.TextIOBase | None) -> int | None:
    try:
        return None if stream is None else stream.fileno()
    except (OSError, ValueError):
        return None


def _painting_on(stream: io.TextIOWrapper) -> type[Driver]:
    from textual.drivers.linux_driver import LinuxDriver

    class TerminalDriver(LinuxDriver):
        """Textual's own driver, on this stream."""

        number = stream.fileno()

        def __init__(self, *words: object, **options: object) -> None:
            super().__init__(*words, **options)  # type: ignore[arg-type]  # whatever Textual gives its drivers
            self._file = stream

        def _get_terminal_size(self) -> tuple[int, int]:
            try:
                size = os.get_terminal_size(stream.fileno())
            except (OSError, ValueError):
                return super()._get_terminal_size()
            return size.columns or 80, size.lines or 25

    return TerminalDriver
