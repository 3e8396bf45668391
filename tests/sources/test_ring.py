"""The packet ring and the live source on it, on real interfaces in a namespace of their own."""

import contextlib
import os
import select
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from bootsniff.errors import CaptureError
from bootsniff.model import Block, Tick
from bootsniff.sources.boot_filter import compile_filter, filter_text
from bootsniff.sources.capture_file import open_capture
from bootsniff.sources.live import News, RingSource
from bootsniff.sources.privileges import drop_privileges, target_account
from bootsniff.sources.recorder import Recorder
from bootsniff.sources.ring import NoRightError, Ring

from .netns import FAR, NEAR, Namespace, needs_root

pytestmark = [pytest.mark.root, needs_root]

Seen = list[tuple[str | None, int, bytes]]
"""Interface, VLAN tag, bytes."""


def frame(number: int, size: int = 60, *, tag: int = 0, protocol: int = 0x88B5) -> bytes:
    """An Ethernet frame of an experimental protocol that carries its number."""
    link = bytes.fromhex("ffffffffffff525400000001") + (tag.to_bytes(4, "big") if tag else b"")
    body = link + struct.pack("!HI", protocol, number)
    return body + bytes(size - len(body))


def number_of(data: bytes) -> int:
    return int(struct.unpack_from("!I", data, 14)[0])


def packets_of(block: Block) -> Seen:
    found: Seen = []
    for i in range(len(block)):
        start = int(block.offset[i])
        data = bytes(block.buffer[start : start + int(block.captured[i])])
        place = 0 if block.interface is None else int(block.interface[i])
        found.append((block.interfaces[place].name, 0 if block.vlan_tag is None else int(block.vlan_tag[i]), data))
    return found


def follow(
    source: RingSource, enough: Callable[[Seen, list[News]], bool], times: list[int] | None = None
) -> tuple[Seen, list[News]]:
    """Take what comes until there is enough of it, then stop and take the rest; gives up after 200 quiet turns."""
    seen: Seen = []
    news: list[News] = []
    quiet = 0
    frames = 0
    for item in source.items():
        if isinstance(item, Block):
            assert item.first_frame == frames + 1
            frames += len(item)
            seen += packets_of(item)
            if times is not None:
                times += item.time.tolist()
        elif isinstance(item, News):
            news.append(item)
        else:
            quiet += 1
        if enough(seen, news) or quiet > 200:
            source.stop()
    source.close()
    return seen, news


def test_every_packet_comes_whole_and_in_order(namespace: Namespace) -> None:
    source = RingSource([NEAR])
    source.start([None])
    sent = [frame(i, 60 + i * 7 % 1440) for i in range(20_000)]
    namespace.send(sent)
    seen, news = follow(source, lambda seen, _: len(seen) >= len(sent))
    assert [data for _, _, data in seen] == sent
    assert news == []
    (info,) = source.captures()
    assert (info.frames, info.dropped_frames, info.bytes) == (len(sent), 0, sum(map(len, sent)))
    assert info.path == NEAR
    assert info.link_types == ("EN10MB",)


def test_packets_on_both_sides_of_the_rings_end_come_apart(namespace: Namespace) -> None:
    """What is looked at together lies together: whoever has to copy it need not copy all of the ring."""
    with contextlib.closing(Ring(NEAR, blocks=8, retire_ms=10)) as ring:
        ring.start()
        poll = select.poll()
        poll.register(ring.fileno(), select.POLLIN)
        frames, backwards = 0, 0
        for turn in range(3):
            namespace.send([frame(i, 1500) for i in range(3500)])  # five of the eight blocks, and a part of the sixth
            while frames < 3500 * (turn + 1) and poll.poll(10_000):
                block = ring.take()
                if block is not None:
                    frames += len(block)
                    backwards += int((np.diff(block.offset) < 0).sum())
                    ring.release()
        assert (frames, backwards, ring.read_drops()) == (3 * 3500, 0, 0)


