"""`bootsniff completion SHELL`: completions made from the parser itself."""

from __future__ import annotations

import argparse
import sys
from typing import Any

FILE_OPTIONS = {"files", "read_files", "write"}


def run(arguments: argparse.Namespace) -> int:
    """Print the completions of `arguments.shell`."""
    import shtab

    from ..report.explain import pages
    from .parser import build

    parser = build()
    _complete(parser, shtab.FILE, [page.code for page in pages()])
    sys.stdout.write(shtab.complete(parser, arguments.shell) + "\n")
    return 0


def _complete(parser: argparse.ArgumentParser, files: Any, codes: list[str]) -> None:
    for action in parser._actions:  # noqa: SLF001  (argparse has no public way to walk its actions)
        if action.dest in FILE_OPTIONS:
            action.complete = files  # type: ignore[attr-defined]
        elif action.dest == "code":
            action.choices = codes  # not in the parser itself, which would load all rules for them
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            for child in action.choices.values():
                _complete(child, files, codes)
