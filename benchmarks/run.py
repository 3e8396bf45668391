"""Prints how fast bootsniff is, as ratios to tcpdump and tshark in the same run: `python -m benchmarks.run`.

Captures are made first when they are missing. Each line is one goal; its figures are minima of interleaved runs.
"""

from __future__ import annotations

import argparse
import lzma
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .make_captures import DATA, make
from .measure import Command, Result, compare

BOOTSNIFF = str(Path(sys.executable).with_name("bootsniff"))
BPF = "port 67 or port 68 or port 69"
FIELDS = ("-e", "frame.number", "-e", "dhcp.option.dhcp", "-e", "tftp.opcode", "-e", "http.request.uri")


@dataclass(frozen=True)
class Goal:
    """`value(results)` must be at most `limit`, or at least where `more` is set."""

    text: str
    value: Callable[[dict[str, Result]], float]
    limit: float
    more: bool = False
    unit: str = "x"

    def judge(self, results: dict[str, Result]) -> bool:
        value = self.value(results)
        good = value >= self.limit if self.more else value <= self.limit
        sign = "at least" if self.more else "at most"
        print(f"  {'ok ' if good else 'NOT'} {self.text}: {value:.2f} {self.unit} ({sign} {self.limit:g})")
        return good


def tcpdump(path: Path) -> Command:
    return Command("tcpdump", ("tcpdump", "-r", str(path), "-w", "/dev/null", BPF))


def tshark(path: Path, *, defaults: bool = False) -> Command:
    off = () if defaults else ("-o", "tcp.desegment_tcp_streams:FALSE")
    name = "tshark defaults" if defaults else "tshark"
    return Command(name, ("tshark", *off, "-r", str(path), "-Y", "dhcp||tftp||http", "-T", "fields", *FIELDS))


def read(path: Path, *options: str, name: str = "bootsniff") -> Command:
    return Command(name, (BOOTSNIFF, "read", "-q", *options, str(path)))


def piped(path: Path, name: str = "pipe") -> Command:
    return Command(name, (BOOTSNIFF, "read", "-q", "-"), feeder=("cat", str(path)))


def ratio(above: str, below: str) -> Callable[[dict[str, Result]], float]:
    return lambda results: results[above].wall / results[below].wall


def peak(*names: str) -> Callable[[dict[str, Result]], float]:
    return lambda results: max(results[name].peak for name in names)


def section(title: str, commands: list[Command], goals: list[Goal], runs: int) -> bool:
    print(f"\n{title}")
    results = compare(commands, runs)
    for command in commands:
        result = results[command.name]
        statuses = ",".join(map(str, sorted(result.statuses)))
        print(
            f"    {command.name:<16} wall {result.wall:7.3f} s  CPU {result.cpu:7.3f} s  memory {result.peak:6.1f} MB"
            f"  exit {statuses}"
        )
    judged = [goal.judge(results) for goal in goals]
    return all(judged)


def one_gigabyte(runs: int) -> bool:
    path = make("boot-1g")
    good = section(
        "1 GB boot capture",
        [tcpdump(path), read(path, "--jobs", "1"), read(path, "--jobs", "2", name="jobs 2"), piped(path)],
        [
            Goal("--jobs 1 against tcpdump", ratio("bootsniff", "tcpdump"), 2.5),
            Goal("--jobs 2 against tcpdump", ratio("jobs 2", "tcpdump"), 1.5),
            Goal("memory", peak("bootsniff", "jobs 2", "pipe"), 100, unit="MB"),
        ],
        runs,
    )
    slower = section(
        "1 GB boot capture, tshark without reassembly",
        [tshark(path), read(path)],
        [Goal("tshark against bootsniff", ratio("tshark", "bootsniff"), 25, more=True)],
        1,
    )
    return good and slower


