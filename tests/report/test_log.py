"""Events as lines of a log for people."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence

import pytest
from msgspec.structs import replace

from bootsniff.model import Machine
from bootsniff.report.events import Changes, Event
from bootsniff.report.lines import Paper
from bootsniff.report.log import LogWriter, time_of
from bootsniff.report.units import Clock

from . import canned
from .canned import MAC, at

CLOCK = "08:15:00.123 UTC"


def events(*machines: Machine, now: float = 60.0) -> list[Event]:
    return list(Changes().machines(machines, at(now)))


def written(found: Sequence[Event], *, quiet: bool = False, verbose: bool = False, color: bool = False) -> list[str]:
    text = io.StringIO()
    log = LogWriter(Paper(text, width=80, color=color), quiet=quiet, verbose=verbose)
    for event in found:
        log.write(event, CLOCK)
    return text.getvalue().splitlines()


def test_every_line_says_when_and_who() -> None:
    lines = written(events(canned.healthy(), canned.not_found()))
    own = [line for line in lines if not line.startswith(" ")]
    assert all(line.startswith(f"{CLOCK}  52:54:00:") for line in own)
    assert {line.split()[2] for line in own} == {canned.healthy().mac, canned.not_found().mac}


def test_a_boot_that_fails() -> None:
    lines = written(events(canned.not_found()))
    told = [line.removeprefix(f"{CLOCK}  52:54:00:00:00:02  ") for line in lines]
    assert any("DHCP bound" in line and "file grubx64.efi" in line for line in told)
    assert any(line.startswith("RRQ tftp://") and "failed  1 file" in line for line in told)
    assert any(line.startswith("tftp-file-not-found: ") for line in told)
    assert told[-1] == "STALLED at tftp"
    # A stall has its line: the machine's status is not told once more.
    assert not any(line.startswith("seen") for line in told)


def test_a_boot_that_goes_well() -> None:
    lines = written(events(canned.healthy()))
    assert any("handed off" in line for line in lines)
    assert any("  complete  " in line and " in " in line for line in lines)
    assert not any("STALLED" in line for line in lines)


def test_who_does_not_boot_is_no_news() -> None:
    assert written(events(canned.not_booting())) == []


def test_fixes_stand_under_an_error_and_more_of_them_when_asked_for() -> None:
    found = [event for event in events(canned.not_found()) if event["event"] == "finding"]
    (error,) = [event for event in found if event["code"] == "tftp-file-not-found"]
    error = {**error, "fixes": [*error["fixes"], {"for": "dnsmasq", "text": "dhcp-boot=tag:x,\\\ny.efi"}]}
    first, *others = error["fixes"]
    lines = written([error])
    assert lines[1].strip().startswith(f"{first['for']}: {first['text'].splitlines()[0]}")
    assert len(lines) == 1 + len(first["text"].splitlines())
    more = "\n".join(written([error], verbose=True))
    assert all(fix["text"].splitlines()[-1] in more for fix in others)
    assert len(written([error], quiet=True)) == 0
    assert len(written([{**error, "severity": "note"}])) == 1


@pytest.mark.parametrize(
    ("confidence", "shown"), [("certain", "tftp-nat-loss: "), ("likely", "tftp-nat-loss (likely): ")]
)
def test_a_guess_is_called_one(confidence: str, shown: str) -> None:
    (finding, *_) = [event for event in events(canned.nat_loss()) if event["event"] == "finding"]
    (first, *_) = written([{**finding, "code": "tftp-nat-loss", "confidence": confidence}])
    assert shown in first


@pytest.mark.parametrize(
    ("event", "text"),
    [
        ({"event": "waiting", "waiting_for": "OFFER, for 4 s"}, "waits for OFFER, for 4 s"),
        ({"event": "stall", "stalled_at": None}, "STALLED"),
        ({"event": "stall-cleared", "status": "handed-off"}, "goes on (handed off)"),
        ({"event": "finding-withdrawn", "code": "dhcp-no-offer", "severity": "error"}, "withdrawn dhcp-no-offer"),
    ],
)
def test_what_else_happens(event: Event, text: str) -> None:
    assert written([{"mac": MAC, **event}]) == [f"{CLOCK}  {MAC}  {text}"]


def test_lost_packets_and_findings_of_the_network_are_nobodys() -> None:
    drops = {"event": "drops", "mac": None, "new": 12345, "path": "virbr0"}
    assert written([drops]) == [f"{CLOCK}  {'network':<17}  12,345 packets lost on virbr0"]
    network = list(Changes().network(canned.network_findings(), at(1)))
    assert all("  network  " in line for line in written(network) if not line.startswith(" "))


def test_quiet_keeps_the_verdicts() -> None:
    lines = written(events(canned.not_found(), canned.healthy(), canned.in_progress()), quiet=True)
    assert [line.split(maxsplit=3)[3].strip() for line in lines if "STALLED" in line] == ["STALLED at tftp"]
    assert sum("handed off" in line for line in lines) == 1
    assert len(lines) == 2


def test_a_kind_of_event_that_is_not_known_is_left_out() -> None:
    assert written([{"event": "report", "mac": None}]) == []


def test_notes_about_the_capture() -> None:
    text = io.StringIO()
    LogWriter(Paper(text)).note("virbr0 is gone; waiting for it to come back", CLOCK)
    assert text.getvalue() == f"{CLOCK}  {'capture':<17}  virbr0 is gone; waiting for it to come back\n"


@pytest.mark.parametrize("color", [False, True])
def test_hostile_names_stay_text(color: bool) -> None:
    lines = written(events(canned.hostile()), verbose=True, color=color)
    plain = "\n".join(lines)
    for style in ("32", "1;31", "33", "2", "1", "1;36", "36", "0"):
        plain = plain.replace(f"\x1b[{style}m", "")
    assert lines
    assert not [sign for sign in plain if sign < " " and sign != "\n"]


@pytest.mark.parametrize(("utc", "same"), [(True, "UTC"), (False, "")])
def test_the_time_of_day(utc: bool, same: str) -> None:
    clock = Clock(None, utc=utc)
    assert time_of({"time": "2026-03-14T08:15:00.123456789Z"}, clock) == clock.time_of_day(at(0) // 10**6 * 10**6)
    assert same in time_of({"time": "2026-03-14T08:15:00.123456789Z"}, clock)


def test_one_machine_among_several_keeps_its_story(shuffled: Callable[[list[Event]], list[Event]]) -> None:
    """Lines of machines that boot at once may alternate: each carries its machine."""
    mine, other = events(canned.not_found()), events(canned.healthy())
    together = written(shuffled([*mine, *other]))
    alone = written(mine)
    mac = canned.not_found().mac
    assert [line for line in together if mac in line] == [line for line in alone if mac in line]


@pytest.fixture
def shuffled() -> Callable[[list[Event]], list[Event]]:
    """Two stories in turn."""

    def mix(found: list[Event]) -> list[Event]:
        half = len(found) // 2
        first, second = found[:half], found[half:]
        mixed = []
        while first or second:
            mixed += [part.pop(0) for part in (first, second) if part]
        return mixed

    return mix


def test_a_machine_that_gets_a_name_is_told_again() -> None:
    changes = Changes()
    machine = canned.in_progress()
    list(changes.machines([machine], at(1)))
    lines = written(list(changes.machines([replace(machine, hostname="node7")], at(2))))
    assert len(lines) == 1
    assert "seen node7" in lines[0]
