"""A veth pair in a namespace, a sender on it, and programs that capture from it, each measured alone. Needs root."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import tempfile
import termios
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple, Self

NAMESPACE = f"bootsniff-bench-{os.getpid()}"
FAR, NEAR = "far0", "near0"
SAMPLE_SECONDS = 0.5
END_SECONDS = 120
SIZE = (30, 100)
"""Lines and columns of a terminal."""
Reader = Literal["file", "nobody", "no terminal"]


@contextlib.contextmanager
def wire() -> Iterator[None]:
    """The namespace with its veth pair."""
    subprocess.run(["ip", "netns", "add", NAMESPACE], check=True)
    try:
        for words in (
            ["link", "add", FAR, "type", "veth", "peer", "name", NEAR],
            *(["link", "set", name, "addrgenmode", "none", "up"] for name in (FAR, NEAR)),
        ):
            subprocess.run(["ip", "-n", NAMESPACE, *words], check=True)
        yield
    finally:
        subprocess.run(["ip", "netns", "del", NAMESPACE], check=True)


def inside(*words: str) -> list[str]:
    return ["ip", "netns", "exec", NAMESPACE, *words]


class Sent(NamedTuple):
    """What a sender brought to the wire."""

    packets: int
    gigabits: float
    """A second."""
    speed: float
    """Packets a second."""
    backlog: int
    """Packets that the kernel's own queue behind the veth pair lost: they reached no capture program at all."""


class Blast:
    """The sender in C."""

    def __init__(self, folder: Path) -> None:
        self._program = str(folder / "blast")
        subprocess.run(["gcc", "-O2", "-o", self._program, Path(__file__).with_name("blast.c")], check=True)

    def send(self, capture: Path, packets: int, rate: int) -> Sent:
        """Play a capture over and over; `rate` in packets a second, 0 for all it can."""
        before = _backlog_drops()
        done = subprocess.run(
            inside(self._program, FAR, str(capture), str(packets), str(rate)),
            check=True,
            capture_output=True,
            text=True,
        )
        sent, octets, seconds = done.stdout.split()
        speed = int(sent) / float(seconds)
        return Sent(int(sent), int(octets) * 8 / 1e9 / float(seconds), speed, _backlog_drops() - before)


def _backlog_drops() -> int:
    return sum(int(line.split()[1], 16) for line in Path("/proc/net/softnet_stat").read_text().splitlines())


class Seen(NamedTuple):
    """What a receiver says of itself."""

    frames: int
    lost: int
    report: str = ""
    """What of the boots is in its report, against what was sent; for receivers that analyse."""


@dataclass
class Figures:
    """One receiver in one run."""

    seen: Seen
    cpu: float
    """Share of a core, user and system, of all its processes while the sender was at work."""
    peak: float
    """MB: highest sum of the proportional set sizes, sampled."""
    stuck: bool
    """Its output could take nothing more at the end."""


@dataclass
class Receiver:
    """A program that captures until SIGINT, and says then how many packets it saw."""

    name: str
    words: list[str]
    count: Callable[[str, str], Seen]
    """From standard output and standard error."""
    reader: Reader = "file"
    """Where its output goes: to a file, to a pipe or to a terminal whose other end is not read while it captures."""
    leader_only: bool = True
    """SIGINT goes to its first process alone, and not to each."""

    def measure(self, send: Callable[[], Sent]) -> tuple[Figures, Sent]:
        """Run it while `send` does its work."""
        with _Output(self.reader) as output, tempfile.NamedTemporaryFile("w+") as errors:
            process = subprocess.Popen(
                inside(*self.words),
                stdin=output.end if self.reader == "no terminal" else subprocess.DEVNULL,
                stdout=output.end,
                stderr=output.end if self.reader == "no terminal" else errors,  # where the screen is painted
                start_new_session=True,
                env={**os.environ, "TERM": "xterm-256color"},
            )
            with Sampler(process.pid) as sampler:
                if self.reader == "no terminal":
                    output.wait_for_something(process)
                else:
                    _wait_for(Path(errors.name), "listening on|Capturing on", process)
                before, start = _cpu(process.pid), time.monotonic()
                sent = send()
                time.sleep(0.5)
                cpu = (_cpu(process.pid) - before) / (time.monotonic() - start)
                stuck = output.stuck()
                output.begin_to_read()
                if self.reader == "no terminal":
                    output.press(b"q")
                else:
                    for number in _tree(process.pid)[: 1 if self.leader_only else None]:
                        with contextlib.suppress(ProcessLookupError):
                            os.kill(number, signal.SIGINT)
                try:
                    process.wait(END_SECONDS)
                except subprocess.TimeoutExpired:  # a sniffer that cannot keep up may not come to hear of it
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()
            errors.seek(0)
            said = errors.read()
            if "nternal error" in said or "Traceback" in said:
                raise SystemExit(f"{self.name}: {said}")
            seen = self.count(output.text(), said)
        return Figures(seen, cpu, sampler.peak / 1e6, stuck), sent


