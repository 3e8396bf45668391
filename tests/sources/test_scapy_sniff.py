"""The last resort: what scapy's sockets hand over, in a network namespace; and what is said when it ends."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from bootsniff.cli import live_open
from bootsniff.errors import CaptureError
from bootsniff.model import Block, Tick
from bootsniff.sources.boot_filter import filter_text
from bootsniff.sources.live import Item, News
from bootsniff.sources.ring import NoRingError
from bootsniff.sources.scapy_sniff import WARNING, ScapySource

from .netns import FAR, NEAR, Namespace, needs_root

pytestmark = needs_root

HEAD = bytes.fromhex("ffffffffffff525400000002")


def datagram(source: int, target: int, payload: bytes = b"") -> bytes:
    length = 20 + 8 + len(payload)
    ip = bytes.fromhex("4500") + length.to_bytes(2, "big") + bytes.fromhex("00000000401100000a0000010a000002")
    ports = source.to_bytes(2, "big") + target.to_bytes(2, "big")
    return ip + ports + (8 + len(payload)).to_bytes(2, "big") + b"\0\0" + payload


DISCOVER = HEAD + b"\x08\x00" + datagram(68, 67, b"discover")
TAGGED = HEAD + b"\x81\x00\x00\x07\x08\x00" + datagram(68, 67, b"tagged")
BODY = HEAD + b"\x08\x00" + datagram(1069, 2070, b"\0\3\1\0" + b"body" * 128)  # block 256
LLDP = HEAD + b"\x88\xcc" + bytes(40)


@contextmanager
def opened(*names: str, text: str = "") -> Iterator[ScapySource]:
    source = ScapySource(names, text)
    try:
        yield source
    finally:
        source.close()


def blocks_of(source: ScapySource, count: int) -> list[Block]:
    """Blocks with so many packets, and whatever else came by then; then it is stopped."""
    blocks: list[Block] = []
    for ticks, item in enumerate(source.items()):
        if isinstance(item, Block):
            blocks.append(item)
        if sum(map(len, blocks)) >= count or ticks > 1000:
            source.stop()
    return blocks


def frames_of(source: ScapySource, count: int) -> list[tuple[str | None, bytes]]:
    """Interface and bytes of all packets; `count` are waited for."""
    found = []
    for block in blocks_of(source, count):
        for index in range(len(block)):
            start, length = int(block.offset[index]), int(block.captured[index])
            number = 0 if block.interface is None else int(block.interface[index])
            found.append((block.interfaces[number].name, bytes(block.buffer[start : start + length])))
    return found


def test_packets_with_their_vlan_tags(namespace: Namespace) -> None:
    with opened(NEAR) as source:
        namespace.send([DISCOVER, TAGGED, DISCOVER])
        assert frames_of(source, 3) == [(NEAR, DISCOVER), (NEAR, TAGGED), (NEAR, DISCOVER)]
        (info,) = source.captures()
    assert (info.frames, info.bytes, info.link_types) == (3, 2 * len(DISCOVER) + len(TAGGED), ("EN10MB",))
    assert info.first is not None
    assert info.last is not None
    assert info.first <= info.last


def test_frames_are_numbered_and_timed(namespace: Namespace) -> None:
    with opened(NEAR) as source:
        namespace.send([DISCOVER] * 20)
        blocks = blocks_of(source, 20)
    assert [block.first_frame for block in blocks] == list(range(1, 21))
    times = [time for block in blocks for time in block.time.tolist()]
    assert all(time > 0 for time in times)  # the kernel may stamp the first ones late: no order can be asked
    assert len(set(times)) > 1


def test_bodies_of_transfers_are_left_out_by_the_filter(namespace: Namespace) -> None:
    with opened(NEAR, text=filter_text([], part="control")) as source:
        namespace.send([BODY, LLDP, BODY, DISCOVER])
        assert frames_of(source, 1) == [(NEAR, DISCOVER)]


def test_two_interfaces(namespace: Namespace) -> None:
    namespace.add_pair("far1", "near1")
    with opened(NEAR, "near1") as source:
        namespace.send([DISCOVER, LLDP], FAR, "far1")
        assert sorted(frames_of(source, 2)) == sorted([(NEAR, DISCOVER), ("near1", LLDP)])
        (info,) = source.captures()
    assert (info.path, info.interfaces) == ("near0,near1", ("near0", "near1"))


def test_a_busy_line_does_not_keep_it_from_ending(namespace: Namespace) -> None:
    with opened(NEAR) as source:
        namespace.send([DISCOVER])
        stream = source.items()
        next(item for item in stream if isinstance(item, Block))
        source.stop()
        for _ in range(50):  # always one more packet before the next look
            namespace.send([DISCOVER] * 2)
            if next(stream, None) is None:
                break
        else:
            pytest.fail("it did not end")


def test_a_quiet_line_ticks(namespace: Namespace) -> None:
    with opened(NEAR) as source:
        assert isinstance(next(source.items()), Tick)


def test_an_interface_that_goes_down_is_told(namespace: Namespace) -> None:
    with opened(NEAR) as source:
        stream = source.items()
        namespace.ip("link", "set", NEAR, "down")
        assert next_news(stream).text == f"{NEAR} is down"
        namespace.ip("link", "set", NEAR, "up")
        for item in itertools.islice(stream, 100):  # the link comes up in its own time
            if isinstance(item, Block):
                break
            namespace.send([DISCOVER])
        else:
            pytest.fail("nothing was captured after the interface came back")
        namespace.ip("link", "set", NEAR, "down")
        assert next_news(stream).text == f"{NEAR} is down"


def next_news(stream: Iterator[Item]) -> News:
    return next(item for item in stream if isinstance(item, News))


def test_an_interface_that_stays_broken_ends_it(namespace: Namespace, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_socket: object) -> None:
        raise OSError(6, "No such device or address")

    with opened(NEAR) as source:
        monkeypatch.setattr(source, "_receive", fail)
        namespace.send([DISCOVER])
        stream = source.items()
        assert "No such device" in next_news(stream).text
        with pytest.raises(CaptureError, match=f"cannot go on capturing on {NEAR}: No such device"):
            next_news(stream)


def test_a_link_without_header(namespace: Namespace) -> None:
    namespace.ip("tuntap", "add", "tun0", "mode", "tun")
    namespace.ip("link", "set", "tun0", "up")
    with opened("tun0") as source:
        assert source.captures()[0].link_types == ("RAW",)


@pytest.mark.parametrize(("name", "text"), [("nothere0", ""), (NEAR, "udp or (((")])
def test_what_cannot_be_opened_says_so(namespace: Namespace, name: str, text: str) -> None:
    with pytest.raises(CaptureError, match=f"cannot capture on {name}, not even through scapy") as caught:
        ScapySource([name], text)
    assert "\n" not in str(caught.value)


def test_nothing_of_scapys_own_is_printed(namespace: Namespace, capfd: pytest.CaptureFixture[str]) -> None:
    with opened(NEAR):
        assert not logging.getLogger("scapy.runtime").isEnabledFor(logging.WARNING)
    assert capfd.readouterr() == ("", "")


def test_it_is_taken_where_there_are_no_rings_and_says_what_it_lacks(
    namespace: Namespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_ring(_names: object) -> None:
        raise NoRingError("this kernel has no packet rings")

    monkeypatch.setattr(live_open, "RingSource", no_ring)
    monkeypatch.setattr(live_open, "target_account", lambda _name: None)
    found = live_open.open_live(live_open.Task(interfaces=(NEAR,), host_facts=False), lambda: True)
    try:
        assert isinstance(found.source, ScapySource)
        assert found.notes[0] == f"this kernel has no packet rings; {WARNING}"
        namespace.send([BODY, DISCOVER])
        assert frames_of(found.source, 1) == [(NEAR, DISCOVER)]
    finally:
        found.source.close()
