"""Good offers to everybody that a machine does not take, seen from one point."""

from __future__ import annotations

from pathlib import Path

import pytest

from ..track.play import CONTENTS
from .boots import IPXE
from .packets import Wire, machine, read

CODE = "dhcp-offer-lost"


def told(wire: Wire, tmp_path: Path) -> dict[str, tuple[str, str]]:
    found = machine(read(wire.quiet(150).save(tmp_path / "x.pcap")))
    return {finding.code: (finding.severity, finding.confidence) for finding in found.findings}


@pytest.mark.parametrize("kind", ["efi-x64-pxe", "bios-pxe", "ipxe-bios", "u-boot-armv8"])
def test_nothing_in_the_offers_is_a_reason_to_refuse_them(kind: str, tmp_path: Path) -> None:
    assert told(Wire(kind).ignored(file="boot.file"), tmp_path) == {CODE: ("error", "possible")}


def test_http_boot_takes_a_url_with_its_vendor_class(tmp_path: Path) -> None:
    wire = Wire("efi-x64-http").ignored(file="http://192.168.122.1/x.efi", option60="HTTPClient")
    assert told(wire, tmp_path) == {CODE: ("error", "possible")}


@pytest.mark.parametrize("name", ["ipxe.efi", "snponly.efi"])
def test_ipxe_that_hears_nothing_where_its_firmware_did(name: str, tmp_path: Path) -> None:
    wire = Wire().lease(file=name).get(1, name, IPXE).as_kind("ipxe-efi-x64")
    for time in (4, 5, 7, 11):
        wire.dhcp(time, 1)
        wire.dhcp(time + 0.1, 2, file="menu.ipxe")
    found = machine(read(wire.quiet(150).save(tmp_path / "x.pcap")))
    (finding,) = found.findings
    assert (finding.code, finding.confidence) == (CODE, "possible")
    assert "took one before, the driver of iPXE may receive nothing" in finding.summary
    builds = [fix.text for fix in finding.fixes if fix.target == "ipxe"]
    assert [text.split()[1] for text in builds] == ([] if "snponly" in name else ["bin-x86_64-efi/snponly.efi"])


def test_offers_of_two_servers_or_with_menus_may_be_refused(tmp_path: Path) -> None:
    two = Wire().ignored(file="x.efi")
    for time in (0, 4, 12, 28):
        two.dhcp(time + 0.2, 2, file="x.efi", server="192.168.122.9")
    assert CODE not in told(two, tmp_path)
    assert CODE not in told(Wire().ignored(file=""), tmp_path)
    menu = Wire().ignored(file="x.efi", option43=b"\x06\x01\x03\xff")
    assert CODE not in told(menu, tmp_path)


def test_an_offer_that_is_taken_at_last_was_heard(tmp_path: Path) -> None:
    wire = Wire().ignored(file="grubx64.efi")
    wire.dhcp(60, 1)
    wire.dhcp(60.1, 2, file="grubx64.efi")
    wire.dhcp(60.2, 3)
    wire.dhcp(60.3, 5, file="grubx64.efi")
    wire.get(61, "linux", CONTENTS["kernel"])
    assert CODE not in told(wire, tmp_path)
