"""Header, strip of traffic and footer."""

import pytest

from bootsniff.tui.bridge import FeedStatus
from bootsniff.tui.lines import plain, width_of
from bootsniff.tui.player import Player
from bootsniff.tui.views.head import footer_line, header_lines, strip_area, time_bar, traffic_rows
from tests.report import canned
from tests.tui.feeds import CannedFeed, CannedRecording


def header(width: int, **more: object) -> str:
    values = {"trouble": 1, "shown": 8, "words": ""} | more
    lines = header_lines("virbr0", canned.mixed(), FeedStatus("live"), width, **values)  # type: ignore[arg-type]
    assert all(width_of(each) <= width for each in lines)
    return plain(lines[0])


@pytest.mark.parametrize("width", range(20, 220, 7))
def test_the_header_fits_and_keeps_the_state(width: int) -> None:
    assert "● live" in header(width)


def test_the_header_at_eighty() -> None:
    text = header(80)
    for part in ("virbr0", "4,254 packets", "0 lost", "8 machines", "1 in trouble", "3:20"):
        assert part in text


def test_a_filter_is_named() -> None:
    text = header(120, words="[/x]", shown=2)
    assert "2 of 8 machines" in text
    assert "/[/x]" in text


def test_bars_show_when_packets_came() -> None:
    traffic = [(0, 0), (5, 1), (50, 1001), (100, 1001)]
    (row,) = traffic_rows(traffic, (0, 100), 10, 1)
    assert row == "▂    █    "
    upper, lower = traffic_rows(traffic, (0, 100), 10, 2)
    assert upper == "     █    "
    assert lower[5] == "█"


def test_no_traffic_and_no_time() -> None:
    assert traffic_rows([], (0, 0), 5, 1) == ["     "]
    assert traffic_rows([(5, 1)], (5, 5), 5, 1)[0].strip() == "█"


@pytest.mark.parametrize("width", [20, 40, 80, 200])
def test_the_bar_fits_with_and_without_a_playhead(width: int) -> None:
    feed = CannedRecording([canned.report(canned.healthy(), now=canned.at(n)) for n in (0, 30, 60)])
    player = Player(feed)
    player.poll(0)
    assert all(width_of(each) <= width for each in time_bar(player, width, height=3))
    player.seek(0.5)
    player.poll(0)
    lines = time_bar(player, width, height=3)
    assert all(width_of(each) <= width for each in lines)
    if width >= 40:
        assert any("│" in plain(each) or "┃" in plain(each) for each in lines)
        first, last = strip_area(player, width)
        assert 0 < first < last < width


def test_a_live_bar_says_whether_it_follows() -> None:
    player = Player(CannedFeed(canned.mixed()))
    player.poll(0)
    assert "following" in plain(time_bar(player, 80)[0])
    player.toggle()
    assert "held" in plain(time_bar(player, 80)[0])


@pytest.mark.parametrize("width", [1, 10, 40, 80])
def test_the_footer_shows_whole_keys_or_the_note(width: int) -> None:
    keys = (("?", "help"), ("q", "quit"), ("space", "pause"))
    (spans,) = footer_line(keys, width)
    assert width_of(spans) <= width + 2
    text = plain(spans).strip()
    assert text == "" or text.endswith(("help", "quit", "pause"))
    (note,) = footer_line(keys, width, ("copied the fix", "ok"))
    assert width_of(note) <= max(1, width)
