"""Capture files of every kind give their packets back; damaged ones as far as they go."""

import bz2
import gzip
import io
import lzma
import os
import shutil
import struct
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from bootsniff.errors import CaptureError
from bootsniff.model import CaptureInfo, Tick
from bootsniff.sources import compression
from bootsniff.sources.capture_file import open_capture
from bootsniff.sources.capture_source import CaptureSource
from bootsniff.sources.window import WINDOW

from .captures import PACKETS, Packet, block, enhanced, interface, obsolete, option, pcap, pcapng, section, simple


def contents(source: CaptureSource) -> list[Packet]:
    packets: list[Packet] = []
    for got in source.blocks():
        assert got.capture == source.index
        assert got.first_frame == len(packets) + 1
        for time, offset, captured, original in zip(
            got.time.tolist(), got.offset.tolist(), got.captured.tolist(), got.original.tolist(), strict=True
        ):
            packets.append((time, bytes(got.buffer[offset : offset + captured]), original))
    return packets


def read(tmp_path: Path, data: bytes) -> tuple[list[Packet], CaptureInfo]:
    path = tmp_path / "capture"
    path.write_bytes(data)
    source = open_capture(str(path), 0)
    packets = contents(source)
    source.close()
    return packets, source.info()


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("magic", [0xA1B2C3D4, 0xA1B23C4D, 0xA1B2CD34])
def test_pcap_of_every_kind(tmp_path: Path, order: str, magic: int) -> None:
    packets, info = read(tmp_path, pcap(order=order, magic=magic))
    assert packets == PACKETS
    assert info == CaptureInfo(
        str(tmp_path / "capture"), "pcap", ("EN10MB",), 40, 4000, PACKETS[0][0], PACKETS[-1][0], cut_frames=40
    )


@pytest.mark.parametrize("order", ["<", ">"])
def test_pcapng_of_both_byte_orders(tmp_path: Path, order: str) -> None:
    packets, info = read(tmp_path, pcapng(order=order))
    assert packets == PACKETS
    assert (info.format, info.frames, info.truncated) == ("pcapng", 40, False)


def test_pcapng_with_everything_in_it(tmp_path: Path) -> None:
    nanoseconds, binary = (9, b"\x09"), (9, b"\x94")  # 2**-20 s
    data = (
        section(">", option(">", 4, b"dumpcap"))
        + block(">", 0x0BAD, b"custom" * 99)
        + interface(">", 1, 0, (2, b"eth0"), nanoseconds, (14, struct.pack(">q", 100)))
        + enhanced(">", 0, 5, b"one", 3)
        + interface(">", 276, 0, (2, b"any\x1b"), binary)
        + obsolete(">", 1, 3 << 19, b"two!!", 50)
        + block(">", 4, bytes(12))
        + simple(">", b"three", 5)
        + block(">", 5, struct.pack(">III", 1, 0, 0) + option(">", 5, struct.pack(">Q", 7)) + bytes(4))
        + block(">", 5, struct.pack(">III", 1, 0, 0) + option(">", 5, struct.pack(">Q", 9)) + bytes(4))
        + section("<")
        + interface("<", 1, 2)
        + simple("<", b"four", 4)
        + enhanced("<", 0, 10, b"", 0)
        + block("<", 5, struct.pack("<III", 0, 0, 0) + option("<", 7, struct.pack("<Q", 1)))
    )
    packets, info = read(tmp_path, data)
    assert packets == [
        (100 * 10**9 + 5, b"one", 3),
        (1_500_000_000, b"two!!", 50),
        (1_500_000_000, b"three", 5),
        (1_500_000_000, b"fo", 4),
        (10_000, b"", 0),
    ]
    assert info.interfaces == ("eth0", "any\\x1b")
    assert info.link_types == ("EN10MB", "LINUX_SLL2")
    assert info.dropped_frames == 10
    assert not info.truncated


def test_sections_that_describe_the_same_interface_share_it(tmp_path: Path) -> None:
    path = tmp_path / "twice"
    path.write_bytes(pcapng() + pcapng(order=">"))
    source = open_capture(str(path), 3)
    blocks = list(source.blocks())
    assert sum(map(len, blocks)) == 80
    assert [len(got.interfaces) for got in blocks] == [1, 1]
    assert all(got.interface is None for got in blocks)


