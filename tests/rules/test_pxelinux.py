"""PXELINUX after its configuration: kernels that it does not start, labels that there are not, errors behind an OACK."""

from __future__ import annotations

from pathlib import Path

import pytest

from bootsniff.model import Machine
from bootsniff.report.chain import chain

from .boots import INITRD, KERNEL, PXELINUX
from .boots_text import PXELINUX_CONFIG
from .packets import Wire, errors, machine, read
from .scene import SERVER

ODD = b"\x8f" * 9000
"""Bytes that tell nothing of themselves."""
MODULE = b"\x7fELF" + b"\0" * 4000


def loaded(config: bytes = PXELINUX_CONFIG, time: float = 0, *, lease: bool = True) -> Wire:
    wire = Wire("bios-pxe")
    return pxelinux(wire.lease(time, file="pxelinux.0") if lease else wire, time, config)


def pxelinux(wire: Wire, time: float = 0, config: bytes = PXELINUX_CONFIG) -> Wire:
    wire.get(time + 1, "pxelinux.0", PXELINUX).get(time + 2, "ldlinux.c32", MODULE)
    return wire.get(time + 3, "pxelinux.cfg/default", config)


def turn(wire: Wire, time: float, kernel: bytes, name: str = "linux") -> Wire:
    return wire.get(time, name, kernel).get(time + 1, "initrd.gz", INITRD)


def found(wire: Wire, path: Path) -> Machine:
    return machine(read(wire.save(path / "x.pcap")))


@pytest.mark.parametrize("turns", [1, 3])
def test_a_packed_kernel_is_none_for_pxelinux(turns: int, tmp_path: Path) -> None:
    wire = loaded()
    for number in range(turns):
        turn(wire, 4 + 4 * number, INITRD)
    seen = found(wire.quiet(90) if turns == 1 else wire, tmp_path)
    assert (seen.boots[0].stalled_at, errors(seen)) == ("chain", {"nbp-packed-file"})
    (finding,) = seen.findings
    assert finding.summary == "linux is gzip data, which PXELINUX does not unpack"
    assert finding.evidence[0].role == "pxelinux.cfg/default names linux"
    assert ("comes back" in finding.evidence[-1].role) == (turns > 1)


@pytest.mark.parametrize("turns", [1, 2, 4])
def test_a_kernel_that_is_fetched_again_was_not_started(turns: int, tmp_path: Path) -> None:
    wire = loaded()
    for number in range(turns):
        turn(wire, 4 + 4 * number, ODD)
    seen = found(wire, tmp_path)
    if turns == 1:
        assert (seen.status, seen.findings) == ("handed-off", ())
        return
    assert (seen.boots[0].stalled_at, errors(seen)) == ("chain", {"nbp-stalls-after-download"})
    (finding,) = seen.findings
    assert finding.summary.startswith(f"linux arrived whole; PXELINUX fetched it {turns} times: it does not start it")
    assert finding.confidence == "likely"


def test_an_entry_of_the_menu_that_starts_after_one_that_did_not(tmp_path: Path) -> None:
    wire = turn(turn(loaded(), 4, ODD), 8, KERNEL, "older/linux")
    seen = found(wire.quiet(90), tmp_path)
    assert (seen.status, seen.findings) == ("handed-off", ())


def test_the_next_power_on_is_no_other_try_of_the_kernel(tmp_path: Path) -> None:
    wire = turn(loaded(lease=False), 4, KERNEL)
    turn(pxelinux(wire, 200), 204, KERNEL).quiet(300)
    seen = found(wire, tmp_path)
    assert (seen.status, seen.findings) == ("handed-off", ())


def test_a_default_that_is_no_label_is_told_so(tmp_path: Path) -> None:
    wire = loaded(b"DEFAULT instal\nLABEL local\n LOCALBOOT 0\nLABEL install\n KERNEL linux\n")
    for start in range(4, 44, 4):
        for number, ending in enumerate(("", ".cbt", ".0", ".com", ".c32")):
            wire.missing(start + number / 10, f"instal{ending}")
    seen = found(wire.quiet(60), tmp_path)
    (finding,) = [finding for finding in seen.findings if finding.severity == "error"]
    assert finding.code == "tftp-file-not-found"
    assert finding.summary.startswith(f"{SERVER} has no file instal: pxelinux.cfg/default has no label of that name")
    assert [fix.text for fix in finding.fixes] == ["# the labels are: local, install\nDEFAULT install"]
    steps = [step for one in chain(seen.boots[0]) for step in one.steps]
    assert len(steps) < 16
    assert {step.times for step in steps if step.mark == "failed" and "." in step.label} == {9, 10}


@pytest.mark.parametrize("config", [b"DEFAULT linux\n", b"DEFAULT boot/linux\nLABEL x\n KERNEL y\n"])
def test_a_default_that_is_a_file_is_no_label(config: bytes, tmp_path: Path) -> None:
    name = config.split()[1].decode()
    (finding,) = found(loaded(config).missing(4, name).quiet(60), tmp_path).findings
    assert finding.summary == f"{SERVER} has no file {name}"


