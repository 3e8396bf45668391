"""An OFFER that names nothing to boot, where the machine was told what to boot the time before."""

from __future__ import annotations

from pathlib import Path

import pytest

from bootsniff.model import Finding

from .boots import PE
from .packets import Wire, machine, read
from .scene import SERVER

PROXY = "192.168.122.20"
SILENT = f"; {PROXY} named one the boot before, and now says nothing"


def told(wire: Wire, tmp_path: Path) -> Finding:
    found = machine(read(wire.quiet(1400).save(tmp_path / "x.pcap"))).findings
    (finding,) = [one for one in found if one.code == "dhcp-offer-without-boot-file"]
    return finding


def proxied(kind: str) -> Wire:
    """A boot of which a ProxyDHCP server names the file."""
    wire = Wire(kind)
    wire.dhcp(0, 1)
    wire.dhcp(0.1, 2)
    wire.dhcp(0.15, 2, server=PROXY, your=None, next_server=PROXY, file="wdsmgfw.efi", option60="PXEClient")
    wire.dhcp(0.2, 3)
    wire.dhcp(0.3, 5)
    return wire.get(1, "wdsmgfw.efi", PE, server=PROXY)


@pytest.mark.parametrize("relay", [None, "192.168.122.1"])
def test_the_proxy_beside_the_server_is_gone(relay: str | None, tmp_path: Path) -> None:
    found = told(proxied("efi-x64-pxe").ignored(1200, relay=relay, handed_on=bool(relay)), tmp_path)
    assert found.summary.endswith(SILENT)
    first, *rest = found.fixes
    assert f"on {PROXY}" in first.text
    assert ("helper" in first.text) is bool(relay)
    assert any("wdsmgfw.efi" in fix.text and PROXY in fix.text for fix in rest)
    assert found.evidence[-1].role == "a boot before: names wdsmgfw.efi"


def test_the_server_itself_names_it_no_more(tmp_path: Path) -> None:
    wire = Wire().lease(file="own.efi").get(1, "own.efi", PE).ignored(1200)
    found = told(wire, tmp_path)
    assert "the boot before" not in found.summary
    assert all("ss -lunp" not in fix.text for fix in found.fixes)
    assert any("own.efi" in fix.text and SERVER in fix.text for fix in found.fixes)


def test_what_another_client_of_the_machine_was_named_tells_nothing(tmp_path: Path) -> None:
    found = told(proxied("efi-x64-pxe").as_kind("bios-pxe").ignored(1200), tmp_path)
    assert "the boot before" not in found.summary
    assert all("wdsmgfw" not in fix.text for fix in found.fixes)
