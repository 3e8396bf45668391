"""Recordings are read back by a strict reader of the tests' own, and by scapy's."""

import errno
import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.utils import RawPcapNgReader

from bootsniff.errors import CaptureError, UsageError
from bootsniff.model import Interface
from bootsniff.sources.capture_file import open_capture
from bootsniff.sources.recorder import Recorder, Rotation

from .blocks import Packet, block_of, read_pcapng

START = 1_750_000_000_123_456_789
TWO = (Interface(1, "virbr0"), Interface(113, "any"))

packets = st.lists(
    st.builds(
        Packet,
        st.integers(0, 1 << 62),
        st.binary(max_size=80),
        st.one_of(st.none(), st.integers(80, 9000)),
        st.sampled_from([0, 0, 0x81000005, 0x88A80FFF]),
        st.integers(0, 1),
    ),
    min_size=1,
    max_size=12,
)


def on_the_wire(packet: Packet) -> bytes:
    if not packet.tag or len(packet.data) < 12:
        return packet.data
    return packet.data[:12] + packet.tag.to_bytes(4, "big") + packet.data[12:]


@given(st.lists(packets, max_size=4))
def test_every_packet_stands_in_the_file(batches: list[list[Packet]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "x.pcapng")
        recorder = Recorder(path, "test")
        expected = []
        for batch in batches:
            recorder.write(block_of(batch, interfaces=TWO))
            expected += batch
            # Nothing is kept back: what a kill would leave behind is whole.
            assert len(read_pcapng(path).packets) == len(expected)
        recorder.close()
        written = read_pcapng(path)
        for packet, (number, time, original, data) in zip(expected, written.packets, strict=True):
            whole = on_the_wire(packet)
            assert data == whole
            assert time == packet.time
            assert written.interfaces[number][1] == TWO[packet.interface].name
            length = len(packet.data) if packet.original is None else packet.original
            assert original == length + len(whole) - len(packet.data)
        counted = {number: received for number, received, _ in written.statistics}
        assert sum(counted.values()) == len(expected)


def test_scapy_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "x.pcapng"
    recorder = Recorder(path, "test", capture_filter="arp or udp")
    recorder.write(block_of([Packet(START, b"a" * 61), Packet(START + 1, b"b" * 60, 1500)]))
    recorder.close()
    with RawPcapNgReader(str(path)) as reader:
        read = list(reader)
    assert [(data, info.wirelen, (info.tshigh << 32) + info.tslow) for data, info in read] == [
        (b"a" * 61, 61, START),
        (b"b" * 60, 1500, START + 1),
    ]


def test_several_captures_are_several_interfaces(tmp_path: Path) -> None:
    path = tmp_path / "x.pcapng"
    recorder = Recorder(path, "test")
    recorder.declare(0, Interface(1, "virbr0"))
    recorder.declare(1, Interface(1, "up0"))
    recorder.write(block_of([Packet(START, b"from up0")], capture=1, interfaces=(Interface(1, "up0"),)))
    recorder.write(block_of([Packet(START, b"from virbr0")]))
    recorder.close()
    written = read_pcapng(path)
    assert written.interfaces == [(1, "virbr0"), (1, "up0")]
    assert [(number, data) for number, _, _, data in written.packets] == [(1, b"from up0"), (0, b"from virbr0")]


def test_lost_packets_are_told(tmp_path: Path) -> None:
    path = tmp_path / "x.pcapng"
    recorder = Recorder(path, "test")
    recorder.declare(0, Interface(1, "virbr0"))
    recorder.write(block_of([Packet(START, b"x")]))
    recorder.add_drops("virbr0", 7)
    assert read_pcapng(path).statistics == [(0, 8, 7)]
    recorder.add_drops("virbr0", 2)
    recorder.close()
    assert read_pcapng(path).statistics[-1] == (0, 10, 9)


def test_time_of_the_end_is_read_back(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "x.pcapng", "test")
    recorder.write(block_of([Packet(START, b"x" * 60)]))
    recorder.close(START + 20_000_000_001)
    source = open_capture(str(tmp_path / "x.pcapng"), 0)
    list(source.blocks())
    info = source.info()
    source.close()
    assert (info.last, info.ended) == (START, START + 20_000_000_001)


def test_next_file_by_size(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "boot.pcapng", "test", Rotation(max_bytes=1000))
    recorder.declare(0, Interface(1, "virbr0"))
    for number in range(5):
        recorder.write(block_of([Packet(START + number, bytes([number]) * 600)]))
        recorder.add_drops("virbr0", 1)
    recorder.close()
    assert [path.name for path in recorder.files] == ["boot.pcapng", "boot-2.pcapng", "boot-3.pcapng"]
    parts = [read_pcapng(path) for path in recorder.files]
    assert [len(part.packets) for part in parts] == [2, 2, 1]
    assert [part.statistics[-1] for part in parts] == [(0, 4, 2), (0, 4, 2), (0, 2, 1)]
    assert [part.interfaces for part in parts] == [[(1, "virbr0")]] * 3


def test_next_file_by_time_of_the_packets(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "boot.pcapng", "test", Rotation(max_seconds=10))
    for second in (0, 9, 10, 15, 21):
        recorder.write(block_of([Packet(START + second * 10**9, b"x")]))
    recorder.close()
    assert [len(read_pcapng(path).packets) for path in recorder.files] == [2, 2, 1]


def test_only_the_latest_files_stay(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "boot.pcapng", "test", Rotation(max_bytes=1, keep=2))
    for number in range(4):
        recorder.write(block_of([Packet(START + number, bytes([number]))]))
    recorder.close()
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["boot-3.pcapng", "boot-4.pcapng"]
    assert read_pcapng(tmp_path / "boot-4.pcapng").packets[0][3] == b"\3"


def test_times_in_the_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = Recorder(tmp_path / "boot-%Y.pcapng", "test", Rotation(max_seconds=3600))
    recorder.write(block_of([Packet(0, b"x")]))
    recorder.write(block_of([Packet(86400 * 10**9 * 366 * 2, b"x")]))
    recorder.write(block_of([Packet(86400 * 10**9 * 366 * 2 + 3600 * 10**9, b"x")]))
    recorder.close()
    assert [path.name for path in recorder.files][1:] == ["boot-1972.pcapng", "boot-1972-3.pcapng"]


def test_a_number_of_files_needs_a_limit(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        Recorder(tmp_path / "x", "test", Rotation(keep=2))


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match="No such file"):
        Recorder(tmp_path / "missing" / "x.pcapng", "test")


def test_a_full_disk_ends_the_recording_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = Recorder(tmp_path / "x.pcapng", "test")
    write = os.write

    def full(handle: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(CaptureError, match="No space left"):
        recorder.write(block_of([Packet(START, b"x")]))
    monkeypatch.setattr(os, "write", write)
    recorder.write(block_of([Packet(START, b"x")]))
    recorder.close()
    assert read_pcapng(tmp_path / "x.pcapng").packets == []
