"""Every action of the application, driven by keys on canned reports."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from msgspec.structs import replace
from textual.pilot import Pilot
from textual.widgets import Input, TabbedContent

from bootsniff.model import Report
from bootsniff.tui import deeds
from bootsniff.tui.app import BootsniffApp
from bootsniff.tui.bridge import FeedStatus
from bootsniff.tui.screens.explain import ExplainScreen
from bootsniff.tui.screens.help import HelpScreen
from bootsniff.tui.screens.machine import MachineScreen
from bootsniff.tui.screens.main import MainScreen
from bootsniff.tui.screens.packet import PacketScreen
from bootsniff.tui.widgets.bar import Bar, TimeBar
from bootsniff.tui.widgets.machine_table import MachineTable
from bootsniff.tui.widgets.rows import TextRows
from tests.report import canned
from tests.tui.feeds import CannedFeed, CannedRecording, app_on, position_of, shows

SIZE = (100, 30)


def feed_of(app: BootsniffApp) -> CannedFeed:
    assert isinstance(app.feed, CannedFeed)
    return app.feed


def text_of(app: BootsniffApp, name: str) -> str:
    return app.screen.query_one(f"#{name}", TextRows).text


def bar_of(app: BootsniffApp, name: str) -> str:
    app.screen.query_one(f"#{name}", Bar).changed()
    return app.screen.query_one(f"#{name}", Bar).text


def copied(app: BootsniffApp) -> str:
    return app.clipboard


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


async def test_three_questions_are_answered_without_a_key() -> None:
    app = app_on(canned.mixed())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        table = app.screen.query_one(MachineTable)
        lines = ["".join(span.text for span in table.row_line(n, 98)) for n in range(table.row_count())]
        assert len(lines) == 8
        assert "52:54:00:00:00:01" in lines[0]
        assert "REQUEST ✖" in lines[0]
        assert "dhcp-http-vendor" in lines[0]
        assert "stalled at dhcp" in text_of(app, "timeline")
        assert "dhcp-option-force=tag:efi-x64-http,60,HTTPClient" in text_of(app, "findings")
        assert "8 machines" in bar_of(app, "header")
        assert "4 in trouble" in bar_of(app, "header")


async def test_arrows_and_letters_move_the_selection() -> None:
    app = app_on(canned.mixed())
    async with app.run_test(size=SIZE) as pilot:
        first = app.board.order[0]
        await pilot.press("down")
        assert app.board.selected == app.board.order[1]
        assert app.board.moved
        await pilot.press("j", "j", "k")
        assert app.board.selected == app.board.order[2]
        await pilot.press("G")
        assert app.board.selected == app.board.order[-1]
        await pilot.press("g")
        assert app.board.selected == first
        await pilot.press("pagedown")
        assert app.board.selected != first


async def test_a_new_report_moves_neither_cursor_nor_selection() -> None:
    app = app_on(canned.many(300))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("pagedown", "pagedown", "down")
        table = app.screen.query_one(MachineTable)
        chosen, top = app.board.selected, table.scroll_offset.y
        assert top > 0
        report = feed_of(app).report
        assert report is not None
        worse = tuple(
            replace(machine, status="stalled", last_seen=machine.last_seen + 5) for machine in report.machines
        )
        feed_of(app).report = replace(report, machines=(*worse, replace(canned.nat_loss(), mac="02:00:00:00:00:01")))
        app.poll()
        await pilot.pause()
        assert app.board.selected == chosen == table.cursor
        assert table.scroll_offset.y == top
        assert table.row_count() == 301


async def test_machines_that_go_above_leave_the_line_on_the_screen() -> None:
    app = app_on(canned.many(300))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("pagedown", "pagedown", "pagedown", "down")
        table = app.screen.query_one(MachineTable)
        before = table.cursor_index - table.scroll_offset.y
        gone = set(app.board.order[:20])
        report = feed_of(app).report
        assert report is not None
        left = tuple(machine for machine in report.machines if (machine.mac, machine.vlan) not in gone)
        feed_of(app).report = replace(report, machines=left)
        app.poll()
        await pilot.pause()
        assert table.cursor_index - table.scroll_offset.y == before


async def test_filter_by_typing_enter_and_escape() -> None:
    app = app_on(canned.mixed())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("slash", *"nat-loss")
        assert [mac for mac, _ in app.board.order] == ["52:54:00:00:00:03"]
        assert "tftp-nat-loss" in text_of(app, "findings")
        await pilot.press("enter")
        assert isinstance(app.focused, MachineTable)
        assert "1 of 8 machines" in bar_of(app, "header")
        await pilot.press("escape")
        assert len(app.board.order) == 8
        await pilot.press("slash", "x", "escape")
        assert app.board.words == ""
        assert not app.screen.query_one("#filter", Input).has_class("shown")


async def test_a_filter_without_a_match_shows_an_empty_list() -> None:
    app = app_on(canned.single())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("slash", *"nobody", "enter")
        assert app.board.order == []
        await pilot.press("down", "enter", "f", "c", "v", "w", "n", "d", "G")
        assert shows(app, MainScreen)
        assert app.is_running


async def test_next_and_previous_trouble() -> None:
    app = app_on(canned.mixed())
    async with app.run_test(size=SIZE) as pilot:
        worst = app.board.order[0]
        await pilot.press("n")
        assert app.board.selected == app.board.order[1]
        await pilot.press("N")
        assert app.board.selected == worst
        await pilot.press("n", "n", "n", "n")
        assert app.board.selected == worst


async def test_no_trouble_is_said() -> None:
    app = app_on(canned.report(canned.healthy()))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("n")
        assert "no machine is in trouble" in bar_of(app, "footer")


async def test_pause_and_follow() -> None:
    app = app_on(canned.single())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("space")
        assert feed_of(app).told == ["pause"]
        assert "held" in app.screen.query_one(TimeBar).text
        feed_of(app).report = canned.mixed()
        app.poll()
        assert len(app.board.machines) == 1
        await pilot.press("space")
        assert len(app.board.machines) == 8


async def test_sort_again() -> None:
    app = app_on(canned.mixed())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("down", "down", "r")
        assert not app.board.moved
        assert app.board.selected == app.board.order[0]


async def test_copy_fix_and_verdict(tmp_path: Path) -> None:
    app = app_on(canned.report(canned.not_found()))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("c")
        assert copied(app) == canned.not_found().findings[0].fixes[0].text + "\n"
        kept = tmp_path / "state" / "bootsniff" / "copied.txt"
        assert kept.read_text() == copied(app)
        assert kept.stat().st_mode & 0o077 == 0
        await pilot.press("v")
        verdict = copied(app)
        assert verdict.startswith("52:54:00:00:00:02 node2 192.168.122.227: stalled at tftp\n")
        assert "tftp-file-not-found (error, certain)" in verdict
        assert "frame 10: ERROR 1" in verdict
        assert "copied the verdict" in bar_of(app, "footer")


async def test_several_fixes_are_copied_under_their_programs() -> None:
    app = app_on(canned.single())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("c")
        assert copied(app).startswith("# dnsmasq\ndhcp-match=")
        assert "\n# libvirt\n<network" in copied(app)


async def test_the_finding_under_the_cursor_is_the_one_that_keys_act_on() -> None:
    app = app_on(canned.report(canned.not_found()))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("tab", "tab", "down", "c")
        assert "arch-rule-missing-http has no fix" in bar_of(app, "footer")
        await pilot.press("e")
        assert shows(app, ExplainScreen)


async def test_saving(tmp_path: Path) -> None:
    app = BootsniffApp(feed=app_on(canned.single(), frames=True).feed, title="virbr0", folder=tmp_path)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("w", "o", "i", "w")
        saved = sorted(path.suffix for path in tmp_path.iterdir() if path.is_file())
        assert saved == [".json", ".pcapng", ".pcapng", ".svg"]
        report = json.loads(next(tmp_path.glob("*.json")).read_text())
        assert report["schema"] == "bootsniff-report/1"
        assert next(tmp_path.glob("*.svg")).read_text().startswith("<svg")
        assert "packets in" in bar_of(app, "footer")


async def test_saving_where_nothing_can_be_saved() -> None:
    app = app_on(canned.single(), folder=Path("/nowhere/at/all"), frames=True)
    async with app.run_test(size=SIZE) as pilot:
        for key in "woi":
            await pilot.press(key)
            assert "cannot write to /nowhere/at/all" in bar_of(app, "footer")


async def test_packets_that_are_not_kept_cannot_be_saved(tmp_path: Path) -> None:
    app = app_on(canned.single(), folder=tmp_path)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("w")
        assert "record with `-w FILE`" in bar_of(app, "footer")
        assert list(tmp_path.glob("*.pcapng")) == []


async def test_forget() -> None:
    app = app_on(canned.mixed())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("d")
        app.poll()
        assert len(app.board.order) == 7
        assert ("52:54:00:00:00:01", None) not in app.board.machines


async def test_themes() -> None:
    app = app_on(canned.single())
    async with app.run_test(size=SIZE) as pilot:
        before = app.theme
        await pilot.press("t")
        assert app.theme == "textual-light"
        await pilot.press("t")
        assert app.theme == before


async def test_help_and_back() -> None:
    app = app_on(canned.single())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("question_mark")
        assert shows(app, HelpScreen)
        assert "next and previous machine in trouble" in text_of(app, "help")
        await pilot.press("escape")
        assert shows(app, MainScreen)


async def test_quit_closes_nothing_but_the_screen() -> None:
    app = app_on(canned.single())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("q")
        await pilot.pause()
    assert not app.is_running


async def test_the_machine_screen_and_its_views() -> None:
    app = app_on(canned.mixed())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("slash", *"89:32:47", "enter", "enter")
        assert shows(app, MachineScreen)
        await pilot.pause()
        assert "operating system (d-i)" in text_of(app, "stages")
        await pilot.press("2")
        await pilot.pause()
        assert "GET /menu.ipxe" in text_of(app, "ladder")
        await pilot.press("3")
        await pilot.pause()
        assert "not kept" in text_of(app, "options")
        await pilot.press("4")
        await pilot.pause()
        assert "http://192.168.122.1/initrd.gz" in text_of(app, "fetches")
        await pilot.press("5")
        await pilot.pause()
        assert "no finding" in text_of(app, "faults")
        await pilot.press("tab")
        await pilot.pause()
        assert app.screen.query_one(TabbedContent).active == "tab-stages"
        await pilot.press("shift+tab")
        await pilot.pause()
        assert app.screen.query_one(TabbedContent).active == "tab-faults"
        await pilot.press("escape")
        assert shows(app, MainScreen)


async def test_boots_of_a_machine_are_gone_through() -> None:
    app = app_on(canned.report(canned.second_boot()))
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("enter", "2")
        await pilot.pause()
        assert shows(app, MachineScreen)
        assert "GET /menu.ipxe" in text_of(app, "ladder")
        assert "boot 2 of 2" in bar_of(app, "columns")
        await pilot.press("b")
        await pilot.pause()
        assert "RRQ grubx64.efi" in text_of(app, "ladder")
        assert "boot 1 of 2" in bar_of(app, "columns")


async def test_the_machine_screen_outlives_its_machine() -> None:
    app = app_on(canned.mixed())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("enter")
        feed_of(app).report = canned.report(canned.healthy())
        app.poll()
        await pilot.pause()
        assert "no longer in the report" in bar_of(app, "columns")
        await pilot.press("c", "v", "w", "f", "b", "s", "p", "x", "d", "escape")
        assert shows(app, MainScreen)


async def test_frames_of_a_finding_of_a_step_and_of_an_arrow() -> None:
    app = app_on(canned.single(), frames=True)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("f")
        assert shows(app, PacketScreen)
        await pilot.pause()
        assert "OFFER without option 60" in text_of(app, "packet-frames")
        assert "sender ip" in text_of(app, "decoded")
        await pilot.press("escape", "tab", "G", "enter")
        assert shows(app, PacketScreen)
        assert "DISCOVER  52:54:00:89:32:47 to" in text_of(app, "packet-frames")
        await pilot.press("escape", "enter", "2")
        await pilot.pause()
        await pilot.press("down", "enter")
        assert shows(app, PacketScreen)


async def test_views_of_a_frame() -> None:
    app = app_on(canned.single(), frames=True)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("f", "4")
        await pilot.pause()
        assert "ff ff ff ff ff ff 52 54" in text_of(app, "hex")
        await pilot.press("5")
        await pilot.pause()
        assert "frame.number in {35, 37, 39}" in text_of(app, "wireshark")
        await pilot.press("y")
        assert copied(app) == "frame.number in {35, 37, 39}"
        await pilot.press("down")
        await pilot.pause()
        assert app.screen.query_one("#packet-frames", TextRows).cursor == 1


async def test_frames_that_are_gone_are_said_to_be() -> None:
    app = app_on(canned.single())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("f")
        await pilot.pause()
        assert "not kept" in text_of(app, "decoded")


async def test_explain_opens_at_the_finding_and_searches() -> None:
    app = app_on(canned.single())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("e")
        assert shows(app, ExplainScreen)
        await pilot.pause()
        assert "dhcp-http-vendor-class-not-echoed" in text_of(app, "explain-text").splitlines()[0]
        await pilot.press("slash", *"nat conntrack", "enter", "home")
        await pilot.pause()
        assert "tftp-nat-loss" in text_of(app, "explain-list")
        assert "dhcp-nak" not in text_of(app, "explain-list")
        await pilot.press("escape")
        assert shows(app, MainScreen)


async def test_a_recording_is_played_and_sought() -> None:
    reports = [
        canned.report(canned.ignored_offer(), captures=(canned.capture(frames=n, seconds=n),), now=canned.at(n))
        for n in range(0, 154, 9)
    ]
    app = BootsniffApp(CannedRecording(reports), title="boot.pcap", utc=True)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("0")
        assert position_of(app) == canned.at(0)
        await pilot.press("right_square_bracket", "full_stop", "comma", "left_square_bracket")
        assert position_of(app) == canned.at(0)
        await pilot.press("plus", "plus", "plus")
        assert app.player.speed == 10
        assert " 10x" in app.screen.query_one(TimeBar).text
        await pilot.press("minus", "space")
        assert app.player.playing
        await pilot.press("space", "dollar_sign")
        assert position_of(app) is None
        await pilot.click(TimeBar, offset=(50, 0))
        assert canned.at(50) < (position_of(app) or 0) < canned.at(100)


async def test_a_live_feed_cannot_be_sought() -> None:
    app = app_on(canned.single())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("0")
        assert "this is live" in bar_of(app, "footer")


async def test_the_mouse_selects_and_opens() -> None:
    app = app_on(canned.mixed())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.click("#machines", offset=(10, 2))
        assert app.board.selected == app.board.order[2]
        await pilot.click("#machines", offset=(10, 2))
        await pilot.pause()
        assert shows(app, MachineScreen)


async def _palette(pilot: Pilot[None], words: str) -> None:
    await pilot.press("ctrl+p")
    await pilot.pause()
    await pilot.press(*words)
    await pilot.app.workers.wait_for_complete()
    await pilot.pause(0.3)
    await pilot.press("enter")
    await pilot.pause()
    await pilot.press("enter")
    await pilot.pause()


async def test_the_palette_finds_commands_machines_and_codes() -> None:
    app = app_on(canned.mixed())
    async with app.run_test(size=SIZE) as pilot:
        await _palette(pilot, "keys and")
        assert shows(app, HelpScreen)
        await pilot.press("escape")
        await _palette(pilot, "node2")
        assert app.board.selected == ("52:54:00:00:00:02", 42)
        await _palette(pilot, "tftp-nat")
        assert shows(app, ExplainScreen)


async def test_errors_are_sentences() -> None:
    app = app_on(canned.single())
    async with app.run_test(size=SIZE) as pilot:
        feed_of(app).state = FeedStatus("failed", "virbr0 is gone: start the network again (virsh net-start default)")
        app.poll()
        await pilot.pause()
        assert "virsh net-start default" in bar_of(app, "header")
        assert "✖ failed" in bar_of(app, "header")
        assert app.screen.query_one("#header").size.height == 2


async def test_a_cut_file_is_said_to_be() -> None:
    app = app_on(canned.damaged())
    async with app.run_test(size=SIZE):
        assert "the file ends inside frame 4243" in bar_of(app, "header")
        assert "17 lost" in bar_of(app, "header")


@pytest.mark.parametrize("report", [None, Report(), canned.empty()])
async def test_nothing_to_show(report: Report | None) -> None:
    app = app_on(report)
    async with app.run_test(size=SIZE) as pilot:
        for key in ("enter", "n", "c", "v", "f", "e", "escape", "w", "o", "d", "space", "space", "tab", "down"):
            await pilot.press(key)
        assert app.is_running


@pytest.mark.parametrize("size", [(60, 15), (80, 24), (100, 30), (150, 40), (200, 50), (40, 10)])
async def test_sizes(size: tuple[int, int]) -> None:
    app = app_on(canned.mixed(), frames=True)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.resize_terminal(*size)
        await pilot.pause()
        assert app.screen.query_one(MachineTable).size.height >= 1
        if size != (40, 10):
            assert app.screen.query_one("#findings").size.height >= 3
        for keys in (("enter", "2", "3"), ("escape", "f", "4"), ("escape", "e"), ("escape", "question_mark")):
            await pilot.press(*keys)
            await pilot.pause()
        assert app.is_running


def test_names_of_files_do_not_collide(tmp_path: Path) -> None:
    first = deeds.free_path(tmp_path, "x", ".svg")
    first.write_text("")
    assert deeds.free_path(tmp_path, "x", ".svg").name == "x-2.svg"


async def test_without_colours_there_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = app_on(canned.mixed())
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        segments = [segment for strip in app.screen._compositor.render_strips(app.size) for segment in strip]
        colours = {
            color.name
            for segment in segments
            if segment.style is not None
            for color in (segment.style.color, segment.style.bgcolor)
            if color is not None
        }
        assert colours <= {"default"}
        chosen = [segment for segment in segments if segment.style is not None and segment.style.reverse]
        assert any("52:54:00:00:00:01" in segment.text for segment in chosen)
