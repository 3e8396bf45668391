"""`bootsniff explain`: pages of the catalogue."""

from __future__ import annotations

import argparse

from ..report.explain import page_of, write_list, write_page
from .output import paper


def run(arguments: argparse.Namespace) -> int:
    """Print one page, or the list."""
    if arguments.code is None:
        write_list(paper(arguments))
    else:
        write_page(page_of(arguments.code), paper(arguments))
    return 0
