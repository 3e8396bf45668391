"""Loaders that do not know which directory they came from, as the header's file field was empty."""

from __future__ import annotations

from pathlib import Path

import pytest

from .boots import SIGNED
from .packets import Wire, machine, read
from .scene import MAC

OWN = "01-" + MAC.replace(":", "-")


def leased(name: str, *, header: bool) -> Wire:
    wire = Wire().lease(file=name if header else "", option67=name)
    return wire.get(1, name, SIGNED)


@pytest.mark.parametrize("header", [False, True])
def test_mboot_reads_the_header(header: bool, tmp_path: Path) -> None:
    wire = leased("esxi/mboot.efi", header=header).missing(2, f"{OWN}/boot.cfg").missing(2.1, "boot.cfg").quiet(90)
    found = machine(read(wire.save(tmp_path / "x.pcap")))
    finding = next(finding for finding in found.findings if finding.code == "tftp-file-not-found")
    assert ("header's file field, which is empty" in finding.summary) != header
    assert ("dhcp-no-override" in {fix.text for fix in finding.fixes}) != header


def test_what_mboot_misses_in_its_own_directory_lies_not_there(tmp_path: Path) -> None:
    wire = leased("esxi/mboot.efi", header=False).missing(2, "esxi/boot.cfg").quiet(90)
    found = machine(read(wire.save(tmp_path / "x.pcap")))
    assert "header" not in found.findings[0].summary


@pytest.mark.parametrize(("asked", "lost"), [("/grub.cfg", True), ("/boot/grub/grub.cfg", False)])
@pytest.mark.parametrize("header", [False, True])
def test_grub_without_its_directory(asked: str, lost: bool, header: bool, tmp_path: Path) -> None:
    wire = leased("efi/grubx64.efi", header=header).missing(2, asked).quiet(90)
    found = machine(read(wire.save(tmp_path / "x.pcap")))
    finding = next(finding for finding in found.findings if finding.code == "chain-no-config-found")
    assert ("older GRUB reads the header's file field" in finding.summary) == (lost and not header)
    assert ("dhcp-no-override" in {fix.text for fix in finding.fixes}) == (lost and not header)
