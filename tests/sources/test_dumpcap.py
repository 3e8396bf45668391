"""Two dumpcaps an interface: what they bring is put into one order, and neither holds up the other for long."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator

import numpy as np
import pytest

from bootsniff.model import Block, CaptureInfo, Interface, Tick
from bootsniff.sources import dumpcap
from bootsniff.sources.dumpcap import HOLD_NS, DumpcapSource

ETHERNET = 1


def block(number: int, at: int) -> Block:
    """One packet of one byte, which tells it."""
    zero = np.zeros(1, np.int64)
    return Block(0, bytearray([number]), 1, zero + at, zero, zero + 1, zero + 1, None, (Interface(ETHERNET, "lo"),))


class Pipe:
    """What stands for a dumpcap: it has written something whenever its turn comes, or never."""

    def __init__(self, turns: Iterator[Block | Tick], *, busy: bool) -> None:
        self._turns = turns
        self._read, self._write = os.pipe()
        if busy:
            os.write(self._write, b"x")
        self.capture = self

    def wait_no_longer(self, gather: float) -> None:
        """As CaptureSource has it."""

    def items(self) -> Iterator[Block | Tick]:
        return self._turns

    def fileno(self) -> int:
        return self._read

    def captures(self) -> tuple[CaptureInfo, ...]:
        return ()

    def stop(self) -> None:
        """It goes on."""

    def close(self) -> None:
        os.close(self._read)
        os.close(self._write)


def source(monkeypatch: pytest.MonkeyPatch, control: Pipe, bulk: Pipe) -> DumpcapSource:
    pipes = iter((control, bulk))
    monkeypatch.setattr(shutil, "which", lambda *_: "dumpcap")
    monkeypatch.setattr(dumpcap, "PipeSource", lambda *_, **__: next(pipes))
    return DumpcapSource(["lo"], lambda: True, lambda _: ("control", "bulk"))


def first_blocks(made: DumpcapSource, count: int) -> list[Block]:
    found: list[Block] = []
    for item in made.items():
        if isinstance(item, Block):
            found.append(item)
            if len(found) == count:
                break
    made.close()
    return found


def quiet(turns: int) -> Iterator[Tick]:
    for _ in range(turns):
        yield Tick(0)


def test_bodies_do_not_wait_for_control_packets_that_never_come(monkeypatch: pytest.MonkeyPatch) -> None:
    left = iter(range(10_000))

    def busy() -> Iterator[Block]:
        for _ in left:
            yield block(1, time.time_ns())

    made = source(monkeypatch, Pipe(quiet(20), busy=False), Pipe(busy(), busy=True))
    assert len(first_blocks(made, 1)[0]) > 0
    assert next(left, None) is not None


def test_a_pipe_that_is_empty_for_a_moment_is_not_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bodies that wait in dumpcap are older than the control packets that have come already."""
    start = time.time_ns() - 10 * HOLD_NS

    def control() -> Iterator[Block | Tick]:
        yield block(2, start + 5 * HOLD_NS)
        yield from quiet(1_000_000)

    def late() -> Iterator[Block | Tick]:
        for step in range(10_000):
            yield block(1, start + step * HOLD_NS // 1000)
            yield Tick(0)

    made = source(monkeypatch, Pipe(control(), busy=True), Pipe(late(), busy=True))
    times = [int(at) for given in first_blocks(made, 50) for at in given.time]
    assert times == sorted(times)
