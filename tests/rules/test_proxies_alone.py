"""ProxyDHCP that answers where no DHCP server does: it gives no address (PXE-E52)."""

from __future__ import annotations

from pathlib import Path

import pytest

from . import scenes_dhcp
from .packets import Wire, machine, read
from .scene import SERVER, Scene

CODE = "dhcp-no-offer"
PROXY = {"your": None, "option60": "PXEClient", "file": "undionly.kpxe"}


def asks(kind: str, *times: float, router: float | None = None) -> Wire:
    """DISCOVERs that a proxy answers; from `router` on a DHCP server does as well."""
    wire = Wire(kind)
    for time in times:
        wire.discover(time).dhcp(time + 0.01, 2, **PROXY)  # type: ignore[arg-type]
        if router is not None and time >= router:
            wire.dhcp(time + 0.02, 2, server="192.168.122.254", next_server=None)
    return wire


@pytest.mark.parametrize("kind", ["bios-pxe", "efi-x64-pxe", "ipxe-bios"])
def test_a_proxy_alone_gives_no_address(kind: str, tmp_path: Path) -> None:
    found = machine(read(asks(kind, 0, 4, 12, 28).quiet(120).save(tmp_path / "x.pcap")))
    assert (found.status, found.boots[0].stalled_at) == ("stalled", "dhcp")
    (finding,) = found.findings
    assert (finding.code, finding.confidence) == (CODE, "likely")
    assert f"{SERVER} alone answers, by ProxyDHCP, which gives no address" in finding.summary
    assert "ProxyDHCP OFFER, without an address" in {item.role for item in finding.evidence}


def test_a_dhcp_server_that_answers_late_is_one(tmp_path: Path) -> None:
    found = machine(read(asks("bios-pxe", 0, 4, router=4).quiet(120).save(tmp_path / "x.pcap")))
    assert CODE not in {finding.code for finding in found.findings}


def test_a_rom_that_takes_the_proxys_offer_for_a_lease_has_none(tmp_path: Path) -> None:
    """It asks the proxy for 0.0.0.0, gets an ACK without an address, and port 4011 cannot answer it."""
    wire = asks("bios-pxe", 0, 4, 12)
    wire.dhcp(16, 3, your="0.0.0.0")
    wire.dhcp(16.01, 5, **PROXY)  # type: ignore[arg-type]
    found = machine(read(wire.quiet(240).save(tmp_path / "x.pcap")))
    assert (found.boots[0].stalled_at, found.addresses) == ("dhcp", ())
    assert [finding.code for finding in found.findings if finding.severity == "error"] == [CODE]
    (stage,) = found.boots[0].stages
    assert stage.dhcp is not None
    assert (stage.dhcp.status, stage.dhcp.acks) == ("offered", 0)


def test_a_request_for_an_offer_that_the_capture_lacks_is_not_the_proxys(tmp_path: Path) -> None:
    wire = asks("bios-pxe", 0, 4)
    wire.dhcp(5, 3, server="192.168.122.254")
    found = machine(read(wire.quiet(30).save(tmp_path / "x.pcap")))
    assert not found.findings


@pytest.mark.parametrize(
    ("scene", "severity", "end"),
    [
        (scenes_dhcp.sent_away(), "note", "on to its next boot device"),
        (scenes_dhcp.led_astray(), "warning", "not come"),
    ],
)
def test_a_proxy_that_wins_and_has_nothing_for_the_machine(scene: Scene, severity: str, end: str) -> None:
    (finding,) = (one for one in scene.findings() if one.code == "proxydhcp-overrides-boot-file")
    assert (finding.severity, finding.confidence) == (severity, "certain")
    assert finding.summary.endswith(end)
    assert any("no ip helper-address 192.168.122.9" in fix.text for fix in finding.fixes)


@pytest.mark.parametrize("answer", ["error", "nothing"])
def test_a_proxys_file_that_comes_in_the_end(answer: str, tmp_path: Path) -> None:
    other, name = "192.168.122.9", "boot/x.0"
    wire = Wire("bios-pxe").lease(file="pxelinux.0")
    wire.dhcp(0.15, 2, server=other, your=None, option67=name, option60="PXEClient", next_server=other)
    if answer == "error":
        wire.missing(1, name, server=other)
    else:
        wire.rrq(1, name, server=other)
        wire.rrq(3, name, server=other, again=True)
    wire.get(10, name, b"\xeb" * 6000, server=other)
    found = machine(read(wire.quiet(60).save(tmp_path / "x.pcap")))
    assert "proxydhcp-overrides-boot-file" not in {finding.code for finding in found.findings}
