"""Boot servers that option 43 lists, beside siaddr; TFTP servers that are named by their name alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from .packets import Wire, machine, read
from .scene import SERVER

LISTED = "192.168.122.99"
OPTION = b"\x06\x01\x08\x08\x07\0\0\1\xc0\xa8\x7a\x63\xff"
CODE = "dhcp-wrong-next-server"


def asked(wire: Wire, server: str, *, refused: bool) -> Wire:
    for number in range(6):
        packet = wire.rrq(1 + 4 * number, "grubx64.efi", server=server, again=number > 0)
        if refused:
            wire.icmp(1.01 + 4 * number, packet, sender=server)
    return wire.quiet(120)


@pytest.mark.parametrize(("refused", "confidence"), [(True, "certain"), (False, "likely")])
def test_the_list_goes_before_siaddr(refused: bool, confidence: str, tmp_path: Path) -> None:
    wire = Wire().lease(file="grubx64.efi", option60="PXEClient", option43=OPTION, next_server="192.168.122.5")
    found = machine(read(asked(wire, LISTED, refused=refused).save(tmp_path / "x.pcap")))
    finding = found.findings[0]
    assert (finding.code, finding.confidence) == (CODE, confidence)
    assert "option 43 (sub-option 8) names it, before siaddr (192.168.122.5)" in finding.summary
    assert not any("next-server" in fix.text for fix in finding.fixes)


def test_a_silent_server_of_the_list_may_be_the_right_one(tmp_path: Path) -> None:
    """The DHCP server filled in siaddr itself: nobody chose it."""
    wire = Wire().lease(file="grubx64.efi", option60="PXEClient", option43=OPTION, next_server=SERVER)
    found = machine(read(asked(wire, LISTED, refused=False).save(tmp_path / "x.pcap")))
    assert [finding.code for finding in found.findings] == ["tftp-no-reply"]


def test_what_does_not_read_the_list_asks_the_dhcp_server(tmp_path: Path) -> None:
    wire = Wire("u-boot-armv8").lease(file="grubx64.efi", option43=OPTION, next_server=None)
    found = machine(read(asked(wire, SERVER, refused=True).save(tmp_path / "x.pcap")))
    finding = found.findings[0]
    assert (finding.code, finding.confidence) == (CODE, "certain")
    assert finding.summary.endswith(f"option 43 (sub-option 8) names {LISTED}")


def test_an_address_that_was_asked_in_vain_is_no_fix_for_a_name(tmp_path: Path) -> None:
    wire = Wire("bios-pxe").lease(file="x.0", option66="pxe.corp.example", next_server=None)
    for number in range(4):
        wire.rrq(1 + 4 * number, "x.0", again=number > 0)
    found = machine(read(wire.quiet(120).save(tmp_path / "x.pcap")))
    (finding,) = found.findings
    assert finding.code == "dhcp-next-server-is-a-name"
    assert finding.fixes[0].text.startswith("getent ahostsv4 pxe.corp.example")
    assert not any(SERVER in fix.text for fix in finding.fixes)


@pytest.mark.parametrize(("kind", "named"), [("bios-pxe", True), ("bios-pxe", False), ("efi-x64-pxe", False)])
def test_the_address_of_a_controller_in_option_43(kind: str, named: bool, tmp_path: Path) -> None:
    wire = Wire(kind).lease(file="x.0", option43=b"10.1.1.5", option60="PXEClient" if named else None)
    found = machine(read(wire.quiet(400).save(tmp_path / "x.pcap")))
    told = {finding.code: finding for finding in found.findings}
    assert ("option43-foreign-content" in told) == (kind == "bios-pxe")
    if kind == "bios-pxe":
        finding = told["option43-foreign-content"]
        assert finding.confidence == ("likely" if named else "possible")
        assert ("PXEClient" in finding.summary) == named
        assert any("OptionId 60" in fix.text for fix in finding.fixes) == named
