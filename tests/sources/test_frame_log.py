"""One process writes frames, another reads them."""

import os

from bootsniff.sources.frame_log import FrameLog

from .blocks import Packet, block_of


def test_another_process_reads_what_was_kept() -> None:
    log = FrameLog()
    block = block_of([Packet(5, b"first", 99), Packet(6, b"second"), Packet(7, b"third")], capture=1, first_frame=10)
    child = os.fork()
    if child == 0:
        log.begin(block)
        log.keep(1, 12)
        log.keep(1, 10)
        log.keep(0, 11)
        log.keep(1, 99)
        log.end()
        os._exit(0)
    os.waitpid(child, 0)
    found = log.get(1, 10)
    assert found is not None
    assert (found.time, found.original_length, found.link_type, found.data) == (5, 99, 1, b"first")
    third = log.get(1, 12)
    assert third is not None
    assert third.data == b"third"
    assert log.get(1, 11) is None
    assert log.get(0, 12) is None


def test_it_is_bounded() -> None:
    log = FrameLog(limit=200)
    for number in range(10):
        block = block_of([Packet(number, b"x" * 50)], first_frame=number + 1)
        log.begin(block)
        log.keep(0, number + 1)
        log.end()
    kept = [number for number in range(1, 11) if log.get(0, number) is not None]
    assert kept == [1, 2]


def test_frames_that_come_later_are_found() -> None:
    log = FrameLog()
    for number in (1, 2):
        assert log.get(0, number) is None
        log.begin(block_of([Packet(number, b"x")], first_frame=number))
        log.keep(0, number)
        log.end()
        assert log.get(0, number) is not None
