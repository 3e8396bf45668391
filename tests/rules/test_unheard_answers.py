"""Answers that the capture shows and the machine asks for again: where the boot stands, and what only looks like it."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bootsniff.report.chain import chain

from .boots import INITRD, KERNEL, PXELINUX
from .boots_text import PXELINUX_CONFIG
from .packets import Wire, errors, machine, read
from .scene import CLIENT, SERVER

URL = f"http://{SERVER}/x.efi"


def served(kind: str) -> dict[str, Any]:
    return {"file": URL, "option60": "HTTPClient"} if kind.endswith("-http") else {"file": "x.0"}


def offers(kind: str) -> Wire:
    return Wire(kind).ignored(**served(kind)).quiet(120)


def requests(kind: str, *, answered: bool, times: int = 4) -> Wire:
    wire = Wire(kind)
    wire.dhcp(0, 1)
    wire.dhcp(0.1, 2, **served(kind))
    for number in range(times):
        wire.dhcp(1 + 4 * number, 3)
        if answered:
            wire.dhcp(1.01 + 4 * number, 5, **served(kind))
    return wire


def arps(kind: str) -> Wire:
    wire = Wire(kind).lease(**served(kind))
    for time in range(1, 6):
        wire.arp(time, SERVER)
        wire.arp(time + 0.001, SERVER, answer=True)
    return wire.quiet(120)


def syns(kind: str) -> Wire:
    wire = Wire(kind).lease(**served(kind))
    wire.port += 1
    for time in (1, 2, 4, 8):
        wire.tcp(time, 0x02, 1000, 0)
        wire.tcp(time + 0.001, 0x12, 5000, 1001, from_client=False)
    return wire.quiet(120)


@pytest.mark.parametrize("kind", ["bios-pxe", "efi-x64-pxe", "efi-x64-http", "ipxe-bios"])
@pytest.mark.parametrize(
    ("build", "code", "at", "steps"),
    [
        (offers, "dhcp-offer-not-taken", "dhcp", "DISCOVER4 OFFER4 REQUEST:none came"),
        (
            lambda kind: requests(kind, answered=True).quiet(120),
            "dhcp-ack-lost",
            "dhcp",
            "DISCOVER OFFER REQUEST4 ACK4 lease:not taken up",
        ),
        (
            lambda kind: requests(kind, answered=False).quiet(120),
            "dhcp-no-ack",
            "dhcp",
            "DISCOVER OFFER REQUEST4 ACK:none came",
        ),
        (arps, "arp-reply-lost", "arp", "DHCP ARP"),
        (syns, "tcp-syn-ack-lost", "tcp", "DHCP TCP connection"),
    ],
)
def test_the_boot_stands_where_the_answer_is_lost(
    tmp_path: Path, kind: str, build: Callable[[str], Wire], code: str, at: str, steps: str
) -> None:
    found = machine(read(build(kind).save(tmp_path / "x.pcap")))
    assert (found.status, found.boots[-1].stalled_at, errors(found)) == ("stalled", at, {code})
    turn = chain(found.boots[-1])[-1]
    told = [
        f"{step.label}{step.times if step.times > 1 else ''}{':' + step.note if step.note else ''}"
        for step in turn.steps
    ]
    assert " ".join(told) == steps
    assert turn.steps[-1].mark == "stalled"


@pytest.mark.parametrize("kind", ["ipxe-bios", "efi-x64-http"])
def test_answers_of_a_name_server_that_are_lost(tmp_path: Path, kind: str) -> None:
    """IPXE draws a new identifier for each query: the repetitions are look-ups of their own."""
    wire = Wire(kind).lease(file="http://boot.lan/x.efi", option60="HTTPClient", dns=SERVER)
    for time in (1, 1.3, 1.9, 3):
        wire.query(time, "boot.lan", rcode=0, address=SERVER)
    found = machine(read(wire.quiet(120).save(tmp_path / "x.pcap")))
    assert (found.status, found.boots[-1].stalled_at, errors(found)) == ("stalled", "dns", {"dns-reply-lost"})


def test_two_queries_of_uefi_and_nothing_behind_them(tmp_path: Path) -> None:
    wire = Wire("efi-x64-http").lease(file="http://boot.lan/x.efi", option60="HTTPClient", dns=SERVER)
    wire.query(1, "boot.lan", rcode=0, address=SERVER).query(2.1, "boot.lan", rcode=0, address=SERVER)
    found = machine(read(wire.quiet(120).save(tmp_path / "x.pcap")))
    assert [(one.code, one.confidence) for one in found.findings] == [("dns-reply-lost", "possible")]
    wire.packets = [packet for packet in wire.packets if packet[1][12:14] == b"\x08\x00" and packet[1][23] == 17]
    found = machine(read(wire.save(tmp_path / "x.pcap")))
    assert found.findings == (), "a capture of UDP alone shows no connections"


def test_a_name_that_is_looked_up_for_every_file_is_heard(tmp_path: Path) -> None:
    wire = Wire("ipxe-bios").lease(file="http://boot.lan/a", dns=SERVER)
    for time in (1, 5, 9):
        wire.query(time, "boot.lan", rcode=0, address=SERVER)
        wire.fetch(time + 0.1, f"/{time}", "404 Not Found", b"no", host="boot.lan", agent="iPXE/1.21")
    found = machine(read(wire.quiet(120).save(tmp_path / "x.pcap")))
    assert "dns-reply-lost" not in {finding.code for finding in found.findings}


def test_a_lease_of_which_the_machine_does_not_hear_is_not_its_own(tmp_path: Path) -> None:
    dhcp = (
        machine(read(requests("bios-pxe", answered=True).quiet(120).save(tmp_path / "x.pcap"))).boots[0].stages[0].dhcp
    )
    assert dhcp is not None
    assert (dhcp.status, dhcp.address, dhcp.offered_address is not None) == ("offered", None, True)
    assert (dhcp.requests, dhcp.acks) == (4, 4)


def test_an_ack_that_arrives_in_the_end_is_a_lease(tmp_path: Path) -> None:
    wire = requests("bios-pxe", answered=True, times=3).get(10, "x.0", PXELINUX)
    found = machine(read(wire.quiet(12).save(tmp_path / "x.pcap")))
    assert (found.status, found.findings) == ("in-progress", ())
    assert found.boots[0].stages[0].dhcp is not None
    assert found.boots[0].stages[0].dhcp.status == "bound"


def test_a_late_ack_is_none_that_is_lost(tmp_path: Path) -> None:
    """The server takes 3 s, the machine repeats its REQUEST in the meantime; every REQUEST is answered."""
    wire = Wire("ipxe-bios")
    wire.dhcp(0, 1)
    wire.dhcp(0.1, 2, file="x.0")
    for time in (1, 1.25, 1.75, 2.75):
        wire.dhcp(time, 3)
    for time in (4, 4.01, 4.02, 4.03):
        wire.dhcp(time, 5, file="x.0")
    found = machine(read(wire.quiet(120).save(tmp_path / "x.pcap")))
    assert "dhcp-ack-lost" not in {finding.code for finding in found.findings}


def test_without_a_sight_of_files_arp_questions_are_no_proof(tmp_path: Path) -> None:
    """A capture of ARP and DHCP alone: each question may be for a file of its own."""
    wire = arps("bios-pxe")
    wire.packets = [
        packet for packet in wire.packets if packet[1][12:14] == b"\x08\x06" or b"\x63\x82\x53\x63" in packet[1]
    ]
    found = machine(read(wire.save(tmp_path / "x.pcap")))
    assert "arp-reply-lost" not in {finding.code for finding in found.findings}


def test_an_offer_that_an_option_spoils_is_only_possibly_lost(tmp_path: Path) -> None:
    told = {}
    for option43 in None, b"\x06\x01\x08\xff":
        wire = Wire("bios-pxe").ignored(file="x.0", option43=option43)
        found = machine(read(wire.quiet(120).save(tmp_path / "x.pcap")))
        told[option43] = [(one.code, one.confidence) for one in found.findings if one.severity == "error"]
    assert told[None] == [("dhcp-offer-not-taken", "likely")]
    assert ("dhcp-offer-not-taken", "likely") not in told[b"\x06\x01\x08\xff"]


def test_a_system_that_does_not_hear_its_lease_has_none(tmp_path: Path) -> None:
    """The installer's own DHCP: the kernel runs, and its ACKs get lost."""
    wire = Wire("bios-pxe").lease(file="pxelinux.0").get(1, "pxelinux.0", PXELINUX)
    wire.get(2, "pxelinux.cfg/default", PXELINUX_CONFIG).get(3, "linux", KERNEL).get(4, "initrd.gz", INITRD)
    wire.as_kind("os")
    wire.dhcp(30, 1)
    wire.dhcp(30.1, 2)
    for time in (31, 35, 43, 59):
        wire.dhcp(time, 3)
        wire.dhcp(time + 0.01, 5)
    found = machine(read(wire.quiet(200).save(tmp_path / "x.pcap")))
    assert (found.status, found.boots[-1].stalled_at) == ("stalled", "os")
    assert "dhcp-ack-lost" in errors(found)


