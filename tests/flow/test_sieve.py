"""The sieve as a whole: pieces of a block, flows forgotten, bounds, rotation, garbage."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bootsniff.flow import desk, tcp, tftp
from bootsniff.flow.records import HttpExchange, TcpConnection, TftpTransfer
from bootsniff.flow.sieve import Sieve
from bootsniff.flow.table import MAX_CONVERSATIONS
from tests.flow.feed import events_of, records_of
from tests.flow.mixes import mix
from tests.flow.packets import CLIENT, SERVER, SYN, Frame, ack, block_of, data, frame, rrq, udp
from tests.flow.packets import tcp as tcp_packet
from tests.flow.stream import Stream, get, ok


def lockstep(count: int, start: float, step: float) -> list[Frame]:
    frames: list[Frame] = [(start, udp(CLIENT, 2070, SERVER, 69, rrq("x")))]
    for index in range(1, count + 1):
        frames.append((start + index * step, udp(SERVER, 4000, CLIENT, 2070, data(index, bytes(512)))))
        frames.append((start + index * step, udp(CLIENT, 2070, SERVER, 4000, ack(index))))
    return frames


def test_records_are_ahead_of_events_by_two_seconds_at_most() -> None:
    frames = lockstep(1000, 100.0, 0.02)
    sieve = Sieve(0)
    pieces = 0
    for events in sieve.pieces(block_of(frames)):
        pieces += 1
        for event in events:
            assert sieve.last_time - event.time <= 2_000_000_000
    assert pieces >= 10
    assert sieve.last_time == round(120.0 * 1e9)


def test_numbers_are_there_after_sync_without_any_event() -> None:
    frames = lockstep(2000, 100.0, 0.0001)
    sieve = Sieve(0)
    (record,) = records_of(TftpTransfer, sieve.feed(block_of(frames[:1000])))
    assert sieve.feed(block_of(frames[1000:], 1001)) == []
    sieve.sync()
    assert (record.body.received, record.body.packets) == (2000 * 512, 2000)
    assert (record.acked_block, record.ack_count, record.last.frame) == (2000, 2000, 4001)
    assert record.body.longest_wait == 100_000


def test_quiet_flows_are_forgotten() -> None:
    sieve = Sieve(0)
    before = sieve.feed(block_of(lockstep(100, 100.0, 0.001)))
    (record,) = records_of(TftpTransfer, before)
    late: list[Frame] = [(100.0 + 400, udp(SERVER, 4000, CLIENT, 2070, data(101, bytes(512))))]
    assert sieve.feed(block_of(late, 300)) == []
    sieve.sync()
    assert record.body.packets == 100


def test_flows_are_bounded_by_number(monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name in (
        (tftp, "MAX_TRANSFERS"),
        (tcp, "MAX_CONNECTIONS"),
        (desk, "MAX_TRANSFERS"),
        (desk, "MAX_CONNECTIONS"),
    ):
        monkeypatch.setattr(module, name, 64)
    frames: list[Frame] = []
    for number in range(1000):
        at = 100 + number / 1000
        frames.append((at, udp(CLIENT, 1000 + number, SERVER, 69, rrq("x"))))
        frames.append((at, tcp_packet(CLIENT, 1000 + number, SERVER, 80, 7, flags=SYN)))
    sieve = Sieve(0)
    events = [event for at in range(0, 2000, 100) for event in sieve.feed(block_of(frames[at : at + 100], at + 1))]
    assert len(records_of(TftpTransfer, events)) == 1000
    assert len(records_of(TcpConnection, events)) == 1000
    assert sieve.evicted > 1700


def test_conversations_of_a_scan_do_not_fill_the_table() -> None:
    sieve = Sieve(0)
    chance = Random(1)
    flow = Stream(start=1.0).open().ask(get("/x")).answer(ok(bytes(3000), length=300000))
    events = sieve.feed(block_of(flow.frames))
    for turn in range(5):
        frames: list[Frame] = []
        for number in range(8000):
            source = f"10.{turn}.{number >> 8}.{number & 255}"
            frames.append((3 + turn + number / 1e5, udp(source, chance.randint(1000, 60000), SERVER, 9, b"\x80scan")))
        sieve.feed(block_of(frames, 1000 + turn * 8000))
    assert len(sieve._bulk.table) < MAX_CONVERSATIONS
    flow.frames.clear()
    flow.now = 10.0
    events += sieve.feed(block_of(flow.answer(bytes(297000)).frames, 50000))
    (exchange,) = records_of(HttpExchange, events)
    assert exchange.complete
    assert exchange.body.retransmissions == 0


def test_a_rotated_capture_goes_on_in_its_next_file() -> None:
    frames = lockstep(1000, 100.0, 0.0001)
    sieve = Sieve(0)
    events = sieve.feed(block_of(frames[:901]))
    events += sieve.feed(block_of(frames[901:], 1, capture=1))
    sieve.sync()
    (record,) = records_of(TftpTransfer, events)
    assert record.body.packets == 1000
    assert record.body.last is not None
    assert (record.last.capture, record.last.frame) == (1, 1100)
    assert (record.requests[0].capture, record.body.last.capture) == (0, 1)


def test_an_empty_block_says_nothing() -> None:
    assert events_of([]) == []


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 1 << 30), st.binary(max_size=40))
def test_damaged_packets_raise_nothing(seed: int, noise: bytes) -> None:
    chance = Random(seed)
    frames: list[Frame] = []
    for at, whole in mix(chance)[:120]:
        damaged = bytearray(whole[: chance.randint(0, len(whole))] if chance.random() < 0.3 else whole)
        for _ in range(chance.choice([0, 1, 5])):
            if damaged:
                damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        frames.append((at, bytes(damaged)))
    frames.append((frames[-1][0], frame(CLIENT, SERVER, chance.choice([1, 6, 17, 44, 58]), noise)))
    sieve = Sieve(0)
    events_of(frames, sieve=sieve)
    assert sieve.packets == len(frames)
