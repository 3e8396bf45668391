"""Whose a fetch is when the capture holds no DHCP: a machine's own, by its MAC, or that of somebody behind a router."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from ..rules.boots import PXELINUX
from ..rules.packets import Wire, read
from ..rules.scene import CLIENT, MAC, SERVER, packed

SECOND, THIRD = "192.169.122.226", "192.170.122.225"
"""The words of these addresses have the sum that those of CLIENT have, and so all checksums stay right."""
CONFIG = b"DEFAULT x\nLABEL x\n LOCALBOOT 0\n"


def boots_behind_one_mac(*addresses: str, apart: float = 10, second_file: str = "pxelinux.0") -> Wire:
    """One after the other loads its program from these addresses; the first and the last have a configuration."""
    wire = Wire("bios-pxe")
    for number, address in enumerate(addresses):
        before, start = len(wire.packets), 1 + number * apart
        wire.get(start, second_file if number == 1 else "pxelinux.0", PXELINUX)
        if number == 1:
            wire.missing(start + 1, "pxelinux.cfg/default")
        else:
            wire.get(start + 1, "pxelinux.cfg/default", CONFIG)
        own, other = packed(CLIENT), packed(address)
        wire.packets[before:] = [(time, data.replace(own, other)) for time, data in wire.packets[before:]]
    return wire


def arp_from(wire: Wire, address: str, mac: str = MAC) -> Wire:
    """A question of this address for the server's."""
    ends = bytes.fromhex(mac.replace(":", "")), packed(address), bytes(6), packed(SERVER)
    wire.packets.append((0.5, b"\xff" * 6 + ends[0] + b"\x08\x06\0\1\x08\0\6\4\0\1" + b"".join(ends)))
    return wire


def seen(wire: Wire, path: Path) -> dict[str, list[str]]:
    report = read(wire.quiet(120).save(path / "x.pcap"))
    return {machine.mac: [boot.status for boot in machine.boots] for machine in report.machines}


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


def test_machines_behind_a_router_are_told_by_their_addresses(tmp_path: Path) -> None:
    """The router speaks ARP on the server's network from an address of its own."""
    wire = arp_from(boots_behind_one_mac(CLIENT, SECOND, THIRD), "192.168.122.254")
    assert seen(wire, tmp_path) == {CLIENT: ["handed-off"], SECOND: ["stalled"], THIRD: ["handed-off"]}


@pytest.mark.parametrize(
    "wire",
    [
        lambda: boots_behind_one_mac(CLIENT, SECOND, THIRD),
        lambda: boots_behind_one_mac(CLIENT, SECOND, second_file="other.0", apart=0.9),
    ],
    ids=["the same program again", "at the same time"],
)
def test_without_arp_what_they_do_tells_them_apart(wire: Callable[[], Wire], tmp_path: Path) -> None:
    found = seen(wire(), tmp_path)
    assert found[MAC] == ["handed-off"]
    assert found[SECOND] == ["stalled"]


@pytest.mark.parametrize(
    "wire",
    [
        lambda: boots_behind_one_mac(CLIENT, SECOND, second_file="other.0"),
        lambda: arp_from(arp_from(boots_behind_one_mac(CLIENT, SECOND), CLIENT), SECOND),
        lambda: arp_from(boots_behind_one_mac(CLIENT, SECOND, second_file="other.0"), CLIENT),
    ],
    ids=["another program, later", "both addresses speak ARP", "the first one speaks ARP"],
)
def test_a_machine_may_be_given_another_address(wire: Callable[[], Wire], tmp_path: Path) -> None:
    assert list(seen(wire(), tmp_path)) == [MAC]


def test_a_machine_that_did_dhcp_is_known_by_its_mac(tmp_path: Path) -> None:
    wire = boots_behind_one_mac(CLIENT, SECOND)
    wire.packets += Wire("bios-pxe").lease(file="pxelinux.0").packets
    assert list(seen(arp_from(wire, "192.168.122.254"), tmp_path)) == [MAC]


@pytest.mark.parametrize("asked", [CLIENT, THIRD])
def test_the_address_that_a_machine_asked_for_tells_who_is_behind_the_router(asked: str, tmp_path: Path) -> None:
    """At a boot server that hears the machine's broadcasts, and not what its DHCP server answers."""
    router = "52:54:00:00:00:99"
    dhcp = Wire("bios-pxe").lease(file="pxelinux.0").packets
    requests = [(time, data.replace(packed(CLIENT), packed(asked))) for time, data in (dhcp[0], dhcp[2])]
    wire = Wire("bios-pxe")
    wire.hosts[CLIENT] = router
    wire.get(2, "pxelinux.0", PXELINUX).get(3, "pxelinux.cfg/default", CONFIG)
    wire.packets += requests
    found = seen(arp_from(wire, "192.168.122.254", router), tmp_path)
    assert set(found) == ({MAC} if asked == CLIENT else {MAC, CLIENT})
