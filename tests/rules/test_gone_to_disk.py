"""Machines whose network boot came to nothing, and which then run what their disk holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from .packets import Wire, errors, machine, read
from .scene import SERVER

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


def unheard_syns(wire: Wire, start: float) -> Wire:
    """A lease that names a URL, and a web server that nobody answers at."""
    wire.lease(start, option67=f"http://{SERVER}/x.efi", option60="HTTPClient")
    wire.arp(start + 1, SERVER)
    wire.arp(start + 1.001, SERVER, answer=True)
    wire.port += 1
    for gap in (0, 1, 3, 7, 15):
        wire.tcp(start + 1.1 + gap, 0x02, 1000, 0)
    return wire.quiet(start + 300)


@pytest.mark.parametrize(("start", "boots"), [(50, 1), (300, 2)])
@pytest.mark.parametrize("kind", ["efi-x64-http", "ipxe-efi-x64"])
def test_another_program_boots_after_all(tmp_path: Path, kind: str, start: float, boots: int) -> None:
    """Seconds after an ordinary client it is the next option of the firmware, minutes after it the next power-on."""
    wire = Wire().discover(0, 4, 12, 28).as_kind("os").lease(40).as_kind(kind)
    found = machine(read(unheard_syns(wire, start).save(tmp_path / "x.pcap")))
    assert (len(found.boots), found.boots[-1].stalled_at) == (boots, "tcp")
    assert "tcp-filtered" in errors(found)


def test_the_same_program_goes_on_asking(tmp_path: Path) -> None:
    wire = Wire("ipxe-efi-x64").discover(0, 1, 3, 7)
    own = wire.xid
    wire.as_kind("os").lease(12)
    wire.as_kind("ipxe-efi-x64").xid = own
    found = machine(read(unheard_syns(wire, 15).save(tmp_path / "x.pcap")))
    assert (len(found.boots), errors(found)) == (1, {"tcp-filtered"})
