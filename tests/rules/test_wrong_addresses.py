"""Servers' addresses that no server can have, what a boot waits for, and fixes that name what the network has."""

from __future__ import annotations

from pathlib import Path

import pytest

from bootsniff.model import Machine
from bootsniff.rules import names

from ..track.play import CONTENTS
from . import scenes_dhcp
from .boots import give_up
from .packets import Wire, machine, read
from .scene import MAC


def found(wire: Wire, path: Path) -> Machine:
    return machine(read(wire.save(path / "x.pcap")))


def asks(server: str, *, kind: str = "ipxe-bios") -> Wire:
    wire = Wire(kind).lease(file="pxelinux.0", next_server=server, router="192.168.122.1")
    for time in (1, 2, 4, 8, 16):
        wire.rrq(time, "pxelinux.0", server=server, again=time > 1)
    return wire


@pytest.mark.parametrize("server", ["127.0.0.1", "127.0.1.1", "255.255.255.255"])
def test_no_server_has_a_loopback_address(server: str, tmp_path: Path) -> None:
    (finding,) = found(asks(server).quiet(90), tmp_path).findings
    assert (finding.code, finding.confidence) == ("dhcp-wrong-next-server", "certain")
    assert server in finding.summary
    assert any("pxelinux.0,,192.168.122.1" in fix.text for fix in finding.fixes)


def test_firmware_that_sends_nothing_to_itself(tmp_path: Path) -> None:
    wire = Wire().lease(file="grubx64.efi", next_server="127.0.0.1")
    codes = [finding.code for finding in found(give_up(wire, 40), tmp_path).findings]
    assert "dhcp-wrong-next-server" in codes
    wire = Wire().lease(file="grubx64.efi", next_server="192.168.122.9")
    codes = [finding.code for finding in found(give_up(wire, 40), tmp_path).findings]
    assert "dhcp-wrong-next-server" not in codes


@pytest.mark.parametrize("server", ["192.168.1.10", "10.0.0.5", "192.168.122.9"])
def test_a_server_elsewhere_is_a_server(server: str, tmp_path: Path) -> None:
    codes = [finding.code for finding in found(asks(server).quiet(90), tmp_path).findings]
    assert codes
    assert "dhcp-wrong-next-server" not in codes


def test_a_url_does_not_need_siaddr(tmp_path: Path) -> None:
    script = b"#!ipxe\nkernel vmlinuz\nboot\n"
    wire = Wire("ipxe-bios").lease(file="http://192.168.122.1/boot.ipxe", next_server="127.0.0.1")
    wire.fetch(1, "/boot.ipxe", body=script).fetch(2, "/vmlinuz", body=CONTENTS["kernel"]).quiet(90)
    assert not [finding for finding in found(wire, tmp_path).findings if finding.severity == "error"]


def connects(server: str) -> Wire:
    wire = Wire("ipxe-bios").lease(file=f"http://{server}/boot.ipxe")
    for time in (1, 1.3, 2, 3, 5):
        wire.tcp(time, 2, 1, 0, server=server)
    return wire


def test_a_web_server_at_a_loopback_address_is_behind_no_firewall(tmp_path: Path) -> None:
    (finding,) = found(connects("127.0.0.1").quiet(90), tmp_path).findings
    assert (finding.code, finding.confidence, finding.fixes) == ("tcp-filtered", "certain", ())
    assert "loopback" in finding.summary
    (finding,) = found(connects("192.168.122.9").quiet(90), tmp_path).findings
    assert finding.code == "tcp-filtered"
    assert "loopback" not in finding.summary
    assert finding.fixes


def test_a_boot_waits_for_what_it_asked_last(tmp_path: Path) -> None:
    """Not for a first fetch, nor for a script to ask for something."""
    waits = found(connects("192.168.122.9"), tmp_path).boots[0].waiting_for
    assert waits == "an answer to SYN 192.168.122.9:80, for 4 s, 5 sent"
    wire = Wire("ipxe-bios").lease(file="menu.ipxe").get(1, "menu.ipxe", b"#!ipxe\nkernel http://boot.lan/vmlinuz\n")
    assert "menu.ipxe to ask for something" in found(wire, tmp_path).boots[0].waiting_for
    wire.query(2, "boot.lan")
    assert "an answer about boot.lan" in found(wire, tmp_path).boots[0].waiting_for


def search(prefix: str, option210: str | None = None) -> Wire:
    wire = (
        Wire("bios-pxe")
        .lease(file="bios/pxelinux.0", option210=option210)
        .get(1, "bios/pxelinux.0", CONTENTS["pxelinux"])
    )
    wire.get(1.5, "bios/ldlinux.c32", b"\x7fELF" + bytes(600))
    for number, name in enumerate(("01-" + MAC.replace(":", "-"), "C0A87AE3", "C0A87A", "C0", "default")):
        wire.missing(2 + number / 10, f"{prefix}pxelinux.cfg/{name}")
    return wire.quiet(90)


def test_a_prefix_is_not_mended_by_the_same_prefix(tmp_path: Path) -> None:
    (finding,) = found(search("bios/"), tmp_path).findings
    assert finding.code == "chain-no-config-found"
    assert not any("210" in fix.text for fix in finding.fixes)
    assert any("ln -s ../pxelinux.cfg /srv/tftp/bios/" in fix.text for fix in finding.fixes)
    (finding,) = found(search("other/", "other/"), tmp_path).findings
    assert any('dhcp-option-force=210,"bios/"' in fix.text for fix in finding.fixes)


def test_a_build_of_ipxe_is_replaced_by_the_same_build() -> None:
    assert names.loader_like("undionly.kpxe", "efi-x64-pxe") == "snponly.efi"
    assert names.loader_like("boot/netboot.xyz.kpxe", "efi-x64-pxe") == "netboot.xyz.efi"
    assert names.loader_like("netboot.xyz.efi", "bios-pxe") == "netboot.xyz.kpxe"
    assert names.loader_like("ipxe.efi", "bios-pxe") == "undionly.kpxe"
    assert names.loader_like("pxelinux.0", "efi-x64-pxe") == "grubx64.efi"


def test_a_url_for_phones_names_no_server_for_grub() -> None:
    """Option 66 of an office; GRUB reads the DHCP server's reply, not the proxy's."""
    scene = scenes_dhcp.grub_alone(option66="http://phones.lan/cfg")
    assert scene.finding("dhcp-next-server-missing") is not None
    assert scene.finding("dhcp-next-server-is-a-name") is None
    behind = scenes_dhcp.grub_by_proxy()
    finding = behind.finding("dhcp-next-server-missing")
    assert finding is not None
    assert not any(fix.target in ("dnsmasq", "libvirt") for fix in finding.fixes)
    assert any("next-server" in fix.text for fix in finding.fixes)
