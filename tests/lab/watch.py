"""Recording a scenario with tcpdump, for captures that do not depend on the program under test."""

import signal
from pathlib import Path

from .process import Process


def tcpdump(netns: str, interface: str, target: Path) -> Process:
    """Start recording whole packets of one interface into ``target``; ``stop()`` ends it and completes the file.

    Immediate mode, because otherwise it sees packets up to a second late and loses that second when it is stopped.
    """
    return Process(
        ["tcpdump", "-i", interface, "-s", "0", "--immediate-mode", "-B", "16384", "-Z", "root", "-w", str(target)],
        target.with_suffix(".log"),
        netns=netns,
        ready_pattern="listening on",
        stop_signal=signal.SIGINT,
    ).start()
