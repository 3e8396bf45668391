"""One feed behind a socket, looked at by several tabs."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace

from bootsniff.errors import CaptureError, UsageError
from bootsniff.model import Machine, Report
from bootsniff.tui.app import BootsniffApp
from bootsniff.tui.bridge import FeedStatus, Recording
from bootsniff.tui.bridge.shared import FeedServer, connect, delta, merged
from bootsniff.tui.web import _same_host, address_of
from tests.report import canned
from tests.tui.feeds import CannedFeed, CannedRecording, dhcp_like


@contextmanager
def served(feed: CannedFeed) -> Iterator[FeedServer]:
    server = FeedServer(feed, title="virbr0", utc=True)
    try:
        yield server
    finally:
        server.close()


def test_two_tabs_see_the_one_feed() -> None:
    feed = CannedFeed(canned.mixed(), {(0, 9): dhcp_like(9)})
    with served(feed) as server:
        hello, first = connect(server.path)
        _, second = connect(server.path)
        assert (hello.title, hello.utc, hello.recording) == ("virbr0", True, False)
        assert first.latest() == second.latest() == canned.mixed()
        assert first.frames.get(0, 9) == dhcp_like(9)
        assert first.frames.get(0, 10) is None
        assert first.status() == FeedStatus("live")
        feed.report = canned.single()
        assert first.latest() == second.latest() == canned.single()


def test_an_unchanged_report_stays_the_same_object() -> None:
    feed = CannedFeed(canned.mixed())
    with served(feed) as server:
        _, tab = connect(server.path)
        report = tab.latest()
        assert tab.latest() is report
        assert report is not None
        assert feed.report is not None
        feed.report = replace(
            feed.report, machines=(replace(feed.report.machines[0], hostname="x"), *feed.report.machines[1:])
        )
        after = tab.latest()
        assert after == feed.report
        assert after is not None
        assert after.machines[1] is report.machines[1]


def test_only_what_changed_is_sent() -> None:
    told: dict[tuple[str, int | None], Machine] = {}
    known: dict[tuple[str, int | None], Machine] = {}
    one = canned.mixed()
    assert merged(delta(one, told), known) == one
    change = delta(one, told)
    assert change.changed == ()
    assert change.order is None
    two = replace(one, machines=one.machines[2:])
    change = delta(two, told)
    assert change.changed == ()
    assert merged(change, known) == two
    assert delta(None, told).rest is None


def test_a_recording_is_played_in_a_tab() -> None:
    reports = [canned.report(canned.healthy(), now=canned.at(n)) for n in (0, 30, 60)]
    with served(CannedRecording(reports)) as server:
        hello, tab = connect(server.path)
        assert hello.recording
        assert isinstance(tab, Recording)
        assert tab.moments() == tuple(report.now for report in reports)
        assert tab.at(canned.at(31)) == reports[1]
        assert tab.at(0) is None
        assert len(tab.traffic()) == 3
        assert tab.latest() == reports[-1]


def test_the_socket_is_this_users_alone() -> None:
    with served(CannedFeed(None)) as server:
        mode = Path(server.path).parent.stat().st_mode
        assert stat.S_IMODE(mode) == 0o700


def test_a_server_that_is_gone_is_said_to_be() -> None:
    with served(CannedFeed(canned.single())) as server:
        _, tab = connect(server.path)
        report = tab.latest()
        tab.close()
    assert tab.latest() is report
    assert "start it again" in tab.status().text
    assert tab.frames.get(0, 1) is None
    with pytest.raises(CaptureError, match="does not answer"):
        connect("/nowhere/feed")


async def test_the_application_in_a_tab() -> None:
    with served(CannedFeed(canned.mixed())) as server:
        _, tab = connect(server.path)
        app = BootsniffApp(tab, title="virbr0")
        async with app.run_test(size=(100, 30)) as pilot:
            await pilot.press("down")
            assert len(app.board.order) == 8


def test_a_filtered_server_tells_of_nobody_else() -> None:
    server = FeedServer(
        CannedFeed(canned.mixed()), title="x", utc=False, only=lambda machine: machine.hostname == "node2"
    )
    try:
        report: Report | None = connect(server.path)[1].latest()
        assert report is not None
        assert [machine.hostname for machine in report.machines] == ["node2"]
    finally:
        server.close()


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:8000", ("127.0.0.1", 8000)),
        (":9000", ("127.0.0.1", 9000)),
        ("0.0.0.0", ("0.0.0.0", 8000)),
        ("[::1]:80", ("::1", 80)),
    ],
)
def test_addresses(text: str, address: tuple[str, int]) -> None:
    assert address_of(text) == address


def test_an_address_that_is_none() -> None:
    with pytest.raises(UsageError, match="give an address and a port"):
        address_of("x:99999")


@pytest.mark.parametrize(
    ("asked", "listening", "same"),
    [
        ("127.0.0.1:8000", "127.0.0.1:8000", True),
        ("localhost:8000", "127.0.0.1:8000", True),
        ("evil.example:8000", "127.0.0.1:8000", False),
        ("127.0.0.1:8001", "127.0.0.1:8000", False),
        ("box.example:8000", "0.0.0.0:8000", True),
        ("10.0.0.1:8000", "10.0.0.1:8000", True),
        ("evil.example:8000", "10.0.0.1:8000", False),
        ("x:y:z", "127.0.0.1:8000", False),
    ],
)
def test_whose_name_a_request_has(asked: str, listening: str, same: bool) -> None:
    assert _same_host(asked, listening) is same
