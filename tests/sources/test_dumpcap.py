"""Two dumpcaps an interface: what they bring is put into one order, and neither holds up the other for long."""

from __future__ import annotations

import os
import shutil
import struct
import time
from collections.abc import Callable, Iterator, Sequence
from threading import Event
from typing import Literal

import numpy as np
import pytest

from bootsniff.errors import CaptureError
from bootsniff.model import Block, CaptureInfo, Interface, Tick
from bootsniff.sources import dumpcap
from bootsniff.sources.dumpcap import HOLD_NS, DumpcapSource
from bootsniff.sources.interfaces import Change
from bootsniff.sources.live import Item, News
from bootsniff.sources.pipe import PipeSource

from .netns import NEAR, Namespace, needs_root

ETHERNET = 1


def block(number: int, at: int) -> Block:
    """One packet of one byte, which tells it."""
    zero = np.zeros(1, np.int64)
    return Block(0, bytearray([number]), 1, zero + at, zero, zero + 1, zero + 1, None, (Interface(ETHERNET, "lo"),))


class Pipe:
    """What stands for a dumpcap: it has written something whenever its turn comes, or never."""

    def __init__(self, turns: Iterator[Item], *, busy: bool, dropped: int = 0) -> None:
        self._turns = turns
        self._dropped = dropped
        self.told_to_end = False
        self._read, self._write = os.pipe()
        if busy:
            os.write(self._write, b"x")
        self.capture = self

    def wait_no_longer(self, gather: float) -> None:
        """As CaptureSource has it."""

    def items(self) -> Iterator[Item]:
        return self._turns

    def fileno(self) -> int:
        return self._read

    def captures(self) -> tuple[CaptureInfo, ...]:
        return (CaptureInfo("", "pcapng", (), 0, 0, None, None, dropped_frames=self._dropped),)

    def stop(self) -> None:
        """It goes on, unless its turns look at this."""
        self.told_to_end = True

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


State = Literal["up", "down", "gone"]


class Watched:
    """What stands for the watch of an interface: the test says what becomes of it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.state: State = "up"
        self._change: Change | None = None

    def becomes(self, state: State, *, rebind: bool = False) -> None:
        self._change = Change(self.name, state, f"{self.name} is {state}", rebind)

    def check(self) -> Change | None:
        change, self._change = self._change, None
        if change is not None:
            self.state = change.state
        return change


class Bench:
    """Dumpcaps and interfaces of the test: `first` has one dumpcap per half, `second` a row of them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, make: Callable[[str, int], Pipe]) -> None:
        self.watches: dict[str, Watched] = {}
        self.pipes: dict[str, list[Pipe]] = {}

        def watch(name: str) -> Watched:
            return self.watches.setdefault(name, Watched(name))

        def start(words: Sequence[str], name: str, *_: object, **__: object) -> Pipe:
            row = self.pipes.setdefault(name, [])
            row.append(make(name, len(row)))
            return row[-1]

        monkeypatch.setattr(shutil, "which", lambda *_: "dumpcap")
        monkeypatch.setattr(dumpcap, "PipeSource", start)
        monkeypatch.setattr(dumpcap, "Watch", watch)
        monkeypatch.setattr(dumpcap, "_LOOK_SECONDS", 0.01)
        monkeypatch.setattr(dumpcap, "hardware_type", lambda _: ETHERNET)

    def source(self) -> DumpcapSource:
        return DumpcapSource(["first", "second"], lambda: True, lambda _: ("control", "bulk"))


def ended_by_itself(because: Callable[[], object]) -> Iterator[Item]:
    yield block(7, time.time_ns())
    yield News(0, "3 packets lost on second", 3, "second")
    because()
    raise CaptureError("second: the capture ended by itself")


@pytest.mark.parametrize("state", ["gone", "down"])
def test_only_the_dumpcaps_of_the_interface_that_went_are_started_again(
    monkeypatch: pytest.MonkeyPatch, state: State
) -> None:
    def make(name: str, number: int) -> Pipe:
        if (name, number) == ("second", 0):
            return Pipe(ended_by_itself(lambda: bench.watches[name].becomes(state)), busy=True, dropped=3)
        return Pipe(quiet(1_000_000) if name == "first" else until_told(number), busy=False)

    def until_told(number: int) -> Iterator[Item]:
        while not bench.pipes["second"][number].told_to_end:
            yield Tick(0)

    bench = Bench(monkeypatch, make)
    made = bench.source()
    told: list[str] = []
    packets = 0
    for turns, item in enumerate(made.items()):
        if isinstance(item, News):
            told.append(item.text)
        packets += len(item) if isinstance(item, Block) else 0
        if packets and bench.watches["second"].state == state:
            assert len(bench.pipes["second"]) == 2  # none is started while it is away
            bench.watches["second"].becomes("up", rebind=state == "gone")
        if len(bench.pipes["second"]) == 4:
            break
        assert turns < 1000
    assert told == ["3 packets lost on second", f"second is {state}", "second is up"]
    assert packets == 1
    assert len(bench.pipes["first"]) == 2
    assert not any(pipe.told_to_end for pipe in bench.pipes["first"])
    assert made.captures()[0].dropped_frames == 3
    made.close()