class _Output:
    """Where a receiver writes: a file, or a pipe or terminal that is not read before it is asked for."""

    def __init__(self, reader: Reader) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115  # closed by __exit__
        self._reading: threading.Thread | None = None
        self._read_end = -1
        if reader == "file":
            self.end = os.dup(self._file.fileno())
        elif reader == "nobody":
            self._read_end, self.end = os.pipe()
        else:
            self._read_end, self.end = pty.openpty()
            fcntl.ioctl(self.end, termios.TIOCSWINSZ, struct.pack("HHHH", *SIZE, 0, 0))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        if self._read_end >= 0:
            os.close(self._read_end)

    def wait_for_something(self, process: subprocess.Popen[bytes]) -> None:
        """The first paint, without reading it."""
        if not select.select([self._read_end], [], [], END_SECONDS)[0] or process.poll() is not None:
            raise SystemExit("nothing was painted")
        time.sleep(1)

    def stuck(self) -> bool:
        """Whether nothing more can be written."""
        return not select.select([], [self.end], [], 0)[1]

    def begin_to_read(self) -> None:
        os.close(self.end)
        if self._read_end >= 0:
            self._reading = threading.Thread(target=self._read)
            self._reading.start()

    def _read(self) -> None:
        with contextlib.suppress(OSError):  # a terminal whose last program has ended
            while piece := os.read(self._read_end, 1 << 16):
                self._file.write(piece)

    def press(self, key: bytes) -> None:
        os.write(self._read_end, key)

    def text(self) -> str:
        """All of it, once the receiver has ended."""
        if self._reading is not None:
            self._reading.join()
        self._file.seek(0)
        return self._file.read().decode("utf-8", "replace")


class Sampler(threading.Thread):
    """A context manager: the highest sum of proportional set sizes, bytes, of a process and its descendants."""

    def __init__(self, pid: int) -> None:
        super().__init__()
        self.peak = 0
        self._pid = pid
        self._over = threading.Event()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self.join()

    def run(self) -> None:
        while not self._over.wait(SAMPLE_SECONDS):
            self.peak = max(self.peak, _memory(self._pid))


def _wait_for(path: Path, pattern: str, process: subprocess.Popen[bytes]) -> None:
    while not re.search(pattern, path.read_text()):
        if process.poll() is not None:
            raise SystemExit(f"it ended: {path.read_text()}")
        time.sleep(0.02)
    time.sleep(0.3)


def _tree(pid: int) -> list[int]:
    """A process and its descendants; ip(8) has become the program itself."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    return [pid, *(number for child in children for number in _tree(int(child)))]


def _cpu(pid: int) -> float:
    """Seconds that a process and its descendants have used so far."""
    total = 0
    for number in _tree(pid):
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
            total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


def _memory(pid: int) -> int:
    total = 0
    for number in _tree(pid):
        with contextlib.suppress(OSError):
            rollup = Path(f"/proc/{number}/smaps_rollup").read_text()
            total += sum(int(line.split()[1]) * 1024 for line in rollup.splitlines() if line.startswith("Pss:"))
    return total
