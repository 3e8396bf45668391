import json
from typing import Any

import jsonschema
from msgspec.structs import replace

from bootsniff.model import Finding, Machine
from bootsniff.report.events import Changes, closing
from bootsniff.report.json import line
from bootsniff.report.schema import schema

from . import canned
from .canned import at


def kinds(events: Any) -> list[str]:
    return [event["event"] for event in events]


def growing(seconds: float) -> Machine:
    """The machine of `not_found` as it is known after so many seconds."""
    whole = canned.not_found()
    boot = whole.boots[0]
    stage = boot.stages[0]
    if seconds < 1:
        assert stage.dhcp is not None
        dhcp = replace(stage.dhcp, status="unanswered", offers=0)
        stage = replace(stage, dhcp=dhcp, fetches=(), end=at(seconds))
    elif seconds < 3.5:
        stage = replace(stage, fetches=(), end=at(seconds))
    elif seconds < 4:
        stage = replace(stage, fetches=(replace(stage.fetches[0], status="in-progress", error=None),), end=at(seconds))
    else:
        return whole
    boot = replace(boot, status="in-progress", stalled_at=None, stages=(stage,), end=at(seconds))
    return replace(whole, status="in-progress", boots=(boot,), findings=())


def test_a_boot_as_it_happens() -> None:
    changes = Changes()
    story = [kinds(changes.machines([growing(s)], at(s))) for s in (0.1, 0.2, 3.3, 3.6, 3.7, 5)]
    assert story == [
        ["machine", "stage"],
        [],
        ["stage"],
        ["fetch"],
        [],
        ["machine", "fetch", "finding", "finding", "stall"],
    ]


def test_events_carry_the_keys_of_the_document() -> None:
    events = list(Changes().machines([canned.not_found()], at(5)))
    assert all(event["mac"] == "52:54:00:00:00:02" for event in events)
    by_kind = {event["event"]: event for event in reversed(events)}
    assert by_kind["machine"]["status"] == "stalled"
    assert by_kind["stage"]["client"] == "efi-x64-pxe"
    assert by_kind["stage"]["dhcp"]["boot_file"] == "grubx64.efi"
    assert "fetches" not in by_kind["stage"]
    assert by_kind["fetch"]["error"] == "1 file /srv/tftpboot/grubx64.efi not found"
    assert (by_kind["fetch"]["boot"], by_kind["fetch"]["stage"], by_kind["fetch"]["fetch"]) == (0, 0, 0)
    assert by_kind["finding"]["code"] == "tftp-file-not-found"
    assert by_kind["finding"]["severity"] == "error"
    assert by_kind["stall"]["stalled_at"] == "tftp"
    assert by_kind["stall"]["time"] == "2026-03-14T08:15:05.123456789Z"
    for event in events:
        assert json.loads(line(event)) == event
        assert line(event).count("\n") == 1


def test_a_finding_that_was_disproved_and_a_stall_that_ended() -> None:
    changes = Changes()
    stalled = canned.not_found()
    list(changes.machines([stalled], at(5)))
    good = replace(
        stalled,
        status="handed-off",
        findings=(),
        boots=(replace(stalled.boots[0], status="handed-off", stalled_at=None),),
    )
    events = list(changes.machines([good], at(9)))
    assert kinds(events) == ["machine", "finding-withdrawn", "finding-withdrawn", "stall-cleared"]
    assert events[1]["code"] == "tftp-file-not-found"
    assert events[3]["status"] == "handed-off"


def test_a_finding_that_became_surer_is_told_again() -> None:
    changes = Changes()
    machine = canned.not_found()
    unsure = replace(machine, findings=(replace(machine.findings[0], confidence="likely"),))
    list(changes.machines([unsure], at(5)))
    sure = replace(unsure, findings=machine.findings[:1])
    assert [(event["event"], event["confidence"]) for event in changes.machines([sure], at(6))] == [
        ("finding", "certain")
    ]
    more = replace(sure, findings=(replace(sure.findings[0], evidence=()),))
    assert list(changes.machines([more], at(7))) == []


