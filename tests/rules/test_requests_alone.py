"""Captures that hold requests and no answers: a filter on port 69 leaves TFTP's answers out, they come from other ports."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from bootsniff.model import ONE_SIDED, Report
from bootsniff.report.lines import Paper
from bootsniff.report.text import TextOptions, write_text

from .boots import INITRD, KERNEL, PXELINUX
from .boots_more import ASKS6
from .boots_text import PXELINUX_CONFIG
from .packets import Wire, errors, machine, read
from .scene import SERVER

SEARCH = (
    "pxelinux.0",
    "ldlinux.c32",
    "pxelinux.cfg/01-52-54-00-89-32-47",
    "pxelinux.cfg/default",
    "linux",
    "initrd.gz",
)


def asked(*names: str, gap: float = 0.01) -> Wire:
    """A lease, and one request for each file; others are heard for a while after that."""
    wire = Wire("ipxe-bios").lease(file=names[0])
    for number, name in enumerate(names):
        wire.rrq(1 + gap * number, name)
    return wire.quiet(200)


def found(wire: Wire, path: Path) -> Report:
    return read(wire.save(path / "x.pcap"))


def test_what_is_asked_for_next_shows_that_answers_are_missing(tmp_path: Path) -> None:
    report = found(asked(*SEARCH), tmp_path)
    assert machine(report).status == "in-progress"
    assert errors(machine(report)) == set()
    assert dict(report.counters)[ONE_SIDED] == 1
    written = io.StringIO()
    write_text(report, Paper(written), TextOptions(utc=True))
    assert written.getvalue().count("answers that are not in this capture") == 1
    assert "left out:" not in written.getvalue()


def test_one_answer_that_the_capture_lost_says_nothing_of_the_others(tmp_path: Path) -> None:
    wire = Wire("bios-pxe").lease(file="pxelinux.0").get(1, "pxelinux.0", PXELINUX)
    wire.rrq(1.9, "ldlinux.c32")
    wire.get(2, "pxelinux.cfg/default", PXELINUX_CONFIG).get(3, "linux", KERNEL).get(4, "initrd.gz", INITRD)
    report = found(wire.quiet(200), tmp_path)
    assert machine(report).status == "handed-off"
    assert ONE_SIDED not in dict(report.counters)


def test_the_same_file_from_another_port_at_once(tmp_path: Path) -> None:
    """edk2 asks for the size first, and then for the file."""
    report = found(asked("boot.efi", "boot.efi"), tmp_path)
    assert machine(report).status == "in-progress"
    assert errors(machine(report)) == set()


def test_what_was_answered_unseen_is_no_first_failure(tmp_path: Path) -> None:
    """A ROM that was told the size waits for the file: it has not failed twice."""
    wire = Wire("bios-pxe").lease(file="undionly.kpxe")
    wire.rrq(1, "undionly.kpxe")
    wire.rrq(1.002, "undionly.kpxe")
    wire.rrq(3, "undionly.kpxe", again=True)
    seen = machine(found(wire, tmp_path))
    assert seen.status == "in-progress"
    assert [fetch.status for fetch in seen.boots[0].stages[0].fetches] == ["in-progress", "in-progress"]


@pytest.mark.parametrize("names", [("a.efi",), ("a.efi", "b.efi"), ("a.efi", "a.efi")])
def test_a_client_that_waits_before_it_asks_anew_was_not_answered(tmp_path: Path, names: tuple[str, ...]) -> None:
    report = found(asked(*names, gap=5), tmp_path)
    assert machine(report).status == "stalled"
    assert ONE_SIDED not in dict(report.counters)


def test_a_request_that_is_repeated_is_not_answered(tmp_path: Path) -> None:
    wire = asked(*SEARCH[:3])
    for number in range(1, 6):
        wire.rrq(1.02 + 4 * number, SEARCH[2], again=True)
    assert machine(found(wire, tmp_path)).status == "stalled"


def test_answers_that_are_seen(tmp_path: Path) -> None:
    """The server refuses, and the client goes on at once."""
    wire = Wire("ipxe-bios").lease(file="pxelinux.0").get(1, "pxelinux.0", b"x" * 3000)
    for number, name in enumerate(SEARCH[2:]):
        wire.missing(2 + number / 50, name)
    report = found(wire.quiet(200), tmp_path)
    assert machine(report).status == "stalled"
    assert ONE_SIDED not in dict(report.counters)


@pytest.mark.parametrize(
    ("names", "status", "clients"),
    [
        (("efi64/ldlinux.e64", "efi64/pxelinux.cfg/default"), "in-progress", ["efi-x64-pxe", "pxelinux"]),
        (("config.img",), "handed-off", ["efi-x64-pxe", "os"]),
        ((), "handed-off", ["efi-x64-pxe", "os"]),
    ],
)
def test_a_loader_that_does_dhcp_as_a_system_does_is_known_by_what_it_asks_for(
    names: tuple[str, ...], status: str, clients: list[str], tmp_path: Path
) -> None:
    """syslinux.efi, where the file itself was not captured."""
    wire = Wire("efi-x64-pxe")
    wire.dhcp(0, 1)
    wire.dhcp(0.2, 3)
    wire.rrq(1, "efi64/syslinux.efi")
    for block in range(1, 60):
        wire.ack(1 + block / 1000, block)
    wire.as_kind("os").dhcp(2, 1)
    wire.dhcp(2.2, 3)
    for number, name in enumerate(names):
        wire.rrq(3 + number / 100, name)
    seen = machine(found(wire, tmp_path))
    assert seen.status == status
    assert [stage.client for stage in seen.boots[-1].stages] == clients


def test_of_one_direction_no_missing_offer_is_told(tmp_path: Path) -> None:
    """The firmware took an offer, and its next option asks in vain as far as this capture shows."""
    wire = Wire("efi-x64-pxe")
    wire.dhcp(0, 1)
    wire.dhcp(0.2, 3)
    report = found(wire.as_kind("efi-x64-http").discover(15, 19, 27, 43), tmp_path)
    assert machine(report).status == "in-progress"
    assert errors(machine(report)) == set()


def test_where_a_server_is_seen_an_offer_can_be_missed(tmp_path: Path) -> None:
    """One offer was lost by the capture, and the next option is offered nothing."""
    wire = Wire("efi-x64-pxe")
    wire.dhcp(0, 1)
    wire.dhcp(0.2, 3)
    wire.dhcp(0.3, 5)
    report = found(wire.as_kind("efi-x64-http").discover(15, 19, 27, 43).quiet(90), tmp_path)
    assert machine(report).status == "stalled"
    assert "dhcp-no-offer" in {finding.code for finding in machine(report).findings}


def at_the_server(*, told: bool = True, goes_on: bool = False) -> Wire:
    """As at the port of a TFTP server that sends nothing, the DHCP server being another host.

    `told`: the capture holds its ARP answer. `goes_on`: another file shows that what it sends is left out.
    """
    other = "192.168.122.5"
    wire = Wire("ipxe-bios")
    wire.dhcp(0, 1)
    wire.dhcp(0.2, 3, server=other)
    wire.arp(0.5, SERVER)
    if told:
        wire.arp(0.501, SERVER, answer=True)
    if goes_on:
        wire.rrq(0.99, "boot.cfg")
    wire.rrq(1, "pxelinux.0")
    for time in (1.25, 1.75, 3, 5, 9):
        wire.rrq(time, "pxelinux.0", again=True)
    wire.udp(99, other, 5353, "224.0.0.251", 5353, b"\0" * 12)
    return wire


def test_at_its_own_port_a_server_that_is_silent_is_told_so(tmp_path: Path) -> None:
    seen = machine(found(at_the_server(), tmp_path))
    assert (seen.status, seen.boots[0].stalled_at) == ("stalled", "tftp")
    (finding,) = seen.findings
    assert (finding.code, finding.confidence) == ("tftp-no-reply", "likely")
    assert finding.summary.endswith("requested 6 times in 8 s")


@pytest.mark.parametrize("wire", [at_the_server(told=False), at_the_server(goes_on=True)])
def test_where_answers_are_missing_nobody_is_told_to_be_silent(wire: Wire, tmp_path: Path) -> None:
    report = found(wire, tmp_path)
    assert errors(machine(report)) == set()
    assert dict(report.counters)[ONE_SIDED] == 1


def own_address(*, answered: bool) -> Wire:
    """HTTP firmware asks in vain by DHCPv4, for its boot by DHCPv6, and takes an address without a word about booting."""
    wire = Wire("efi-x64-http").discover(0, 4, 12, 28).dhcp6(66, 1, *ASKS6)
    wire.dhcp6(66.6, 1, ASKS6[-1], xid=8)
    if answered:
        wire.dhcp6(66.61, 2, ASKS6[-1], xid=8)
    return wire.dhcp6(66.62, 3, ASKS6[-1], (2, b"\0\3\0\1" + b"server"), xid=9)


def test_an_address_that_is_taken_shows_that_dhcpv6_is_answered(tmp_path: Path) -> None:
    report = found(own_address(answered=False), tmp_path)
    assert machine(report).status == "in-progress"
    assert errors(machine(report)) == set()
    assert dict(report.counters)[ONE_SIDED] == 1


def test_an_answer_by_dhcpv6_that_is_seen_is_not_missing(tmp_path: Path) -> None:
    assert ONE_SIDED not in dict(found(own_address(answered=True), tmp_path).counters)


@pytest.mark.parametrize(("name", "status"), [("station.dat", "not-booting"), ("pxelinux.0", "stalled")])
def test_a_device_whose_lease_is_not_in_the_capture_is_a_device_all_the_same(
    name: str, status: str, tmp_path: Path
) -> None:
    """It does DHCP like any other, and asks for a file that nobody would start."""
    wire = Wire("os")
    wire.dhcp(0, 1)
    wire.dhcp(0.2, 3)
    wire.rrq(2, name)
    for time in 7, 12, 17, 22, 27, 32:
        wire.rrq(time, name, again=True)
    assert machine(found(wire.quiet(200), tmp_path)).status == status


def test_who_asks_everybody_for_a_file_without_an_answer_boots_nothing(tmp_path: Path) -> None:
    """A switch that looks for its configuration; boot programs ask one server."""
    for target, machines in (("255.255.255.255", 0), (SERVER, 1)):
        wire = Wire("ipxe-bios")
        for time in (1, 5, 9):
            wire.rrq(time, "switch.cfg", server=target, again=time > 1)
        assert len(found(wire.quiet(120), tmp_path).machines) == machines