def test_vlan_tags_that_the_kernel_takes_out(namespace: Namespace) -> None:
    source = RingSource([NEAR])
    source.start([None])
    sent = [frame(0), frame(1, tag=0x8100A007), frame(2, tag=0x88A80FFE), frame(3)]
    namespace.send(sent)
    seen, _ = follow(source, lambda seen, _: len(seen) >= 4)
    assert [tag for _, tag, _ in seen] == [0, 0x8100A007, 0x88A80FFE, 0]
    assert [data[:12] + (tag.to_bytes(4, "big") if tag else b"") + data[12:] for _, tag, data in seen] == sent


def test_what_does_not_fit_is_counted(namespace: Namespace) -> None:
    source = RingSource([NEAR])
    source.start([None])
    sent = [frame(i, 1500) for i in range(40_000)]
    namespace.send(sent)
    seen, news = follow(source, lambda _, news: bool(news))
    lost = sum(item.dropped for item in news)
    assert lost > 0
    assert len(seen) + lost == len(sent)
    assert source.captures()[0].dropped_frames == lost
    assert all(item.interface == NEAR for item in news)


def test_the_kernel_filters(namespace: Namespace) -> None:
    source = RingSource([NEAR])
    source.start([compile_filter(filter_text())])
    arp = frame(7, protocol=0x0806)
    tagged_arp = frame(8, tag=0x81000005, protocol=0x0806)
    namespace.send([frame(i) for i in range(50)] + [arp, tagged_arp])
    seen, _ = follow(source, lambda seen, _: len(seen) >= 2)
    assert [number_of(data) for _, _, data in seen] == [7, 8]


def test_a_vlan_of_the_kernel_in_the_users_words(namespace: Namespace) -> None:
    source = RingSource([NEAR])
    source.start([compile_filter(filter_text(("vlan", "5")), interface=NEAR)])
    sent = [frame(5, tag=0x81000005, protocol=0x0806), frame(6, tag=0x81000006, protocol=0x0806)]
    namespace.send([*sent, frame(7, protocol=0x0806)])
    seen, _ = follow(source, lambda seen, _: bool(seen))
    assert [number_of(data) for _, _, data in seen] == [5]


def test_two_interfaces_come_in_one_order_of_time(namespace: Namespace) -> None:
    namespace.add_pair("far1", "near1")
    source = RingSource([NEAR, "near1"])
    source.start([None, None])
    # The sockets' closing takes a while: the rings retire several blocks before anybody takes one.
    for turn in range(10):
        namespace.send([frame(turn * 30 + i) for i in range(30)], FAR, "far1")
    times: list[int] = []
    seen, _ = follow(source, lambda seen, _: len(seen) >= 300, times)
    assert times == sorted(times)
    for name in (NEAR, "near1"):
        numbers = [number_of(data) for interface, _, data in seen if interface == name]
        assert numbers == list(range(name == "near1", 300, 2))
    (info,) = source.captures()
    assert info.path == f"{NEAR},near1"
    assert info.interfaces == (NEAR, "near1")


def test_the_loopback_shows_each_packet_once(namespace: Namespace) -> None:
    source = RingSource(["lo"])
    source.start([None])
    namespace.send([frame(i) for i in range(10)], "lo")
    seen, _ = follow(source, lambda seen, _: len(seen) >= 10)
    assert [number_of(data) for _, _, data in seen] == list(range(10))


def test_an_interface_that_goes_down_and_comes_back(namespace: Namespace) -> None:
    source = RingSource([NEAR])
    source.start([None])
    steps = iter(
        [
            lambda: namespace.ip("link", "set", NEAR, "down"),
            lambda: namespace.ip("link", "set", NEAR, "up"),
            lambda: namespace.send([frame(1)]),
        ]
    )
    seen, news = play(source, steps)
    assert [item.text for item in news] == [f"{NEAR} is down", f"{NEAR} is up again"]
    assert [number_of(data) for _, _, data in seen] == [1]