@pytest.mark.parametrize("arp", [False, True])
def test_a_machine_that_goes_on_has_an_ack_that_the_capture_lacks(tmp_path: Path, *, arp: bool) -> None:
    wire = requests("bios-pxe", answered=False, times=2)
    if arp:
        for time in range(10, 14):
            wire.arp(time, SERVER)
    else:
        wire.missing(10, "x.0")
    found = machine(read(wire.quiet(120).save(tmp_path / "x.pcap")))
    assert [finding.code for finding in found.findings] == [
        "arp-next-server-unanswered" if arp else "tftp-file-not-found"
    ]


def test_what_a_system_asks_for_every_minute_it_has_heard(tmp_path: Path) -> None:
    """An installer without its answers, on which somebody looks around; its clock is set by UDP."""
    wire = Wire("bios-pxe").lease(file="pxelinux.0").get(1, "pxelinux.0", PXELINUX)
    wire.get(2, "pxelinux.cfg/default", PXELINUX_CONFIG).get(3, "linux", KERNEL).get(4, "initrd.gz", INITRD)
    wire.as_kind("os").lease(30)
    wire.fetch(32, "/preseed.cfg", "404 Not Found", b"no", agent="debian-installer")
    for minute in range(60, 360, 60):
        wire.arp(minute, "192.168.122.50")
        wire.arp(minute + 0.001, "192.168.122.50", answer=True)
        wire.query(minute, "ntp.lan", rcode=0, address=SERVER)
        wire.udp(minute + 0.1, CLIENT, 123, SERVER, 123, b"\x23" + bytes(47))
    found = machine(read(wire.quiet(600).save(tmp_path / "x.pcap")))
    assert [finding.code for finding in found.findings] == ["os-config-fetch-failed"]


