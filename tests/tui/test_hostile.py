"""Names that strangers chose: shown as they are, layout intact, in every widget that shows text from packets."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace
from rich.cells import cell_len
from textual.content import Content
from textual.geometry import Size
from textual.strip import Strip

from bootsniff.model import Arrow, Boot, CaptureInfo, Dhcp, Evidence, Fetch, Finding, Fix, Machine, Proxy, Report, Stage
from bootsniff.text import printable
from bootsniff.tui.app import BootsniffApp
from bootsniff.tui.bridge import FeedStatus
from bootsniff.tui.palette import BootsniffCommands
from bootsniff.tui.widgets.bar import Bar
from bootsniff.tui.widgets.rows import RowsView
from tests.report import canned
from tests.tui.feeds import CannedFeed, app_on

NAMES: dict[str, str | bytes] = {
    "markup": "[/x]",
    "open markup": "[bold red]x",
    "link": "[link='javascript:x']y[/link]",
    "action": "[@click=app.quit]z[/]",
    "escape": "\x1b[2J\x1b]52;c;AAAA\x07",
    "controls": "a\r\nb\tc\x00d\x7f",
    "bidi": "\u202egpj.exe\u2066x",
    "invalid": b"\xff\xfe\x80name",
    "long": "A" * 255,
    "emoji": "\U0001f608\U0001f468\u200d\U0001f469\u200d\U0001f467 \u2764\ufe0f",
    "wide": "\u6f22\u5b57" * 40,
    "combining": "e\u0301\u0302" * 30,
    "rich": "{x} $(id) `id` %s \\[x\\]",
    "empty": "",
}
CONTROL = {chr(code) for code in (*range(32), *range(127, 160))} | set(
    "\u202a\u202b\u202d\u202e\u2066\u2067\u2068\u2069\u200b\u200d"
)


def report_of(raw: str | bytes) -> Report:
    """The name in every place of a report that packets can fill."""
    name = printable(raw)
    base = canned.ignored_offer()
    dhcp = Dhcp(
        4,
        "bound",
        1,
        1,
        1,
        1,
        name,
        name,
        name,
        name,
        "option 67",
        name,
        None,
        Proxy(name, name, "4011"),
        canned.at(0),
        canned.at(1),
    )
    fetch = Fetch(
        "tftp", f"tftp://{name}/{name}", "RRQ", "failed", 0, 5, canned.at(1), canned.at(3), 2, 1, name, name,
        ((name, name),), 0, 9, 10,
    )  # fmt: skip
    running = replace(fetch, status="in-progress", error=None, bytes=3)
    arrows = (
        Arrow(0, 1, canned.at(0), canned.MAC, name, name, "request", "dhcp", True),
        Arrow(0, 2, canned.at(1), name, canned.MAC, name, "reply", "dhcp", False),
        Arrow(0, 9, canned.at(2), canned.MAC, name, name, "missing", "tftp", True),
        Arrow(0, 10, canned.at(3), name, canned.MAC, name, "data", "http", False),
    )
    stage = Stage("efi-x64-pxe", name, (7,), name, name, dhcp, (fetch, running), canned.at(0), canned.at(3), arrows)
    boot = Boot(canned.at(0), canned.at(3), "stalled", "tftp", (stage,), waiting_for=name)
    finding = Finding(
        "tftp-file-not-found", "error", "likely", name, 0, 0, name, None, name, name,
        (Evidence(0, 9, name, canned.at(2)),), (Fix(name, name), Fix("dnsmasq", name)),
    )  # fmt: skip
    machine = Machine(canned.MAC, name, name, 7, name, (name,), "stalled", (boot,), (finding,), base.last_seen)
    info = CaptureInfo(name, name, (name,), 10, 10, canned.at(0), canned.at(9), True, 1, 1, 1, name, (name,))
    return Report((info,), (machine,), (replace(finding, boot=None, stage=None),), canned.at(9))


def lines_of(app: BootsniffApp) -> list[Strip]:
    """What is on the screen, as it would be sent to the terminal."""
    width, height = app.size
    return [
        Strip(list(strip)).adjust_cell_length(width)
        for strip in app.screen._compositor.render_strips(Size(width, height))
    ]


def check(app: BootsniffApp) -> None:
    """No control character reaches the terminal, and every line has the width of the screen."""
    for strip in lines_of(app):
        assert not CONTROL & set(strip.text), strip.text
        assert cell_len(strip.text) == app.size.width
    for view in app.screen.query(RowsView):
        for index in range(min(view.row_count(), 60)):
            assert not CONTROL & set("".join(span.text for span in view.row_line(index, 80)))


@pytest.mark.parametrize("name", NAMES)
async def test_every_screen(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    app = app_on(report_of(NAMES[name]), frames=True, folder=tmp_path)
    app.source = printable(NAMES[name])
    assert isinstance(app.feed, CannedFeed)
    app.feed.state = FeedStatus("failed", printable(NAMES[name]))
    async with app.run_test(size=(100, 40)) as pilot:
        await pilot.pause()
        check(app)
        await pilot.press("c", "v", "o", "i", "w")
        check(app)
        for keys in (("enter",), ("2",), ("3",), ("4",), ("5",), ("f",), ("5",)):
            await pilot.press(*keys)
            await pilot.pause()
            check(app)
        for size in ((60, 15), (200, 50)):
            await pilot.resize_terminal(*size)
            await pilot.pause()
            check(app)
        assert app.is_running


async def test_the_name_is_there_as_it_was_sent() -> None:
    app = app_on(report_of("[/x]"))
    async with app.run_test(size=(100, 40)) as pilot:
        await pilot.press("enter", "4")
        await pilot.pause()
        assert any("tftp://[/x]/[/x]" in strip.text for strip in lines_of(app))


async def test_a_filter_may_hold_anything() -> None:
    app = app_on(canned.mixed())
    async with app.run_test(size=(100, 40)) as pilot:
        await pilot.press("slash", *"[/x]")
        await pilot.press("enter")
        assert app.board.words == "[/x]"
        assert "/[/x]" in app.screen.query_one("#header", Bar).text
        check(app)


@pytest.mark.parametrize("name", ["markup", "action", "open markup"])
async def test_the_palette_shows_names_as_text(name: str) -> None:
    app = app_on(report_of(NAMES[name]))
    async with app.run_test() as pilot:
        await pilot.pause()
        provider = BootsniffCommands(app.screen)
        hits = [hit async for hit in provider.search(canned.MAC)]
        shown = [hit.prompt for hit in hits if isinstance(hit.prompt, Content)]
        assert any(str(NAMES[name]) in prompt.plain for prompt in shown)
        assert all(hit.help is None or str(NAMES[name]) not in hit.help for hit in hits)
