"""`bootsniff read` from the outside: statuses, streams, bad input. What reports say is tests/golden's business."""

import io
import json
import lzma
import os
import signal
import struct
import subprocess
import sys
import threading
from pathlib import Path
from random import Random
from typing import Any

import pytest

from bootsniff.cli import main

PCAPS = Path(__file__).parents[2] / "pcaps"
BOOTSNIFF = [sys.executable, "-c", "import sys; from bootsniff.cli import main; sys.exit(main())"]
STALLED = PCAPS / "http-no-echo.pcap.xz"
HEALTHY = PCAPS / "bios-ipxe-http-menu.pcap.xz"
MAC = "52:54:00:89:32:47"


def pcap(*frames: bytes, snap: int = 262144, link_type: int = 1) -> bytes:
    head = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, snap, link_type)
    return head + b"".join(
        struct.pack("<IIII", n, 0, len(frame), len(frame)) + frame for n, frame in enumerate(frames, 1)
    )


@pytest.fixture
def stalled(tmp_path: Path) -> Path:
    path = tmp_path / "stalled.pcap"
    path.write_bytes(lzma.decompress(STALLED.read_bytes()))
    return path


def read(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    status = main(["read", *map(str, words)])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def read_json(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, dict[str, Any], str]:
    status, out, err = read(capsys, "--json", *words)
    return status, json.loads(out), err


def test_statuses(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    none = tmp_path / "none.pcap"
    none.write_bytes(pcap())
    other = tmp_path / "other.pcap"
    other.write_bytes(pcap(bytes(60)))
    assert read(capsys, HEALTHY)[0] == 0
    assert read(capsys, STALLED)[0] == 1
    assert read(capsys, none)[0] == 4
    assert read(capsys, other)[0] == 4
    assert "No boot client" in read(capsys, other)[1]


def test_text_has_the_verdict_and_no_escape_sequences_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = read(capsys, STALLED)
    assert status == 1
    assert "STALLED at dhcp" in out
    assert "dhcp-http-vendor-class-not-echoed" in out
    assert "\x1b" not in out
    assert err == ""


def test_colour_when_asked_for(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert "\x1b[" in read(capsys, STALLED, "--color", "always")[1]
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[" in read(capsys, STALLED, "--color", "always")[1]
    assert "\x1b[" not in read(capsys, STALLED, "--color", "never")[1]


@pytest.mark.parametrize(("variable", "colored"), [("", True), ("NO_COLOR=1", False), ("TERM=dumb", False)])
def test_colour_on_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], variable: str, colored: bool
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    if variable:
        monkeypatch.setenv(*variable.split("="))
    monkeypatch.setenv("COLUMNS", "100")
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    assert main(["read", str(STALLED)]) == 1
    assert ("\x1b[" in terminal.getvalue()) is colored
    assert "✓" in terminal.getvalue()
    monkeypatch.setenv("TERM", "linux")
    terminal.truncate(0)
    assert main(["read", str(STALLED)]) == 1
    assert terminal.getvalue().lstrip("\0").isascii()
    capsys.readouterr()


def test_quiet_is_a_line_a_machine(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = read(capsys, "-q", STALLED)
    assert status == 1
    assert out.count("\n") == 1
    assert out.split()[1] == MAC


def test_one_machine(capsys: pytest.CaptureFixture[str]) -> None:
    status, report, _ = read_json(capsys, STALLED, "--machine", MAC.upper().replace(":", "-"))
    assert status == 1
    assert [machine["mac"] for machine in report["machines"]] == [MAC]
    status, report, err = read_json(capsys, STALLED, "--machine", "02:00:00:00:00:01")
    assert status == 4
    assert report["machines"] == []
    assert err == "bootsniff: no boot client 02:00:00:00:00:01 in what was read\n"
    _, out, _ = read(capsys, STALLED, "--machine", "02:00:00:00:00:01", "--machine", "02:00:00:00:00:02")
    assert "No boot client 02:00:00:00:00:01 or 02:00:00:00:00:02 in this capture.\n" in out


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"", "is empty"),
        (b"hello, this is no capture\n" * 9, "is text"),
        (bytes(range(7)) * 90, "no capture"),
    ],
)
def test_what_is_no_capture_is_one_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, content: bytes, part: str
) -> None:
    path = tmp_path / "x.pcap"
    path.write_bytes(content)
    status, out, err = read(capsys, "--json", path)
    assert (status, out) == (3, "")
    assert err.count("\n") == 1
    assert part in err


