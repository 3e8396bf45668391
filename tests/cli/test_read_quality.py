"""What `bootsniff read` says on standard error about captures that hold little: one line each, and the status."""

import json
import lzma
import os
import struct
from pathlib import Path

import pytest

from bootsniff.cli import main

PCAPS = Path(__file__).parents[2] / "pcaps"
STALLED = PCAPS / "tftp-not-found.pcap.xz"
DHCP_ALONE = PCAPS / "http-no-echo.pcap.xz"


def cut(data: bytes, length: int) -> bytes:
    """A little-endian pcap as with `tcpdump -s LENGTH`."""
    out, at = [data[:24]], 24
    while at < len(data):
        seconds, fraction, captured, original = struct.unpack_from("<IIII", data, at)
        kept = min(captured, length)
        out += struct.pack("<IIII", seconds, fraction, kept, original), data[at + 16 : at + 16 + kept]
        at += 16 + captured
    return b"".join(out)


def told(capsys: pytest.CaptureFixture[str], path: Path) -> tuple[int, list[str], int]:
    """Exit status, lines on standard error, machines."""
    status = main(["read", "--json", str(path)])
    out, err = capsys.readouterr()
    return status, err.splitlines(), len(json.loads(out)["machines"])


@pytest.mark.parametrize(("length", "unread"), [(0, 34), (14, 34), (60, 16)])
def test_frames_cut_too_short(capsys: pytest.CaptureFixture[str], tmp_path: Path, length: int, unread: int) -> None:
    path = tmp_path / "snap.pcap"
    path.write_bytes(cut(lzma.decompress(STALLED.read_bytes()), length))
    status, lines, machines = told(capsys, path)
    assert (status, machines) == (4, 0)
    assert len(lines) == 1
    assert f"{path}: {unread} of 34 frames cannot be read" in lines[0]
    assert "tcpdump -s 0" in lines[0]


def test_frames_cut_before_what_tells_a_boot_client(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "snap.pcap"
    path.write_bytes(cut(lzma.decompress(DHCP_ALONE.read_bytes()), 100))
    status, lines, _ = told(capsys, path)
    assert status == 4
    assert len(lines) == 1
    assert "frames were cut short when captured" in lines[0]
    assert "tcpdump -s 0" in lines[0]


def test_frames_cut_behind_what_matters(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "snap.pcap"
    path.write_bytes(cut(lzma.decompress(STALLED.read_bytes()), 400))
    assert told(capsys, path) == (1, [], 1)


def test_no_packets(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "none.pcap"
    path.write_bytes(lzma.decompress(STALLED.read_bytes())[:24])
    assert told(capsys, path) == (4, [f"bootsniff: {path}: holds no packets"], 0)


def test_two_captures_one_after_the_other(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "two.pcap"
    path.write_bytes(2 * lzma.decompress(STALLED.read_bytes()))
    status, lines, machines = told(capsys, path)
    assert (status, machines) == (1, 1)
    assert len(lines) == 1
    assert "after frame 34" in lines[0]
    assert "mergecap -a" in lines[0]


def test_standard_input_is_called_that(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    inside, outside = os.pipe()
    os.write(outside, lzma.decompress(STALLED.read_bytes())[:2003])
    os.close(outside)
    with os.fdopen(inside, "rb") as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        status, lines, _ = told(capsys, Path("-"))
    assert status == 0
    (line,) = lines
    assert line.startswith("bootsniff: standard input: after frame 12, the record at byte 1656 is cut")
