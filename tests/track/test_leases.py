"""How long a program is waited for that asks for an address, or has one and asks for nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from ..rules.boots_more import ADDRESS6, ASKS6, STATELESS
from ..rules.packets import Wire, machine, read


@pytest.mark.parametrize(
    ("file", "next_server", "option66", "over"),
    [
        ("pxelinux.0", None, None, True),
        ("pxelinux.0", "192.168.122.1", None, False),
        ("pxelinux.0", None, "boot.lan", False),
        ("http://192.168.122.1/menu.ipxe", None, None, False),
    ],
)
def test_an_ipxe_that_has_nobody_to_ask_gives_up_at_once(
    file: str, next_server: str | None, option66: str | None, over: bool, tmp_path: Path
) -> None:
    wire = Wire("ipxe-bios").lease(file=file, next_server=next_server, option66=option66).quiet(25)
    found = machine(read(wire.save(tmp_path / "x.pcap")))
    assert found.boots[0].status == ("stalled" if over else "in-progress")


@pytest.mark.parametrize(
    ("solicits", "end", "over"),
    [((0, 4, 12, 28), 38, True), ((0, 4, 12, 28), 31, False), ((0, 4, 12), 22, False)],
)
def test_uefi_firmware_sends_four_solicits(solicits: tuple[int, ...], end: float, over: bool, tmp_path: Path) -> None:
    wire = Wire().router(-5, managed=True)
    for time in solicits:
        wire.dhcp6(time, 1, *ASKS6)
    found = machine(read(wire.quiet(end).save(tmp_path / "x.pcap")))
    assert found.boots[0].status == ("stalled" if over else "in-progress")
    assert {finding.code for finding in found.findings if finding.severity == "error"} == (
        {"v6-no-advertise"} if over else set()
    )


@pytest.mark.parametrize("address", [False, True])
def test_a_url_without_an_address_is_no_offer_that_uefi_takes(address: bool, tmp_path: Path) -> None:
    url = (59, b"tftp://[fd00::1]/grubx64.efi")
    given = (3, STATELESS) if not address else (3, ADDRESS6)
    wire = Wire().router(-5, managed=True)
    for time in (0, 4, 12, 28):
        wire.dhcp6(time, 1, *ASKS6).dhcp6(time + 0.1, 2, given, url)
    found = machine(read(wire.quiet(34).save(tmp_path / "x.pcap")))
    assert found.boots[0].status == ("in-progress" if address else "stalled")