def hundred_megabytes(_runs: int) -> bool:
    path = make("boot-100m")
    return section(
        "100 MB boot capture, tshark as it is by default (on 1 GB it does not end)",
        [tshark(path, defaults=True), read(path)],
        [Goal("tshark against bootsniff", ratio("tshark defaults", "bootsniff"), 25, more=True)],
        1,
    )


def variants(runs: int) -> bool:
    good = True
    base = make("plain")
    for name in ("vlan", "ipv6", "sll2", "pcapng"):
        path = make(name)
        commands = [read(base, name="ethernet"), tcpdump(path), read(path, name=name), tshark(path)]
        goals = [
            Goal("against the same boots on plain Ethernet", ratio(name, "ethernet"), 2),
            Goal("against tcpdump", ratio(name, "tcpdump"), 5),
            Goal("tshark against it", ratio("tshark", name), 12.5, more=True),
        ]
        good &= section(f"360 MB, {name}", commands, goals, max(1, runs // 2))
    path = make("tftp512")
    goals = [
        Goal("against tcpdump", ratio("bootsniff", "tcpdump"), 5),
        Goal("tshark against it", ratio("tshark", "bootsniff"), 12.5, more=True),
    ]
    return (
        section("TFTP with blksize 512", [tcpdump(path), read(path), tshark(path)], goals, max(1, runs // 2)) and good
    )


def many_clients(runs: int) -> bool:
    path = make("storm")
    return section(
        "20,000 clients, DHCP and ARP",
        [tshark(path), read(path), read(path, "--json", name="json")],
        [
            Goal("tshark against the text report", ratio("tshark", "bootsniff"), 3, more=True),
            Goal("tshark against --json", ratio("tshark", "json"), 2, more=True),
            Goal("memory of the text report", peak("bootsniff"), 150, unit="MB"),
            Goal("memory of --json", peak("json"), 250, unit="MB"),
        ],
        max(1, runs // 2),
    )


def start_up(runs: int) -> bool:
    bare = Command("python", (sys.executable, "-c", "pass"))
    sample = DATA / "http-no-echo.pcap"
    packed = Path(__file__).parent.parent / "pcaps" / "http-no-echo.pcap.xz"
    sample.write_bytes(lzma.decompress(packed.read_bytes()))
    return section(
        "start",
        [bare, Command("help", (BOOTSNIFF, "--help")), read(sample, "--json", name="small file")],
        [
            Goal("--help against a bare python", ratio("help", "python"), 6),
            Goal("a small file against a bare python", ratio("small file", "python"), 20),
        ],
        4 * runs,
    )


def four_gigabytes(runs: int) -> bool:
    path = make("boot-4g")
    return section(
        "4 GB boot capture",
        [tcpdump(path), read(path, "--jobs", "1"), read(path, "--jobs", "2", name="jobs 2"), piped(path)],
        [
            Goal("memory", peak("bootsniff", "jobs 2", "pipe"), 100, unit="MB"),
            Goal("--jobs 1 against tcpdump", ratio("bootsniff", "tcpdump"), 2.5),
            Goal("--jobs 2 against tcpdump", ratio("jobs 2", "tcpdump"), 1.5),
        ],
        max(1, runs // 2),
    )


SECTIONS = {
    "start": start_up,
    "1g": one_gigabyte,
    "100m": hundred_megabytes,
    "variants": variants,
    "storm": many_clients,
    "4g": four_gigabytes,
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "sections", nargs="*", metavar="SECTION", help=f"of {', '.join(SECTIONS)} (default: all but 4g)"
    )
    parser.add_argument("--runs", type=int, default=5, help="times each command is run (default: 5)")
    arguments = parser.parse_args()
    unknown = set(arguments.sections) - set(SECTIONS)
    if unknown:
        parser.error(f"no section {', '.join(sorted(unknown))}")
    chosen = arguments.sections or [name for name in SECTIONS if name != "4g"]
    DATA.mkdir(exist_ok=True)
    good = [SECTIONS[name](arguments.runs) for name in chosen]
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
