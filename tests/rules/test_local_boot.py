"""Menus of PXELINUX that leave for the disk after a while, as Foreman and Cobbler give them to every machine that runs."""

from __future__ import annotations

import struct
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


@pytest.mark.parametrize(("most", "status"), [(128, "in-progress"), (500, "stalled")])
def test_a_configuration_that_the_capture_cut_may_leave_for_the_disk(most: int, status: str, tmp_path: Path) -> None:
    unread = FOREMAN.replace(b"LOCALBOOT 0", b"KERNEL other")
    wire = Wire("bios-pxe").lease(file="pxelinux.0").get(1, "pxelinux.0", PXELINUX)
    wire.get(2, "ldlinux.c32", b"\x7fELF" + b"\0" * 4000).get(3, "pxelinux.cfg/default", unread)
    wire.quiet(300)
    path = wire.save(tmp_path / "x.pcap")
    path.write_bytes(cut(path.read_bytes(), most))
    assert machine(read(path)).status == status


def cut(pcap: bytes, most: int) -> bytes:
    """The capture as tcpdump makes it with `-s`: packets of TFTP's data hold their first bytes."""
    whole, at, out = pcap, 24, [pcap[:24]]
    order = "<" if whole[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
    while at < len(whole):
        seconds, part, length, original = struct.unpack_from(f"{order}4I", whole, at)
        packet = whole[at + 16 : at + 16 + length]
        kept = packet[:most] if b"DEFAULT menu" in packet else packet
        out += [struct.pack(f"{order}4I", seconds, part, len(kept), original), kept]
        at += 16 + length
    return b"".join(out)


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
