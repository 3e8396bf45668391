"""Several machines, networks or faults in one capture: each keeps the verdict that it has alone."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from bootsniff.model import Finding

from .boots import PE
from .boots_seen import bpdus, two_speakers
from .packets import Wire, errors, mac_bytes, machine, read
from .scene import MAC

OTHER = "52:54:00:89:32:99"


def found(wire: Wire, path: Path, code: str) -> list[Finding]:
    return [finding for finding in machine(read(wire.save(path / "x.pcap"))).findings if finding.code == code]


def beside(wire: Wire, other: Wire) -> Wire:
    """Another machine on the same network."""
    wire.packets += [(time, data.replace(mac_bytes(MAC), mac_bytes(OTHER))) for time, data in other.packets]
    return wire


def tagged(data: bytes, vlan: int) -> bytes:
    return data[:12] + b"\x81\0" + struct.pack(">H", vlan) + data[12:]


STRANGER = "46:8e:60:6b:13:f0"


@pytest.mark.parametrize(("vlan", "codes"), [(10, {"dhcp-address-conflict"}), (20, set())])
def test_an_address_conflict_is_one_in_the_same_vlan(vlan: int, codes: set[str], tmp_path: Path) -> None:
    wire = two_speakers(other=STRANGER)
    wire.packets = [
        (time, tagged(data, vlan if data[6:12] == mac_bytes(STRANGER) else 10)) for time, data in wire.packets
    ]
    assert {finding.code for finding in machine(read(wire.save(tmp_path / "x.pcap"))).findings} == codes


@pytest.mark.parametrize("address", ["192.168.122.227", None])
def test_a_silent_proxy_stops_only_who_has_an_address(address: str | None, tmp_path: Path) -> None:
    wire = Wire().lease()
    wire.dhcp(0.15, 2, server="192.168.122.9", your=None, file="x.efi", option60="PXEClient")
    wire.as_kind("efi-x64-http")
    for gap in (0, 4, 12, 28):
        wire.dhcp(60 + gap, 1, secs=gap)
        if address is not None:
            wire.dhcp(60.1 + gap, 2, your=address)
    wire.quiet(150)
    codes = {finding.code for finding in machine(read(wire.save(tmp_path / "x.pcap"))).findings}
    silent = {"dhcp-no-offer"} if address is None else {"proxydhcp-silent-for-non-pxeclient"}
    assert codes & {"dhcp-no-offer", "proxydhcp-silent-for-non-pxeclient"} == silent


CLASS = (16, b"\0\0\x01\x57\0\x15HTTPClient:Arch:00016")


@pytest.mark.parametrize(("reached", "code"), [(False, "link-stp-delay"), (True, "dhcp-no-offer")])
def test_a_port_behind_which_a_machine_was_reached_is_not_the_one_that_listens(
    reached: bool, code: str, tmp_path: Path
) -> None:
    wire = Wire("efi-x64-http").dhcp6(0.5, 1, (61, b"\0\x10"), CLASS)
    if reached:
        wire.dhcp6(1, 2)
    wire.discover(10, 14, 22).arp(-8, "192.168.122.99")
    bpdus(wire, -1, 80, opens=30).quiet(90)
    assert errors(machine(read(wire.save(tmp_path / "x.pcap")))) & {"link-stp-delay", "dhcp-no-offer"} == {code}


@pytest.mark.parametrize(
    ("after", "confidence", "then"), [(3, "likely", "goes on"), (60, "possible", "nothing follows")]
)
def test_a_program_that_sits_until_somebody_resets_the_machine_was_not_refused(
    after: float, confidence: str, then: str, tmp_path: Path
) -> None:
    """GRUB at its prompt is reset by hand; firmware that refuses a program goes on at once."""
    wire = Wire().lease(file="boot.efi").get(1, "boot.efi", PE)
    wire.as_kind("efi-x64-pxe").lease(1 + after, file="boot.efi").get(2 + after, "boot.efi", PE).quiet(after + 90)
    first = next(one for one in found(wire, tmp_path, "nbp-secure-boot-refused") if one.boot == 0)
    assert (first.confidence, then in first.summary) == (confidence, True)


def script() -> Wire:
    return Wire("ipxe-bios").lease(file="http://192.168.122.1/boot.ipxe")


def default() -> Wire:
    return Wire("bios-pxe").lease(file="pxelinux.0")


@pytest.mark.parametrize(("other", "count"), [(script, 0), (default, 1)])
def test_the_script_of_an_ipxe_says_nothing_of_architectures(
    other: Callable[[], Wire], count: int, tmp_path: Path
) -> None:
    wire = beside(Wire("efi-x64-http").ignored(), other()).quiet(90)
    assert len(found(wire, tmp_path, "arch-hex-decimal-confusion")) == count


def test_each_of_three_boot_options_keeps_its_fault(tmp_path: Path) -> None:
    """What stopped the option that came furthest comes first."""
    wire = Wire().lease(file="missing.efi").missing(1, "missing.efi")
    for time in (5, 6, 8, 12):
        wire.dhcp6(time, 1, (61, b"\0\x07"), (16, b"\0\0\x01\x57\0\x14PXEClient:Arch:00007"))
    wire.as_kind("efi-x64-http").ignored(60, option67="http://192.168.122.1/ipxe.efi").quiet(150)
    told = machine(read(wire.save(tmp_path / "x.pcap")))
    assert (told.status, told.boots[-1].stalled_at) == ("stalled", "tftp")
    assert [finding.code for finding in told.findings] == ["tftp-file-not-found", "dhcp-http-vendor-class-not-echoed"]


def test_the_silent_proxy_is_the_one_that_spoke_to_the_machine(tmp_path: Path) -> None:
    """Another one serves another machine, which was heard first."""
    wire = Wire()
    for server in ("192.168.122.8", "192.168.122.9"):
        part = Wire().lease()
        part.dhcp(0.15, 2, server=server, your=None, file="x.efi", option60="PXEClient")
        wire.packets = [(time, data.replace(mac_bytes(MAC), mac_bytes(OTHER))) for time, data in wire.packets]
        wire.packets += [(time + 10, data) for time, data in part.packets]
    wire.as_kind("efi-x64-http").ignored(60).quiet(150)
    (silent,) = found(wire, tmp_path, "proxydhcp-silent-for-non-pxeclient")
    assert silent.subject == "192.168.122.9"
