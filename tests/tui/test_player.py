"""Pause, follow, play and seek; wall time comes in as numbers."""

from msgspec.structs import replace

from bootsniff.model import NANOSECONDS, Report
from bootsniff.tui.player import Player
from tests.report import canned
from tests.tui.feeds import CannedFeed, CannedRecording


def recording() -> CannedRecording:
    """Moments at 0, 10, …, 100 seconds."""
    reports = []
    for seconds in range(0, 101, 10):
        info = canned.capture(frames=seconds + 1, seconds=seconds)
        reports.append(canned.report(canned.healthy(), captures=(info,), now=canned.at(seconds)))
    return CannedRecording(reports)


def at(player: Player) -> float:
    assert player.now is not None
    return (player.now - canned.T0) / NANOSECONDS


def test_a_live_feed_is_followed() -> None:
    feed = CannedFeed(canned.single())
    player = Player(feed)
    assert player.poll(0.2)
    assert player.report is feed.report
    assert not player.poll(0.2)
    feed.report = canned.mixed()
    assert player.poll(0.2)
    assert player.report is feed.report


def test_pause_holds_the_report_and_tells_the_feed() -> None:
    feed = CannedFeed(canned.single())
    player = Player(feed)
    player.poll(0)
    held = player.report
    player.toggle()
    assert feed.told == ["pause"]
    feed.report = canned.mixed()
    assert not player.poll(0.2)
    assert player.report is held
    player.toggle()
    assert feed.told == ["pause", "resume"]
    assert player.poll(0.2)
    assert player.report is feed.report


def test_playing_goes_by_speed_and_ends_at_the_end() -> None:
    player = Player(recording())
    player.poll(0)
    assert at(player) == 100
    player.toggle()
    player.poll(2.0)
    assert at(player) == 2
    for _ in range(3):
        player.faster(1)
    assert player.speed == 10
    player.poll(2.0)
    assert at(player) == 22
    assert player.report is not None
    assert player.report.now == canned.at(20)
    player.poll(1000)
    assert not player.playing
    assert at(player) == 100


def test_space_halts_and_goes_on() -> None:
    player = Player(recording())
    player.poll(0)
    player.toggle()
    player.poll(5)
    player.toggle()
    player.poll(50)
    assert at(player) == 5
    player.toggle()
    player.poll(1)
    assert at(player) == 6


def test_seek_skip_and_step() -> None:
    player = Player(recording())
    player.poll(0)
    player.seek(0.5)
    assert at(player) == 50
    player.skip(-10)
    assert at(player) == 40
    player.step(1)
    assert at(player) == 50
    player.step(-1)
    player.step(-1)
    assert at(player) == 30
    player.skip(-1000)
    assert at(player) == 0
    player.step(-1)
    assert at(player) == 0
    player.skip(1000)
    assert player.position is None
    player.step(1)
    assert player.position is None
    player.seek(7)
    assert player.position is None


def test_before_the_first_moment_there_is_an_empty_report() -> None:
    feed = recording()
    feed.reports = feed.reports[3:]
    player = Player(feed)
    player.poll(0)
    player.seek(0)
    player.poll(0)
    assert player.report == Report()


def test_speeds_stop_at_both_ends() -> None:
    player = Player(recording())
    for _ in range(20):
        player.faster(1)
    assert player.speed == 100
    for _ in range(20):
        player.faster(-1)
    assert player.speed == 1


def test_nothing_happens_without_a_report() -> None:
    player = Player(CannedFeed(None))
    assert not player.poll(1)
    player.toggle()
    player.seek(0.5)
    player.skip(1)
    player.step(1)
    assert player.report is None


def test_traffic_of_a_live_feed_is_remembered_within_bounds() -> None:
    feed = CannedFeed(None)
    player = Player(feed)
    for second in range(6000):
        info = canned.capture(frames=second * 3, seconds=second)
        feed.report = replace(canned.empty(), captures=(info,), now=canned.at(second))
        player.poll(0.2)
    assert len(player.traffic) <= 4096
    assert player.traffic[0] == (canned.at(0), 0)
    assert player.traffic[-1] == (canned.at(5999), 5999 * 3)
    assert list(player.traffic) == sorted(player.traffic)
