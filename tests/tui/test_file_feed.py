"""Recorded boots through the reading thread, and the application on them."""

from __future__ import annotations

import lzma
import struct
from pathlib import Path

import pytest

from bootsniff.model import Report
from bootsniff.sources.capture_file import open_capture
from bootsniff.tui.app import BootsniffApp
from bootsniff.tui.bridge import Feed, Recording
from bootsniff.tui.bridge.file_feed import FileFeed
from bootsniff.tui.cited import of_machine
from bootsniff.tui.screens.machine import MachineScreen
from bootsniff.tui.screens.packet import PacketScreen
from bootsniff.tui.views.options import message_of
from bootsniff.tui.widgets.rows import TextRows
from tests.tui.feeds import PCAPS, file_feed, shows

SMALL = ("http-no-echo", "tftp-nat-loss", "no-dhcp-server", "tftp-not-found", "tftp-down-icmp", "uboot64-pxelinux")


def report_of(feed: FileFeed) -> Report:
    report = feed.latest()
    assert report is not None
    return report


def statuses(feed: FileFeed) -> list[str]:
    found = [feed.at(time) for time in feed.moments()]
    return [report.machines[0].status for report in found if report is not None and report.machines]


@pytest.mark.parametrize("name", SMALL)
def test_a_stall_is_seen_coming(name: str, tmp_path: Path) -> None:
    feed = file_feed(tmp_path, name)
    assert isinstance(feed, Recording)
    report = report_of(feed)
    assert report.machines[0].status == "stalled"
    assert "in-progress" in statuses(feed)
    assert statuses(feed)[-1] == "stalled"
    assert list(feed.moments()) == sorted(feed.moments())
    counts = [count for _, count in feed.traffic()]
    assert counts == sorted(counts)
    assert counts[-1] == report.captures[0].frames


def test_a_stall_shows_while_nothing_happens(tmp_path: Path) -> None:
    feed = file_feed(tmp_path, "no-dhcp-server")
    frames = [report.captures[0].frames for time in feed.moments() if (report := feed.at(time))]
    assert len(frames) > len(set(frames)), "there are moments between packets too"


def test_counts_of_a_moment_are_those_of_its_time(tmp_path: Path) -> None:
    feed = file_feed(tmp_path, "http-no-echo")
    first = feed.at(feed.moments()[0])
    assert first is not None
    assert first.captures[0].frames < report_of(feed).captures[0].frames
    assert first.captures[0].last is not None
    assert first.now is not None
    assert first.captures[0].last <= first.now


def test_every_cited_frame_can_be_had(tmp_path: Path) -> None:
    feed = file_feed(tmp_path, "efi-pxe-shim-grub")
    cited = of_machine(report_of(feed).machines[0])
    assert len(cited) > 10
    for each in cited:
        frame = feed.get(each.capture, each.frame)
        assert frame is not None
        assert frame.frame == each.frame
        assert frame.time == each.time
    assert feed.get(0, 10**9) is None
    assert feed.get(7, 1) is None


def test_cited_frames_of_a_compressed_file_are_kept() -> None:
    feed = FileFeed([open_capture(str(PCAPS / "http-no-echo.pcap.xz"), 0)])
    feed.wait(600)
    cited = of_machine(report_of(feed).machines[0])
    assert cited
    for each in cited:
        assert feed.get(each.capture, each.frame) is not None, each


def test_two_capture_points(tmp_path: Path) -> None:
    feed = file_feed(tmp_path, "tftp-nat-loss", "tftp-nat-loss.up")
    report = report_of(feed)
    finding = next(each for each in report.machines[0].findings if each.code == "tftp-nat-loss")
    assert finding.confidence == "certain"
    assert {each.capture for each in finding.evidence} == {0, 1}
    assert feed.moments()


def test_a_file_that_is_cut(tmp_path: Path) -> None:
    whole = lzma.decompress((PCAPS / "http-no-echo.pcap.xz").read_bytes())
    path = tmp_path / "cut.pcap"
    path.write_bytes(whole[:-20])
    feed = FileFeed([open_capture(str(path), 0)])
    feed.wait(600)
    assert report_of(feed).captures[0].truncated
    assert feed.status().state == "ended"


