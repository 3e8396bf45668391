"""Phones, printers, switches and people who fetch by TFTP, without DHCP in the capture: none of them boots."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from .packets import Wire, read
from .scene import CLIENT, SERVER

PHONE = ("CTLSEP001E7A0A0A07.tlv", "ITLFile.tlv", "SEP001E7A0A0A07.cnf.xml", "SCCP45.9-4-2SR3-1S.loads",
         "English_United_States/gk-sccp.jar", "United_States/g3-tones.xml")  # fmt: skip


def machines(wire: Wire, path: Path) -> list[str]:
    return [machine.mac for machine in read(wire.quiet(200).save(path / "x.pcap")).machines]


@pytest.mark.parametrize("start", range(len(PHONE)))
def test_a_phone_is_one_wherever_the_capture_begins(tmp_path: Path, start: int) -> None:
    wire = Wire()
    for number, name in enumerate(PHONE[start:] + PHONE):
        wire.missing(1 + number, name)
    assert machines(wire, tmp_path) == []


@pytest.mark.parametrize("name", ["hpnp/office.fw", "cfg000b820a0a0a", "cfggxp2170.xml", "phonebook.xml"])
def test_names_of_devices(tmp_path: Path, name: str) -> None:
    assert machines(Wire().missing(1, name), tmp_path) == []


def test_names_that_only_a_device_known_as_one_may_ask_for(tmp_path: Path) -> None:
    odd = "firmware/P0030801SR02.bin"
    assert machines(Wire().missing(1, PHONE[0]).missing(2, odd), tmp_path) == []
    assert machines(Wire().missing(1, odd).missing(2, PHONE[0]), tmp_path) == []
    assert machines(Wire().missing(1, odd), tmp_path) != []
    assert machines(Wire().missing(1, PHONE[0]).missing(2, "pxelinux.0"), tmp_path) != []
    assert machines(Wire().missing(1, "pxelinux.0").missing(2, PHONE[0]), tmp_path) != []


@pytest.mark.parametrize(("mode", "known"), [("netascii", 0), ("NetASCII", 0), ("octet", 1)])
def test_a_person_who_fetches_a_file_by_hand(tmp_path: Path, mode: str, known: int) -> None:
    wire = Wire()
    wire.udp(1, CLIENT, 50000, SERVER, 69, b"\0\1linux\0" + mode.encode() + b"\0")
    wire.udp(1.1, SERVER, 40000, CLIENT, 50000, struct.pack(">HH", 3, 1) + b"x" * 100)
    wire.udp(1.2, CLIENT, 50000, SERVER, 40000, struct.pack(">HH", 4, 1))
    assert len(machines(wire, tmp_path)) == known
