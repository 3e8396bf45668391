"""Columns agree with the decoder of single packets, on any mix of frames, whole, cut or damaged."""

import struct
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bootsniff.errors import Malformed
from bootsniff.model import Block, Interface
from bootsniff.wire.columns import Columns
from bootsniff.wire.dissect import dissect
from bootsniff.wire.packet import Packet

ETHERNET, RAW, SLL, SLL2, NULL, LOOP = 1, 101, 113, 276, 0, 108

small = st.integers(0, 255)
ports = st.sampled_from([67, 69, 80, 1024, 49152])


@st.composite
def transports(draw: st.DrawFn) -> tuple[int, bytes]:
    payload = draw(st.binary(max_size=24))
    if draw(st.booleans()):
        claimed = draw(st.sampled_from([8 + len(payload)] * 4 + [0, 7, 8, 9, 500]))
        return 17, struct.pack(">HHHH", draw(ports), draw(ports), claimed, 0) + payload
    offset = draw(st.sampled_from([5, 5, 5, 8, 0, 4, 15]))
    options = bytes(max(0, offset * 4 - 20)) if draw(st.booleans()) else b""
    flags = draw(small)
    numbers = draw(st.integers(0, 2**32 - 1)), draw(st.integers(0, 2**32 - 1))
    header = struct.pack(">HHIIBBHHH", draw(ports), draw(ports), *numbers, offset << 4, flags, 512, 0, 0)
    return 6, header + options + payload


@st.composite
def datagrams(draw: st.DrawFn) -> tuple[int, bytes, bool]:
    """Ethertype, datagram, and whether the transport header stands at a fixed place."""
    protocol, body = draw(transports())
    protocol = draw(st.sampled_from([protocol] * 6 + [1, 58, 44, 0]))
    if draw(st.booleans()):
        words = draw(st.sampled_from([5, 5, 5, 6, 15, 4]))
        options = bytes(max(0, words * 4 - 20))
        fragment = draw(st.sampled_from([0, 0, 0, 0x4000, 0x2000, 185]))
        right = words * 4 + len(body)
        total = draw(st.sampled_from([right] * 4 + [0, 19, right + 7, right - 1, 65535]))
        first = draw(st.sampled_from([0x40] * 8 + [0x50])) | words
        addresses = draw(st.binary(min_size=8, max_size=8))
        header = struct.pack(">BBHHHBBH8s", first, 0, total, 7, fragment, 64, protocol, 0, addresses) + options
        return 0x0800, header + body, True
    length = draw(st.sampled_from([len(body)] * 4 + [0, len(body) + 3, max(0, len(body) - 1)]))
    first = draw(st.sampled_from([0x60000000] * 8 + [0x40000000]))
    header = struct.pack(">IHBB32s", first, length, protocol, 64, draw(st.binary(min_size=32, max_size=32)))
    return 0x86DD, header + body, protocol not in {0, 44}


@st.composite
def frames(draw: st.DrawFn, link: int) -> tuple[bytes, int, bool]:
    """A frame, its length on the wire, and whether fixed positions are enough to read it."""
    ethertype, body, fixed = draw(datagrams())
    ethertype = draw(st.sampled_from([ethertype] * 9 + [0x0806, 60]))
    tags = draw(st.sampled_from([0, 0, 0, 1, 2, 3, 4])) if link in {ETHERNET, SLL, SLL2} else 0
    for _ in range(tags):
        body = struct.pack(">HH", draw(st.integers(0, 0xFFFF)), ethertype) + body
        ethertype = draw(st.sampled_from([0x8100, 0x88A8]))
    macs = bytes(range(12))
    version = 2 if ethertype == 0x0800 else draw(st.sampled_from([10, 24, 28, 30, 7]))
    header = {
        ETHERNET: macs + struct.pack(">H", ethertype),
        SLL: struct.pack(">HHH8sH", 0, 1, 6, macs, ethertype),
        SLL2: struct.pack(">HHIHBB8s", ethertype, 0, draw(st.integers(0, 2**32 - 1)), 1, 0, 6, macs),
        RAW: b"",
        NULL: struct.pack(draw(st.sampled_from(["<I", ">I"])), version),
        LOOP: struct.pack(">I", version),
    }[link]
    frame = header + body + bytes(draw(st.sampled_from([0, 0, 4])))
    captured = len(frame) if draw(st.booleans()) else draw(st.integers(0, len(frame)))
    return frame[:captured], len(frame), fixed and tags < 4


