"""Packets of several interfaces come out in order of time, whole, and each once."""

from unittest import mock

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bootsniff.model import Interface
from bootsniff.sources.reorder import ARENA, Reorder

from .blocks import Packet, block_of

TWO = (Interface(1, "virbr0"), Interface(1, "up0"))

batch = st.tuples(
    st.integers(0, 1),
    st.lists(st.builds(Packet, st.integers(0, 50), st.binary(max_size=8), st.none(), st.sampled_from([0, 0x81000007]))),
    st.integers(0, 60),
    st.sampled_from([0, 7, 100]),
)
SMALL = 200


@given(st.lists(batch, max_size=12))
def test_order_and_content(batches: list[tuple[int, list[Packet], int, int]]) -> None:
    """In so little memory that it has to begin again at its start, and to grow, all the time."""
    with mock.patch("bootsniff.sources.reorder.ARENA", SMALL):
        check_order_and_content(Reorder(TWO), batches)


def check_order_and_content(reorder: Reorder, batches: list[tuple[int, list[Packet], int, int]]) -> None:
    expected = []
    out: list[tuple[int, int, int, bytes]] = []
    for number, packets, until, gap in [*batches, (0, [], 10**9, 7)]:
        block = block_of(packets, interfaces=(TWO[number],), gap=gap)
        reorder.add(block, np.array([number]))
        expected += [(packet.time, number, packet.tag, packet.data) for packet in packets]
        given_out = reorder.take(until)
        if given_out is None:
            continue
        assert given_out.first_frame == len(out) + 1
        assert given_out.time.tolist() == sorted(given_out.time.tolist())
        assert given_out.time.max() <= until
        assert given_out.interface is not None
        for i in range(len(given_out)):
            start = int(given_out.offset[i])
            data = bytes(given_out.buffer[start : start + int(given_out.captured[i])])
            tag = 0 if given_out.vlan_tag is None else int(given_out.vlan_tag[i])
            out.append((int(given_out.time[i]), int(given_out.interface[i]), tag, data))
    assert sorted(out) == sorted(expected)


def test_one_interface_captured_twice_has_one_place() -> None:
    reorder = Reorder((Interface(1, "eth0"),))
    twice = (Interface(1, "eth0"), Interface(1, "eth0"))
    packets = [Packet(2, b"bulk", interface=1), Packet(1, b"control")]
    reorder.add(block_of(packets, interfaces=twice), np.array([0, 0]))
    block = reorder.take(2)
    assert block is not None
    assert block.interface is None
    assert block.time.tolist() == [1, 2]
    assert block.vlan is None


def test_memory_is_used_again() -> None:
    reorder = Reorder(TWO)
    body = bytes(1 << 16)
    buffers = set()
    for moment in range(1000):
        reorder.add(block_of([Packet(moment, body)], interfaces=TWO[:1]), np.array([0]))
        block = reorder.take(moment - 10)
        if block is not None:
            assert len(block) == 1
            buffers.add(id(block.buffer.obj) if isinstance(block.buffer, memoryview) else 0)
            assert len(block.buffer) == ARENA
    assert len(buffers) == 1


def test_one_packet_of_the_future_holds_nothing_up() -> None:
    reorder = Reorder(TWO)
    reorder.add(block_of([Packet(10**9, b"late")], interfaces=TWO[:1]), np.array([0]))
    for moment in range(300):
        reorder.add(block_of([Packet(moment, bytes(1 << 16))], interfaces=TWO[:1]), np.array([0]))
        block = reorder.take(moment)
        assert block is not None
        assert block.time.tolist() == [moment]
        assert len(block.buffer) == ARENA
    last = reorder.take(10**9)
    assert last is not None
    assert bytes(last.buffer[int(last.offset[0]) :][:4]) == b"late"
