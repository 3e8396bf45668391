"""Capture points whose clocks differ: what both saw is one, told by the first one's clock."""

import json
import lzma
import struct
from pathlib import Path
from typing import Any

import pytest

from bootsniff.cli import main

PCAPS = Path(__file__).parents[2] / "pcaps"


def later(name: str, seconds: int, folder: Path) -> Path:
    """A sample (pcap, little-endian, microseconds) as a machine whose clock is ahead would have recorded it."""
    data = bytearray(lzma.decompress((PCAPS / f"{name}.pcap.xz").read_bytes()))
    assert struct.unpack_from("<I", data)[0] == 0xA1B2C3D4
    at = 24
    while at < len(data):
        time, _, length = struct.unpack_from("<III", data, at)
        struct.pack_into("<I", data, at, time + seconds)
        at += 16 + length
    path = folder / f"{name}.pcap"
    path.write_bytes(data)
    return path


def told(report: dict[str, Any]) -> list[object]:
    """What is said of each machine, but times."""
    return [
        (
            machine["mac"],
            [
                (boot["status"], boot["stalled_at"], [len(stage["fetches"]) for stage in boot["stages"]])
                for boot in machine["boots"]
            ],
            [
                (
                    finding["code"],
                    finding["confidence"],
                    [(each["capture"], each["frame"]) for each in finding["evidence"]],
                )
                for finding in machine["findings"]
            ],
        )
        for machine in report["machines"]
    ]


@pytest.mark.parametrize("name", ["tftp-nat-loss", "efi-pxe-nat-helper"])
@pytest.mark.parametrize("seconds", [3, 7200, -86_400 * 365])
def test_a_clock_that_is_wrong_changes_no_verdict(
    name: str, seconds: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    near, far = PCAPS / f"{name}.pcap.xz", PCAPS / f"{name}.up.pcap.xz"
    status = main(["read", "--json", str(near), str(far)])
    right = json.loads(capsys.readouterr().out)
    assert [capture["clock_shift"] for capture in right["captures"]] == [0, 0]
    assert main(["read", "--json", str(near), str(later(f"{name}.up", seconds, tmp_path))]) == status
    wrong = json.loads(capsys.readouterr().out)
    assert told(wrong) == told(right)
    assert wrong["captures"][0]["clock_shift"] == 0
    assert wrong["captures"][1]["clock_shift"] == pytest.approx(-seconds, abs=0.001)
    assert wrong["captures"][1]["first"][:19] == right["captures"][1]["first"][:19]


def test_the_correction_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    near = PCAPS / "tftp-nat-loss.pcap.xz"
    main(["read", str(near), str(later("tftp-nat-loss.up", -61, tmp_path))])
    said = " ".join(capsys.readouterr().out.split())
    assert "its clock was 61.0 s behind that of the first capture" in said
    main(["read", str(later("tftp-nat-loss", 7200, tmp_path)), str(PCAPS / "tftp-nat-loss.up.pcap.xz")])
    said = " ".join(capsys.readouterr().out.split())
    assert "its clock was 2 h 00 min behind" in said


def test_two_recordings_of_different_boots_keep_their_times(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["read", "--json", str(PCAPS / "tftp-not-found.pcap.xz"), str(PCAPS / "http-no-echo.pcap.xz")])
    report = json.loads(capsys.readouterr().out)
    assert [capture["clock_shift"] for capture in report["captures"]] == [0, 0]


def test_a_file_that_cannot_be_opened_is_told_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    broken = tmp_path / "x.pcap"
    broken.write_bytes(b"no capture\n" * 10)
    assert main(["read", str(PCAPS / "tftp-nat-loss.pcap.xz"), str(broken)]) == 3
    assert capsys.readouterr().err.count("x.pcap") == 1