def again_and_again(first: int, last: int) -> Machine:
    """One that fails in the same way at every power-on, and of which no more boots are kept."""
    once = canned.not_found()
    boots = tuple(replace(once.boots[0], start=at(1000.0 * n), end=at(1000.0 * n + 9)) for n in range(first, last))
    findings = [replace(once.findings[0], boot=n) for n in range(len(boots))]
    return replace(once, boots=boots, findings=tuple(findings))


def test_a_fault_of_the_newest_boot_is_told_though_the_oldest_is_gone() -> None:
    changes = Changes()
    before = again_and_again(0, 3)
    list(changes.machines([before], at(3000)))
    after = again_and_again(1, 4)
    after = replace(after, boots=(*before.boots[1:], after.boots[-1]))
    events = [(event["event"], event.get("boot")) for event in changes.machines([after], at(4000))]
    assert events == [("stage", 2), ("fetch", 2), ("finding", 2), ("stall", 2)]


def test_a_finding_is_withdrawn_from_the_boot_as_it_is_counted_now() -> None:
    changes = Changes()
    before = again_and_again(0, 3)
    list(changes.machines([before], at(3000)))
    newest = replace(before.boots[2], end=at(2500))
    after = replace(before, boots=(before.boots[1], newest), findings=before.findings[:1])
    (event,) = changes.machines([after], at(4000))
    assert (event["event"], event["boot"]) == ("finding-withdrawn", 1)


def test_a_finding_that_has_no_room_any_more_is_not_withdrawn() -> None:
    changes = Changes()
    before = again_and_again(0, 3)
    list(changes.machines([before], at(3000)))
    after = replace(before, findings=before.findings[1:])
    assert list(changes.machines([after], at(4000))) == []


def test_the_next_boot_waits_for_the_same() -> None:
    changes = Changes()
    waits = replace(growing(2), last_seen=at(2))
    first = replace(waits.boots[0], waiting_for="OFFER, for 4 s")
    waits = replace(waits, boots=(first,))
    assert "waiting" in kinds(changes.machines([waits], at(6)))
    longer = replace(first, waiting_for="OFFER, for 5 s")
    assert kinds(changes.machines([replace(waits, boots=(longer,))], at(7))) == []
    second = replace(first, start=at(100))
    waits = replace(waits, boots=(longer, second), last_seen=at(102))
    assert "waiting" in kinds(changes.machines([waits], at(106)))


def test_the_same_object_is_no_news_and_a_stall_elsewhere_is() -> None:
    changes = Changes()
    machine = canned.not_found()
    list(changes.machines([machine], at(5)))
    assert list(changes.machines([machine], at(6))) == []
    moved = replace(machine, boots=(replace(machine.boots[0], stalled_at="chain"),))
    assert kinds(changes.machines([moved], at(7))) == ["stall"]


def test_drops_are_counted_up() -> None:
    changes = Changes()
    info = canned.capture("virbr0")
    assert list(changes.captures([info], at(1))) == []
    events = list(changes.captures([replace(info, dropped_frames=5)], at(2)))
    events += changes.captures([replace(info, dropped_frames=5)], at(3))
    events += changes.captures([replace(info, dropped_frames=12)], at(4))
    assert [(event["event"], event["dropped_frames"], event["new"]) for event in events] == [
        ("drops", 5, 5),
        ("drops", 12, 7),
    ]
    assert events[0]["mac"] is None


def test_network_findings_come_and_go() -> None:
    changes = Changes()
    found: tuple[Finding, ...] = canned.network_findings()
    assert kinds(changes.network(found, at(1))) == ["finding"]
    assert kinds(changes.network(found, at(2))) == []
    assert kinds(changes.network((), at(3))) == ["finding-withdrawn"]


def test_the_last_line_is_the_whole_report() -> None:
    text = "".join(closing(canned.mixed(), at(200)))
    assert text.endswith("\n")
    assert text.count("\n") == 1
    event = json.loads(text)
    assert (event["event"], event["time"]) == ("report", "2026-03-14T08:18:20.123456789Z")
    jsonschema.Draft202012Validator(schema()).validate(event["report"])
    assert len(event["report"]["machines"]) == 8
    assert json.loads("".join(closing(canned.empty(), None)))["time"] is None


def test_a_whole_report_at_once() -> None:
    events = list(Changes().report(canned.damaged()))
    assert kinds(events)[0] == "drops"
    assert kinds(events)[1:] == ["machine", "stage", "fetch", "finding", "stall"]
