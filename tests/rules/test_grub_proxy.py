"""GRUB's servers and modules: behind a ProxyDHCP server it asks the server of the lease, unless its prefix names one."""

from __future__ import annotations

from pathlib import Path

import pytest

from .packets import Wire, machine, read
from .scene import SERVER

PROXY = "192.168.122.9"


def asked(file: str, *, refused: bool = True, core: str = "boot/grub/i386-pc/core.0") -> Wire:
    wire = Wire("ipxe-bios").discover(0)
    wire.dhcp(0.1, 2, next_server=SERVER)
    wire.dhcp(0.15, 2, server=PROXY, your=None, file=core, option60="PXEClient", next_server=PROXY)
    wire.dhcp(2, 3)
    wire.dhcp(2.1, 5, next_server=SERVER)
    wire.get(3, core, b"\xea\x05\x82\x00\x00" + b"\0" * 6000, server=PROXY)
    wire.port += 1
    for number in range(4):
        request = wire.rrq(5 + 4 * number, file, again=True)
        if refused:
            wire.icmp(5.01 + 4 * number, request)
    return wire.quiet(90)


@pytest.mark.parametrize(("refused", "confidence"), [(True, "certain"), (False, "likely")])
def test_the_modules_are_where_the_core_is(refused: bool, confidence: str, tmp_path: Path) -> None:
    found = machine(read(asked("/boot/grub/i386-pc/normal.mod", refused=refused).save(tmp_path / "x.pcap")))
    assert found.boots[0].stalled_at == "tftp"
    finding = found.findings[0]
    assert (finding.code, finding.confidence) == ("dhcp-wrong-next-server", confidence)
    assert len([one for one in found.findings if one.severity == "error"]) == 1
    assert [fix.text for fix in finding.fixes[:2]] == [
        f"grub-mkimage -O i386-pc-pxe -p '(tftp,{PROXY})/boot/grub' -o core.0 pxe tftp",
        f"# at its prompt\nset prefix=(tftp,{PROXY})/boot/grub\ninsmod normal\nnormal",
    ]


def test_of_another_platform_only_the_prompt_can_be_told(tmp_path: Path) -> None:
    wire = asked("/grub/x86_64-efi/normal.mod", core="grub/x86_64-efi/core.efi")
    finding = machine(read(wire.save(tmp_path / "x.pcap"))).findings[0]
    assert finding.fixes[0].text.startswith(f"# at its prompt\nset prefix=(tftp,{PROXY})/grub\n")


GRUB = "boot/grub/i386-pc"


def module(size: int, *, wide: bool, of: int = 9000) -> bytes:
    """An ELF file whose table of sections ends at byte `of`."""
    head = bytearray(64)
    head[:6] = b"\x7fELF" + (b"\x02\x01" if wide else b"\x01\x01")
    place, entries, length, entry = (40, 58, 8, 64) if wide else (32, 46, 4, 40)
    head[place : place + length] = (of - 10 * entry).to_bytes(length, "little")
    head[entries : entries + 4] = entry.to_bytes(2, "little") + (10).to_bytes(2, "little")
    return bytes(head).ljust(size, b"\0")


def started() -> Wire:
    wire = Wire("ipxe-bios").lease(file=f"{GRUB}/core.0")
    return wire.get(1, f"{GRUB}/core.0", b"\xea\x05\x82\x00\x00" + b"\0" * 6000)


@pytest.mark.parametrize("wide", [True, False])
@pytest.mark.parametrize(("size", "codes"), [(9000, []), (4000, ["nbp-incomplete-file"])])
def test_half_a_module_is_told_by_its_header(size: int, codes: list[str], wide: bool, tmp_path: Path) -> None:
    wire = started().get(2, f"/{GRUB}/normal.mod", module(size, wide=wide)).quiet(90)
    found = machine(read(wire.save(tmp_path / "x.pcap")))
    assert [finding.code for finding in found.findings if finding.severity == "error"] == codes
    if codes:
        assert (
            f"/{GRUB}/normal.mod is cut short: its headers tell of 9000 bytes, it has 4000" in found.findings[0].summary
        )


@pytest.mark.parametrize(("named", "told"), [("192.168.122.19", True), ("192.168.122.190", False)])
def test_a_host_that_the_configuration_sets_is_told_by_it(named: str, told: bool, tmp_path: Path) -> None:
    config = f"set root=(tftp,{named})\nmenuentry x {{\n linux /linux\n initrd /initrd.gz\n}}\n".encode()
    wire = started().get(2, "/boot/grub/grub.cfg", config)
    for number in range(5):
        wire.arp(4 + number, "192.168.122.19")
    found = machine(read(wire.quiet(90).save(tmp_path / "x.pcap")))
    assert found.boots[0].stalled_at == "arp"
    summaries = [finding.summary for finding in found.findings if finding.code == "arp-next-server-unanswered"]
    assert summaries == ["nobody answers ARP for the server that grub.cfg names, 192.168.122.19"] * told
