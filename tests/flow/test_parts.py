"""Ranges, heads and the table of conversations, against plain Python."""

from __future__ import annotations

from random import Random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bootsniff.flow.head import MAX_PENDING, HeadKeeper, looks_like_text
from bootsniff.flow.ranges import MAX_INTERVALS, Ranges
from bootsniff.flow.records import HEAD_BYTES, TEXT_BYTES
from bootsniff.flow.table import FlowTable, Keys
from bootsniff.wire.columns import Columns
from tests.flow.packets import Frame, block_of, udp

intervals = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 20)), max_size=30)


@given(intervals, st.integers(0, 80), st.integers(0, 80))
def test_ranges_agree_with_a_set(parts: list[tuple[int, int]], low: int, high: int) -> None:
    ranges, members = Ranges(), set[int]()
    for start, length in parts:
        piece = set(range(start, start + length))
        fresh = {number for begin, end in ranges.add(start, start + length) for number in range(begin, end)}
        assert fresh == piece - members
        members |= piece
    assert {n for start, end in zip(ranges.starts, ranges.ends, strict=True) for n in range(start, end)} == members
    assert all(end < start for end, start in zip(ranges.ends, ranges.starts[1:], strict=False))
    assert ranges.highest == max(members, default=-1) + 1
    asked = set(range(low, high))
    assert ranges.covers(low, high) == (asked <= members)
    seen = sorted(asked & members)
    wanted = [number in members for number in range(low, seen[-1] + 1)] if seen else []
    assert ranges.holes(low, high) == sum(
        not there and (index == 0 or wanted[index - 1]) for index, there in enumerate(wanted)
    )


def test_ranges_are_bounded() -> None:
    ranges = Ranges()
    for number in range(3 * MAX_INTERVALS):
        ranges.add(2 * number, 2 * number + 1)
    assert len(ranges.starts) == len(ranges.ends) == MAX_INTERVALS


@given(st.binary(max_size=300), st.randoms())
def test_a_head_is_kept_whatever_the_order(body: bytes, chance: Random) -> None:
    pieces = [(at, body[at : at + 17]) for at in range(0, len(body), 11)]
    chance.shuffle(pieces)
    keeper = HeadKeeper()
    for offset, piece in pieces:
        keeper.add(offset, piece)
    assert keeper.value() == body


@given(st.integers(0, 2 * HEAD_BYTES), st.integers(1, 1500), st.randoms())
def test_a_head_is_full_whatever_the_order(size: int, step: int, chance: Random) -> None:
    body = bytes(number * number // 7 % 8 for number in range(size))  # nothing that text holds
    pieces = [(at, body[at : at + step + 5]) for at in range(0, size, step)]
    pieces += pieces[::3]
    chance.shuffle(pieces)
    keeper = HeadKeeper()
    for offset, piece in pieces:
        keeper.add(offset, piece)
    held = len(pieces) <= MAX_PENDING
    assert keeper.value() == body[:HEAD_BYTES] if held else body.startswith(keeper.value())
    assert keeper.full == (len(keeper.value()) == HEAD_BYTES)


def test_the_same_beginning_is_kept_once() -> None:
    one, other = HeadKeeper(), HeadKeeper()
    for keeper in (one, other):
        keeper.add(0, bytes(5000))
    assert one.value() is other.value()


def test_heads_are_bounded() -> None:
    for content, limit in ((bytes(100000), HEAD_BYTES), (b"text\n" * 20000, TEXT_BYTES)):
        keeper = HeadKeeper()
        for offset in range(0, len(content), 1000):
            keeper.add(offset, content[offset : offset + 1000])
        assert keeper.value() == content[:limit]
        assert keeper.full
        assert not keeper.wants(0)
    far = HeadKeeper()
    for offset in range(1, 60000):
        far.add(offset, b"x" * 100)
    assert far.value() == b""


def test_a_hole_stops_a_head() -> None:
    keeper = HeadKeeper()
    keeper.add(0, b"abc")
    keeper.add(5, b"fgh")
    assert keeper.value() == b"abc"
    keeper.add(3, b"de")
    assert keeper.value() == b"abcdefgh"


def test_text_is_told_from_binary() -> None:
    assert looks_like_text(b"#!ipxe\n\techo Gr\xc3\xbc\xc3\x9fe\r\n")
    assert looks_like_text("menü".encode()[:4])
    assert not looks_like_text(b"MZ\x90\0")
    assert not looks_like_text(bytes(range(128, 256)))


def test_the_table_finds_every_conversation_both_ways() -> None:
    table = FlowTable()
    chance = Random(3)
    ends = [
        (f"10.{n >> 8}.{n & 255}.1", chance.randint(1, 65535), "10.9.9.9", chance.randint(1, 65535))
        for n in range(3000)
    ]
    ends += [(f"fd00::{n:x}", 5, "fd00::ffff", 6) for n in range(500)]
    frames: list[Frame] = [(1.0, udp(*four, b"data")) for four in ends]
    frames += [(1.0, udp(target, tport, source, sport, b"data")) for source, sport, target, tport in ends]
    columns = Columns.of(block_of(frames))
    keys = Keys(columns, None)
    assert not table.find(keys, columns.plain).any()
    numbers = [table.add(keys.key(index)) for index in range(len(ends))]
    forward, backward = np.split(table.find(keys, columns.plain), 2)
    assert forward.tolist() == [2 * number for number in numbers]
    assert backward.tolist() == [2 * number + 1 for number in numbers]
    table.remove(numbers[::2])
    forward, _ = np.split(table.find(keys, columns.plain), 2)
    assert forward.tolist() == [0 if index % 2 == 0 else 2 * number for index, number in enumerate(numbers)]
    assert len(table) == len(numbers) // 2
