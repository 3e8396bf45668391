"""Pictures of the screens, compared with the ones that were looked at; made by one version of Textual only."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import pytest

from bootsniff.tui.app import BootsniffApp
from tests.report import canned
from tests.tui.feeds import CannedRecording, app_on, file_feed

MADE_WITH = "8.2.8"
SnapCompare = Callable[..., Any]

if version("textual") != MADE_WITH:
    warnings.warn(f"pictures are compared with Textual {MADE_WITH} only", stacklevel=1)
    pytest.skip("another Textual draws other pictures", allow_module_level=True)


def test_main_screen_on_a_small_terminal(snap_compare: SnapCompare) -> None:
    assert snap_compare(app_on(canned.mixed()), terminal_size=(80, 24))


def test_main_screen_on_a_wall(snap_compare: SnapCompare) -> None:
    moments = [
        canned.report(*canned.mixed().machines, captures=(canned.capture(frames=n * n, seconds=n),), now=canned.at(n))
        for n in range(0, 201, 5)
    ]
    app = BootsniffApp(CannedRecording(moments), title="boot.pcap", utc=True)
    assert snap_compare(app, terminal_size=(200, 50), press=["down", "left_square_bracket"])


def test_smallest_terminal(snap_compare: SnapCompare) -> None:
    assert snap_compare(app_on(canned.damaged()), terminal_size=(60, 15))


def test_ladder(snap_compare: SnapCompare) -> None:
    app = app_on(canned.single())
    assert snap_compare(app, terminal_size=(100, 30), press=["enter", "2", "down", "down"])


def test_options(snap_compare: SnapCompare, tmp_path: Any) -> None:
    app = BootsniffApp(file_feed(tmp_path, "http-no-echo"), title="http-no-echo.pcap", utc=True)
    assert snap_compare(app, terminal_size=(120, 40), press=["enter", "3"])


def test_packet_in_few_colours(snap_compare: SnapCompare, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = app_on(canned.single(), frames=True)
    assert snap_compare(app, terminal_size=(100, 30), press=["f"])
