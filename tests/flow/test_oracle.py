"""Folding packets in bulk must give what looking at every single packet gives: the same events, the same records."""

from __future__ import annotations

from random import Random
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import Struct

from bootsniff.flow.batch import Batch
from bootsniff.flow.bulk import Bulk
from bootsniff.flow.records import Event, TcpConnection, TftpTransfer
from bootsniff.flow.sieve import Sieve
from bootsniff.flow.steady import Steady
from bootsniff.model import FrameRef
from bootsniff.wire.dissect import dissect
from bootsniff.wire.messages import DhcpOptions
from bootsniff.wire.packet import Packet
from tests.flow.mixes import mix
from tests.flow.packets import CLIENT, SERVER, Frame, ack, block_of, data, oack, rrq, udp


class Unsteady(Steady):
    """No lane is steady."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._good[:] = False


class NoBulk(Bulk):
    def mask(self, batch: Batch, index: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        return np.zeros(len(index), np.bool_)


class OneByOne(Sieve):
    """The oracle: no packet is bulk."""

    bulk = NoBulk
    steady = Unsteady


def run(sieve: Sieve, frames: list[Frame], sizes: list[int], snap: int | None = None) -> list[Event]:
    """Feed frames in blocks of the given sizes, over and over."""
    events: list[Event] = []
    at = turn = 0
    while at < len(frames):
        size = sizes[turn % len(sizes)]
        events += sieve.feed(block_of(frames[at : at + size], at + 1, snap=snap))
        at += size
        turn += 1
        if turn % 3 == 0:
            sieve.sync()
    events += sieve.finish()
    sieve.sync()
    return events


def plain(value: Any, seen: dict[int, int]) -> Any:
    """A record as plain values; each record is spelled out once."""
    if isinstance(value, DhcpOptions):
        value = list(value)
    if isinstance(value, FrameRef):
        return [value.capture, value.frame, value.time]
    if isinstance(value, Struct):
        if id(value) in seen:
            return f"record {seen[id(value)]}"
        seen[id(value)] = len(seen)
        uncounted = isinstance(value, TcpConnection) and not value.exchanges and value.tls is None
        return {
            "is": type(value).__name__,
            **{
                name: plain(getattr(value, name), seen)
                for name in value.__struct_fields__
                if not uncounted or name not in {"last", "last_from_server"}  # it may be a copy that is not looked for
            },
        }
    if isinstance(value, list | tuple):
        return [plain(item, seen) for item in value]
    return value if isinstance(value, str | bytes | int | float | type(None)) else repr(value)


def told(events: list[Event]) -> list[Any]:
    seen: dict[int, int] = {}
    return [(event.envelope.frame, event.change, plain(event.subject, seen)) for event in events]


def compare(frames: list[Frame], sizes: list[int], snap: int | None = None) -> None:
    oracle, sieve = OneByOne(0), Sieve(0)
    expected = told(run(oracle, frames, [4096], snap))
    found = told(run(sieve, frames, sizes, snap))
    for one, other in zip(expected, found, strict=False):
        assert one == other
    assert len(expected) == len(found)
    for name in ("packets", "undecoded", "cut", "last_time"):
        assert getattr(oracle, name) == getattr(sieve, name), name
    # Where bytes are not counted, copies are not looked for, and count as packets of the server's.
    copies = oracle.duplicates - sieve.duplicates
    assert 0 <= sieve.server_packets - oracle.server_packets <= copies
    assert 0 <= sieve.unicast_server_packets - oracle.unicast_server_packets <= copies


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    seed=st.integers(0, 1 << 32),
    sizes=st.lists(st.sampled_from([1, 7, 47, 60, 200, 1000, 5000]), min_size=1, max_size=4),
    snap=st.sampled_from([None, None, 96]),
)
def test_bulk_and_one_by_one_agree(seed: int, sizes: list[int], snap: int | None) -> None:
    compare(mix(Random(seed)), sizes, snap)


def test_they_agree_where_an_ignored_conversation_begins_to_talk_http_in_a_few_packets() -> None:
    compare(mix(Random(2119775)), [60, 47])


@pytest.mark.parametrize(("seed", "sizes"), [(6742476, [60]), (2203504669, [47, 5000, 1000, 1])])
def test_they_agree_where_a_server_still_answers_the_request_before(seed: int, sizes: list[int]) -> None:
    compare(mix(Random(seed)), sizes)


def test_they_agree_on_the_first_of_several_acknowledgements_of_one_block() -> None:
    compare(mix(Random(3192428622)), [1000, 1])


def test_they_agree_but_for_copies_in_a_connection_whose_bytes_are_not_counted() -> None:
    compare(mix(Random(3230906571)), [1, 200, 7, 5000], 96)


@pytest.mark.parametrize(("window", "lost"), [(1, None), (4, (65536, 65537)), (1, (65534, 65535, 65536))])
def test_they_agree_on_a_roll_over(window: int, lost: tuple[int, ...] | None) -> None:
    frames: list[Frame] = [
        (0, udp(CLIENT, 2070, SERVER, 69, rrq("x", "blksize", "8"))),
        (0, udp(SERVER, 4000, CLIENT, 2070, oack("blksize", "8", "windowsize", str(window)))),
    ]
    count = 65536 + 300
    for index in range(1, count + 1):
        payload = b"12345678" if index < count else b""
        if index not in (lost or ()):
            frames.append((index / 1e4, udp(SERVER, 4000, CLIENT, 2070, data(index, payload))))
        if index % window == 0 or index == count:
            frames.append((index / 1e4, udp(CLIENT, 2070, SERVER, 4000, ack(index))))
    sieve = Sieve(0)
    events = run(sieve, frames, [3000])
    (record,) = dict.fromkeys(event.subject for event in events)
    assert isinstance(record, TftpTransfer)
    assert record.highest_block == count
    assert record.rollover_to == 0
    assert record.complete is (lost is None)
    assert record.acked_block == count
    tail = frames[-3000:]
    compare(frames[:2000] + tail, [700])


def test_bulk_packets_are_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    looked = 0

    def counting(*arguments: Any) -> Packet:
        nonlocal looked
        looked += 1
        return dissect(*arguments)

    monkeypatch.setattr("bootsniff.flow.looker.dissect", counting)
    frames: list[Frame] = [(0, udp(CLIENT, 2070, SERVER, 69, rrq("x")))]
    for index in range(1, 4001):
        frames.append((index / 1e4, udp(SERVER, 4000, CLIENT, 2070, data(index, bytes(512 if index < 4000 else 5)))))
        frames.append((index / 1e4, udp(CLIENT, 2070, SERVER, 4000, ack(index))))
    (record,) = dict.fromkeys(event.subject for event in run(Sieve(0), frames, [2000]))
    assert isinstance(record, TftpTransfer)
    assert record.complete
    assert looked < 100
