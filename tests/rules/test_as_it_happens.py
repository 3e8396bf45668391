"""Boots a moment at a time, as live sees them: nothing is claimed too early, and the end is as if read at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from bootsniff.track.records import MAX_BOOTS

from ..moments import at_once, check, watch
from .packets import Wire
from .test_from_packets import FAULTS, HEALTHY, WAITING
from .wire_faults import Case


@pytest.mark.parametrize("case", FAULTS.values(), ids=FAULTS)
def test_events_and_report_agree(case: Case, tmp_path: Path) -> None:
    path = str(case.build().save(tmp_path / "x.pcap"))
    events, machines = watch(path)
    check(events, machines)
    assert machines == at_once(path)
    withdrawn = [event for event in events if event["event"] == "finding-withdrawn" and event["severity"] != "note"]
    assert withdrawn == [], "claimed too early"


STALLED_FOR_A_WHILE = {
    "PXE without a file, then HTTP boot",
    "no address over IPv6, HTTP over IPv4",
    "windows that are kept",
}
"""And healthy in the end."""


@pytest.mark.parametrize("name", [*HEALTHY, *WAITING])
def test_a_healthy_boot_is_never_stalled(name: str, tmp_path: Path) -> None:
    path = str({**HEALTHY, **WAITING}[name]().save(tmp_path / "x.pcap"))
    events, machines = watch(path)
    check(events, machines)
    assert machines == at_once(path)
    if name in STALLED_FOR_A_WHILE:
        assert "stall-cleared" in {event["event"] for event in events}
        return
    assert not [event for event in events if event["event"] == "stall"]
    assert not [event for event in events if event["event"] == "finding" and event["severity"] != "note"]


def test_every_power_on_is_told_though_only_so_many_are_kept(tmp_path: Path) -> None:
    wire = Wire("bios-pxe")
    for turn in range(MAX_BOOTS + 3):
        wire.lease(30 * turn, file="pxelinux.0").missing(30 * turn + 1, "pxelinux.0")
    events, machines = watch(str(wire.quiet(30 * MAX_BOOTS + 120).save(tmp_path / "x.pcap")))
    assert len(machines[0]["boots"]) == MAX_BOOTS
    for kind in ("finding", "stall"):
        told = [event["boot"] for event in events if event["event"] == kind]
        assert told == [*range(MAX_BOOTS), *[MAX_BOOTS - 1] * 3]
    assert "finding-withdrawn" not in {event["event"] for event in events}
