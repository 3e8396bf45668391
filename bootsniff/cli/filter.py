"""`bootsniff filter`: the BPF text to give to a tcpdump somewhere else."""

from __future__ import annotations

import argparse
import sys


def run(arguments: argparse.Namespace) -> int:  # noqa: ARG001  (every command has this signature)
    """Print the filter. Every ssh session is left out: the packets will most likely travel through one."""
    from ..sources.boot_filter import portable_text

    sys.stdout.write(portable_text() + "\n")
    return 0
