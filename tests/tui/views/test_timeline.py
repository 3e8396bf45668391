"""The timeline's lines and bars."""

import pytest
from msgspec.structs import replace

from bootsniff.model import Machine
from bootsniff.tui.lines import plain, width_of
from bootsniff.tui.views.timeline import StepKey, arrows_of_fetch, gantt, step_of, timeline
from tests.report import canned


def text(machine: Machine, width: int = 120, *, now: float | None = None, every: bool = False) -> str:
    moment = None if now is None else canned.at(now)
    rows = timeline(machine, width, now=moment, utc=True, every_boot=every)
    return "\n".join(plain(row.line).rstrip() for row in rows)


@pytest.mark.parametrize("width", [20, 50, 71, 72, 99, 100, 200])
def test_no_line_is_wider_than_the_pane(width: int) -> None:
    for machine in canned.mixed().machines:
        for row in timeline(machine, width, now=canned.at(300), utc=True, every_boot=True):
            assert width_of(row.line) <= width


def test_steps_waits_and_the_stall_are_there() -> None:
    shown = text(canned.ignored_offer(), now=200)
    assert "EFI x64 HTTPClient (arch 16)" in shown
    assert "ignored-offer" in shown
    assert "97.0 s without a packet" in shown
    assert "47.0 s without a packet" in shown
    assert shown.endswith("stalled at dhcp, waits for REQUEST, for 16 s")


def test_a_wait_is_told_once() -> None:
    assert text(canned.ignored_offer(), now=200).count("97.0 s without a packet") == 1


def test_only_the_last_boot_unless_all_are_asked_for() -> None:
    assert "grubx64.efi" not in text(canned.second_boot())
    shown = text(canned.second_boot(), every=True)
    assert "grubx64.efi" in shown
    assert "boot 2 of 2" in shown


def test_a_machine_that_does_not_boot() -> None:
    assert "no boot seen" in text(canned.not_booting())
    assert timeline(None, 80, now=None, utc=True) == []


def test_bars_are_to_scale() -> None:
    assert gantt(0, 100, 0, 100, 10) == "━" * 10
    assert gantt(50, 75, 0, 100, 8) == "    ━━━ "
    assert gantt(0, 0, 0, 0, 4) == "━   "
    assert gantt(-50, 500, 0, 100, 4) == "━━━━"


def test_retries_and_what_is_missing_stand_on_the_bar() -> None:
    machine = canned.nat_loss()
    stage = machine.boots[0].stages[0]
    fetch = stage.fetches[0]
    bar = gantt(fetch.start, fetch.end, fetch.start, fetch.end, 21, arrows_of_fetch(stage, fetch))
    assert bar.count("•") == 2
    assert bar[-1] == "?"


def test_arrows_of_another_time_or_capture_are_not_a_fetchs() -> None:
    stage = canned.nat_loss().boots[0].stages[0]
    fetch = stage.fetches[0]
    assert len(arrows_of_fetch(stage, fetch)) == 3
    assert arrows_of_fetch(stage, replace(fetch, capture=1)) == ()
    assert len(arrows_of_fetch(stage, replace(fetch, end=canned.at(5)))) == 1


def test_the_silence_after_a_stall_does_not_squeeze_the_boot() -> None:
    rows = timeline(canned.not_found(), 120, now=canned.at(86400), utc=True)
    assert any("├ TFTP grubx64.efi" in plain(row.line) for row in rows)
    bar = next(plain(row.line) for row in rows if row.key == StepKey("dhcp", 0, 0))
    assert bar.count("━") + bar.count("•") > 5


def test_keys_name_steps_and_may_be_gone() -> None:
    machine = canned.healthy()
    rows = timeline(machine, 100, now=None, utc=True)
    keys = [row.key for row in rows if isinstance(row.key, StepKey)]
    assert StepKey("fetch", 0, 1, 2) in keys
    for key in keys:
        assert step_of(machine, key) is not None
    assert step_of(machine, StepKey("stage", 3, 0)) is None
    assert step_of(machine, StepKey("stage", 0, 9)) is None
