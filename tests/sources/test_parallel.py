"""A capture that another process reads gives the same blocks, columns, frames and counters."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from bootsniff.errors import CaptureError
from bootsniff.model import Block, CaptureInfo, FrameBytes, Interface
from bootsniff.sources import capture_file
from bootsniff.sources.capture_file import open_capture
from bootsniff.wire.columns import Columns

from .captures import Packet, block, enhanced, interface, pcap, pcapng, section

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads in one process elsewhere")


@pytest.fixture(autouse=True)
def _every_file_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capture_file, "PARALLEL_BYTES", 0)


def prepare(got: Block) -> Mapping[str, npt.NDArray[Any]]:
    return Columns.of(got).arrays()


def summary(path: Path, *, parallel: bool) -> tuple[list[tuple[object, ...]], list[FrameBytes | None], CaptureInfo]:
    source = open_capture(str(path), 4, prepare=prepare if parallel else None)
    packets: list[tuple[object, ...]] = []
    for got in source.blocks():
        assert (got.prepared is not None) == parallel
        columns = Columns.of(got)
        points = [0] * len(got) if got.interface is None else got.interface.tolist()
        for index in range(len(got)):
            start = int(got.offset[index])
            data = bytes(got.buffer[start : start + int(got.captured[index])])
            fields = [
                getattr(columns, name)[index].item() for name in ("plain", "head", "length", "sequence", "source")
            ]
            at = columns.l3[index] - start if columns.plain[index] else 0
            kept = (got.first_frame + index, int(got.time[index]), int(got.original[index]), points[index])
            packets.append((*kept, data, int(at), *fields))
        assert len(got.interfaces) > max(points)
    frames = [source.frames.get(4, frame) for frame in (1, 2, len(packets) // 2, len(packets), len(packets) + 1)]
    info = source.info()
    source.close()
    return packets, frames, info


def frame(number: int, size: int) -> bytes:
    ip = b"\x45\0" + (size - 14).to_bytes(2, "big") + bytes(5) + b"\x11" + bytes(2) + number.to_bytes(8, "big")
    return bytes(12) + b"\x08\0" + ip + b"\0\x45\0\x45" + (size - 34).to_bytes(2, "big") + bytes(2) + bytes(size - 42)


MANY: list[Packet] = [(number * 1000, frame(number, 60 + number * 7919 % 1455), 1514) for number in range(9000)]


@pytest.mark.parametrize(
    "data",
    [
        pcap(MANY),
        pcap(MANY, order=">"),
        pcapng(MANY),
        pcapng(MANY[:4000]) + section(">") + interface(">", 101, 0, (2, b"tun0")) + enhanced(">", 0, 5, b"x" * 40, 40),
        pcap(MANY)[:-1],
        pcap([]),
        section() + block("<", 10, bytes(9 << 20)) + pcapng(MANY),
        pcapng(MANY) + bytes(40),
    ],
    ids=["pcap", "big-endian", "pcapng", "two interfaces", "cut", "empty", "large block", "damaged"],
)
def test_the_same_as_in_one_process(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "capture"
    path.write_bytes(data)
    assert summary(path, parallel=True) == summary(path, parallel=False)


def test_a_record_larger_than_the_shared_memory(tmp_path: Path) -> None:
    huge = (9_000_000, os.urandom(4 << 20), 4 << 20)
    path = tmp_path / "capture"
    path.write_bytes(pcap([*MANY, huge, *MANY], snap=8 << 20))
    source = open_capture(str(path), 0, prepare=prepare)
    assert sum(len(got) for got in source.blocks()) == 18_001
    assert source.info().frames == 18_001
    assert not source.info().truncated
    found = source.frames.get(0, 9001)
    assert found is not None
    assert found.data == huge[1]
    source.close()


def test_small_packets_whose_columns_do_not_fit(tmp_path: Path) -> None:
    path = tmp_path / "capture"
    path.write_bytes(pcap([(number, b"", 0) for number in range(220_000)]))
    assert summary(path, parallel=True) == summary(path, parallel=False)


def test_stopping_early_ends_the_reading_process(tmp_path: Path) -> None:
    path = tmp_path / "capture"
    path.write_bytes(pcap(MANY * 5))
    source = open_capture(str(path), 0, prepare=prepare)
    assert len(next(iter(source.blocks())))
    source.close()
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_a_reading_process_that_dies(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    def fail(_got: Block) -> Mapping[str, npt.NDArray[Any]]:
        raise MemoryError

    path = tmp_path / "capture"
    path.write_bytes(pcap(MANY))
    source = open_capture(str(path), 0, prepare=fail)
    with pytest.raises(CaptureError, match="with --jobs 1"):
        list(source.blocks())
    source.close()
    assert "MemoryError" in capfd.readouterr().err


def test_pipes_and_compressed_files_are_read_in_this_process(tmp_path: Path) -> None:
    import gzip

    path = tmp_path / "capture"
    path.write_bytes(gzip.compress(pcap(MANY)))
    source = open_capture(str(path), 0, prepare=prepare)
    assert not source.parallel
    assert all(got.prepared is None for got in source.blocks())
    source.close()


def test_columns_survive_the_journey() -> None:
    numbers = np.array([0, 60], np.int64)
    data = bytearray(frame(1, 60) + frame(2, 60) + bytes(64))
    sizes = np.array([60, 60], np.int64)
    got = Block(0, data, 1, numbers, numbers, sizes, sizes, None, (Interface(1),))
    made = Columns.of(got).arrays()
    got.prepared = made
    again = Columns.of(got)
    assert all(getattr(again, name) is column for name, column in made.items())
    assert again.source_high.tolist() == [0, 0]
    assert again.vlan is None
