"""GRUB behind a ProxyDHCP server: it asks the server of the lease for its modules, unless its prefix names one."""

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
