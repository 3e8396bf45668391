"""Runs commands side by side and measures each child alone: wall time, CPU time, memory of all its processes."""

from __future__ import annotations

import os
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

POLL_SECONDS = 0.02
_NOT_A_USERS = {"PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED"}


@dataclass(frozen=True)
class Command:
    """A command line; `stdin` names a program whose output it reads, or a file."""

    name: str
    arguments: tuple[str, ...]
    feeder: tuple[str, ...] | None = None


@dataclass
class Result:
    """Each run's figures. Memory is the highest sum of proportional set sizes, sampled; MB are 10**6 bytes."""

    walls: list[float] = field(default_factory=list)
    cpus: list[float] = field(default_factory=list)
    peaks: list[float] = field(default_factory=list)
    statuses: set[int] = field(default_factory=set)

    @property
    def wall(self) -> float:
        return min(self.walls)

    @property
    def cpu(self) -> float:
        return min(self.cpus)

    @property
    def peak(self) -> float:
        return max(self.peaks, default=0.0)


def compare(commands: list[Command], runs: int) -> dict[str, Result]:
    """Run all commands in turn, `runs` times over, so that a busy moment hurts all of them alike.

    Memory is sampled in a first run of its own: looking at a process's pages slows it down, and files, among them
    Python's compiled modules, come into the cache.
    """
    results = {command.name: Result() for command in commands}
    for turn in range(runs + 1):
        for command in commands:
            _run(command, results[command.name], sample=turn == 0)
    return results


def _run(command: Command, result: Result, *, sample: bool) -> None:
    feeder = None
    if command.feeder is not None:
        feeder = subprocess.Popen(command.feeder, stdout=subprocess.PIPE)
    with open(os.devnull, "r+b") as null:  # noqa: PTH123  # no path of a file
        start = time.monotonic()
        child = subprocess.Popen(
            command.arguments, stdin=feeder.stdout if feeder else null, stdout=null, stderr=null, env=_environment()
        )
        if feeder is not None and feeder.stdout is not None:
            feeder.stdout.close()
        peak = _watch(child.pid) if sample else 0.0
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.monotonic() - start
        child.returncode = os.waitstatus_to_exitcode(status)
    if feeder is not None:
        feeder.wait()
    result.statuses.add(child.returncode)
    if sample:
        result.peaks.append(peak)
    else:
        result.walls.append(wall)
        result.cpus.append(usage.ru_utime + usage.ru_stime)


def _environment() -> dict[str, str]:
    """As a user has it: Python may keep compiled modules, and buffers what it writes."""
    inherited = {name: value for name, value in os.environ.items() if name not in _NOT_A_USERS}
    return {**inherited, "NO_COLOR": "1", "COLUMNS": "100"}


def _watch(pid: int) -> float:
    """Peak MB of a process and its children until it ends."""
    peak = 0
    while os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        peak = max(peak, _memory(pid))
        time.sleep(POLL_SECONDS)
    return peak / 1e6


def _memory(pid: int) -> int:
    """Proportional set size of a process and all its descendants, bytes: shared pages count once."""
    try:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:  # gone meanwhile
        return 0
    own = next((int(line.split()[1]) * 1024 for line in rollup.splitlines() if line.startswith("Pss:")), 0)
    return own + sum(_memory(int(child)) for child in children)