@st.composite
def blocks(draw: st.DrawFn) -> tuple[Block, list[tuple[bytes, bool]]]:
    links = draw(st.lists(st.sampled_from([ETHERNET, RAW, SLL, SLL2, NULL, LOOP, 147]), min_size=1, max_size=3))
    several = len(links) > 1
    numbers = draw(st.lists(st.integers(0, len(links) - 1), min_size=1, max_size=8))
    packets = [draw(frames(links[number] if links[number] != 147 else ETHERNET)) for number in numbers]
    gap = draw(st.sampled_from([0, 16]))
    buffer = bytearray()
    offsets = []
    for data, _, _ in packets:
        buffer += bytes([0xA5]) * gap
        offsets.append(len(buffer))
        buffer += data
    buffer += bytes(draw(st.sampled_from([0, 200])))
    captured = [len(data) for data, _, _ in packets]
    original = [length for _, length, _ in packets]
    vlan = draw(st.none() | st.lists(st.sampled_from([-1, 0, 7]), min_size=len(packets), max_size=len(packets)))
    block = Block(
        0,
        buffer,
        1,
        np.zeros(len(packets), np.int64),
        np.array(offsets, np.int64),
        np.array(captured, np.int64),
        np.array(original, np.int64),
        np.array(numbers, np.uint16) if several else None,
        tuple(Interface(link) for link in links),
        None if vlan is None else np.array(vlan, np.int32),
    )
    return block, [(data, fixed) for data, _, fixed in packets]


def address(high: int, low: int, version: int) -> str:
    import ipaddress

    return str(ipaddress.IPv4Address(low) if version == 4 else ipaddress.IPv6Address(high << 64 | low))


def dissected(block: Block, index: int, data: bytes) -> Packet | None:
    number = 0 if block.interface is None else int(block.interface[index])
    tag = None if block.vlan is None or block.vlan[index] <= 0 else int(block.vlan[index])
    try:
        return dissect(data, int(block.original[index]), block.interfaces[number].link_type, tag)
    except Malformed:
        return None


@given(blocks())
@settings(max_examples=200, deadline=None)
def test_plain_packets_are_what_dissect_says(made: tuple[Block, list[tuple[bytes, bool]]]) -> None:
    block, frames_ = made
    columns = Columns.of(block)
    for index, (data, _) in enumerate(frames_):
        packet = dissected(block, index, data)
        if not columns.plain[index]:
            assert not columns.version[index]
            assert not columns.length[index]
            continue
        assert packet is not None
        assert packet.version == columns.version[index]
        assert packet.protocol == columns.protocol[index]
        version = packet.version
        assert packet.source == address(int(columns.source_high[index]), int(columns.source[index]), version)
        assert packet.target == address(int(columns.target_high[index]), int(columns.target[index]), version)
        assert packet.source_port == columns.source_port[index]
        assert packet.target_port == columns.target_port[index]
        assert packet.payload_length == columns.length[index]
        assert block.buffer[int(columns.l3[index])] >> 4 == version
        assert (packet.identification if version == 4 else 0) == columns.identification[index]
        head = int.from_bytes(packet.payload[:4], "big") if len(packet.payload) >= 4 else 0
        assert head == columns.head[index]
        assert packet.flags == columns.flags[index]
        assert packet.sequence == columns.sequence[index]
        assert packet.acknowledgement == columns.acknowledgement[index]
        assert packet.window == columns.window[index]
        assert (packet.vlan or -1) == (-1 if columns.vlan is None else columns.vlan[index])
        assert packet.point == (0 if columns.point is None else columns.point[index])
        assert not packet.fragment


@given(blocks())
@settings(max_examples=200, deadline=None)
def test_every_simple_packet_is_plain(made: tuple[Block, list[tuple[bytes, bool]]]) -> None:
    """Whole UDP and TCP over IP without extension headers, fragments or odd encapsulations is never left to the slow way."""
    block, frames_ = made
    columns = Columns.of(block)
    for index, (data, fixed) in enumerate(frames_):
        packet = dissected(block, index, data)
        if packet is None or packet.version == 0 or packet.fragment or packet.protocol not in {6, 17}:
            assert not columns.plain[index]
        else:
            assert columns.plain[index] == fixed


@pytest.mark.parametrize("count", [0, 1])
def test_blocks_of_nearly_nothing(count: int) -> None:
    numbers = np.zeros(count, np.int64)
    columns = Columns.of(Block(0, bytearray(), 1, numbers, numbers, numbers, numbers, None, (Interface(ETHERNET),)))
    assert columns.plain.tolist() == [False] * count
    assert columns.odd.tolist() == list(range(count))


@pytest.mark.parametrize("behind", [0, 20, 200])
def test_a_large_buffer_is_not_copied_for_the_packets_at_its_end(behind: int) -> None:
    segment = struct.pack(">HHIIBBHHH", 1024, 80, 7, 9, 5 << 4, 16, 512, 0, 0)
    header = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 40, 5, 0, 64, 6, 0, b"\x0a\0\0\1", b"\x0a\0\0\2")
    frame = bytes(12) + b"\x08\0" + header + segment
    ring = bytearray(8 << 20)
    offset = np.array([len(ring) - behind - 2 * len(frame), len(ring) - behind - len(frame)])
    for at in offset.tolist():
        ring[at : at + len(frame)] = frame
    length = np.full(2, len(frame))
    block = Block(0, memoryview(ring), 1, np.arange(2), offset, length, length, None, (Interface(ETHERNET),))
    tracemalloc.start()
    columns = Columns.of(block)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 1 << 20
    assert (columns.sequence.tolist(), columns.acknowledgement.tolist()) == ([7, 7], [9, 9])
    assert columns.l3.tolist() == (offset + 14).tolist()
