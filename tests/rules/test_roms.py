"""What is said of firmware that is not EFI: what it waits for, and what would mend it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from . import boots_kinds, boots_roms
from .boots import PXELINUX
from .packets import Wire, machine, read
from .scene import SERVER


def advice(wire: Wire, directory: Path, code: str) -> str:
    """All that a boot's finding tells to do."""
    findings = machine(read(wire.save(directory / "x.pcap"))).findings
    return "\n".join(fix.text for finding in findings if finding.code == code for fix in finding.fixes)


@pytest.mark.parametrize(
    ("wire", "code"),
    [
        (boots_roms.signed_image, "tftp-client-aborts"),
        (lambda: boots_kinds.pi_3(program=False).discover(9, 14).quiet(120), "tftp-file-not-found"),
        (boots_roms.names_of_a_switch, "tftp-file-not-found"),
    ],
    ids=["aborts", "missing", "switch"],
)
def test_boards_and_switches_are_offered_no_loader_by_name(wire: Callable[[], Wire], code: str, tmp_path: Path) -> None:
    assert "pxelinux" not in advice(wire(), tmp_path, code)


@pytest.mark.parametrize(
    ("file", "other"), [("tftp/undionly.kpxe", "tftp/ipxe.pxe"), ("tftp/ipxe.pxe", "tftp/undionly.kpxe")]
)
def test_a_bios_is_offered_the_build_with_the_other_driver(file: str, other: str, tmp_path: Path) -> None:
    text = advice(boots_roms.loads(file), tmp_path, "nbp-stalls-after-download")
    assert f"{other}," in text
    assert f"{file}," not in text


def test_where_no_server_is_named_a_raspberry_pi_is_told_one(tmp_path: Path) -> None:
    for server in (None, SERVER):
        wire = boots_roms.no_words(next_server=server)
        finding = machine(read(wire.save(tmp_path / "x.pcap"))).findings[0]
        assert ("no TFTP server" in finding.summary) is (server is None)
        isc = next(fix.text for fix in finding.fixes if fix.target == "isc-dhcpd")
        assert ("next-server" in isc) is (server is None)
        assert b"Raspberry Pi Boot   \xff".hex(":") in isc


def test_a_server_that_answered_the_same_machine_before_is_told_and_not_mended(tmp_path: Path) -> None:
    for kind, edge_port in (("ipxe-bios", True), ("efi-x64-http", False)):
        wire = boots_roms.silence_behind(kind)
        findings = machine(read(wire.save(tmp_path / "x.pcap"))).findings
        finding = next(finding for finding in findings if finding.code == "dhcp-no-offer")
        assert f"{SERVER} answered " in finding.summary
        text = "".join(fix.text for fix in finding.fixes)
        assert ("portfast" in text) is edge_port
        assert "range" not in text


def test_a_server_that_answered_another_machine_serves_others(tmp_path: Path) -> None:
    wire = Wire("bios-pxe").lease(file="pxelinux.0")
    wire.mac = "52:54:00:00:00:42"
    wire.as_kind("bios-pxe").discover(5, 9, 17, 33).quiet(120)
    finding = machine(read(wire.save(tmp_path / "x.pcap")), wire.mac).findings[0]
    assert finding.summary.endswith(f"no OFFER: {SERVER} serves others")
    assert any("range" in fix.text for fix in finding.fixes)


def test_a_macintosh_is_not_told_its_file_by_offers(tmp_path: Path) -> None:
    wire = Wire("macintosh").lease(file="")
    found = machine(read(wire.quiet(120).save(tmp_path / "x.pcap")))
    assert (found.boots[0].stages[0].client, found.status) == ("other-boot-client", "stalled")
    assert found.findings == ()


@pytest.mark.parametrize("field", [True, False])
def test_uboot_reads_the_header_of_a_proxy_offer_alone(field: bool, tmp_path: Path) -> None:
    wire = Wire("u-boot-armv8").discover(0)
    name = {"file": "arm64.efi"} if field else {"option67": "arm64.efi"}
    wire.dhcp(0.01, 2, server="192.168.122.9", your=None, next_server="192.168.122.9", option60="PXEClient", **name)  # type: ignore[arg-type]
    for time, number in ((0.02, 2), (0.03, 3), (0.04, 5)):
        wire.dhcp(time, number, next_server=None)
    wire.missing(1, "C0A87AE3.img", server="192.168.122.9")
    finding = machine(read(wire.quiet(60).save(tmp_path / "x.pcap"))).findings[0]
    assert finding.code == "chain-uboot-bootfile-env"
    assert finding.summary.endswith("stands in option 67") is not field
    assert any(fix.text == "dhcp-no-override" for fix in finding.fixes) is not field


