"""Packets of several interfaces come out in order of time, whole, and each once."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bootsniff.model import Interface
from bootsniff.sources.reorder import Reorder

from .blocks import Packet, block_of

TWO = (Interface(1, "virbr0"), Interface(1, "up0"))

batch = st.tuples(
    st.integers(0, 1),
    st.lists(st.builds(Packet, st.integers(0, 50), st.binary(max_size=8), st.none(), st.sampled_from([0, 0x81000007]))),
    st.integers(0, 60),
)


@given(st.lists(batch, max_size=8))
def test_order_and_content(batches: list[tuple[int, list[Packet], int]]) -> None:
    reorder = Reorder(TWO)
    expected = []
    out: list[tuple[int, int, int, bytes]] = []
    for number, packets, until in [*batches, (0, [], 10**9)]:
        block = block_of(packets, interfaces=(TWO[number],))
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