def test_times_that_jump_years_make_few_moments(tmp_path: Path) -> None:
    whole = lzma.decompress((PCAPS / "http-no-echo.pcap.xz").read_bytes())
    head = whole[:24]
    packets: list[bytes] = []
    position = 24
    while position < len(whole):
        seconds, fraction, kept, length = struct.unpack_from("<IIII", whole, position)
        later = seconds + len(packets) * 10_000_000
        packets.append(
            struct.pack("<IIII", later & 0xFFFFFFFF, fraction, kept, length)
            + whole[position + 16 : position + 16 + kept]
        )
        position += 16 + kept
    path = tmp_path / "years.pcap"
    path.write_bytes(head + b"".join(packets))
    feed = FileFeed([open_capture(str(path), 0)])
    feed.wait(600)
    assert feed.status().state == "ended"
    assert len(feed.moments()) <= 600


def test_a_crash_in_the_thread_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("[/x] \x1b[2J")

    monkeypatch.delenv("BOOTSNIFF_DEBUG", raising=False)
    monkeypatch.setattr("bootsniff.rules.diagnosis.Diagnosis.feed", broken)
    feed = FileFeed([open_capture(str(PCAPS / "http-no-echo.pcap.xz"), 0)])
    feed.wait(600)
    assert feed.status().state == "failed"
    assert "internal error, RuntimeError: [/x] \\x1b[2J" in feed.status().text


def test_closing_does_not_wait_for_a_pipe(tmp_path: Path) -> None:
    import os

    ours, theirs = os.pipe()
    whole = lzma.decompress((PCAPS / "http-no-echo.pcap.xz").read_bytes())
    os.write(theirs, whole[:4000])
    feed: Feed = FileFeed([open_capture(f"/dev/fd/{ours}", 0)])
    feed.close()
    feed.close()
    os.close(theirs)
    os.close(ours)


async def test_the_application_on_a_recorded_boot(tmp_path: Path) -> None:
    feed = file_feed(tmp_path, "http-no-echo")
    app = BootsniffApp(feed, title="http-no-echo.pcap", utc=True, folder=tmp_path)
    async with app.run_test(size=(100, 40)) as pilot:
        await pilot.pause()
        assert "dhcp-http-vendor-class-not-echoed" in app.screen.query_one("#findings", TextRows).text
        await pilot.press("enter", "3")
        await pilot.pause()
        assert shows(app, MachineScreen)
        assert (
            "the client takes only replies that say HTTPClient here" in app.screen.query_one("#options", TextRows).text
        )
        await pilot.press("p")
        await pilot.pause()
        assert "exchange 1 of" in app.screen.query_one("#options", TextRows).text
        await pilot.press("s")
        await pilot.pause()
        assert "EFI x64 PXE" in app.screen.query_one("#options", TextRows).text
        await pilot.press("x")
        await pilot.press("2")
        await pilot.pause()
        assert "DISCOVER" in app.screen.query_one("#ladder", TextRows).text
        await pilot.press("escape", "f")
        await pilot.pause()
        assert shows(app, PacketScreen)
        assert "DHCP DISCOVER" in app.screen.query_one("#decoded", TextRows).text
        await pilot.press("w", "escape", "0", "full_stop", "full_stop", "space", "space", "dollar_sign")
        assert app.player.position is None
    saved = open_capture(str(next(tmp_path.glob("bootsniff-*.pcapng"))), 0)
    frames = sum(len(block) for block in saved.blocks())
    assert frames == len(of_machine(report_of(feed).machines[0]))


def test_saved_packets_are_the_ones_that_were_captured(tmp_path: Path) -> None:
    from bootsniff.tui.bridge.saving import write_pcapng

    feed = file_feed(tmp_path, "http-no-echo")
    frames = [
        frame for each in of_machine(report_of(feed).machines[0]) if (frame := feed.get(each.capture, each.frame))
    ]
    assert any(message_of(frame) for frame in frames)
    path = tmp_path / "100%d.pcapng"
    write_pcapng(path, frames)
    again = FileFeed([open_capture(str(path), 0)])
    again.wait(600)
    for number, frame in enumerate(frames, 1):
        found = again.get(0, number)
        assert found is not None
        assert (found.time, found.data, found.original_length) == (frame.time, frame.data, frame.original_length)
    assert report_of(again).machines[0].mac == report_of(feed).machines[0].mac
