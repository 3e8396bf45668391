"""iPXE that DHCP or its own script leads to another iPXE: healthy once, a circle when it goes on."""

from __future__ import annotations

from pathlib import Path

import pytest

from .boots import INITRD, IPXE, KERNEL, SCRIPT
from .packets import Wire, errors, machine, read
from .scene import SERVER

NEWER = (b"#!ipxe\nchain http://192.168.122.1/ipxe.efi\n", b"#!ipxe\nchain ${base}/boot/ipxe.efi\n")
PATHS = ("/ipxe.efi", "/boot/ipxe.efi")
AGENT = "iPXE/1.21.1"


def turn(wire: Wire, time: float, script: bytes, path: str) -> Wire:
    """One iPXE: its lease, its script, and the iPXE that the script names."""
    wire.as_kind("ipxe-efi-x64").lease(time, file=f"http://{SERVER}/menu.ipxe")
    wire.fetch(time + 1, "/menu.ipxe", body=script, agent=AGENT)
    return wire.fetch(time + 2, path, body=IPXE, agent=AGENT)


@pytest.mark.parametrize(("script", "path"), zip(NEWER, PATHS, strict=True))
def test_an_ipxe_that_was_just_loaded_by_a_script_has_time_to_start(script: bytes, path: str, tmp_path: Path) -> None:
    found = machine(read(turn(Wire(), 0, script, path).quiet(8).save(tmp_path / "x.pcap")))
    assert (found.status, found.findings) == ("in-progress", ())


@pytest.mark.parametrize(("script", "path"), zip(NEWER, PATHS, strict=True))
def test_a_newer_ipxe_that_boots_is_healthy(script: bytes, path: str, tmp_path: Path) -> None:
    wire = turn(Wire(), 0, script, path).as_kind("ipxe-efi-x64").lease(10, file=f"http://{SERVER}/next.ipxe")
    wire.fetch(12, "/next.ipxe", body=SCRIPT, agent=AGENT).fetch(13, "/linux", body=KERNEL, agent=AGENT)
    wire.fetch(14, "/initrd.gz", body=INITRD, agent=AGENT).quiet(90)
    found = machine(read(wire.save(tmp_path / "x.pcap")))
    assert (found.status, found.findings) == ("handed-off", ())


@pytest.mark.parametrize(("script", "path"), zip(NEWER, PATHS, strict=True))
def test_a_script_that_leads_to_itself_is_a_loop(script: bytes, path: str, tmp_path: Path) -> None:
    wire = Wire()
    for number in range(3):
        turn(wire, number * 10, script, path)
    found = machine(read(wire.quiet(30).save(tmp_path / "x.pcap")))
    assert (found.status, errors(found)) == ("stalled", {"chain-ipxe-loop"})
    assert found.boots[0].stalled_at == "chain"
    (finding,) = [finding for finding in found.findings if finding.severity == "error"]
    assert finding.summary == f"iPXE's script leads it to {path}, which is iPXE again, 3 times over"
    assert [fix.target for fix in finding.fixes] == ["ipxe"]


def given_newer() -> Wire:
    """The iPXE of a ROM, which DHCP hands a newer one."""
    return Wire("ipxe-efi-x64").lease(file="ipxe.efi").get(1, "ipxe.efi", IPXE)


def test_a_newer_ipxe_that_dhcp_names_has_time_to_start(tmp_path: Path) -> None:
    for wire in given_newer().quiet(8), given_newer().as_kind("ipxe-efi-x64").discover(5).quiet(8):
        found = machine(read(wire.save(tmp_path / "x.pcap")))
        assert (found.status, found.findings) == ("in-progress", ())


def test_a_newer_ipxe_that_nobody_answers_is_in_no_loop(tmp_path: Path) -> None:
    wire = given_newer().as_kind("ipxe-efi-x64").discover(5, 6, 8, 12).quiet(90)
    found = machine(read(wire.save(tmp_path / "x.pcap")))
    assert (found.boots[0].stalled_at, errors(found)) == ("dhcp", {"dhcp-no-offer"})


def test_an_ipxe_that_is_named_once_more_is_a_loop_before_it_is_fetched(tmp_path: Path) -> None:
    wire = given_newer().as_kind("ipxe-efi-x64").lease(5, file="ipxe.efi")
    found = machine(read(wire.save(tmp_path / "x.pcap")))
    assert (found.boots[0].stalled_at, errors(found)) == ("chain", {"chain-ipxe-loop"})


def test_an_ipxe_that_is_handed_the_file_it_came_from_is_a_loop_at_once(tmp_path: Path) -> None:
    for file, point in ("ipxe.efi", "chain"), ("newer/ipxe.efi", None):
        wire = Wire().lease(file="ipxe.efi").get(1, "ipxe.efi", IPXE)
        wire.as_kind("ipxe-efi-x64").lease(5, file=file).get(6, file, IPXE)
        found = machine(read(wire.quiet(8).save(tmp_path / "x.pcap")))
        assert found.boots[0].stalled_at == point
        assert errors(found) == ({"chain-ipxe-loop"} if point else set())
