"""Whose a fetch is when the capture holds no DHCP: a machine's own, by its MAC, or that of somebody behind a router."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ..rules.boots import PXELINUX
from ..rules.packets import Wire, read
from ..rules.scene import CLIENT


def known_as(source_mac: str, path: Path) -> list[str]:
    wire = Wire("bios-pxe")
    wire.hosts[CLIENT] = source_mac
    wire.get(1, "pxelinux.0", PXELINUX)
    return [machine.mac for machine in read(wire.save(path)).machines]


@pytest.mark.parametrize("mac", ["00:00:0c:07:ac:01", "00:00:5e:00:01:0a", "00:00:5e:00:02:0a", "00:07:b4:00:01:02"])
def test_a_mac_that_routers_share_is_no_machine(mac: str, tmp_path: Path) -> None:
    assert known_as(mac, tmp_path / "x.pcap") == [CLIENT]


@pytest.mark.parametrize("mac", ["00:00:0c:11:22:33", "00:00:5e:11:22:33", "52:54:00:89:32:47"])
def test_another_mac_is_the_machine_itself(mac: str, tmp_path: Path) -> None:
    assert known_as(mac, tmp_path / "x.pcap") == [mac]


@pytest.mark.parametrize("left_out", [1, 2, 3])
def test_a_transfer_without_its_request_has_no_name_to_wait_for(left_out: int, tmp_path: Path) -> None:
    wire = Wire("bios-pxe")
    wire.get(1, "pxelinux.0", PXELINUX)
    wire.packets = wire.packets[left_out:]
    (machine,) = read(wire.save(tmp_path / "x.pcap")).machines
    assert re.sub(r"[\d.]+", "N", machine.boots[-1].waiting_for) == "the file to ask for something, for N s"
