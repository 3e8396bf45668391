"""Fragments: put together in any order, given up in time, bounded."""

from __future__ import annotations

import pytest

from bootsniff.flow.fragments import MAX_DATAGRAMS, TIMEOUT, FragmentKey, Reassembler, Whole
from bootsniff.flow.records import TftpTransfer
from bootsniff.flow.sieve import Sieve
from tests.flow.feed import changes, events_of, records_of
from tests.flow.packets import (
    CLIENT,
    SERVER,
    Frame,
    ack,
    block_of,
    data,
    ethernet,
    fragments,
    ip_packet,
    oack,
    rrq,
    udp,
)

KEY = FragmentKey(0, "a", "b", 17, 7)


def add(
    reassembler: Reassembler, offset: int, data: bytes, *, more: bool, time: int = 0, length: int | None = None
) -> bytes | None:
    whole, _ = reassembler.add(
        KEY, offset, data, len(data) if length is None else length, more=more, time=time, frame=1
    )
    return whole.data if whole else None


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0), (0, 0, 2, 1)])
def test_any_order(order: tuple[int, ...]) -> None:
    pieces = [(0, b"aaaaaaaa", True), (8, b"bbbbbbbb", True), (16, b"cc", False)]
    reassembler = Reassembler()
    found = [add(reassembler, *pieces[index][:2], more=pieces[index][2]) for index in order]
    assert found[-1] == b"aaaaaaaabbbbbbbbcc"
    assert found[:-1] == [None] * (len(order) - 1)
    assert len(reassembler) == 0


def test_what_was_there_first_stays() -> None:
    reassembler = Reassembler()
    add(reassembler, 0, b"aaaaaaaa", more=True)
    add(reassembler, 0, b"XXXXXXXX", more=True)
    add(reassembler, 4, b"XXXXbbbb", more=True)
    assert add(reassembler, 12, b"cc", more=False) == b"aaaaaaaabbbbcc"


def test_cut_fragments_still_make_a_whole() -> None:
    reassembler = Reassembler()
    add(reassembler, 0, b"aaaa", more=True, length=8)
    whole, _ = reassembler.add(KEY, 8, b"b", 4, more=False, time=0, frame=1)
    assert whole == Whole(b"aaaa", 12, longest=8)


def test_late_and_too_many_fragments_are_given_up() -> None:
    reassembler = Reassembler()
    add(reassembler, 0, b"aaaaaaaa", more=True)
    assert add(reassembler, 8, b"bb", more=False, time=TIMEOUT + 1) is None
    for number in range(MAX_DATAGRAMS + 50):
        key = KEY._replace(identification=1000 + number)
        reassembler.add(key, 0, b"a" * 8, 8, more=True, time=TIMEOUT + 2, frame=1)
    assert len(reassembler) == MAX_DATAGRAMS
    assert len(reassembler.expire(None)) == MAX_DATAGRAMS


def test_lengths_past_the_end_of_a_datagram_are_ignored() -> None:
    reassembler = Reassembler()
    assert add(reassembler, 65528, b"x" * 100, more=False) is None
    assert add(reassembler, 0, b"a" * 8, more=True) is None


BIG = bytes(range(250)) * 16


def start(options: bool = True) -> list[Frame]:
    return [
        (1.0, udp(CLIENT, 2070, SERVER, 69, rrq("x", "blksize", "4000"))),
        (1.1, udp(SERVER, 4000, CLIENT, 2070, oack("blksize", "4000"))),
    ]


def test_a_fragmented_data_packet_counts() -> None:
    whole = udp(SERVER, 4000, CLIENT, 2070, data(1, BIG))
    pieces = fragments(whole, 1480, 77)
    frames = [*start(), *((1.2 + index / 100, piece) for index, piece in enumerate(pieces[::-1]))]
    frames += [(1.5, udp(CLIENT, 2070, SERVER, 4000, ack(1))), (1.6, udp(SERVER, 4000, CLIENT, 2070, data(2, b"end")))]
    (record,) = records_of(TftpTransfer, events_of(frames))
    assert record.complete
    assert record.body.received == len(BIG) + 3
    assert record.body.head == BIG + b"end"
    assert record.fragments_missing == 0


def test_a_cut_fragmented_data_packet_counts_by_its_headers() -> None:
    pieces = fragments(udp(SERVER, 4000, CLIENT, 2070, data(1, BIG)), 1480, 77)
    frames = [*start(), *((1.2, piece) for piece in pieces)]
    sieve = Sieve(0)
    events = sieve.feed(block_of(frames, snap=96))
    (record,) = records_of(TftpTransfer, events)
    assert record.body.received == len(BIG)
    assert record.body.head == BIG[: 96 - 46]


@pytest.mark.parametrize("lost", [0, 2])
def test_a_datagram_that_is_never_whole_is_told(lost: int) -> None:
    pieces = fragments(udp(SERVER, 4000, CLIENT, 2070, data(1, BIG)), 1480, 77)
    del pieces[lost]
    events = events_of([*start(), *((1.2, piece) for piece in pieces)])
    (record,) = records_of(TftpTransfer, events)
    assert record.fragments_missing == 1
    assert record.body.packets == 0
    assert changes(record, events)[-1] == "changed"


def test_fragments_of_ipv6() -> None:
    ends = ("fd00::1", 4000, "fd00::7", 2070)
    whole = udp(*ends, data(1, BIG))[54:]
    frames: list[Frame] = [(1.0, udp("fd00::7", 2070, "fd00::1", 69, rrq("x", "blksize", "4001")))]
    for offset in range(0, len(whole), 1232):
        piece = whole[offset : offset + 1232]
        more = offset + 1232 < len(whole)
        extension = bytes([17, 0]) + (offset | more).to_bytes(2, "big") + (99).to_bytes(4, "big")
        ethertype, datagram = ip_packet("fd00::1", "fd00::7", 44, extension + piece)
        frames.append((1.2, ethernet(datagram, ethertype, back=True)))
    (record,) = records_of(TftpTransfer, events_of(frames))
    assert record.body.received == len(BIG)
