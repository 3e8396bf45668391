"""Good offers to everybody that a machine does not take, seen from one point."""

from __future__ import annotations

from pathlib import Path

import pytest

from ..track.play import CONTENTS
from .boots import IPXE
from .packets import Wire, machine, read

CODE = "dhcp-offer-not-taken"


def told(wire: Wire, tmp_path: Path) -> dict[str, tuple[str, str]]:
    found = machine(read(wire.quiet(150).save(tmp_path / "x.pcap")))
    return {finding.code: (finding.severity, finding.confidence) for finding in found.findings}


@pytest.mark.parametrize("kind", ["efi-x64-pxe", "bios-pxe", "ipxe-bios", "u-boot-armv8"])
def test_nothing_in_the_offers_is_a_reason_to_refuse_them(kind: str, tmp_path: Path) -> None:
    sure = "possible" if kind.startswith("u-boot") else "likely"
    assert told(Wire(kind).ignored(file="boot.file"), tmp_path) == {CODE: ("error", sure)}


def test_http_boot_takes_a_url_with_its_vendor_class(tmp_path: Path) -> None:
    wire = Wire("efi-x64-http").ignored(file="http://192.168.122.1/x.efi", option60="HTTPClient")
    assert told(wire, tmp_path) == {CODE: ("error", "likely")}


@pytest.mark.parametrize("name", ["ipxe.efi", "snponly.efi"])
def test_ipxe_that_hears_nothing_where_its_firmware_did(name: str, tmp_path: Path) -> None:
    wire = Wire().lease(file=name).get(1, name, IPXE).as_kind("ipxe-efi-x64")
    for time in (4, 5, 7, 11):
        wire.dhcp(time, 1)
        wire.dhcp(time + 0.1, 2, file="menu.ipxe")
    found = machine(read(wire.quiet(150).save(tmp_path / "x.pcap")))
    (finding,) = found.findings
    assert (finding.code, finding.confidence) == (CODE, "likely")
    assert "took one before, the driver of iPXE may receive nothing" in finding.summary
    builds = [fix.text for fix in finding.fixes if fix.target == "ipxe"]
    assert [text.split()[1] for text in builds] == ([] if "snponly" in name else ["bin-x86_64-efi/snponly.efi"])


def test_offers_of_two_servers_or_with_menus_may_be_refused(tmp_path: Path) -> None:
    two = Wire().ignored(file="x.efi")
    for time in (0, 4, 12, 28):
        two.dhcp(time + 0.2, 2, file="x.efi", server="192.168.122.9")
    assert told(two, tmp_path).get(CODE) == ("error", "possible")
    assert CODE not in told(Wire().ignored(file=""), tmp_path)
    menu = Wire().ignored(file="x.efi", option43=b"\x06\x01\x03\xff")
    assert told(menu, tmp_path).get(CODE) in (None, ("error", "possible"))


def test_an_offer_that_is_taken_at_last_was_heard(tmp_path: Path) -> None:
    wire = Wire().ignored(file="grubx64.efi")
    wire.dhcp(60, 1)
    wire.dhcp(60.1, 2, file="grubx64.efi")
    wire.dhcp(60.2, 3)
    wire.dhcp(60.3, 5, file="grubx64.efi")
    wire.get(61, "linux", CONTENTS["kernel"])
    assert CODE not in told(wire, tmp_path)


def test_an_offer_without_its_servers_name_is_none(tmp_path: Path) -> None:
    """Option 54 is what a REQUEST says whose offer it takes."""
    wire = Wire().ignored(file="grubx64.efi")
    wire.packets = [(time, data.replace(b"\x36\4\xc0\xa8\x7a\1", b"\0" * 6)) for time, data in wire.packets]
    (finding,) = machine(read(wire.quiet(150).save(tmp_path / "x.pcap"))).findings
    assert (finding.code, finding.confidence, finding.fixes) == ("dhcp-offer-lost", "likely", ())
    assert finding.summary.endswith("they do not say which server they are of (option 54)")


