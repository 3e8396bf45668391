"""Feeds without threads, for tests: they give what they were told to give."""

from __future__ import annotations

import lzma
from collections.abc import Sequence
from pathlib import Path

from textual.screen import Screen

from bootsniff.model import FrameBytes, Report
from bootsniff.sources.capture_file import open_capture
from bootsniff.tui.app import BootsniffApp
from bootsniff.tui.bridge import FeedStatus
from bootsniff.tui.bridge.file_feed import FileFeed
from tests.report import canned

PCAPS = Path(__file__).parents[2] / "pcaps"


class CannedFrames:
    """A store of a few frames."""

    def __init__(self, frames: dict[tuple[int, int], FrameBytes] | None = None) -> None:
        self.kept = frames or {}

    def get(self, capture: int, frame: int) -> FrameBytes | None:
        return self.kept.get((capture, frame))


class CannedFeed:
    """A live feed that stands still until it is given another report."""

    def __init__(self, report: Report | None, frames: dict[tuple[int, int], FrameBytes] | None = None) -> None:
        self.report = report
        self.frames = CannedFrames(frames)
        self.state = FeedStatus("live")
        self.told: list[str] = []

    def latest(self) -> Report | None:
        return self.report

    def status(self) -> FeedStatus:
        return self.state

    def pause(self) -> None:
        self.told.append("pause")

    def resume(self) -> None:
        self.told.append("resume")

    def close(self) -> None:
        self.told.append("close")


class CannedRecording(CannedFeed):
    """A feed that can be played: reports of several moments."""

    def __init__(self, reports: Sequence[Report]) -> None:
        super().__init__(reports[-1])
        self.reports = reports
        self.state = FeedStatus("ended")

    def moments(self) -> tuple[int, ...]:
        return tuple(report.now or 0 for report in self.reports)

    def at(self, time: int) -> Report | None:
        before = [report for report in self.reports if (report.now or 0) <= time]
        return before[-1] if before else None

    def traffic(self) -> Sequence[tuple[int, int]]:
        return [(report.now or 0, sum(info.frames for info in report.captures)) for report in self.reports]


def app_on(report: Report | None, *, folder: Path | None = None, frames: bool = False) -> BootsniffApp:
    """The application on a canned report, times in UTC."""
    store = {(0, number): dhcp_like(number) for number in range(1, 60)} if frames else None
    return BootsniffApp(CannedFeed(report, store), title="virbr0", utc=True, folder=folder)


def dhcp_like(number: int) -> FrameBytes:
    """A frame that holds an ARP request, so that every decoder has something to say."""
    mac = bytes.fromhex("525400893247")
    arp = bytes.fromhex("0001080006040001") + mac + bytes((192, 168, 122, 227)) + bytes(6) + bytes((192, 168, 122, 1))
    data = b"\xff" * 6 + mac + b"\x08\x06" + arp
    return FrameBytes(0, number, canned.T0 + number, 1, len(data), data)


def file_feed(folder: Path, *names: str) -> FileFeed:
    """A feed on recorded boots of pcaps/, unpacked so that every frame can be asked for; read to its end."""
    sources = []
    for index, name in enumerate(names):
        path = folder / f"{name}.pcap"
        path.write_bytes(lzma.decompress((PCAPS / f"{name}.pcap.xz").read_bytes()))
        sources.append(open_capture(str(path), index))
    feed = FileFeed(sources)
    feed.wait(600)
    assert feed.status().state == "ended", feed.status()
    return feed


def shows(app: BootsniffApp, kind: type[Screen[None]]) -> bool:
    return type(app.screen) is kind


def position_of(app: BootsniffApp) -> int | None:
    return app.player.position
