"""Firmware that looks for `pxelinux.cfg/` itself (s390-ccw), and files that a configuration names."""

from __future__ import annotations

from pathlib import Path

import pytest

from ..track.play import CONTENTS
from .boots import SIGNED
from .packets import Wire, machine, read
from .scene import CLIENT, MAC, SERVER

NAMES = ("01-" + MAC.replace(":", "-"), "C0A87AE3", "C0A87AE", "C0", "C", "default")
CONFIG = b"default linux\nlabel linux\n  kernel kernel.img\n"


def searching(file: str, *, config: bytes | None = None) -> Wire:
    """s390-ccw: the file of DHCP, unless it names a directory, then the search, below its directory."""
    wire = Wire("s390x").lease(file=file)
    if not file.endswith("/"):
        wire.missing(1, file)
    for number, name in enumerate(NAMES[: None if config is None else -1]):
        wire.missing(1.1 + number / 100, f"s390x/pxelinux.cfg/{name}")
    if config is not None:
        wire.get(2, "s390x/pxelinux.cfg/default", config)
        wire.missing(3, "kernel.img")
    return wire


def test_the_search_is_a_part_of_the_firmwares_own_stage(tmp_path: Path) -> None:
    found = machine(read(searching("s390x/", config=CONFIG).save(tmp_path / "x.pcap")))
    assert [stage.client for stage in found.boots[0].stages] == ["s390x"]
    assert (found.status, found.boots[0].stalled_at) == ("stalled", "tftp")
    (finding,) = found.findings
    assert finding.code == "tftp-file-not-found"
    assert finding.evidence[0].role == "s390x/pxelinux.cfg/default names kernel.img"
    assert not any("dhcp-boot" in fix.text for fix in finding.fixes)


def test_a_search_after_a_missing_boot_file_is_not_what_went_wrong(tmp_path: Path) -> None:
    wire = searching("s390x/kernel.img").quiet(30)
    found = machine(read(wire.save(tmp_path / "x.pcap")))
    assert (found.status, found.boots[0].stalled_at) == ("stalled", "tftp")
    assert [finding.code for finding in found.findings] == ["tftp-file-not-found"]
    assert any("kernel.img" in fix.text for fix in found.findings[0].fixes)
    empty = machine(read(searching("s390x/").quiet(30).save(tmp_path / "y.pcap")))
    assert [finding.code for finding in empty.findings] == ["chain-no-config-found"]
    assert empty.boots[0].stalled_at == "chain"


def test_names_that_are_looked_for_twice_are_counted_once(tmp_path: Path) -> None:
    wire = searching("s390x/")
    for number, name in enumerate(NAMES):
        wire.missing(5 + number / 100, f"s390x/pxelinux.cfg/{name}")
    (finding,) = machine(read(wire.quiet(30).save(tmp_path / "x.pcap"))).findings
    assert f"none of the {len(NAMES)} configuration files" in finding.summary


@pytest.mark.parametrize("lets_go", [True, False])
def test_giving_the_address_back_ends_the_search(lets_go: bool, tmp_path: Path) -> None:
    wire = searching("s390x/")
    if lets_go:
        wire.dhcp(1.2, 7)
    found = machine(read(wire.save(tmp_path / "x.pcap")))
    assert found.status == ("stalled" if lets_go else "in-progress")


def test_a_kernel_that_u_boot_does_not_start_is_told_as_such(tmp_path: Path) -> None:
    kernel = CONTENTS["kernel"]
    wire = Wire("u-boot-armv8").lease(file="boot.scr.uimg").get(1, "arm64/pxelinux.cfg/default", CONFIG)
    wire.get(2, "kernel.img", kernel)
    wire.as_kind("efi-arm64-pxe").lease(2.2, file="boot.conf").missing(3, "boot.conf").quiet(60)
    found = machine(read(wire.save(tmp_path / "x.pcap")))
    severities = {finding.code: finding.severity for finding in found.findings}
    assert severities["tftp-file-not-found"] != "error"
    image = next(finding for finding in found.findings if finding.code == "nbp-stalls-after-download")
    assert "U-Boot does not start it (Linux kernel" in image.summary
    assert "BOOTX64" not in image.expected


def test_a_kernel_called_so_makes_no_raspberry_pi(tmp_path: Path) -> None:
    for name, client in (
        ("s390x/kernel.img", "unknown"),
        ("start4.elf", "raspberry-pi"),
        ("kernel8.img", "raspberry-pi"),
    ):
        found = machine(read(Wire().missing(1, name).quiet(60).save(tmp_path / "x.pcap")))
        assert found.boots[0].stages[0].client == client


@pytest.mark.parametrize("agent", [None, "GRUB 2.12"])
def test_grub_may_do_dhcp_of_its_own(agent: str | None, tmp_path: Path) -> None:
    """`net_dhcp` looks like a system's DHCP: what asks for the kernel behind it is GRUB still."""
    wire = Wire().lease(file="grubx64.efi").get(1, "grubx64.efi", SIGNED)
    wire.get(2, "/grub/grub.cfg", b"net_dhcp\nmenuentry x {\n linux /linux\n initrd /initrd\n}\n")
    wire.as_kind("os").lease(3)
    if agent is None:
        wire.udp(4, CLIENT, 3000, SERVER, 69, b"\0\1/linux\0octet\0blksize\0001024\0tsize\0000\0")
        wire.udp(4.01, SERVER, 40000, CLIENT, 3000, b"\0\5\0\1File not found\0")
    else:
        wire.fetch(4, "/linux", "404 Not Found", b"no", agent=agent)
    found = machine(read(wire.quiet(120).save(tmp_path / "x.pcap")))
    assert [stage.client for stage in found.boots[0].stages] == ["efi-x64-pxe", "grub", "grub"]
    assert (found.status, found.boots[0].stalled_at) == ("stalled", "http" if agent else "tftp")
    assert {finding.code for finding in found.findings} == {"http-404" if agent else "tftp-file-not-found"}
