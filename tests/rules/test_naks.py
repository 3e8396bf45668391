"""Refusals of addresses: by the server that was asked, by another one, before and after an ACK."""

from __future__ import annotations

from pathlib import Path

import pytest

from bootsniff.model import Finding

from .boots import INITRD, KERNEL
from .boots_other import menu
from .boots_text import PXELINUX_CONFIG
from .packets import Wire, machine, read
from .scene import SERVER

OTHER = "192.168.122.2"


def halves(*, heeded: bool, refusing: str = OTHER) -> Wire:
    """Two servers with halves of one range: one acknowledges, the other refuses; `heeded`: iPXE starts over at that."""
    wire = Wire("ipxe-bios")
    for time in (0, 6, 12) if heeded else (0,):
        wire.dhcp(time, 1)
        wire.dhcp(time + 0.01, 2, file="pxelinux.0")
        wire.dhcp(time + 0.02, 2, server=OTHER, your="192.168.122.150", file="pxelinux.0")
        wire.dhcp(time + 2, 3)
        wire.dhcp(time + 2.01, 5, file="pxelinux.0")
        wire.dhcp(time + 2.02, 6, server=refusing)
    if heeded:
        return wire.quiet(90)
    wire.get(3, "pxelinux.0", KERNEL[:600]).get(4, "pxelinux.cfg/default", PXELINUX_CONFIG)
    return wire.get(5, "linux", KERNEL).get(6, "initrd.gz", INITRD).quiet(60)


def naks(wire: Wire, path: Path) -> list[Finding]:
    return [finding for finding in machine(read(wire.save(path / "x.pcap"))).findings if finding.code == "dhcp-nak"]


def test_a_server_that_was_not_asked_refuses_what_another_gave(tmp_path: Path) -> None:
    (finding,) = naks(halves(heeded=True), tmp_path)
    assert (finding.severity, finding.confidence) == ("error", "certain")
    assert finding.summary.startswith(f"{OTHER} (not the server whose offer was taken)")
    assert machine(read(halves(heeded=True).save(tmp_path / "x.pcap"))).boots[-1].stalled_at == "dhcp"


def test_what_the_machine_does_not_heed_is_no_more_than_a_note(tmp_path: Path) -> None:
    wire = halves(heeded=False)
    assert machine(read(wire.save(tmp_path / "x.pcap"))).status == "handed-off"
    assert [finding.severity for finding in naks(wire, tmp_path)] == ["note"]


@pytest.mark.parametrize(("text", "taken"), [("address in use", True), ("wrong network", False)])
def test_an_address_that_went_to_another_machine(text: str, taken: bool, tmp_path: Path) -> None:
    wire = Wire().discover(0)
    wire.dhcp(0.1, 2, file="grubx64.efi")
    wire.dhcp(4, 3)
    wire.dhcp(4.1, 6, text=text)
    (finding,) = naks(wire.quiet(90), tmp_path)
    assert finding.summary.startswith(f"{SERVER} refuses the address")
    assert any("dhcp-sequential-ip" in fix.text for fix in finding.fixes) is taken


@pytest.mark.parametrize(("quiet", "status"), [(20, "in-progress"), (200, "stalled")])
def test_a_machine_at_a_menu_may_not_have_heeded_a_refusal(quiet: int, status: str, tmp_path: Path) -> None:
    wire = menu(30, quiet)
    wire.dhcp(0.4, 6, server=OTHER)
    assert machine(read(wire.save(tmp_path / "x.pcap"))).status == status
