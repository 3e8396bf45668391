"""Machines whose network boot came to nothing, and which then run what their disk holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from .packets import Wire, errors, machine, read

URL = "/wpad.dat"


def gone(*, windows: bool = True) -> Wire:
    """Four DISCOVERs that nobody answers; 40 s later an ordinary client has a lease, and asks a web server."""
    wire = Wire("bios-pxe")
    for time in (0, 4, 12, 28):
        wire.dhcp(time, 1, secs=time)
    wire.as_kind("os").lease(70)
    agent = "Microsoft NCSI" if windows else "GRUB 2.12"
    for time in (80, 110):
        wire.query(time, "wpad.office.example", rcode=3)
        wire.fetch(time + 1, URL, "404 Not Found", b"none", agent=agent)
    return wire.quiet(200)


def test_what_a_system_on_the_disk_asks_for_is_no_part_of_the_boot(tmp_path: Path) -> None:
    found = machine(read(gone().save(tmp_path / "x.pcap")))
    assert (found.status, found.boots[0].stalled_at, errors(found)) == ("stalled", "dhcp", {"dhcp-no-offer"})
    assert [stage.client for stage in found.boots[0].stages] == ["bios-pxe"]
    assert not found.boots[0].stages[0].fetches
    assert (found.boots[0].end - found.boots[0].start) < 30_000_000_000
    assert found.addresses == ("192.168.122.227",)


def test_a_loader_on_the_disk_goes_on_with_the_boot(tmp_path: Path) -> None:
    found = machine(read(gone(windows=False).save(tmp_path / "x.pcap")))
    assert "http-404" in {finding.code for finding in found.findings}


@pytest.mark.parametrize("file", [None, "missing.0"])
def test_a_boot_that_brought_no_program(tmp_path: Path, file: str | None) -> None:
    """A lease without a file, or one that is not there: then what asks for an address was not loaded."""
    wire = Wire("bios-pxe").lease(file=file or "")
    if file:
        wire.missing(1, file)
    wire.as_kind("os").lease(70)
    wire.fetch(80, URL, "404 Not Found", b"none", agent="Microsoft NCSI")
    found = machine(read(wire.quiet(200).save(tmp_path / "x.pcap")))
    assert found.status == "stalled"
    assert "http-404" not in {finding.code for finding in found.findings}


def test_the_next_power_on_is_another_boot(tmp_path: Path) -> None:
    wire = gone().as_kind("bios-pxe").lease(300, file="pxelinux.0")
    wire.missing(301, "pxelinux.0")
    found = machine(read(wire.quiet(400).save(tmp_path / "x.pcap")))
    assert [boot.stalled_at for boot in found.boots] == ["dhcp", "tftp"]
