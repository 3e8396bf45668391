"""Captures at another port of the switch: broadcasts alone show, whatever a machine goes on to fetch."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

from bootsniff.model import BROADCASTS_ONLY, ONE_SIDED, Machine, Report
from bootsniff.report.lines import Paper
from bootsniff.report.text import TextOptions, write_text

from .packets import Wire, errors, machine, read
from .scene import SERVER

URL = "http://192.168.122.1/grub.efi"


def seen(wire: Wire, path: Path) -> Report:
    """What the other ports of the switch show of it."""
    wire.quiet(200)
    wire.packets = [packet for packet in wire.packets if packet[1][0] & 1]
    return read(wire.save(path / "x.pcap"))


def verdict(found: Machine) -> tuple[str, set[str]]:
    return found.status, errors(found)


@pytest.mark.parametrize("questions", [0, 1, 2])
@pytest.mark.parametrize(
    ("kind", "lease"),
    [
        ("efi-x64-pxe", {"file": "grubx64.efi"}),
        ("efi-x64-http", {"file": URL, "option60": "HTTPClient"}),
        ("efi-x64-http", {"file": URL.replace("http:", "https:"), "option60": "HTTPClient"}),
    ],
)
def test_what_is_fetched_does_not_show(tmp_path: Path, kind: str, lease: dict[str, Any], questions: int) -> None:
    """edk2 asks for the server by ARP, and GRUB asks again; or knows it from what the server asked."""
    wire = Wire(kind).lease(**lease)
    for number in range(questions):
        wire.arp(1 + 3 * number, SERVER)
    report = seen(wire, tmp_path)
    status, found = verdict(machine(report))
    assert status == "in-progress"
    assert not found - {"tls-unsupported"}
    assert dict(report.counters)[BROADCASTS_ONLY] == 1
    written = io.StringIO()
    write_text(report, Paper(written), TextOptions(utc=True))
    assert "another port of the switch" in " ".join(written.getvalue().split())


def test_a_question_that_is_asked_over_and_over_was_not_answered(tmp_path: Path) -> None:
    wire = Wire().lease(file="grubx64.efi", next_server="192.168.122.5")
    for number in range(4):
        wire.arp(1 + number, "192.168.122.5")
    status, found = verdict(machine(seen(wire, tmp_path)))
    assert (status, found) == ("stalled", {"arp-next-server-unanswered"})


def test_offers_to_one_machine_alone_do_not_show(tmp_path: Path) -> None:
    """The DISCOVER and the REQUEST that takes the offer are all there is."""
    wire = Wire("ipxe-bios").lease(file="a.ipxe")
    wire.packets = [packet for packet in wire.packets if packet[1][6:12] != wire.packets[1][1][6:12]]
    report = seen(wire, tmp_path)
    assert verdict(machine(report)) == ("in-progress", set())
    assert dict(report.counters)[ONE_SIDED] == 1


def test_ipxe_asks_for_its_server_or_goes_nowhere(tmp_path: Path) -> None:
    """Every port shows that question."""
    report = seen(Wire("ipxe-bios").lease(file="a.ipxe"), tmp_path)
    assert machine(report).status == "stalled"
    wire = Wire("ipxe-bios").lease(file="a.ipxe")
    wire.arp(1, SERVER)
    assert machine(seen(wire, tmp_path)).status == "in-progress"


def test_the_next_boot_option_shows_that_this_one_came_to_nothing(tmp_path: Path) -> None:
    wire = Wire().lease(file="grubx64.efi")
    wire.as_kind("efi-x64-http").discover(20, 24, 32, 48)
    found = machine(seen(wire, tmp_path))
    assert (found.status, found.boots[0].stalled_at) == ("stalled", "tftp")
