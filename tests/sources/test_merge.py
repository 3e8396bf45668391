"""Rounds of several captures follow one another in time, and lose nothing."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bootsniff.model import Block, Interface
from bootsniff.sources.merge import in_time_order


def block(capture: int, first: int, times: list[int]) -> Block:
    zeros = np.zeros(len(times), np.int64)
    interface = zeros.astype(np.uint16) if capture else None
    return Block(
        capture, bytearray(), first, np.array(times, np.int64), zeros, zeros, zeros, interface, (Interface(1),) * 2
    )


def captures(draw_blocks: list[list[list[int]]]) -> list[list[Block]]:
    made = []
    for capture, lists in enumerate(draw_blocks):
        first, blocks = 1, []
        for times in lists:
            blocks.append(block(capture, first, times))
            first += len(times)
        made.append(blocks)
    return made


times = st.lists(st.lists(st.integers(0, 50), max_size=6), max_size=4)


def ordered(lists: list[list[int]]) -> list[list[int]]:
    flat = iter(sorted(time for part in lists for time in part))
    return [[next(flat) for _ in part] for part in lists]


@given(st.lists(times.map(ordered), max_size=4))
def test_rounds_of_ordered_captures_do_not_overlap(lists: list[list[list[int]]]) -> None:
    latest = -1
    seen: dict[int, list[int]] = {}
    for parts in in_time_order([iter(blocks) for blocks in captures(lists)]):
        assert parts
        assert len({part.capture for part in parts}) == len(parts)
        assert all(len(part) for part in parts)
        assert min(int(part.time.min()) for part in parts) >= latest
        latest = max(int(part.time.max()) for part in parts)
        for part in parts:
            already = seen.setdefault(part.capture, [])
            assert part.first_frame == len(already) + 1
            already.extend(part.time.tolist())
    for capture, made in enumerate(lists):
        assert seen.get(capture, []) == [time for part in made for time in part]


@given(st.lists(times, max_size=4))
def test_captures_out_of_order_keep_their_frames_in_order(lists: list[list[list[int]]]) -> None:
    seen: dict[int, list[int]] = {}
    for parts in in_time_order([iter(blocks) for blocks in captures(lists)]):
        for part in parts:
            assert part.first_frame == len(seen.setdefault(part.capture, [])) + 1
            seen[part.capture].extend(part.time.tolist())
    for capture, made in enumerate(lists):
        assert seen.get(capture, []) == [time for part in made for time in part]
