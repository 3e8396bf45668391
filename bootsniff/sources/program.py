"""Starts a program that writes a capture, or answers, to a pipe; what it writes is the business of whoever asked."""

from __future__ import annotations

import io
import os
import subprocess
import tempfile
from collections.abc import Sequence
from typing import IO, NamedTuple

from ..errors import CaptureError


class Program(NamedTuple):
    """A program that runs, all of it the caller's to close."""

    process: subprocess.Popen[bytes]
    output: io.FileIO
    """Its standard output, unbuffered."""
    errors: IO[bytes]
    """A file without a name that holds its standard error: a pipe that nobody reads would stop it."""


def start(words: Sequence[str], *, stdin: int = subprocess.DEVNULL, with_terminal: bool = False) -> Program:
    """Start it out of reach of Ctrl-C: this program still wants to report what was read until then.

    One that has to ask the user for something shares the terminal (`with_terminal`). Raises CaptureError.
    """
    errors = tempfile.TemporaryFile(prefix="bootsniff-")  # noqa: SIM115  # lives as long as the program
    try:
        process = subprocess.Popen(
            words,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=errors,
            bufsize=0,
            process_group=None if with_terminal else 0,
        )
    except OSError as error:
        errors.close()
        raise CaptureError(f"cannot start {words[0]}: {os.strerror(error.errno or 0)}") from error
    assert isinstance(process.stdout, io.FileIO)  # noqa: S101  # an unbuffered pipe was asked for
    return Program(process, process.stdout, errors)
