"""`bootsniff filter`: the BPF text to give to a tcpdump somewhere else."""

from __future__ import annotations

import argparse
import sys


def run(arguments: argparse.Namespace) -> int:
    """Print the filter. Every ssh session is left out: the packets will most likely travel through one."""
    from ..sources.boot_filter import ETHERNET, LINUX_COOKED, portable_text

    sys.stdout.write(portable_text(LINUX_COOKED if arguments.interface == "any" else ETHERNET) + "\n")
    return 0
