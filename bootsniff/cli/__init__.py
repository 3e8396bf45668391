"""The command line: the only room that joins a source, the engine and a view, and that decides exit statuses.

One module a command, each with `run(arguments: argparse.Namespace) -> int`. Nothing heavy is imported here or in
`parser`: `bootsniff --help` has to answer at once. Standard output carries data only, errors go to standard error,
one line each; `BOOTSNIFF_DEBUG=1` shows where an error came from.
"""

from __future__ import annotations

import atexit
import gc
import os
import sys
from collections.abc import Sequence

from ..errors import BootsniffError

INTERRUPTED = 130
INTERNAL_ERROR = 3
LONGEST_ERROR = 2000


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return the exit status; the entry point of the program."""
    _fill_streams()
    try:
        from importlib import import_module

        from .parser import parse

        # What is made while reading mostly lives as long as the report: walking it over and over frees nothing.
        gc.set_threshold(100_000, 50, 50)
        # Nor does it at the end, where the interpreter would do it twice more.
        atexit.register(gc.freeze)
        # NumPy is used for columns only: the threads of its linear algebra cost start-up time and memory.
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
        arguments = parse(argv)
        command = import_module(f".{arguments.module}", __name__)
        status: int = command.run(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        _discard_output()
        return 0
    except KeyboardInterrupt:
        return INTERRUPTED
    except SystemExit as leaving:  # argparse: --help, --version, wrong usage
        return _flushed(leaving.code if isinstance(leaving.code, int) else 0)
    except BootsniffError as error:
        if debugging():
            raise
        complain(str(error))
        return _flushed(error.exit_status)
    except OSError as error:
        if debugging():
            raise
        complain(f"{error.strerror or error}" + (f": {error.filename}" if error.filename else ""))
        return _flushed(INTERNAL_ERROR)
    except Exception as error:
        if debugging():
            raise
        complain(f"internal error, {type(error).__name__}: {error} (BOOTSNIFF_DEBUG=1 shows where)")
        return _flushed(INTERNAL_ERROR)
    return status


def debugging() -> bool:
    """Whether the user wants to see where errors come from."""
    return bool(os.environ.get("BOOTSNIFF_DEBUG"))


def _fill_streams() -> None:
    """Closed standard streams (`>&-`) lead nowhere: else the next socket or file would take their numbers."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free: this one
            if getattr(sys, name) is None:
                setattr(sys, name, open(number, "w" if number else "r", encoding="utf-8"))  # noqa: PTH123, SIM115


def complain(text: str) -> None:
    """One line on standard error, whatever the text holds."""
    from ..text import printable

    line = printable(" ".join(text.split()), LONGEST_ERROR)
    try:
        sys.stderr.write(f"bootsniff: {line}\n")
        sys.stderr.flush()
    except (OSError, ValueError):
        pass  # nobody is left to tell


def _flushed(status: int) -> int:
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        _discard_output()
    return status


def _discard_output() -> None:
    """Point standard output at nothing: the reader is gone, and the interpreter flushes once more when it ends."""
    try:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
    except (OSError, ValueError):
        pass
