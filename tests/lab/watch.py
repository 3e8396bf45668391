"""Recording a scenario with tcpdump, for captures that do not depend on the program under test."""

import signal
from pathlib import Path

from .process import Process


def tcpdump(netns: str, interface: str, target: Path, *words: str) -> Process:
    """Start recording whole packets of one interface into ``target``; ``stop()`` ends it.

    The file is complete once it has stopped: tcpdump is asked with SIGINT and flushes.
    """
    return Process(
        ["tcpdump", "-i", interface, "-s", "0", "-B", "16384", "-Z", "root", "-w", str(target), *list(words)],
        target.with_suffix(".log"),
        netns=netns,
        ready_pattern="listening on",
        stop_signal=signal.SIGINT,
    ).start()
