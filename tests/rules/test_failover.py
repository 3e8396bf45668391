"""Two DHCP servers that share the work answer alike: that is no fault of the network."""

from __future__ import annotations

from pathlib import Path

import pytest

from .boots import PXELINUX
from .packets import Wire, errors, machine, read

OTHER = "192.168.122.9"


def answered_by_two(**other: object) -> Wire:
    wire = Wire("ipxe-bios").discover(0)
    wire.dhcp(0.1, 2, file="pxelinux.0")
    wire.dhcp(0.2, 2, server=OTHER, your="192.168.122.180", **{"file": "pxelinux.0", **other})  # type: ignore[arg-type]
    wire.dhcp(1, 3)
    wire.dhcp(1.1, 5, file="pxelinux.0")
    return wire.get(2, "pxelinux.0", PXELINUX)


def test_a_pair_that_offers_the_same_is_not_noted(tmp_path: Path) -> None:
    report = read(answered_by_two().save(tmp_path / "x.pcap"))
    assert report.findings == ()
    assert errors(machine(report)) == set()


@pytest.mark.parametrize("other", [{"file": ""}, {"router": OTHER}, {"next_server": OTHER}], ids=str)
def test_two_that_offer_different_things_are_noted(other: dict[str, object], tmp_path: Path) -> None:
    report = read(answered_by_two(**other).save(tmp_path / "x.pcap"))
    assert [(found.code, found.severity) for found in report.findings] == [("dhcp-competing-servers", "note")]
