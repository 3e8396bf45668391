"""Frames of link types that bootsniff reads through Wireshark: the same views as of any other frame, or one clear line."""

from __future__ import annotations

import asyncio
import lzma
import shutil
import threading
from pathlib import Path

import pytest
from scapy.layers.ppp import PPP
from textual.pilot import Pilot
from textual.widgets import TabbedContent

from bootsniff.model import FrameBytes
from bootsniff.sources.capture_file import open_capture
from bootsniff.tui.app import BootsniffApp
from bootsniff.tui.bridge.dissect import Dissector, Inside
from bootsniff.tui.bridge.file_feed import FileFeed
from bootsniff.tui.screens.machine import MachineScreen
from bootsniff.tui.screens.packet import PacketScreen
from bootsniff.tui.widgets.rows import TextRows
from tests.cli.test_read_links import STALLED, monitored
from tests.tui.feeds import dhcp_like, shows

needs_tshark = pytest.mark.skipif(not shutil.which("tshark"), reason="needs tshark")
WIFI, PPP_LINK = 127, 9


async def answered(app: BootsniffApp, pilot: Pilot[None]) -> None:
    """Wait until the dissector has done all that it was asked for."""
    done = threading.Event()
    app.dissector.ask("scapy", dhcp_like(1), lambda _: done.set())
    assert await asyncio.to_thread(done.wait, 120)
    await pilot.pause()


def text_of(app: BootsniffApp, name: str) -> str:
    return app.screen.query_one(f"#{name}", TextRows).text


@pytest.fixture
def app(tmp_path: Path) -> BootsniffApp:
    path = tmp_path / "monitor.pcap"
    path.write_bytes(monitored(lzma.decompress(STALLED.read_bytes())))
    feed = FileFeed([open_capture(str(path), 0)])
    feed.wait(600)
    return BootsniffApp(feed, title="monitor.pcap", utc=True, folder=tmp_path)


@needs_tshark
async def test_views_of_a_frame_in_its_own_link_type(app: BootsniffApp) -> None:
    async with app.run_test(size=(110, 45)) as pilot:
        await pilot.press("f")
        assert shows(app, PacketScreen)
        await answered(app, pilot)
        decoded = text_of(app, "decoded")
        assert "IEEE802_11_RADIO" in decoded
        assert "DHCP DISCOVER" in decoded
        assert "HTTPClient" in decoded
        assert "problem" not in decoded
        await pilot.press("2")
        await pilot.pause()
        await answered(app, pilot)
        assert app.screen.query_one(TabbedContent).active == "tab-scapy"
        assert "###[ RadioTap ]###" in text_of(app, "scapy")
        assert "BOOTP" in text_of(app, "scapy")


@needs_tshark
async def test_dhcp_messages_side_by_side(app: BootsniffApp) -> None:
    async with app.run_test(size=(110, 45)) as pilot:
        await pilot.press("enter", "3")
        assert shows(app, MachineScreen)
        await pilot.pause()
        await answered(app, pilot)
        assert "the client takes only replies that say HTTPClient here" in text_of(app, "options")


def readable(frame: FrameBytes) -> Inside:
    dissector = Dissector()
    done = threading.Event()
    found = dissector.inside(frame, done.set)
    if found is None:
        assert done.wait(120)
        found = dissector.inside(frame, done.set)
    dissector.close()
    assert found is not None
    return found


def test_a_frame_that_is_read_here_is_itself() -> None:
    assert readable(dhcp_like(1)) == Inside((dhcp_like(1),))


@needs_tshark
@pytest.mark.parametrize(
    ("link_type", "data", "words"),
    [
        (PPP_LINK, bytes(PPP(proto=0x8021) / b"\1\1\0\4"), "holds no IP or ARP"),
        (WIFI, b"\0\0\x08\0\0\0\0\0\x08\x02", "1 frame of link type IEEE802_11_RADIO holds no IP or ARP"),
        (WIFI, b"", "holds no IP or ARP"),
        (999, b"x" * 40, "LINKTYPE_999 not read"),
    ],
)
def test_why_there_is_nothing_to_read(link_type: int, data: bytes, words: str) -> None:
    found = readable(FrameBytes(0, 1, 10**18, link_type, len(data), data))
    assert words in found.problem
    assert found.frames == ()
    assert "\n" not in found.problem


async def test_without_tshark_there_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    found = readable(FrameBytes(0, 1, 10**18, WIFI, 10, b"\0\0\x08\0\0\0\0\0\x08\x02"))
    assert found.frames == ()
    assert "install tshark" in found.problem


@pytest.mark.parametrize(("link_type", "words"), [(PPP_LINK, "###[ PPP Link Layer ]###"), (107, "FRELAY"), (101, "IP")])
def test_scapy_reads_the_link_type_or_says_that_it_does_not(link_type: int, words: str) -> None:
    dissector = Dissector()
    frame = FrameBytes(0, 1, 0, link_type, 44, b"\xff\x03\0\x21" + bytes(40))
    done = threading.Event()
    dissector.ask("scapy", frame, lambda _: done.set())
    assert done.wait(120)
    assert words in (dissector.known("scapy", frame) or "")
    dissector.close()
