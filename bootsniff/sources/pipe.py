"""A program that captures and writes what it captures to a pipe: dumpcap here, tcpdump on another host."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Sequence

from ..errors import CaptureError
from ..model import CaptureInfo
from ..text import printable
from .capture_file import CaptureSource, open_capture
from .live import Item

_END_TIMEOUT = 5.0


class PipeSource:
    """Its packets as they come; the program is stopped when nobody wants more."""

    def __init__(self, words: Sequence[str], name: str, *, background: bool) -> None:
        """Start the program and wait for the head of its capture; with `background` Ctrl-C does not reach it.

        Raises CaptureError, with the program's own last line when it ends before that.
        """
        self.name = name
        self._errors = tempfile.TemporaryFile(prefix="bootsniff-")  # noqa: SIM115  # lives as long as this
        self._stopped = False
        try:
            self._process = subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                process_group=0 if background else None,
                bufsize=0,
            )
        except OSError as error:
            self._errors.close()
            raise CaptureError(f"cannot start {words[0]}: {os.strerror(error.errno or 0)}") from error
        stream = self._process.stdout
        assert isinstance(stream, io.FileIO)  # noqa: S101  # an unbuffered pipe was asked for
        try:
            self.capture: CaptureSource = open_capture(name, 0, stream)
        except CaptureError as error:
            self._end()
            raise CaptureError(f"{name}: {self.complaint() or error}") from error

    def items(self) -> Iterator[Item]:
        yield from self.capture.blocks(live=True)
        self._end()
        if not self._stopped:
            raise CaptureError(f"{self.name}: the capture ended by itself: {self.complaint() or 'no reason was given'}")

    def stop(self) -> None:
        """Ask the program to end; what it has captured still comes through the pipe."""
        if not self._stopped:
            self._stopped = True
            with contextlib.suppress(OSError):
                self._process.send_signal(signal.SIGINT)

    def captures(self) -> tuple[CaptureInfo, ...]:
        return (self.capture.info(),)

    def complaint(self) -> str:
        """The line of the program's standard error that says what went wrong, safe to show; may be empty."""
        self._errors.seek(0)
        lines = [line.strip() for line in self._errors.read(1 << 16).decode("utf-8", "replace").splitlines()]
        for line in lines:
            if line.startswith("dumpcap: "):
                return printable(line.removeprefix("dumpcap: "))  # what follows are half a page of advice
        telling = [line for line in lines if line and not line.startswith("tcpdump: listening on")]
        return printable(telling[-1]) if telling else ""

    def close(self) -> None:
        self.stop()
        self._end()
        self._errors.close()

    def _end(self) -> None:
        try:
            self._process.wait(_END_TIMEOUT)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
