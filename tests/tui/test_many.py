"""Thousands of machines: what is not on the screen is not drawn, and what did not change is not made anew."""

import pytest
from msgspec.structs import replace

from bootsniff.model import Machine
from bootsniff.tui.widgets import machine_table
from bootsniff.tui.widgets.machine_table import MachineTable
from tests.report import canned
from tests.tui.feeds import CannedFeed, app_on


async def test_only_visible_machines_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[str] = []
    original = machine_table.machine_line

    def counted(machine: Machine, *rest: object) -> object:
        drawn.append(machine.mac)
        return original(machine, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(machine_table, "machine_line", counted)
    app = app_on(canned.many(5000))
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.pause()
        table = app.screen.query_one(MachineTable)
        assert table.row_count() == 5000
        assert len(set(drawn)) <= table.size.height + 1
        drawn.clear()
        await pilot.press("G")
        assert len(set(drawn)) <= 2 * table.size.height + 2
        assert table.cursor == app.board.order[-1]
        drawn.clear()
        app.poll()
        await pilot.pause()
        assert drawn == []


async def test_a_change_of_one_machine_shows() -> None:
    report = canned.many(5000)
    app = app_on(report)
    assert isinstance(app.feed, CannedFeed)
    async with app.run_test(size=(100, 30)) as pilot:
        await pilot.press("down")
        key = app.board.selected
        machines = tuple(
            replace(machine, hostname="changed") if (machine.mac, machine.vlan) == key else machine
            for machine in report.machines
        )
        app.feed.report = replace(report, machines=machines)
        app.poll()
        selected = app.board.machine()
        assert selected is not None
        assert selected.hostname == "changed"
        await pilot.press("slash", *"changed")
        assert app.board.order == [key]
