"""Prints what live capture loses, costs and takes to tell: `python -m benchmarks.live` (root, gcc, Linux).

A sender in C plays a mix of TFTP and HTTP boots through a veth pair in a namespace of its own; bootsniff with its full
analysis stands beside tcpdump, dumpcap in a pipe and scapy. Only figures of one run compare.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from .make_captures import make

BOOTSNIFF = str(Path(sys.executable).with_name("bootsniff"))
NAMESPACE = f"bootsniff-bench-{os.getpid()}"
FAR, NEAR = "far0", "near0"
GIGABIT = 120_000
"""Packets of this mix in a second that make 1 Gb/s."""
# The kernel's own queue behind a veth pair overflows on a busy machine: such packets reach no capture program at all
# and are not counted as sent.
SCAPY = """
import signal, sys, time
from scapy.arch.linux import L2ListenSocket
from scapy.sendrecv import AsyncSniffer
count = 0
def one(packet):
    global count
    count += 1
sniffer = AsyncSniffer(iface=sys.argv[1], store=False, prn=one)
sniffer.start()
time.sleep(1)
print("listening on", file=sys.stderr, flush=True)
signal.sigwait({signal.SIGINT})
time.sleep(1)
sniffer.stop()
print(count)
"""


Sent = tuple[int, float, float]
"""Packets, gigabits a second, packets a second."""


@dataclass
class Figures:
    """One receiver in one run."""

    seen: int
    lost: int
    cpu: float
    """Seconds, user and system, of all its processes."""
    peak: float
    """MB: highest sum of the proportional set sizes."""
    seconds: float


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


def sender(packets: int, rate: int, capture: Path, blast: Path) -> Sent:
    done = subprocess.run(
        inside(str(blast), FAR, str(capture), str(packets), str(rate)),
        check=True,
        capture_output=True,
        text=True,
    )
    sent, octets, seconds = done.stdout.split()
    return int(sent), int(octets) * 8 / 1e9 / float(seconds), int(sent) / float(seconds)


def backlog_drops() -> int:
    """Packets that the kernel dropped on their way through the veth pair, before any socket could see them."""
    return sum(int(line.split()[1], 16) for line in Path("/proc/net/softnet_stat").read_text().splitlines())


class Receiver:
    """A program that captures until SIGINT, and says then how many packets it saw."""

    def __init__(self, name: str, words: list[str], count: Callable[[str, str], tuple[int, int]]) -> None:
        self.name = name
        self._words = words
        self._count = count

    def measure(self, send: Callable[[], Sent], *, hang: bool = False) -> tuple[Figures, Sent]:
        """Run it while `send` does its work. With `hang`, nobody reads its output meanwhile."""
        with tempfile.TemporaryFile("w+") as output, tempfile.NamedTemporaryFile("w+") as errors:
            process = subprocess.Popen(
                inside(*self._words), stdout=subprocess.PIPE if hang else output, stderr=errors, text=True
            )
            _wait_for(Path(errors.name), "listening on|Capturing on", process)
            before = _cpu(process.pid)
            start = time.monotonic()
            sent = send()
            seconds = time.monotonic() - start
            time.sleep(0.5)
            cpu = _cpu(process.pid) - before
            peak = _memory(process.pid) / 1e6
            for number in _tree(process.pid)[:1] if "bootsniff" in self._words[0] else _tree(process.pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(number, signal.SIGINT)
            text = process.communicate()[0] if hang else ""
            process.wait()
            output.seek(0)
            errors.seek(0)
            seen, lost = self._count(text or output.read(), errors.read())
        return Figures(seen, lost, cpu, peak, seconds), sent


def _wait_for(path: Path, pattern: str, process: subprocess.Popen[str]) -> None:
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
            total += next(int(line.split()[1]) * 1024 for line in rollup.splitlines() if line.startswith("Pss:"))
    return total


def _bootsniff_plain(output: str, _: str) -> tuple[int, int]:
    frames = re.search(r"live[^,]*, ([\d,]+) frames", " ".join(output.split()))
    lost = re.search(r"([\d,]+) (?:frames|packets)[^.\n]* lost", " ".join(output.split()))
    return _number(frames), _number(lost)


def _bootsniff_json(output: str, _: str) -> tuple[int, int]:
    capture = json.loads(output.splitlines()[-1])["report"]["captures"][0]
    return capture["frames"], capture["dropped_frames"]


def _number(match: re.Match[str] | None) -> int:
    return int(match[1].replace(",", "")) if match else 0


def _tcpdump(_: str, errors: str) -> tuple[int, int]:
    return _number(re.search(r"(\d+) packets captured", errors)), _number(re.search(r"(\d+) packets dropped", errors))


def _dumpcap(_: str, errors: str) -> tuple[int, int]:
    pairs = re.findall(r"on interface '[^']*': (\d+)/(\d+)", errors)
    return sum(int(seen) for seen, _ in pairs), sum(int(lost) for _, lost in pairs)


def receivers(folder: Path) -> list[Receiver]:
    options = ["--no-host-facts", "-Z", "root"]
    found = [
        Receiver("bootsniff live --plain", [BOOTSNIFF, "live", NEAR, "--plain", *options], _bootsniff_plain),
        Receiver("bootsniff live --json", [BOOTSNIFF, "live", NEAR, "--json", *options], _bootsniff_json),
        Receiver(
            "bootsniff live -w FILE",
            [BOOTSNIFF, "live", NEAR, "--json", "-w", str(folder / "b.pcapng"), *options],
            _bootsniff_json,
        ),
        Receiver("tcpdump -w FILE", ["tcpdump", "-Z", "root", "-i", NEAR, "-w", str(folder / "t.pcap")], _tcpdump),
    ]
    if shutil.which("dumpcap"):
        pipe = f"exec dumpcap -q -B 32 -i {NEAR} -w - | cat > /dev/null"
        found.append(Receiver("dumpcap | cat", ["sh", "-c", pipe], _dumpcap))
    found.append(Receiver("scapy AsyncSniffer", [sys.executable, "-c", SCAPY, NEAR], lambda out, _: (int(out), 0)))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=25)
    parser.add_argument("--rates", type=int, nargs="*", default=[GIGABIT, 400_000])
    parser.add_argument("--only", default="", help="receivers whose name contains this")
    arguments = parser.parse_args()
    if os.geteuid() != 0 or not shutil.which("gcc"):
        raise SystemExit("needs root, for a network namespace, and gcc, for the sender")
    capture = make("plain")
    with tempfile.TemporaryDirectory() as name, wire():
        folder = Path(name)
        blast = folder / "blast"
        subprocess.run(["gcc", "-O2", "-o", blast, Path(__file__).with_name("blast.c")], check=True)
        for rate in arguments.rates:
            packets = rate * arguments.seconds
            print(f"{packets:,} packets at {rate:,} a second")
            for receiver in receivers(folder):
                if arguments.only not in receiver.name:
                    continue
                before = backlog_drops()
                figures, (sent, gigabits, speed) = receiver.measure(partial(sender, packets, rate, capture, blast))
                sent -= backlog_drops() - before
                share = 100 * figures.cpu / figures.seconds
                print(
                    f"  {receiver.name:<24} {sent - figures.seen:>10,} lost ({figures.lost:,} told) of {sent:,} at "
                    f"{speed:,.0f}/s, {gigabits:.2f} Gb/s; {share:5.1f} % of a core, {figures.peak:5.0f} MB",
                    flush=True,
                )
                for path in folder.glob("*.pcap*"):
                    path.unlink()


if __name__ == "__main__":
    main()
