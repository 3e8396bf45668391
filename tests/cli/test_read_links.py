"""`bootsniff read` on link types that it needs Wireshark for: the same boots, or one line that says what is missing."""

import json
import lzma
import shutil
import struct
from pathlib import Path
from typing import Any

import pytest

from bootsniff.cli import main

STALLED = Path(__file__).parents[2] / "pcaps" / "http-no-echo.pcap.xz"
needs_tshark = pytest.mark.skipif(not shutil.which("tshark"), reason="needs tshark")


def monitored(ethernet: bytes) -> bytes:
    """A little-endian pcap of Ethernet as a Wi-Fi card in monitor mode would have seen it (radiotap, sent by an AP)."""
    out = [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 127)]
    at = 24
    while at < len(ethernet):
        seconds, fraction, captured, original = struct.unpack_from("<IIII", ethernet, at)
        frame = ethernet[at + 16 : at + 16 + captured]
        at += 16 + captured
        head = b"\0\0\x08\0\0\0\0\0" + b"\x08\x02\0\0" + frame[:6] + b"\x02\0\0\0\0\x01" + frame[6:12]
        head += struct.pack("<H", len(out) << 4 & 0xFFFF) + b"\xaa\xaa\x03\0\0\0"
        data = head + frame[12:]
        out.append(struct.pack("<IIII", seconds, fraction, len(data), len(data) + original - captured) + data)
    return b"".join(out)


@pytest.fixture
def wifi(tmp_path: Path) -> Path:
    path = tmp_path / "monitor.pcap"
    path.write_bytes(monitored(lzma.decompress(STALLED.read_bytes())))
    return path


def report_of(capsys: pytest.CaptureFixture[str], path: Path) -> tuple[int, Any, str]:
    capsys.readouterr()
    status = main(["read", "--json", str(path)])
    out, err = capsys.readouterr()
    return status, json.loads(out), err


@needs_tshark
def test_a_boot_over_wifi_is_the_boot_over_ethernet(capsys: pytest.CaptureFixture[str], wifi: Path) -> None:
    status, report, err = report_of(capsys, wifi)
    expected_status, expected, _ = report_of(capsys, STALLED)
    assert report["machines"] == expected["machines"]
    assert (status, err) == (expected_status, "")
    assert report["captures"][0]["link_types"] == ["IEEE802_11_RADIO"]
    assert report["captures"][0]["undecoded_frames"] == 0


def test_one_line_says_that_tshark_is_missing(
    capsys: pytest.CaptureFixture[str], wifi: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    status, report, err = report_of(capsys, wifi)
    frames = report["captures"][0]["frames"]
    assert err == (
        f"bootsniff: {wifi}: {frames} frames of link type IEEE802_11_RADIO not read: install tshark to have them read\n"
    )
    assert status == 4
    assert report["captures"][0]["undecoded_frames"] == frames