@pytest.mark.parametrize(("address", "asked"), [("192.168.122.77", "192.168.122.77"), ("10.0.0.7", "192.168.122.254")])
def test_a_name_whose_host_is_looked_for_was_heard(tmp_path: Path, address: str, asked: str) -> None:
    """A script that tries again looks up the name each time; the host, or the router, is not there."""
    wire = Wire("ipxe-bios").lease(file="http://boot.lan/x.efi", dns=SERVER, router="192.168.122.254")
    for turn in (1, 11, 21):
        wire.query(turn, "boot.lan", rcode=0, address=address)
        for second in range(4):
            wire.arp(turn + 0.1 + second, asked)
    found = machine(read(wire.quiet(120).save(tmp_path / "x.pcap")))
    told = [(finding.code, finding.subject) for finding in found.findings]
    assert (found.boots[-1].stalled_at, told) == ("arp", [("arp-next-server-unanswered", asked)])


def test_a_machine_that_asks_a_portmapper_has_heard_who_it_is(tmp_path: Path) -> None:
    wire = Wire("u-boot-armv8").lease(file="x")
    for time in range(1, 6):
        wire.arp(time, SERVER)
        wire.arp(time + 0.001, SERVER, answer=True)
        call = struct.pack(">14I", time, 0, 2, 100000, 2, 3, 0, 0, 0, 0, 100005, 1, 17, 0)
        wire.udp(time + 0.1, CLIENT, 1000, SERVER, 111, call)
        wire.udp(time + 0.2, SERVER, 111, CLIENT, 1000, struct.pack(">7I", time, 1, 0, 0, 0, 0, 0))
    found = machine(read(wire.quiet(120).save(tmp_path / "x.pcap")))
    assert [finding.code for finding in found.findings] == ["chain-nfs-unreachable"]