def test_an_interface_that_is_created_anew(namespace: Namespace) -> None:
    source = RingSource([NEAR])
    source.start([None])
    steps = iter(
        [
            lambda: namespace.send([frame(1)]),
            lambda: namespace.ip("link", "del", FAR),
            namespace.add_pair,
            lambda: namespace.send([frame(2)]),
        ]
    )
    seen, news = play(source, steps)
    assert [number_of(data) for _, _, data in seen] == [1, 2]
    texts = [item.text for item in news]
    assert any("is gone" in text for text in texts)
    assert any("created anew" in text for text in texts)


def test_an_interface_that_is_renamed(namespace: Namespace) -> None:
    source = RingSource([NEAR])
    source.start([None])
    steps = iter(
        [
            lambda: namespace.ip("link", "set", NEAR, "name", "other0"),
            lambda: namespace.send([frame(1)]),
        ]
    )
    seen, news = play(source, steps)
    assert [item.text for item in news] == [f"{NEAR} is called other0 now"]
    assert [number_of(data) for _, _, data in seen] == [1]


def play(source: RingSource, steps: Iterator[Callable[[], None]]) -> tuple[Seen, list[News]]:
    """Do the steps one after the other, each when the source has been quiet twice since the one before."""
    seen: Seen = []
    news: list[News] = []
    quiet = 0
    for item in source.items():
        if isinstance(item, Block):
            seen += packets_of(item)
        elif isinstance(item, News):
            news.append(item)
        else:
            assert isinstance(item, Tick)
            quiet += 1
            if quiet % 2 == 0:
                step = next(steps, None)
                if step is None:
                    source.stop()
                else:
                    step()
    source.close()
    return seen, news


def test_ticks_never_run_ahead_of_packets(namespace: Namespace) -> None:
    source = RingSource([NEAR])
    source.start([None])
    latest = 0
    rounds = 0
    for item in source.items():
        if isinstance(item, Tick):
            assert item.time >= latest
            latest = item.time
            namespace.send([frame(rounds)])
            rounds += 1
        elif isinstance(item, Block):
            assert int(item.time[0]) >= latest
            latest = int(item.time[-1])
        if rounds > 5:
            source.stop()
    source.close()


def test_a_recording_of_a_ring_reads_back_the_same(namespace: Namespace, tmp_path: Path) -> None:
    source = RingSource([NEAR])
    source.start([None])
    sent = [frame(i, 60 + i % 900, tag=0x81000005 if i % 5 == 0 else 0) for i in range(3000)]
    namespace.send(sent)
    path = tmp_path / "x.pcapng"
    recorder = Recorder(path, "test")
    times = []
    for item in source.items():
        if isinstance(item, Block):
            recorder.write(item)
            times += item.time.tolist()
        if len(times) == len(sent):
            source.stop()
    recorder.close()
    source.close()
    read = open_capture(str(path), 0)
    back: Seen = []
    back_times = []
    for block in read.blocks():
        back += packets_of(block)
        back_times += block.time.tolist()
    assert [data for _, _, data in back] == sent
    assert back_times == times
    assert read.info().interfaces == (NEAR,)
    read.close()


def test_binding_anew_needs_no_privileges(namespace: Namespace) -> None:
    source = RingSource([NEAR])
    source.start([None])
    namespace.ip("link", "del", FAR)
    namespace.add_pair()
    told, tell = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            account = target_account("nobody")
            assert account is not None
            drop_privileges(account)
            seen: Seen = []
            for item in source.items():
                if isinstance(item, News):
                    os.write(tell, b"x")
                if isinstance(item, Block):
                    seen += packets_of(item)
                    source.stop()
            status = 0 if [number_of(data) for _, _, data in seen] == [9] else 2
        finally:
            os._exit(status)
    os.close(tell)
    assert os.read(told, 1) == b"x"
    namespace.send([frame(9)])
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    source.close()


def test_no_such_interface(namespace: Namespace) -> None:
    with pytest.raises(CaptureError, match="no interface nope0"):
        RingSource([NEAR, "nope0"])


def test_without_the_right(namespace: Namespace) -> None:
    child = os.fork()
    if child == 0:
        status = 1
        try:
            account = target_account("nobody")
            assert account is not None
            drop_privileges(account)
            Ring(NEAR)
        except NoRightError:
            status = 0
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
