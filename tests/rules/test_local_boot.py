"""Menus of PXELINUX that leave for the disk after a while, as Foreman and Cobbler give them to every machine that runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from .boots import INITRD, KERNEL, PXELINUX
from .packets import Wire, machine, read

FOREMAN = b"""DEFAULT menu.c32
PROMPT 0
TIMEOUT 200
ONTIMEOUT local
LABEL local
  MENU DEFAULT
  LOCALBOOT 0
LABEL install
  KERNEL boot/linux
  APPEND initrd=boot/initrd.gz
"""


def menu() -> Wire:
    wire = Wire("bios-pxe").lease(file="pxelinux.0").get(1, "pxelinux.0", PXELINUX)
    wire.get(2, "ldlinux.c32", b"\x7fELF" + b"\0" * 4000).get(3, "pxelinux.cfg/default", FOREMAN)
    return wire.get(4, "menu.c32", b"\x7fELF" + b"\0" * 4000).get(5, "libutil.c32", b"\x7fELF" + b"\0" * 4000)


@pytest.mark.parametrize("config_again", [True, False])
def test_a_machine_that_leaves_for_its_disk_has_booted(*, config_again: bool, tmp_path: Path) -> None:
    wire = menu()
    if config_again:
        wire.get(6, "pxelinux.cfg/default", FOREMAN)  # menu.c32 reads it for itself
    found = machine(read(wire.quiet(300).save(tmp_path / "x.pcap")))
    assert (found.status, found.findings) == ("handed-off", ())


def test_without_its_menu_it_never_gets_to_leave(tmp_path: Path) -> None:
    wire = Wire("bios-pxe").lease(file="pxelinux.0").get(1, "pxelinux.0", PXELINUX)
    wire.get(2, "ldlinux.c32", b"\x7fELF" + b"\0" * 4000).get(3, "pxelinux.cfg/default", FOREMAN)
    found = machine(read(wire.missing(4, "menu.c32").quiet(300).save(tmp_path / "x.pcap")))
    assert [finding.code for finding in found.findings] == ["chain-pxelinux-module-missing"]
    assert found.status == "stalled"


def test_somebody_may_choose_something_else(tmp_path: Path) -> None:
    wire = menu()
    wire.rrq(12, "boot/linux")
    wire.oack(12.01, tsize=len(KERNEL))
    wire.ack(12.02, 0)
    for block in (1, 2):
        wire.data(12.02 + block / 10, block, KERNEL[(block - 1) * 1468 : block * 1468])
        wire.ack(12.025 + block / 10, block)
    found = machine(read(wire.save(tmp_path / "x.pcap")))
    assert (found.status, found.findings) == ("in-progress", ())
    wire = menu().get(12, "boot/linux", KERNEL).get(13, "boot/initrd.gz", INITRD)
    found = machine(read(wire.quiet(300).save(tmp_path / "y.pcap")))
    assert (found.status, found.findings) == ("handed-off", ())
