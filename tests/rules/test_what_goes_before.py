"""Findings that say what went before an end: ACKs that stopped, a lease that there was, a configuration that was read."""

from __future__ import annotations

from pathlib import Path

import pytest

from ..track.play import CONTENTS
from .boots import PXELINUX, SIGNED
from .packets import Wire, mac_bytes, machine, read
from .scene import MAC

OTHER = "52:54:00:00:00:99"
CONFIG = b"default linux\nlabel linux\n  kernel linux\n  append initrd=initrd.gz\n"
MENU = b"prompt 1\ntimeout 0\nlabel linux\n  kernel linux\n"


def given_up(*, again: int, wait: float, acknowledged: bool = False) -> Wire:
    """A server that says error 0, `wait` seconds after it sent the last block and `again` repetitions of it."""
    wire = Wire().lease(file="bootmgfw.efi").get(1, "bootmgfw.efi", SIGNED)
    wire.rrq(3, "boot.wim")
    wire.oack(3.01, tsize=999999)
    wire.ack(3.02, 0)
    for block in range(1, 21):
        wire.data(3.02 + block / 100, block, b"\1" * 1468)
        if block < 20 or acknowledged:
            wire.ack(3.025 + block / 100, block)
    for number in range(again):
        wire.data(4 + number * wait / 8, 20, b"\1" * 1468)
    wire.error(4 + wait, 0, "Timeout error. Did not receive a response")
    return wire.quiet(120)


@pytest.mark.parametrize(
    ("wire", "machine_stopped"),
    [
        (given_up(again=4, wait=10), True),
        (given_up(again=0, wait=10), False),
        (given_up(again=1, wait=0.4), False),
        (given_up(again=4, wait=10, acknowledged=True), False),
    ],
)
def test_a_server_that_gave_up_a_machine(wire: Wire, machine_stopped: bool, tmp_path: Path) -> None:
    found = machine(read(wire.save(tmp_path / "x.pcap")))
    finding = next(finding for finding in found.findings if finding.code == "tftp-error")
    assert ("the machine acknowledges nothing behind block 19" in finding.summary) == machine_stopped
    assert any(item.role == "last ACK, block 19" for item in finding.evidence) == machine_stopped


@pytest.mark.parametrize("same", [True, False])
def test_a_machine_that_has_an_address_knows_of_no_full_pool(same: bool, tmp_path: Path) -> None:
    """The server gives one to an identifier: another one may find the pool empty."""
    wire = Wire().lease(file="grubx64.efi").missing(1, "grubx64.efi").as_kind("efi-x64-http")
    for gap in (0, 4, 12, 28):
        wire.dhcp(5 + gap, 1, identifier=None if same else b"\xff\0\0\0\1\0\3\0\1abcdef")
    other = Wire().lease(file="grubx64.efi", your="192.168.122.9").packets
    wire.packets += [(time, data.replace(mac_bytes(MAC), mac_bytes(OTHER))) for time, data in other]
    found = machine(read(wire.quiet(120).save(tmp_path / "x.pcap")))
    codes = {finding.code for finding in found.findings}
    assert "dhcp-no-offer" in codes
    assert ("dhcp-pool-exhausted" in codes) != same


@pytest.mark.parametrize(("config", "told"), [(CONFIG, True), (MENU, False)])
@pytest.mark.parametrize("again", [True, False])
def test_pxelinux_that_stops_behind_its_configuration(config: bytes, told: bool, again: bool, tmp_path: Path) -> None:
    wire = Wire("bios-pxe")
    for start in (0, 12) if again else (0,):
        wire.lease(start, file="pxelinux.0").get(start + 1, "pxelinux.0", PXELINUX)
        wire.get(start + 2, "pxelinux.cfg/default", config)
    found = machine(read(wire.quiet(120).save(tmp_path / "x.pcap")))
    findings = [finding for finding in found.findings if finding.code == "chain-script-stops"]
    assert bool(findings) == told
    assert any("the machine starts anew" in finding.summary for finding in findings) == (told and again)
    assert not any(finding.fixes for finding in findings)


def test_pxelinux_that_fetched_all_of_it_has_done_its_work(tmp_path: Path) -> None:
    wire = Wire("bios-pxe").lease(file="pxelinux.0").get(1, "pxelinux.0", PXELINUX)
    wire.get(2, "pxelinux.cfg/default", CONFIG).get(3, "linux", CONTENTS["kernel"]).get(
        4, "initrd.gz", CONTENTS["gzip"]
    )
    found = machine(read(wire.quiet(120).save(tmp_path / "x.pcap")))
    assert (found.status, found.findings) == ("handed-off", ())
