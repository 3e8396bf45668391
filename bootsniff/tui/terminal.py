"""Where the screen is painted: on the terminal, whichever of this program's streams lead elsewhere. Paints nothing.

Textual paints on standard error and takes the size of standard output, without asking whether they are the terminal
(LinuxDriver): `bootsniff live virbr0 2>errors` would give a blank screen and a file of escape sequences.
"""

from __future__ import annotations

import io
import os
import sys
from typing import TYPE_CHECKING

from ..errors import UsageError

if TYPE_CHECKING:
    from textual.driver import Driver


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


def _descriptor(stream: io.TextIOBase | None) -> int | None:
    try:
        return None if stream is None else stream.fileno()
    except (OSError, ValueError):
        return None


def _painting_on(stream: io.TextIOWrapper) -> type[Driver]:
    from textual.drivers.linux_driver import LinuxDriver

    class TerminalDriver(LinuxDriver):
        """Textual's own driver, on this stream."""

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