def test_a_dumpcap_that_ends_while_its_interface_is_there_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def make(name: str, _: int) -> Pipe:
        return Pipe(ended_by_itself(int) if name == "second" else quiet(1_000_000), busy=name == "second")

    made = Bench(monkeypatch, make).source()
    with pytest.raises(CaptureError, match="ended by itself"):
        list(made.items())
    made.close()


def test_a_dumpcap_that_cannot_be_started_again_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[str] = []

    def make(name: str, number: int) -> Pipe:
        if (name, number) == ("second", 0):
            bench.watches[name].becomes("up", rebind=True)
        if name == "second" and number >= 2:
            tries.append(name)
            bench.pipes[name].append(Pipe(quiet(0), busy=True))
            raise CaptureError("second: no room")
        return Pipe(quiet(1_000_000) if name == "first" else quiet(1), busy=False)

    bench = Bench(monkeypatch, make)
    made = bench.source()
    told: list[str] = []
    for item in made.items():
        told += [item.text] if isinstance(item, News) else []
        if len(tries) == 3:
            break
    assert told == ["second is up", "second: no room"]
    made.close()


def frame(number: int) -> bytes:
    """A DHCP packet's ports, which the filter for control packets takes, and a number."""
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 32, 0, 0, 64, 17, 0, bytes(4), b"\xff" * 4)
    return bytes.fromhex("ffffffffffff5254000000010800") + ip + struct.pack("!HHHHI", 68, 67, 12, 0, number)


Packets = list[tuple[int, str | None, int]]
"""Time, interface, number."""


def packets_of(given: Block) -> Packets:
    found: Packets = []
    for i in range(len(given)):
        place = 0 if given.interface is None else int(given.interface[i])
        (number,) = struct.unpack_from("!I", given.buffer, int(given.offset[i]) + 42)
        found.append((int(given.time[i]), given.interfaces[place].name, number))
    return found


@pytest.mark.root
@needs_root
@pytest.mark.skipif(shutil.which("dumpcap") is None, reason="needs dumpcap")
def test_the_others_lose_nothing_while_an_interface_is_away(
    namespace: Namespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[str] = []

    class Counted(PipeSource):
        def __init__(self, words: Sequence[str], name: str, wanted: Callable[[], bool], **more: Sequence[str]) -> None:
            started.append(name)
            super().__init__(words, name, wanted, interfaces=more["interfaces"])

    monkeypatch.setattr(dumpcap, "PipeSource", Counted)
    namespace.add_pair("far1", "near1")
    seen: Packets = []
    told: list[str] = []
    sent: list[int] = []
    hush = Event()
    made = DumpcapSource([NEAR, "near1"], lambda: True, lambda _: ("udp port 67", "tcp"))

    def begins_anew() -> bool:
        return len(started) == 6 and "promiscuity 0" not in namespace.show("near1")

    def numbers(name: str) -> list[int]:
        return [number for _, interface, number in seen if interface == name]

    steps: Iterator[tuple[Callable[[], object], Callable[[], bool]]] = iter(
        [
            (lambda: namespace.send([frame(1)], "far1"), lambda: numbers("near1") == [1]),
            (lambda: namespace.ip("link", "del", "far1"), lambda: any("is gone" in text for text in told)),
            (lambda: namespace.add_pair("far1", "near1"), begins_anew),
            (lambda: namespace.send([frame(2)], "far1"), lambda: numbers("near1") == [1, 2]),
            (hush.set, lambda: numbers(NEAR) == sent),
            (made.stop, lambda: False),
        ]
    )
    done: Callable[[], bool] = lambda: True  # noqa: E731  # the type is told here
    for turns, item in enumerate(made.items()):
        if isinstance(item, Block):
            seen += packets_of(item)
        elif isinstance(item, News):
            told.append(item.text)
        if not hush.is_set():
            sent += range(100 + len(sent), 120 + len(sent))
            namespace.send([frame(number) for number in sent[-20:]])
        if done():
            act, done = next(steps)
            act()
        assert turns < 20_000
    made.close()
    assert started == [NEAR, NEAR, "near1", "near1", "near1", "near1"]
    assert (numbers(NEAR), numbers("near1")) == (sent, [1, 2])
    assert seen == sorted(seen, key=lambda packet: packet[0])
    (info,) = made.captures()
    assert (info.frames, info.dropped_frames, info.truncated) == (len(seen), 0, False)
