"""Silence after the last packet counts as far as the capture says that it went on."""

from __future__ import annotations

from pathlib import Path

import pytest

from bootsniff.model import NANOSECONDS
from bootsniff.rules.diagnosis import Diagnosis
from bootsniff.sources.capture_file import open_capture
from bootsniff.sources.recorder import Recorder

from ..moments import part
from .boots import PXELINUX
from .packets import START, Wire, errors, machine, read
from .scene import CLIENT, SERVER


def recorded(path: Path, ended: float | None) -> Path:
    """Four DISCOVERs within half a minute, recorded as live does it."""
    source = open_capture(str(Wire("efi-x64-pxe").discover(0, 4, 12, 28).save(path.with_suffix(".pcap"))), 0)
    recorder = Recorder(path, "test")
    for block in source.blocks():
        recorder.write(block)
    source.close()
    recorder.close(None if ended is None else round((START + ended) * NANOSECONDS))
    return path


@pytest.mark.parametrize("ended", [None, 29.0])
def test_no_verdict_before_the_machine_gave_up(tmp_path: Path, ended: float | None) -> None:
    found = machine(read(recorded(tmp_path / "x.pcapng", ended)))
    assert found.status == "in-progress"
    assert errors(found) == set()


# A file may claim any time of end: far away is no more than long enough.
@pytest.mark.parametrize("ended", [120.0, 4e9])
def test_the_time_of_the_end_makes_the_silence_long_enough(tmp_path: Path, ended: float) -> None:
    found = machine(read(recorded(tmp_path / "x.pcapng", ended)))
    assert found.status == "stalled"
    assert errors(found) == {"dhcp-no-offer"}


def test_late_repetitions_are_in_the_last_look(tmp_path: Path) -> None:
    """A machine that was judged moves no more when the server repeats the tail of a file that is whole."""
    wire = Wire("efi-x64-http").lease(file="http://192.168.122.1/ipxe.efi", option60="HTTPClient")
    wire.fetch(1, "/ipxe.efi")
    count = len(wire.packets)
    _, tail = max((packet for packet in wire.packets if len(packet[1]) > 1000), key=lambda packet: packet[0])
    wire.packets.append((30, tail))
    path = wire.save(tmp_path / "x.pcap")
    (whole,) = read(path).machines
    source = open_capture(str(path), 0)
    diagnosis = Diagnosis(strict=True)
    for block in source.blocks():
        for half in part(block, 0, count), part(block, count, None):
            diagnosis.feed(half)
            diagnosis.changed()
    source.close()
    diagnosis.finish([source.info()])
    (last,) = diagnosis.changed()
    assert whole.boots[0].stages[0].fetches[-1].retransmissions == 1
    assert last.boots[0].stages[0].fetches == whole.boots[0].stages[0].fetches


def last_word(wire: Wire, tmp_path: Path) -> tuple[str, str | None, set[str]]:
    found = machine(read(wire.save(tmp_path / "x.pcap")))
    return found.status, found.boots[-1].stalled_at, errors(found)


NOTHING_NAMED = ("stalled", "dhcp", {"dhcp-offer-without-boot-file"})
GOES_ON = ("in-progress", None, set[str]())


@pytest.mark.parametrize("kind", ["ipxe-bios", "bios-pxe", "efi-x64-pxe"])
def test_a_lease_that_names_nothing_is_the_last_word(kind: str, tmp_path: Path) -> None:
    """QEMU's own recording, for one, ends with the last packet: no silence after it tells that the machine gave up."""
    assert last_word(Wire(kind).lease(), tmp_path) == NOTHING_NAMED


@pytest.mark.parametrize(
    ("kind", "whole", "confidence"),
    [("ipxe-bios", False, "likely"), ("ipxe-bios", True, "certain"), ("bios-pxe", False, "certain")],
)
def test_where_the_capture_is_of_dhcp_alone_a_script_inside_an_ipxe_may_go_on(
    kind: str, whole: bool, confidence: str, tmp_path: Path
) -> None:
    wire = Wire(kind).lease()
    (finding,) = machine(read((wire.quiet(90) if whole else wire).save(tmp_path / "x.pcap"))).findings
    assert finding.confidence == confidence
    assert bool(finding.proof) == (confidence != "certain")


