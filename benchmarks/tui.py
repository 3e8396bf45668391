"""Prints how quick the TUI is, on a terminal of its own: `python -m benchmarks.tui`.

Start to first paint and to the end of a 1 GB file, beside `read` on the same file; from a key to its paint with 5,000
machines, also while they are being read; idle CPU; memory; leaving.
"""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import statistics
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path

from .make_captures import make

BOOTSNIFF = str(Path(sys.executable).with_name("bootsniff"))
KEYS = 40
SIZE = (30, 100)
TICKS = os.sysconf("SC_CLK_TCK")


class Terminal:
    """A program on a pseudo-terminal; everything it writes is read at once, as a terminal would."""

    def __init__(self, *command: str) -> None:
        self.began = time.monotonic()
        self.pid, self.end = pty.fork()
        if self.pid == 0:
            os.environ |= {"TERM": "xterm-256color", "COLORTERM": "truecolor", "TEXTUAL_ANIMATIONS": "none"}
            os.execv(command[0], command)  # noqa: S606 (no shell wanted)
        fcntl.ioctl(self.end, termios.TIOCSWINSZ, struct.pack("HHHH", *SIZE, 0, 0))
        self.seen = b""

    def read(self, seconds: float) -> bytes:
        """What comes within that time; returns as soon as something came and nothing more follows at once."""
        if not select.select([self.end], [], [], seconds)[0]:
            return b""
        try:
            piece = os.read(self.end, 1 << 20)
        except OSError:
            return b""
        self.seen += piece
        return piece

    def until(self, good: Callable[[bytes], bool], seconds: float) -> float:
        """Seconds from the start until what was seen is good. Raises TimeoutError."""
        deadline = time.monotonic() + seconds
        while not good(self.seen):
            if time.monotonic() > deadline:
                raise TimeoutError(self.seen[-2000:])
            self.read(0.05)
        return time.monotonic() - self.began

    def press(self, key: bytes) -> float:
        """Seconds from a key to the paint that answers it; keys have to change something. Raises TimeoutError."""
        while self.read(0.02):
            pass
        began = time.monotonic()
        os.write(self.end, key)
        if not self.read(5.0):
            raise TimeoutError(key)
        return time.monotonic() - began

    def status(self, name: str) -> int:
        """A figure of /proc/PID/status, in kB."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(name):
                return int(line.split()[1])
        return 0

    def cpu(self) -> float:
        """Seconds of CPU so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def leave(self) -> float:
        """Presses q; seconds until the screen is the shell's again."""
        began = time.monotonic()
        mark = len(self.seen)
        os.write(self.end, b"q")
        while b"\x1b[?1049l" not in self.seen[mark:]:
            if time.monotonic() - began > 10:
                raise TimeoutError
            self.read(0.05)
        took = time.monotonic() - began
        while self.read(1.0):
            pass
        os.kill(self.pid, signal.SIGTERM)
        os.waitpid(self.pid, 0)
        os.close(self.end)
        return took


def keys(terminal: Terminal) -> str:
    """Latency of moving through the table."""
    took = sorted(terminal.press((b"j", b"\x1b[6~", b"k", b"\x1b[5~")[number % 4]) for number in range(KEYS))
    return f"median {1000 * statistics.median(took):.0f} ms, 9 of 10 below {1000 * took[KEYS * 9 // 10]:.0f} ms"


def big_file() -> None:
    path = make("boot-1g")
    plain = time.monotonic()
    subprocess.run([BOOTSNIFF, "read", "-q", str(path)], check=False, stdout=subprocess.DEVNULL)
    plain = time.monotonic() - plain
    terminal = Terminal(BOOTSNIFF, "read", "--tui", str(path))
    first = terminal.until(lambda seen: b"machine" in seen and b"?" in seen, 60)
    while_reading = keys(terminal) if b"ended" not in terminal.seen else "it was read too fast"
    end = terminal.until(lambda seen: b"ended" in seen, 600)
    print(f"1 GB file: first paint {first:.2f} s, read to the end {end:.1f} s (read -q: {plain:.1f} s)")
    print(f"  a key while it is read: {while_reading}")
    print(f"  a key afterwards: {keys(terminal)}")
    seeks = [terminal.press(key) for _ in range(3) for key in (b"0", b"]", b"]", b"$", b"[", b"[", b"$")]
    print(f"  a seek: median {1000 * statistics.median(seeks):.0f} ms, longest {1000 * max(seeks):.0f} ms")
    print(f"  memory at most {terminal.status('VmHWM') / 1000:.0f} MB")
    print(f"  leaving {terminal.leave():.2f} s")


def crowd() -> None:
    path = make("crowd")
    terminal = Terminal(BOOTSNIFF, "read", "--tui", str(path))
    terminal.until(lambda seen: b"ended" in seen, 300)
    print(f"5,000 machines: a key {keys(terminal)}")
    while terminal.read(1.0):
        pass
    before, began = terminal.cpu(), time.monotonic()
    while time.monotonic() - began < 5:
        terminal.read(0.5)
    print(f"  idle: {100 * (terminal.cpu() - before) / (time.monotonic() - began):.1f} % of a core")
    print(f"  memory {terminal.status('VmRSS') / 1000:.0f} MB")
    print(f"  leaving {terminal.leave():.2f} s")


if __name__ == "__main__":
    crowd()
    big_file()
