"""Machines that somebody resets while they load: each boot has its own requests, and the one that was broken off no fault."""

from __future__ import annotations

from pathlib import Path

import pytest

from bootsniff.model import NANOSECONDS

from .boots import INITRD, KERNEL, PXELINUX
from .boots_text import PXELINUX_CONFIG
from .packets import Wire, machine, read

BIG = KERNEL.ljust(60_000, b"k")


def loading(*, blocks: int = 20) -> Wire:
    """The machine falls silent; the server sends its last block again."""
    wire = Wire("bios-pxe").lease(file="pxelinux.0").get(1, "pxelinux.0", PXELINUX)
    wire.get(3, "pxelinux.cfg/default", PXELINUX_CONFIG)
    wire.rrq(4, "linux")
    wire.oack(4.01, tsize=len(BIG))
    wire.ack(4.02, 0)
    for block in range(1, blocks):
        wire.data(4.02 + block / 100, block, BIG[(block - 1) * 1468 : block * 1468])
        wire.ack(4.025 + block / 100, block)
    for time in (5, 6, 8):
        wire.data(time, blocks, BIG[(blocks - 1) * 1468 : blocks * 1468])
    return wire


def again(wire: Wire, time: float) -> Wire:
    """The same boot once more from the same ports, to its end."""
    ports = wire.port
    wire.lease(time, file="pxelinux.0")
    wire.port = 2069
    wire.get(time + 1, "pxelinux.0", PXELINUX).get(time + 3, "pxelinux.cfg/default", PXELINUX_CONFIG)
    wire.get(time + 4, "linux", BIG)
    assert wire.port == ports
    return wire.get(time + 5, "initrd.gz", INITRD).quiet(time + 200)


def test_requests_from_the_same_ports_are_those_of_the_next_boot(tmp_path: Path) -> None:
    found = machine(read(again(loading(), 12).save(tmp_path / "x.pcap")))
    assert [boot.status for boot in found.boots] == ["in-progress", "handed-off"]
    assert found.findings == ()
    kernels = [
        fetch for boot in found.boots for stage in boot.stages for fetch in stage.fetches if "linux" in fetch.url
    ]
    assert [fetch.size == fetch.bytes for fetch in kernels if "pxelinux" not in fetch.url] == [False, True]
    assert found.boots[0].end - found.boots[0].start < 10 * NANOSECONDS


@pytest.mark.parametrize(("pause", "codes"), [(9, []), (60, ["tftp-timeout-mid-transfer"])])
def test_who_waits_before_the_reset_saw_it_stop(tmp_path: Path, pause: int, codes: list[str]) -> None:
    found = machine(read(again(loading(), 4 + pause).save(tmp_path / "x.pcap")))
    assert [finding.code for finding in found.findings] == codes