def test_a_lease_without_a_file_that_others_go_on_from(tmp_path: Path) -> None:
    assert last_word(Wire("ipxe-bios").lease(file="pxelinux.0"), tmp_path) == GOES_ON
    for disk in ("iscsi:192.168.122.1::::iqn.x", "aoe:e0.0"):
        assert last_word(Wire("ipxe-bios").lease(option17=disk), tmp_path) == GOES_ON
    nfs = Wire("ipxe-bios").lease(option17="192.168.122.1:/srv/root")  # for the system, nothing that iPXE starts from
    assert last_word(nfs, tmp_path) == NOTHING_NAMED
    assert last_word(Wire("u-boot-armv8").lease(), tmp_path) == GOES_ON  # looks for pxelinux.cfg/
    poses = Wire("u-boot-armv8").lease().as_kind("efi-arm64-pxe").lease(2)
    assert last_word(poses, tmp_path) == GOES_ON  # asks for a name that it makes of its address
    assert last_word(Wire("efi-x64-http").lease(), tmp_path) == GOES_ON  # a URL of its own setup
    loaded = Wire("bios-pxe").lease(file="undionly.kpxe").get(1, "undionly.kpxe", PXELINUX)
    assert last_word(loaded.as_kind("ipxe-bios").lease(5), tmp_path) == GOES_ON  # a script inside it


def test_while_it_goes_on_a_lease_is_no_last_word(tmp_path: Path) -> None:
    source = open_capture(str(Wire("ipxe-bios").lease().save(tmp_path / "x.pcap")), 0)
    diagnosis = Diagnosis(strict=True)
    for block in source.blocks():
        diagnosis.feed(block)
    source.close()
    assert machine(diagnosis.report([])).status == "in-progress"


def syn(*, refused: bool) -> Wire:
    wire = Wire("ipxe-bios").lease(file="http://192.168.122.1/boot.ipxe")
    wire.tcp(1, 0x02, 1000, 0)
    if refused:
        wire.tcp(1.001, 0x14, 0, 1001, from_client=False)
    return wire


def test_a_refused_connection_is_the_last_word(tmp_path: Path) -> None:
    assert last_word(syn(refused=True), tmp_path) == ("stalled", "tcp", {"tcp-refused"})
    assert last_word(syn(refused=False), tmp_path) == GOES_ON


@pytest.mark.parametrize("refused", [True, False])
def test_after_a_script_too(refused: bool, tmp_path: Path) -> None:
    wire = (
        Wire("ipxe-bios").lease(file="menu.ipxe").get(1, "menu.ipxe", b"#!ipxe\nkernel http://192.168.122.1:81/linux\n")
    )
    wire.tcp(2, 0x02, 1000, 0, port=81)
    if refused:
        wire.tcp(2.001, 0x14, 0, 1001, from_client=False, port=81)
    assert last_word(wire, tmp_path) == (("stalled", "tcp", {"tcp-refused"}) if refused else GOES_ON)


@pytest.mark.parametrize(("closed", "status"), [(2, "stalled"), (1, "in-progress")])
def test_two_questions_that_meet_a_closed_port_are_answer_enough(closed: int, status: str, tmp_path: Path) -> None:
    wire = Wire("ipxe-bios").lease(file="http://boot.lan/boot.ipxe", dns=SERVER)
    wire.arp(0.9, SERVER)
    wire.arp(0.91, SERVER, answer=True)
    for number in range(2):
        question = bytes([0, number]) + b"\1\0\0\1" + b"\0" * 6 + b"\4boot\3lan\0\0\1\0\1"
        sent = wire.udp(1 + number / 4, CLIENT, 50000, SERVER, 53, question)
        if number < closed:
            wire.icmp(1.01 + number / 4, sent, sender="127.0.0.53")
    assert last_word(wire, tmp_path)[0] == status


def test_of_a_disk_that_is_not_behind_ip_nothing_is_claimed(tmp_path: Path) -> None:
    """ATA over Ethernet has no packets that are read here; iSCSI's would have been seen."""
    assert last_word(Wire("ipxe-bios").lease(option17="aoe:e0.0").quiet(120), tmp_path) == GOES_ON
    iscsi = Wire("ipxe-bios").lease(option17="iscsi:192.168.122.1::::iqn.x").quiet(120)
    assert last_word(iscsi, tmp_path) == ("stalled", "nbp", set())


@pytest.mark.parametrize(("disk", "status"), [("aoe:e0.0", "in-progress"), ("iscsi:192.168.122.1::::iqn.x", "stalled")])
def test_of_such_a_disk_in_a_script_neither(disk: str, status: str, tmp_path: Path) -> None:
    wire = Wire("ipxe-bios").lease(file="menu.ipxe").get(1, "menu.ipxe", f"#!ipxe\nsanboot {disk}\n".encode())
    found = machine(read(wire.quiet(120).save(tmp_path / "x.pcap")))
    assert found.status == status
    assert [fix.text for finding in found.findings for fix in finding.fixes] == (
        [f"sanboot {disk} || shell"] if status == "stalled" else []
    )
