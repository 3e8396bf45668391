"""scapy's and Wireshark's view of a frame, made in a thread of its own."""

from __future__ import annotations

import shutil
import sys
import threading

import pytest

from bootsniff import wireshark
from bootsniff.errors import CaptureError
from bootsniff.model import FrameBytes
from bootsniff.tui.bridge.dissect import KEPT, Dissector, Way
from tests.tui.feeds import dhcp_like


def ask(dissector: Dissector, way: Way, frame: FrameBytes) -> str:
    told: list[str] = []
    done = threading.Event()

    def tell(text: str) -> None:
        told.append(text)
        done.set()

    dissector.ask(way, frame, tell)
    assert done.wait(120)
    return told[0]


def test_scapy() -> None:
    dissector = Dissector()
    text = ask(dissector, "scapy", dhcp_like(1))
    assert "###[ ARP ]###" in text
    assert "192.168.122.227" in text
    assert dissector.known("scapy", dhcp_like(1)) == text
    dissector.close()


@pytest.mark.parametrize("data", [b"", b"\0" * 5, b"\xff" * 13])
def test_scapy_on_frames_that_are_not_whole(data: bytes) -> None:
    dissector = Dissector()
    assert ask(dissector, "scapy", FrameBytes(0, 1, 0, 1, 60, data))
    dissector.close()


def test_texts_are_kept_within_bounds() -> None:
    dissector = Dissector()
    for number in range(KEPT + 3):
        ask(dissector, "scapy", dhcp_like(number))
    assert dissector.known("scapy", dhcp_like(0)) is None
    assert dissector.known("scapy", dhcp_like(KEPT + 2)) is not None
    dissector.close()


@pytest.mark.tshark
@pytest.mark.skipif(not shutil.which("tshark") or sys.version_info >= (3, 14), reason="needs tshark and pyshark")
def test_tshark_twice_in_one_thread() -> None:
    dissector = Dissector()
    for number in (1, 2):
        text = ask(dissector, "tshark", dhcp_like(number))
        assert text.startswith("ETH\n")
        assert "Sender IP address: 192.168.122.227" in text
    dissector.close()


def test_without_tshark_there_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    dissector = Dissector()
    assert ask(dissector, "tshark", dhcp_like(1)).startswith("tshark is not installed: install")
    dissector.close()


def test_with_a_python_that_pyshark_does_not_know(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: "/usr/bin/tshark")
    monkeypatch.setattr(sys, "version_info", (3, 14, 0))
    with pytest.raises(CaptureError, match=r"Python 3\.14"):
        wireshark.dissect_frame(dhcp_like(1))