def test_an_error_behind_the_oack_is_not_about_large_blocks(tmp_path: Path) -> None:
    wire = loaded(b"DEFAULT x\nLABEL x\n KERNEL debian\n")
    wire.rrq(4, "debian")
    wire.oack(4.01, tsize=4096)
    wire.ack(4.02, 0)
    wire.error(4.03, 0, "cannot read /srv/tftp/debian: Is a directory")
    for number in range(9):
        wire.icmp(4.2 + number / 2, wire.ack(4.1 + number / 2, 0))
    (finding,) = found(wire.quiet(60), tmp_path).findings
    assert finding.code == "tftp-error"
    assert finding.evidence[0].role == "pxelinux.cfg/default names debian"


def test_a_refused_file_is_told_with_where_its_name_comes_from(tmp_path: Path) -> None:
    wire = loaded().missing(4, "linux", code=2, text="Access violation")
    (finding,) = found(wire.quiet(60), tmp_path).findings
    assert finding.code == "tftp-access-violation"
    assert finding.evidence[0].role == "pxelinux.cfg/default names linux"


def kernel_of(sectors: int, size: int) -> bytes:
    """An x86 kernel whose header tells of so many sectors behind its five of set-up, of which the file has but `size` bytes."""
    head = bytearray(KERNEL[:1024])
    head[0x1F1] = 4
    head[0x1F4:0x1F8] = (sectors * 32).to_bytes(4, "little")
    head[0x206:0x208] = b"\x0f\x02"
    return bytes(head).ljust(size, b"\0")


@pytest.mark.parametrize("again", [False, True])
def test_half_a_kernel_is_told_by_its_header(again: bool, tmp_path: Path) -> None:
    wire = turn(loaded(), 4, kernel_of(27, 7000))
    if again:  # it crashes, and the machine starts over
        turn(pxelinux(wire.as_kind("bios-pxe").lease(10, file="pxelinux.0"), 10), 14, kernel_of(27, 7000))
    seen = found(wire.quiet(90), tmp_path)
    assert {boot.stalled_at for boot in seen.boots} == {"chain"}
    assert errors(seen) == {"nbp-incomplete-file"}
    assert seen.findings[0].summary == (f"linux is cut short: its headers tell of 16384 bytes, it has 7000 on {SERVER}")
    assert seen.findings[0].evidence[0].role == "pxelinux.cfg/default names linux"


@pytest.mark.parametrize("content", [kernel_of(27, 32 * 512), kernel_of(27, 32 * 512 - 8), kernel_of(0, 9000)])
def test_a_whole_kernel_is_not_cut_short(content: bytes, tmp_path: Path) -> None:
    seen = found(turn(loaded(), 4, content).quiet(90), tmp_path)
    assert (seen.status, seen.findings) == ("handed-off", ())


def searching(code: int, text: str) -> Wire:
    wire = Wire("bios-pxe").lease(file="pxelinux.0").get(1, "pxelinux.0", PXELINUX).get(2, "ldlinux.c32", MODULE)
    for number, name in enumerate(("01-52-54-00-89-32-47", "C0A87AE3", "C0A87A", "C")):
        wire.missing(3 + number / 10, f"pxelinux.cfg/{name}")
    return wire.missing(3.5, "pxelinux.cfg/default", code=code, text=text)


def test_a_configuration_that_may_not_be_read_is_not_missing(tmp_path: Path) -> None:
    seen = found(searching(2, "cannot access /srv/tftp/pxelinux.cfg/default: Permission denied").quiet(60), tmp_path)
    assert (seen.boots[0].stalled_at, errors(seen)) == ("chain", {"tftp-access-violation"})
    (finding,) = seen.findings
    assert finding.summary.startswith(f"{SERVER} refuses pxelinux.cfg/default: access violation")
    assert found(searching(1, "no").quiet(60), tmp_path).findings[0].code == "chain-no-config-found"


def test_a_name_of_the_list_that_may_not_be_read_is_nothing_where_another_is_found(tmp_path: Path) -> None:
    wire = searching(2, "Access violation").get(4, "pxelinux.cfg/default", PXELINUX_CONFIG)
    seen = found(turn(wire, 5, KERNEL).quiet(90), tmp_path)
    assert (seen.status, seen.findings) == ("handed-off", ())


@pytest.mark.parametrize(("repeated", "status"), [(2, "in-progress"), (4, "stalled")])
def test_an_empty_configuration_is_not_asked_for_any_more(repeated: int, status: str, tmp_path: Path) -> None:
    """The server repeats its OACK, PXELINUX gave up at the first."""
    wire = Wire("bios-pxe").lease(file="pxelinux.0").get(1, "pxelinux.0", PXELINUX).get(2, "ldlinux.c32", MODULE)
    wire.rrq(3, "pxelinux.cfg/default")
    for number in range(repeated):
        wire.oack(3.01 + 2 * number, tsize=0)
    seen = found(wire, tmp_path)
    assert seen.status == status
    assert [finding.code for finding in seen.findings] == ["nbp-incomplete-file"] * (status == "stalled")


def test_two_machines_behind_one_address_are_not_one_that_tries_again(tmp_path: Path) -> None:
    wire = pxelinux(loaded(lease=False), 0.5)
    wire.get(5, "linux", KERNEL).get(5.5, "linux", KERNEL).get(6, "initrd.gz", INITRD).get(6.5, "initrd.gz", INITRD)
    seen = found(wire.quiet(90), tmp_path)
    assert (seen.status, seen.findings) == ("handed-off", ())