def test_missing_file_directory_and_no_permission(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    for path in (tmp_path / "missing.pcap", tmp_path):
        status, out, err = read(capsys, path)
        assert (status, out) == (3, "")
        assert err.startswith("bootsniff: ")
        assert err.count("\n") == 1


def test_one_bad_file_among_good_ones(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    status, report, err = read_json(capsys, tmp_path / "missing.pcap", STALLED)
    assert status == 3
    assert [machine["status"] for machine in report["machines"]] == ["stalled"]
    assert [capture["path"] for capture in report["captures"]] == [str(STALLED)]
    assert "missing.pcap" in err


def test_a_link_type_that_nobody_reads_is_told(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "odd.pcap"
    path.write_bytes(pcap(b"x" * 60, link_type=9999))
    assert main(["read", str(path)]) == 4
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 1
    assert "link type LINKTYPE_9999" in told[0]


def test_cut_file_is_read_as_far_as_it_goes(capsys: pytest.CaptureFixture[str], stalled: Path) -> None:
    stalled.write_bytes(stalled.read_bytes()[:-7])
    status, report, err = read_json(capsys, stalled)
    assert status == 1
    assert report["captures"][0]["truncated"] is True
    assert report["captures"][0]["problem"]
    assert err.count("\n") == 1
    assert "read as far as it goes" in err
    assert "truncated: " in read(capsys, stalled)[1]


def test_every_cut_gives_a_report_or_one_line(
    capsys: pytest.CaptureFixture[str], stalled: Path, tmp_path: Path
) -> None:
    whole = stalled.read_bytes()
    cut = tmp_path / "cut.pcap"
    for length in [*range(0, 120, 3), *range(120, len(whole), 397)]:
        cut.write_bytes(whole[:length])
        status, out, err = read(capsys, "--json", cut)
        assert status in (0, 1, 3, 4)
        assert "Traceback" not in err
        assert "internal error" not in err
        assert err.count("\n") <= 1
        assert (status == 3) == (out == "")


DAMAGED = ("http-no-echo", "tftp-nat-loss", "tftp-down-icmp", "uboot64-pxelinux", "wrong-arch-bios-to-efi")


@pytest.mark.parametrize("seed", range(40))
def test_damaged_bytes_never_break_a_view(capsys: pytest.CaptureFixture[str], tmp_path: Path, seed: int) -> None:
    random = Random(seed)
    data = bytearray(lzma.decompress((PCAPS / f"{random.choice(DAMAGED)}.pcap.xz").read_bytes()))
    for _ in range(random.choice([1, 20, 400])):
        data[random.randrange(24, len(data))] = random.choice([0, 255, random.randrange(256)])
    path = tmp_path / "damaged.pcap"
    path.write_bytes(data)
    for view in ([], ["-v"], ["--json"], ["--events"], ["--plain"]):
        status, out, err = read(capsys, *view, path)
        assert status in (0, 1, 4)
        assert "internal error" not in err
        assert "\x1b" not in out


def test_a_reader_that_leaves_early_is_no_error(stalled: Path) -> None:
    command = [*BOOTSNIFF, "read", "-v", *[str(stalled)] * 3]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 0


def test_standard_input(stalled: Path) -> None:
    for flag in ("--json", "--events"):
        with stalled.open("rb") as stream:
            done = subprocess.run([*BOOTSNIFF, "read", flag, "-"], stdin=stream, capture_output=True, check=False)
        assert done.returncode == 1
        report = json.loads(done.stdout.splitlines()[-1])["report"] if flag == "--events" else json.loads(done.stdout)
        assert report["captures"][0]["path"] == "-"
        assert report["machines"][0]["status"] == "stalled"


def test_standard_input_twice_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert read(capsys, "-", "-")[0] == 2


def test_events_end_with_the_report(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = read(capsys, "--events", STALLED)
    events = [json.loads(text) for text in out.splitlines()]
    kinds = [event["event"] for event in events]
    assert status == 1
    assert kinds[0] == "machine"
    assert {"stage", "finding", "stall"} <= set(kinds)
    assert kinds[-1] == "report"
    assert kinds.count("report") == 1
    assert all({"event", "time", "mac"} <= set(event) for event in events)
    assert read_json(capsys, STALLED)[1] == events[-1]["report"]
    assert err == ""


def test_plain_is_a_log_and_then_the_report(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = read(capsys, "--plain", "--utc", STALLED)
    log, _, report = out.partition("\n\n")
    assert status == 1
    assert all(" UTC  " in text or text.startswith(" " * 30) for text in log.splitlines())
    assert any(f"{MAC}  STALLED at dhcp" in text for text in log.splitlines())
    assert "ERROR dhcp-http-vendor-class-not-echoed (certain)" in report


def test_events_come_while_the_pipe_is_open(stalled: Path) -> None:
    """The machine is told before the writer has finished; if not, this blocks until the timeout kills it."""
    data = stalled.read_bytes()
    with subprocess.Popen(
        [*BOOTSNIFF, "read", "--events", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        watchdog = threading.Timer(60, process.kill)
        watchdog.start()
        process.stdin.write(data[: len(data) // 2])
        process.stdin.flush()
        first = json.loads(process.stdout.readline())
        assert (first["event"], first["mac"]) == ("machine", MAC)
        process.stdin.write(data[len(data) // 2 :])
        process.stdin.close()
        rest = process.stdout.read().splitlines()
        watchdog.cancel()
        assert json.loads(rest[-1])["event"] == "report"
        assert process.wait() == 1


def test_the_first_interrupt_ends_a_pipe_and_reports(stalled: Path) -> None:
    data = stalled.read_bytes()
    with subprocess.Popen(
        [*BOOTSNIFF, "read", "--events", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        watchdog = threading.Timer(60, process.kill)
        watchdog.start()
        process.stdin.write(data)
        process.stdin.flush()
        process.stdout.readline()  # it reads: now it waits for more
        os.kill(process.pid, signal.SIGINT)
        rest = process.stdout.read().splitlines()
        errors = process.stderr.read()
        process.stdin.close()
        watchdog.cancel()
        assert json.loads(rest[-1])["event"] == "report"
        assert process.wait() == 1
        assert errors == b"bootsniff: interrupted: this is the report of what was read until then\n"


def test_names_of_files_are_shown_safely(capsys: pytest.CaptureFixture[str], tmp_path: Path, stalled: Path) -> None:
    evil = tmp_path / "a\x1b[2J\n[red].pcap"
    evil.write_bytes(stalled.read_bytes())
    _, out, _ = read(capsys, evil)
    assert "\x1b" not in out
    assert "a\\x1b[2J\\x0a[red].pcap" in out.replace("\n", "")
    raw = os.fsencode(tmp_path) + b"/\xff.pcap"
    Path(os.fsdecode(raw)).write_bytes(stalled.read_bytes())
    status, report, _ = read_json(capsys, os.fsdecode(raw))
    assert status == 1
    assert report["captures"][0]["path"].endswith("/\\xff.pcap")
    status, _, err = read(capsys, os.fsdecode(raw) + "\x1b[2J")
    assert status == 3
    assert "\x1b" not in err