@pytest.mark.parametrize("resolution", [0, 3, 6, 7, 9, 12, 18, 0x80, 0x8A, 0x9E, 0x9F, 0xA0, 0xA8, 0xBF])
def test_every_resolution_of_time(tmp_path: Path, resolution: int) -> None:
    units = (2 if resolution & 0x80 else 10) ** (resolution & 0x7F)
    stamp = min(units * 1000 + units * 3 // 4, 2**64 - 1)
    packets, _ = read(
        tmp_path, section() + interface("<", 1, 0, (9, bytes([resolution]))) + enhanced("<", 0, stamp, b"x", 1)
    )
    assert abs(packets[0][0] - stamp * 10**9 // units) <= 1


@pytest.mark.parametrize("resolution", [0x7F, 0xFF])
@pytest.mark.parametrize("offset", [-(2**63), 0, 2**63 - 1])
def test_absurd_times_stay_numbers(tmp_path: Path, resolution: int, offset: int) -> None:
    options = ((9, bytes([resolution])), (14, struct.pack("<q", offset)))
    packets, _ = read(tmp_path, section() + interface("<", 1, 0, *options) + enhanced("<", 0, 2**64 - 1, b"x", 1))
    assert len(packets) == 1


def zst(data: bytes) -> bytes:
    return zstandard.compress(data)


@pytest.mark.parametrize("compress", [gzip.compress, lzma.compress, zst])
@pytest.mark.parametrize("pieces", [1, 3])
def test_compressed_in_one_or_several_members(tmp_path: Path, compress: Callable[[bytes], bytes], pieces: int) -> None:
    data = pcapng()
    third = len(data) // pieces
    parts = [data[i * third : None if i == pieces - 1 else (i + 1) * third] for i in range(pieces)]
    packets, info = read(tmp_path, b"".join(map(compress, parts)))
    assert packets == PACKETS
    assert not info.truncated


@pytest.mark.parametrize("compress", [gzip.compress, lzma.compress, zst])
def test_compressed_and_cut(tmp_path: Path, compress: Callable[[bytes], bytes]) -> None:
    noise = [(time, os.urandom(9000), 9000) for time, _, _ in PACKETS]
    data = compress(pcap(noise))
    packets, info = read(tmp_path, data[: len(data) * 3 // 4])
    assert packets == noise[: len(packets)]
    assert 0 < len(packets) < 40
    assert info.truncated


@pytest.mark.parametrize(("kind", "compress"), [("gzip", gzip.compress), ("xz", lzma.compress), ("zstd", zst)])
def test_compressed_and_cut_anywhere(tmp_path: Path, kind: str, compress: Callable[[bytes], bytes]) -> None:
    data = compress(pcap())
    for end in range(1, len(data), 7):
        problem: str | None = None
        try:
            packets, info = read(tmp_path, data[:end])
        except CaptureError as error:
            problem = str(error)
        else:
            assert packets == PACKETS[: len(packets)]
            assert info.truncated
            problem = info.problem
        assert problem is not None
        assert ("inside its file header" if end < 6 else f"the {kind} data ends before it is complete") in problem
        assert "empty" not in problem


@given(
    st.lists(
        st.tuples(st.integers(-1, 19), st.booleans(), st.booleans(), st.sampled_from([0, 5, 300, 200_000])), max_size=4
    ),
    st.integers(1, 70_000),
)
@settings(max_examples=60, deadline=None)
def test_where_zstd_data_may_end(frames: list[tuple[int, bool, bool, int]], step: int) -> None:
    data, ends = b"", {0}
    for level, checksum, sized, length in frames:
        if level < 0:
            data += struct.pack("<II", 0x184D2A53, length) + bytes(length)
        else:
            text = os.urandom(length // 2) + bytes(length - length // 2)
            options = {"write_checksum": checksum, "write_content_size": sized}
            data += zstandard.ZstdCompressor(max(1, level), **options).compress(text)  # type: ignore[arg-type]
        ends.add(len(data))
    found = compression._ZstdFrames()
    for at in range(0, len(data), step):
        found.feed(memoryview(data)[at : at + step])
        end = min(at + step, len(data))
        assert found.whole == (end in ends)


def test_compressed_with_garbage_behind(tmp_path: Path) -> None:
    packets, info = read(tmp_path, gzip.compress(pcap()) + b"garbage")
    assert packets == PACKETS
    assert info.truncated
    assert "something else" in (info.problem or "")


@pytest.mark.parametrize("make", [pcap, pcapng])
def test_cut_anywhere_gives_all_whole_packets(tmp_path: Path, make: Callable[..., bytes]) -> None:
    data = make()
    for end in range(60, len(data), 7):
        packets, info = read(tmp_path, data[:end])
        assert packets == PACKETS[: len(packets)]
        assert len(make(PACKETS[: len(packets)])) <= end < len(make(PACKETS[: len(packets) + 1]))
        assert info.truncated == (len(make(PACKETS[: len(packets)])) != end)


@pytest.mark.parametrize("make", [pcap, pcapng])
@pytest.mark.parametrize("count", [0, 5])
@pytest.mark.parametrize("length", [0xFFFFFFFF, 0x7FFFFFFF, 1 << 19])
def test_an_absurd_length_ends_reading(tmp_path: Path, make: Callable[..., bytes], count: int, length: int) -> None:
    data = bytearray(make())
    at = len(make(PACKETS[:count]))
    struct.pack_into("<I", data, at + (8 if make is pcap else 4), length)
    packets, info = read(tmp_path, bytes(data))
    assert packets == PACKETS[:count]
    assert info.truncated
    assert f"after frame {count}" in (info.problem or "")


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("magic", [0xA1B2C3D4, 0xA1B23C4D, 0xA1B2CD34])
@pytest.mark.parametrize("count", [0, 9])
def test_zeros_and_other_captures_behind_the_last_record(tmp_path: Path, order: str, magic: int, count: int) -> None:
    data = pcap(PACKETS[:count], order=order, magic=magic)
    for behind, why in ((bytes(5000), "is all zeros"), (pcap(order=order), "header of another capture")):
        packets, info = read(tmp_path, data + behind)
        assert packets == PACKETS[:count]
        assert info.frames == count
        assert (info.first, info.last) == ((PACKETS[0][0], PACKETS[count - 1][0]) if count else (None, None))
        assert why in (info.problem or "")


def test_empty_packets_are_packets(tmp_path: Path) -> None:
    empty = [(0, b"", 60), (0, b"", 0x10000), (1000, b"", 0), *PACKETS]
    packets, info = read(tmp_path, pcap(empty))
    assert packets == empty
    assert not info.truncated


def test_contradictions_in_pcapng_end_reading(tmp_path: Path) -> None:
    start = section() + interface() + enhanced("<", 0, 1000, b"good", 4)
    broken = {
        "interface 7": enhanced("<", 7, 1, b"x", 1),
        "captured bytes": block("<", 6, struct.pack("<IIIII", 0, 0, 0, 99, 99)),
        "no block can have": struct.pack("<II", 6, 4) + bytes(32),
        "does not end": block("<", 6, bytes(40))[:-4] + bytes(4),
    }
    for word, tail in broken.items():
        packets, info = read(tmp_path, start + tail)
        assert len(packets) == 1
        assert info.truncated
        assert word in (info.problem or "")


def test_packets_of_all_sizes_through_many_windows(tmp_path: Path) -> None:
    sizes = [60, 1514, 0, 65226, 262144, 9000]
    packets = [(i * 1000, os.urandom(sizes[i % 6]), sizes[i % 6]) for i in range(300)]
    assert len(pcap(packets)) > 4 * WINDOW
    for data in (pcap(packets, snap=262144), pcapng(packets), gzip.compress(pcap(packets), 1)):
        assert read(tmp_path, data)[0] == packets


def test_a_block_larger_than_any_window_is_passed_over(tmp_path: Path) -> None:
    huge = block("<", 10, bytes(3 * WINDOW))
    data = section() + huge + interface() + enhanced("<", 0, 1, b"x", 1)
    for written in (data, gzip.compress(data)):
        packets, info = read(tmp_path, written)
        assert len(packets) == 1
        assert not info.truncated


@given(st.binary(max_size=400), st.integers(0, 3))
@settings(max_examples=300, deadline=None)
def test_garbage_after_a_good_start_never_breaks(
    tmp_path_factory: pytest.TempPathFactory, garbage: bytes, kind: int
) -> None:
    start = [pcap(PACKETS[:2]), pcapng(PACKETS[:2]), pcap(PACKETS[:2], order=">"), pcapng(PACKETS[:2], order=">")][kind]
    packets, info = read(tmp_path_factory.getbasetemp(), start + garbage)
    assert packets[:2] == PACKETS[:2]
    assert info.frames == len(packets)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty"),
        (b"hello, this is a log\n" * 5, "is text"),
        (b"\x28\xb5\x2f", "ends after 3 bytes, inside its file header"),
        (b"\xfd7zXZ", "ends after 5 bytes, inside its file header"),
        (pcap()[:3], "ends after 3 bytes, inside its file header"),
        (pcap()[:20], "ends inside its pcap file header"),
        (pcapng()[:11], "ends after 11 bytes, inside its file header"),
        (pcap(version=(7, 7)), "version 7.7"),
        (gzip.compress(b""), "is empty"),
        (bz2.compress(pcap()), r"not read here: bzcat FILE \| bootsniff read -"),
        (gzip.compress(b"\x00\x01\x02hello"), "neither pcap nor pcapng"),
    ],
)
def test_what_is_no_capture_says_so(tmp_path: Path, data: bytes, words: str) -> None:
    path = tmp_path / "capture"
    path.write_bytes(data)
    with pytest.raises(CaptureError, match=words) as caught:
        open_capture(str(path), 0)
    assert "\n" not in str(caught.value)


def test_what_cannot_be_opened_says_so(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match="does not exist"):
        open_capture(str(tmp_path / "missing"), 0)
    with pytest.raises(CaptureError, match="is a directory"):
        open_capture(str(tmp_path), 0)
    with pytest.raises(CaptureError, match="cannot open"):
        open_capture("nul\0byte", 0)


def test_no_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: object, **_options: object) -> io.FileIO:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(io, "FileIO", refuse)
    with pytest.raises(CaptureError, match="no permission"):
        open_capture(str(tmp_path / "x"), 0)


@pytest.mark.parametrize("make", [pcap, pcapng])
def test_nothing_but_a_header(tmp_path: Path, make: Callable[..., bytes]) -> None:
    packets, info = read(tmp_path, make([]))
    assert packets == []
    assert (info.frames, info.first, info.truncated) == (0, None, False)


@pytest.mark.skipif(not shutil.which("editcap"), reason="needs Wireshark's editcap")
@pytest.mark.parametrize("name", ["snoop", "-F"])
def test_other_formats_through_wireshark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    plain, snoop = tmp_path / "plain.pcap", tmp_path / name
    monkeypatch.chdir(tmp_path)
    packets = [(time, data.ljust(60), 60) for time, data, _ in PACKETS]
    plain.write_bytes(pcap(packets))
    subprocess.run(["editcap", "-F", "snoop", plain, snoop], check=True)
    source = open_capture(name, 0)
    assert [(t, len(d)) for t, d, _ in contents(source)] == [(t, len(d)) for t, d, _ in packets]
    source.close()


def test_other_formats_without_wireshark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "snoop"
    path.write_bytes(b"snoop\0\0\0\0\0\0\2\0\0\0\4" + bytes(40))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CaptureError, match="install tshark"):
        open_capture(str(path), 0)


def test_frames_of_a_plain_file_can_be_had_again(tmp_path: Path) -> None:
    packets = [(i * 1000, os.urandom(40_000), 40_000) for i in range(100)]
    for data in (pcap(packets), pcapng(packets), pcapng(packets[:50]) + pcapng(packets[50:], order=">")):
        path = tmp_path / "capture"
        path.write_bytes(data)
        source = open_capture(str(path), 2)
        for _ in source.blocks():
            pass
        for frame in (100, 1, 37, 38, 51, 99):
            found = source.frames.get(2, frame)
            assert found is not None
            assert (found.time, found.data, found.original_length) == packets[frame - 1]
        assert source.frames.get(2, 101) is None
        assert source.frames.get(2, 0) is None
        assert source.frames.get(0, 1) is None


def test_frames_of_a_compressed_file_are_kept_when_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "capture"
    path.write_bytes(gzip.compress(pcap()))
    source = open_capture(str(path), 0)
    for got in source.blocks():
        for frame in (got.first_frame + 4, got.first_frame, 10_000):
            source.frames.keep(frame)
        assert source.frames.get(0, 5) is not None
        source.frames.keep(2)
    for frame, expected in ((1, True), (2, True), (5, True), (6, False)):
        found = source.frames.get(0, frame)
        assert (found is not None) == expected
        assert found is None or (found.time, found.data, found.original_length) == PACKETS[frame - 1]
    source.close()


def test_a_pipe_is_read_as_it_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    inside, outside = os.pipe()
    with os.fdopen(inside, "rb") as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        data = pcap()
        half = len(pcap(PACKETS[:20])) + 5
        os.write(outside, data[:half])
        source = open_capture("-", 0)
        stream = source.blocks(live=True)
        first = next(stream)
        assert not isinstance(first, Tick)
        assert len(first) == 20
        tick = next(stream)
        assert isinstance(tick, Tick)
        assert tick.time > PACKETS[19][0]
        os.write(outside, data[half:])
        os.close(outside)
        rest = [got for got in stream if not isinstance(got, Tick)]
        assert [(len(got), got.first_frame) for got in rest] == [(20, 21)]
        assert not source.info().truncated
        source.close()


def test_an_empty_pipe_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    inside, outside = os.pipe()
    os.close(outside)
    with os.fdopen(inside, "rb") as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        with pytest.raises(CaptureError, match="standard input is empty"):
            open_capture("-", 0)


def test_a_named_pipe(tmp_path: Path) -> None:
    path = tmp_path / "fifo"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=(pcapng(),))
    writer.start()
    source = open_capture(str(path), 0)
    assert contents(source) == PACKETS
    writer.join()
    source.close()


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize("window", [4, 64, 1000])
def test_a_small_window_gives_the_same_packets(tmp_path: Path, window: int, pack: Callable[[bytes], bytes]) -> None:
    path = tmp_path / "capture"
    for data in (pcap(), pcapng()):
        path.write_bytes(pack(data))
        source = open_capture(str(path), 0, window=window)
        assert contents(source) == PACKETS
        assert source.info().problem is None
        source.close()
