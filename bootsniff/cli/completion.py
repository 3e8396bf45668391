"""`bootsniff completion SHELL`: completions made from the parser itself."""

from __future__ import annotations

import argparse
import sys
from typing import Any

FILE_OPTIONS = {"files", "read_files", "write"}


def run(arguments: argparse.Namespace) -> int:
    """Print the completions of `arguments.shell`."""
    import shtab

    from .parser import build

    parser = build()
    _complete_files(parser, shtab.FILE)
    sys.stdout.write(shtab.complete(parser, arguments.shell) + "\n")
    return 0


def _complete_files(parser: argparse.ArgumentParser, how: Any) -> None:
    for action in parser._actions:  # noqa: SLF001  (argparse has no public way to walk its actions)
        if action.dest in FILE_OPTIONS:
            action.complete = how  # type: ignore[attr-defined]
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            for child in action.choices.values():
                _complete_files(child, how)
