"""What is said when no more is heard of a machine, and when only the capture lacks what it was sent."""

from __future__ import annotations

from pathlib import Path

import pytest

from bootsniff.model import Machine

from .packets import Wire, errors, machine, read
from .scene import SERVER

SCRIPT = f"http://{SERVER}/boot.ipxe"
ASKED = f"GET /boot.ipxe HTTP/1.1\r\nHost: {SERVER}\r\n\r\n".encode()


def told(wire: Wire, tmp_path: Path, *, quiet: float = 200) -> Machine:
    return machine(read(wire.quiet(quiet).save(tmp_path / "x.pcap")))


def test_a_lease_behind_which_nothing_is_heard(tmp_path: Path) -> None:
    found = told(Wire("efi-x64-pxe").lease(file="grubx64.efi"), tmp_path)
    (finding,) = found.findings
    assert (found.boots[-1].stalled_at, finding.code, finding.confidence) == ("tftp", "dhcp-lease-unused", "possible")
    assert "does not hear the ACK" in finding.summary


def test_a_lease_behind_which_one_question_is_heard(tmp_path: Path) -> None:
    wire = Wire("efi-x64-http").lease(file=f"http://{SERVER}/x.efi", option60="HTTPClient")
    wire.arp(3, SERVER)
    (finding,) = told(wire, tmp_path).findings
    assert (finding.code, finding.confidence) == ("dhcp-lease-unused", "possible")
    assert f"{SERVER} is looked for" in finding.summary
    assert finding.evidence[-1].frame == 5


def test_a_boot_after_which_the_machine_was_reset_at_once(tmp_path: Path) -> None:
    wire = Wire("efi-x64-pxe").lease(file="grubx64.efi")
    wire.as_kind("efi-x64-pxe").lease(40, file="grubx64.efi")
    wire.get(41, "grubx64.efi", b"MZ" + b"x" * 3000)
    assert "dhcp-lease-unused" not in errors(told(wire, tmp_path))


@pytest.mark.parametrize("last", ["C0A87AE3", "default"])
def test_a_list_of_names_that_breaks_off(last: str, tmp_path: Path) -> None:
    wire = Wire("ipxe-bios").lease(file="pxelinux.0")
    wire.get(1, "pxelinux.0", b"\xea" + b"PXELINUX 6.04" + b"x" * 3000).get(2, "ldlinux.c32", b"\x7fELF" + b"x" * 3000)
    wire.missing(3, "pxelinux.cfg/01-52-54-00-89-32-47").missing(3.1, f"pxelinux.cfg/{last}")
    found = told(wire, tmp_path)
    (finding,) = found.findings
    assert (found.boots[-1].stalled_at, finding.code) == ("chain", "chain-no-config-found")
    whole = last == "default"
    assert finding.confidence == ("certain" if whole else "possible")
    assert ("in the middle of its list" in finding.summary) is not whole


def scripted(wire: Wire) -> Wire:
    wire.lease(file=SCRIPT)
    return wire.fetch(1, "/boot.ipxe", body=b"#!ipxe\nkernel vmlinuz\nboot\n", agent="iPXE/1.21.1")


def test_a_response_that_only_the_capture_lacks(tmp_path: Path) -> None:
    wire = Wire("ipxe-bios").lease(file=SCRIPT)
    wire.connect(1)
    wire.tcp(1.1, 0x18, 1001, 5001, ASKED)
    wire.tcp(1.2, 0x10, 1001 + len(ASKED), 5201)  # it acknowledges 200 bytes
    found = told(wire, tmp_path)
    assert found.boots[-1].stages[-1].fetches[-1].status == "in-progress"
    assert errors(found) == set()


def test_a_second_response_on_a_connection_that_only_the_capture_lacks(tmp_path: Path) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n"
    body = head + b"abc"
    wire = Wire("ipxe-bios").lease(file=SCRIPT)
    wire.connect(1)
    wire.tcp(1.1, 0x18, 1001, 5001, ASKED)
    wire.tcp(1.2, 0x18, 5001, 1001 + len(ASKED), body, from_client=False)
    wire.tcp(1.3, 0x18, 1001 + len(ASKED), 5001 + len(body), ASKED)
    wire.tcp(1.4, 0x10, 1001 + 2 * len(ASKED), 5001 + len(body))
    assert "http-no-response" in errors(told(wire, tmp_path))  # it acknowledges nothing of the second
    wire.tcp(1.5, 0x10, 1001 + 2 * len(ASKED), 5101 + len(body))
    wire.packets.sort()
    assert "http-no-response" not in errors(told(wire, tmp_path))


def test_a_server_that_ends_the_connection_instead_of_answering(tmp_path: Path) -> None:
    wire = Wire("ipxe-bios").lease(file=SCRIPT)
    wire.connect(1)
    wire.tcp(1.1, 0x18, 1001, 5001, ASKED)
    wire.tcp(1.2, 0x11, 5001, 1001 + len(ASKED), from_client=False)
    wire.tcp(1.3, 0x10, 1001 + len(ASKED), 5002)  # the FIN, and no byte
    assert errors(told(wire, tmp_path)) == {"http-no-response"}


@pytest.mark.parametrize("lacks", [True, False])
def test_a_hole_in_a_response_is_the_machines_when_its_reset_says_so(lacks: bool, tmp_path: Path) -> None:
    body = bytes(4000)
    whole = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
    wire = Wire("efi-x64-http").lease(file=f"http://{SERVER}/x.efi", option60="HTTPClient")
    wire.connect(1)
    asked = ASKED.replace(b"boot.ipxe", b"x.efi")
    wire.tcp(1.1, 0x18, 1001, 5001, asked)
    for start in (0, 2800):
        wire.tcp(1.2, 0x18, 5001 + start, 1001 + len(asked), whole[start : start + 1400], from_client=False)
    wire.tcp(6.2, 0x14, 1001 + len(asked), 5001 + (1400 if lacks else len(whole)))
    found = told(wire, tmp_path)
    assert found.boots[-1].stages[-1].fetches[-1].status == ("failed" if lacks else "complete")
    assert ("tcp-reset-or-stall-mid-body" in errors(found)) is lacks


def test_a_connection_that_opens_behind_a_script_and_brings_nothing(tmp_path: Path) -> None:
    wire = scripted(Wire("ipxe-bios"))
    wire.connect(5)
    assert told(wire, tmp_path).status == "stalled"


def test_a_connection_that_brings_what_is_not_read_here(tmp_path: Path) -> None:
    wire = scripted(Wire("ipxe-bios"))
    wire.connect(5, port=2049)
    wire.tcp(5.1, 0x18, 5001, 1001, b"\x80\0\0\x1c" + b"x" * 28, from_client=False, port=2049)
    assert told(wire, tmp_path).status == "in-progress"


def test_plain_http_is_not_switched_off_in_what_looks_for_its_server(tmp_path: Path) -> None:
    wire = Wire("efi-x64-http").lease(file=f"http://{SERVER}/x.efi", option60="HTTPClient")
    wire.tcp(-1, 0x10, 1, 1)  # somebody's TCP is seen
    assert errors(told(wire, tmp_path)) == {"http-plain-disabled"}
    wire.arp(1, SERVER)
    wire.packets.sort()
    assert "http-plain-disabled" not in errors(told(wire, tmp_path))
