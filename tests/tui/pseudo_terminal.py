"""A pseudo terminal with a program on it."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

PROGRAM = "import sys; from bootsniff.cli import main; sys.exit(main())"
SIZE = (41, 132)
"""Lines and columns."""
TIMEOUT = 60


class Terminal:
    """A pseudo terminal, and what was painted on it."""

    def __init__(self, size: tuple[int, int] = SIZE) -> None:
        self.ours, self.theirs = pty.openpty()
        self.resize(size)
        self.painted = b""
        self.processes: list[subprocess.Popen[bytes]] = []

    def start(
        self, *words: str, out: Path | None = None, errors: Path | None = None, env: dict[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        environment = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
        redirections = "".join(f" {sign}'{path}'" for sign, path in ((">", out), ("2>", errors)) if path)
        # A session leader that opens a terminal makes it the one that /dev/tty is.
        command = f'exec <"$0" >"$0" 2>"$0"; exec "$@"{redirections}'
        process = subprocess.Popen(
            ["/bin/sh", "-c", command, os.ttyname(self.theirs), sys.executable, "-c", PROGRAM, *words],
            env={**environment, "TERM": "xterm-256color", "TEXTUAL_ANIMATIONS": "none", **(env or {})},
            start_new_session=True,
        )
        self.processes.append(process)
        return process

    def resize(self, size: tuple[int, int]) -> None:
        """Lines and columns."""
        fcntl.ioctl(self.theirs, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))

    def wait_for(self, text: str) -> None:
        while text.encode() not in self.painted:
            self.read()

    def read(self) -> None:
        """What was painted since, waiting for it."""
        assert select.select([self.ours], [], [], TIMEOUT)[0], self.painted
        self.painted += os.read(self.ours, 65536)

    def leave(self, process: subprocess.Popen[bytes], key: bytes = b"q") -> int:
        """Press a key, and read on so that nobody waits to paint."""
        os.write(self.ours, key)
        deadline = time.monotonic() + TIMEOUT
        while process.poll() is None:
            assert time.monotonic() < deadline, self.painted
            if select.select([self.ours], [], [], 0.05)[0]:
                self.painted += os.read(self.ours, 65536)
        return process.wait()

    def hang_up(self) -> None:
        """The terminal is gone, as when a window is closed or a connection is lost."""
        os.close(self.ours)
        os.close(self.theirs)
        self.ours = self.theirs = -1

    def close(self) -> None:
        for process in self.processes:
            if process.poll() is None:
                process.kill()
                process.wait()
        if self.ours >= 0:
            self.hang_up()
