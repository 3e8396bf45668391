"""`bootsniff live` on a terminal: what the screen is given of the capture process, and the whole of it on a terminal."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from bootsniff.cli.live_channel import Ready
from bootsniff.cli.live_ending import Ending
from bootsniff.cli.live_parcel import Update
from bootsniff.cli.live_session import LiveSession
from bootsniff.cli.live_tui import LiveFeed
from bootsniff.errors import CaptureError
from bootsniff.model import CaptureInfo, Machine, Report
from bootsniff.sources.frame_log import FrameLog
from bootsniff.sources.live import News
from bootsniff.tui.bridge import FeedStatus
from tests.cli.live_program import CLIENT, MISSING_FILE
from tests.cli.test_live_ssh import ADDRESS, Far
from tests.sources.netns import NEAR, Namespace, needs_root, new_namespace
from tests.tui.pseudo_terminal import Terminal


class Session:
    """A capture process that does what it was told to, one list of updates an `updates`."""

    def __init__(self, *rounds: list[Update] | CaptureError) -> None:
        self.rounds = list(rounds)
        self.frames = FrameLog()
        self.ended = False
        self.failure: str | None = None
        self.captures: tuple[CaptureInfo, ...] = ()
        self.told: list[str] = []
        self.seen = 0

    def updates(self, timeout: float) -> list[Update]:
        found = self.rounds.pop(0) if self.rounds else []
        if isinstance(found, CaptureError):
            raise found
        for each in found:
            self.captures = each.captures
            self.ended = self.ended or each.final
            self.seen += 1
        return found

    def report(self) -> Report:
        return Report(counters=(("updates", self.seen),))

    def stop(self) -> None:
        self.told.append("stop")

    def pause(self) -> None:
        self.told.append("pause")

    def resume(self) -> None:
        self.told.append("resume")


def feed(session: Session, *, until: tuple[str, str] | None = None, notes: tuple[str, ...] = ()) -> LiveFeed:
    ending = Ending(argparse.Namespace(until=until, duration=None))
    return LiveFeed(cast("LiveSession", session), ending, Ready("listening on virbr0", notes))


def update(*news: str, machines: tuple[Machine, ...] = (), frames: int = 0, final: bool = False) -> Update:
    info = CaptureInfo("virbr0", "live", ("EN10MB",), frames=frames, bytes=0, first=None, last=None)
    told = tuple(News(1, text) for text in news)
    return Update(1, (info,), machines, (), None, (), told, final)


def test_a_new_report_only_when_something_came() -> None:
    session = Session([update()], [], [update(), update()])
    shown = feed(session)
    first = shown.latest()
    assert first is not None
    assert shown.latest() is first
    third = shown.latest()
    assert third is not None
    assert third.counters == (("updates", 3),)


def test_how_it_stands() -> None:
    session = Session([update()], [update("virbr0 is down", frames=3)], [update(frames=3, final=True)])
    shown = feed(session, notes=("privileges dropped, running as nobody",))
    shown.latest()
    assert shown.status() == FeedStatus("waiting", "privileges dropped, running as nobody")
    shown.latest()
    assert shown.status() == FeedStatus("live", "virbr0 is down")
    assert shown.notes == ["virbr0 is down"]
    shown.latest()
    assert shown.status() == FeedStatus("ended", "virbr0 is down")
    session.failure = "hyper:eth0: the capture ended by itself"
    assert shown.status() == FeedStatus("failed", "hyper:eth0: the capture ended by itself")


def test_an_error_keeps_what_was_known() -> None:
    session = Session([update()], CaptureError("virbr0 burst"))
    shown = feed(session)
    known = shown.latest()
    assert shown.latest() is known
    assert shown.status() == FeedStatus("failed", "virbr0 burst")


def test_until_ends_the_capture() -> None:
    machine = Machine(CLIENT, None, None, None, None, (), "handed-off", (), ())
    session = Session([update()], [update(machines=(machine,))])
    shown = feed(session, until=(CLIENT, "handed-off"))
    shown.latest()
    assert session.told == []
    shown.latest()
    assert session.told == ["stop"]
    assert shown.ending.reached


def test_a_pause_is_the_capture_processs_and_leaving_ends_it() -> None:
    session = Session([update()], [], [update("3 packets lost", final=True)], [update()])
    shown = feed(session)
    shown.pause()
    shown.resume()
    shown.close()
    assert session.told == ["pause", "resume", "stop"]
    # A paused capture process would keep its final update.
    shown.finish()
    assert session.told[3:] == ["resume"]
    assert session.ended
    assert session.seen == 2
    assert shown.notes == ["3 packets lost"]


def test_notes_are_bounded() -> None:
    session = Session([update(*(str(i) for i in range(250)))])
    shown = feed(session)
    shown.latest()
    assert shown.notes == [str(i) for i in range(150, 250)]


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    made = Terminal()
    yield made
    made.close()


@pytest.fixture
def namespace() -> Iterator[Namespace]:
    with new_namespace(f"bootsniff-tui-{os.getpid()}") as made:
        yield made


@pytest.mark.root
@needs_root
@pytest.mark.parametrize("redirected", [False, True])
def test_a_boot_on_the_screen(namespace: Namespace, terminal: Terminal, tmp_path: Path, redirected: bool) -> None:
    errors = tmp_path / "errors" if redirected else None
    process = terminal.start("live", NEAR, errors=errors)
    terminal.wait_for("privileges dropped")
    namespace.send(MISSING_FILE)
    terminal.wait_for(CLIENT)
    terminal.wait_for("tftp-file-not-found")
    assert terminal.leave(process) == 1
    assert "STALLED at tftp" in terminal.painted.rpartition(b"\x1b[?1049l")[2].decode()
    if errors is not None:
        assert "privileges dropped" in errors.read_text()
        assert "\x1b" not in errors.read_text()


def test_a_boot_elsewhere_on_the_screen(terminal: Terminal, tmp_path: Path) -> None:
    process = terminal.start("live", ADDRESS, env=Far(tmp_path).env)
    terminal.wait_for(CLIENT)
    terminal.wait_for("tftp-file-not-found")
    assert terminal.leave(process) == 1
    end = terminal.painted.rpartition(b"\x1b[?1049l")[2].decode()
    assert "STALLED at tftp" in end
    assert "3 packets lost on hyper:near0" in end


def test_a_terminal_that_cannot_move_its_cursor_gets_text(terminal: Terminal, tmp_path: Path) -> None:
    process = terminal.start("live", ADDRESS, "--duration", "2", env={**Far(tmp_path).env, "TERM": "dumb"})
    terminal.wait_for("STALLED at tftp")
    terminal.wait_for("hyper:near0: live, by ssh")
    assert terminal.leave(process) == 1
    assert b"\x1b" not in terminal.painted