def test_discovers_that_a_snooping_switch_marked(tmp_path: Path) -> None:
    """Option 82 and no relay: a relay of Cisco's drops them by default."""
    wire = Wire()
    for gap in (0, 4, 12, 28):
        wire.dhcp(gap, 1, secs=gap, option82=b"\1\2\0\1")
    (finding,) = machine(read(wire.quiet(150).save(tmp_path / "x.pcap"))).findings
    assert finding.code == "dhcp-no-offer"
    assert "option 82 into them without a relay's address" in finding.summary
    assert "information option" in finding.fixes[0].text


@pytest.mark.parametrize("relay", [None, "192.168.122.5"])
def test_offers_of_another_transaction(relay: str | None, tmp_path: Path) -> None:
    """The server is there and offers, too late or mixed up: no firmware takes what has not its own xid."""
    wire = Wire()
    for gap in (0, 4, 12, 28):
        wire.xid = 0x1234
        wire.dhcp(gap, 1, secs=gap)
        if relay:
            wire.dhcp(gap + 0.01, 1, secs=gap, relay=relay)
        wire.xid = 0x99
        wire.dhcp(gap + 0.1, 2, file="grubx64.efi")
    (finding,) = machine(read(wire.quiet(150).save(tmp_path / "x.pcap"))).findings
    assert finding.code == "dhcp-no-offer"
    assert finding.summary.endswith(
        ": what 192.168.122.1 offers has transaction id 0x00000099, which is not the machine's"
    )
    (fix,) = finding.fixes
    assert "xid" in fix.text
    assert "OFFER with another transaction id" in [one.role for one in finding.evidence]


def test_an_offer_that_is_for_a_program_behind_is_not_meant_for_the_firmware(tmp_path: Path) -> None:
    wire = Wire("bios-pxe").discover(0, 4, 12, 28)
    wire.xid = 0x99  # of a system on the disk, whose own DISCOVER this capture lacks
    wire.dhcp(60, 2)
    (finding,) = machine(read(wire.quiet(150).save(tmp_path / "x.pcap"))).findings
    assert "transaction" not in finding.summary


@pytest.mark.parametrize("asks", [True, False])
def test_a_prompt_without_a_menu(asks: bool, tmp_path: Path) -> None:
    """PXE-E74: the ROM does not even ask port 4011."""
    wire = Wire("bios-pxe")
    wire.dhcp(0, 1)
    wire.dhcp(0.1, 2)
    wire.dhcp(0.2, 2, server="192.168.122.9", your=None, option60="PXEClient", option43=b"\x0a\4\0PXE\xff")
    wire.dhcp(4, 3)
    wire.dhcp(4.1, 5)
    if asks:
        wire.dhcp(4.2, 3, target="192.168.122.9", port=4011)
    found = machine(read(wire.quiet(150).save(tmp_path / "x.pcap")))
    told = {finding.code: finding.confidence for finding in found.findings}
    assert told.get("proxydhcp-no-boot-file") == (None if asks else "likely")


@pytest.mark.parametrize(("path", "ending"), [("/boot/BCD", "."), ("/boot/boot.sdi", ".sdi")])
@pytest.mark.parametrize("server", ["Microsoft-IIS/10.0", "nginx"])
def test_iis_knows_no_type_for_the_ending(path: str, ending: str, server: str, tmp_path: Path) -> None:
    wire = Wire("ipxe-bios").lease(file=f"http://192.168.122.1{path}")
    wire.fetch(1, path, "404 Not Found", b"no", f"\nServer: {server}", agent="iPXE/1.21.1")
    (finding,) = machine(read(wire.quiet(90).save(tmp_path / "x.pcap"))).findings
    assert finding.code == "http-404"
    texts = " ".join(fix.text for fix in finding.fixes)
    assert (f"fileExtension='{ending}'" in texts) == server.startswith("Microsoft")
    assert ("ls -l" in texts) != server.startswith("Microsoft")