def broadcasts(wire: Wire) -> Wire:
    """What another port of the switch shows."""
    wire.packets = [(at, data) for at, data in wire.packets if data[0] & 1]
    return wire


@pytest.mark.parametrize("words", [boots_roms.WORDS, None], ids=["with its words", "without"])
def test_a_raspberry_pi_that_sends_no_request_may_load_unseen(words: bytes | None, tmp_path: Path) -> None:
    wire = Wire("raspberry-pi").discover(0, 5, 8)
    for time in (0.1, 5.1, 8.1):
        wire.dhcp(time, 2, option43=words, option60="PXEClient")
    found = machine(read(broadcasts(wire.quiet(90)).save(tmp_path / "x.pcap")))
    assert found.status == ("in-progress" if words else "stalled")
    assert [finding.code for finding in found.findings] == ([] if words else ["option43-foreign-content"])


def test_a_raspberry_pi_that_asks_to_the_end_has_taken_no_offer(tmp_path: Path) -> None:
    wire = Wire("raspberry-pi")
    for time in (0, 4, 8, 12, 16):
        wire.dhcp(time, 1)
        wire.dhcp(time + 0.1, 2, option43=boots_roms.WORDS, option60="PXEClient")
    assert machine(read(broadcasts(wire.quiet(90)).save(tmp_path / "x.pcap"))).status == "stalled"


@pytest.mark.parametrize("server", [SERVER, None], ids=["a server", "no server"])
def test_petitboot_needs_no_file(server: str | None, tmp_path: Path) -> None:
    wire = Wire("powerpc-opal").lease(file="", next_server=server)
    wire.arp(1, SERVER)
    found = machine(read(broadcasts(wire.quiet(120)).save(tmp_path / "x.pcap")))
    assert found.status == ("in-progress" if server else "stalled")
    assert [finding.code for finding in found.findings] == ([] if server else ["dhcp-offer-without-boot-file"])


def ends(name: str, *, answered: bool = False, again: bool = False) -> Wire:
    """The size of a file is asked for, and the transfer ended."""
    wire = Wire("bios-pxe").lease(file=name)
    wire.rrq(1, name, probe=True)
    wire.oack(1.01, tsize=16756)
    wire.error(1.02, 0, "TFTP Aborted", by_client=True)
    if answered:
        wire.error(1.03, 4, "Illegal operation")
    if again:
        wire.get(1.5, name, PXELINUX).missing(3, "ldlinux.c32")
    return wire.quiet(120)


@pytest.mark.parametrize(
    ("wire", "hint"),
    [
        (ends("pxelinux.0", answered=True), "the server answers that with an error of its own"),
        (ends("boot\\x64\\wdsmgfw.efi"), "by its name it is a program for EFI"),
        (ends("pxelinux.0"), ""),
    ],
    ids=["answered", "efi", "plain"],
)
def test_what_else_is_wrong_with_a_transfer_that_the_rom_ends(wire: Wire, hint: str, tmp_path: Path) -> None:
    (finding,) = machine(read(wire.save(tmp_path / "x.pcap"))).findings
    assert finding.code == "tftp-client-aborts"
    assert finding.summary.endswith(hint or "(“TFTP Aborted”)") or hint in finding.summary
    roles = [item.role for item in finding.evidence]
    assert ("error of the server, in answer" in roles) == ("answers" in hint)
    assert any("enable-tftp" in fix.text for fix in finding.fixes) == ("answers" in hint)


def test_a_probe_whose_error_is_answered_is_one_where_the_rom_goes_on(tmp_path: Path) -> None:
    found = machine(read(ends("pxelinux.0", answered=True, again=True).save(tmp_path / "x.pcap")))
    assert found.boots[0].stages[0].fetches[0].status == "probe"
    assert "tftp-client-aborts" not in {finding.code for finding in found.findings}


@pytest.mark.parametrize(
    ("missing", "told"),
    [
        (("bcm2711-rpi-4-b.dtb", "kernel8.img", "kernel7l.img"), "kernel8.img"),
        (("overlays/x.dtbo", "bcm2711-rpi-4-b.dtb"), "overlays/x.dtbo"),
        (("fixup4.dat", "start4.elf", "kernel8.img"), "start4.elf"),
    ],
)
def test_of_a_raspberry_pis_names_the_one_that_counts_is_told(
    missing: tuple[str, ...], told: str, tmp_path: Path
) -> None:
    wire = Wire("raspberry-pi").lease(file="")
    if "start4.elf" not in missing:
        wire.get(1, "d9780558/start4.elf", boots_kinds.ELF)
    for number, name in enumerate(missing):
        wire.missing(2 + number / 10, f"d9780558/{name}")
    (finding,) = machine(read(wire.quiet(120).save(tmp_path / "x.pcap"))).findings
    assert finding.summary.endswith(f"has no file d9780558/{told}")
