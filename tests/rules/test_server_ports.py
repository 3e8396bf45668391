"""Captures at one server's port of the switch: what machines say to other hosts does not show, and what they take of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from .boots_link import guarded
from .packets import SERVER_MAC, Wire, errors, mac_bytes, machine, read
from .scene import SERVER

OTHER, OTHER_MAC = "192.168.122.254", "00:16:3e:00:00:fe"
QUERY = b"\0\1\1\0\0\1\0\0\0\0\0\0\3ntp\3lan\0\0\1\0\1"
SECOND, SECOND_MAC = "192.168.122.228", "52:54:00:89:32:48"


def at_the_port(wire: Wire) -> Wire:
    """Of what is for one station alone, what the server itself sends and gets; another machine talks to it, too."""
    wire.hosts |= {OTHER: OTHER_MAC, SECOND: SECOND_MAC, "192.168.122.7": "00:16:3e:00:00:07"}
    wire.udp(0.5, SECOND, 50000, SERVER, 53, QUERY)
    wire.quiet(200)
    own = mac_bytes(SERVER_MAC)
    wire.packets = [(at, data) for at, data in wire.packets if data[0] & 1 or own in (data[:6], data[6:12])]
    return wire


def by_proxy(*, up: bool = True) -> Wire:
    """The file is named by a ProxyDHCP server with a menu, whose port 4011 the machine asks; then the system is up."""
    wire = Wire("ipxe-bios")
    wire.hosts[OTHER] = OTHER_MAC
    wire.dhcp(0, 1)
    wire.dhcp(0.1, 2)
    wire.dhcp(0.2, 2, server=OTHER, your=None, option60="PXEClient", target="255.255.255.255")
    wire.dhcp(0.3, 3)
    wire.dhcp(0.4, 5)
    wire.arp(0.44, SERVER)
    wire.arp(0.45, SERVER, answer=True)
    if up:
        wire.as_kind("os").lease(60)
    return at_the_port(wire)


def test_a_file_that_a_proxy_named(tmp_path: Path) -> None:
    found = machine(read(by_proxy().save(tmp_path / "x.pcap")))
    assert (found.status, errors(found)) == ("handed-off", set())
    found = machine(read(by_proxy(up=False).save(tmp_path / "x.pcap")))
    assert (found.status, errors(found)) == ("in-progress", set())


@pytest.mark.parametrize(("questions", "status"), [(2, "in-progress"), (3, "stalled")])
def test_answers_of_another_host_to_arp_do_not_show(tmp_path: Path, questions: int, status: str) -> None:
    """Firmware asks for the boot server, and so does the loader; who asks more often has no answer."""
    wire = Wire("efi-x64-pxe")
    wire.hosts[OTHER] = OTHER_MAC
    wire.dhcp(0, 1)
    wire.dhcp(0.1, 2)
    wire.dhcp(0.2, 2, server=OTHER, file="grubx64.efi", next_server=OTHER)
    wire.dhcp(0.3, 3, server=OTHER)
    wire.dhcp(0.4, 5, server=OTHER, file="grubx64.efi", next_server=OTHER)
    for number in range(questions):
        wire.arp(1 + 12 * number, OTHER)
    assert machine(read(at_the_port(wire).save(tmp_path / "x.pcap"))).status == status


def test_a_system_that_takes_another_servers_offer(tmp_path: Path) -> None:
    for system in False, True:
        wire = Wire("bios-pxe")
        wire.hosts[OTHER] = OTHER_MAC
        if system:
            wire.lease(file="pxelinux.0").get(1, "pxelinux.0", b"\xea" + b"\0" * 9000)
            wire.get(3, "linux", b"\0" * 514 + b"HdrS" + b"\0" * 5000).get(4, "initrd.gz", b"\x1f\x8b" + b"\0" * 5000)
            wire.as_kind("os")
        wire.dhcp(30, 1)
        wire.dhcp(30.1, 2, file="pxelinux.0")
        wire.dhcp(30.2, 3, server=OTHER)
        found = machine(read(at_the_port(wire).save(tmp_path / "x.pcap")))
        assert (found.status, errors(found)) == ("handed-off" if system else "in-progress", set())


def test_a_request_that_is_repeated_is_not_answered(tmp_path: Path) -> None:
    wire = Wire("bios-pxe")
    wire.dhcp(0, 1)
    wire.dhcp(0.1, 2, file="pxelinux.0")
    for time in (0.2, 4, 8, 16):
        wire.dhcp(time, 3, server=OTHER)
    assert machine(read(at_the_port(wire).save(tmp_path / "x.pcap"))).status == "stalled"


def test_a_port_that_shows_several_hosts_shows_all_of_them(tmp_path: Path) -> None:
    wire = by_proxy(up=False)
    wire.udp(150, SECOND, 50001, OTHER, 53, QUERY)
    wire.udp(150.1, "192.168.122.7", 50001, SECOND, 53, QUERY)
    assert machine(read(wire.save(tmp_path / "x.pcap"))).status == "stalled"


@pytest.mark.parametrize("sign", ["", "the server's packets", "another machine's DISCOVER"])
def test_a_port_that_asks_who_is_there_is_perhaps_the_servers_own(sign: str, tmp_path: Path) -> None:
    wire = guarded()
    if sign == "the server's packets":
        at_the_port(wire)
    elif sign:
        wire.mac = wire.hosts["0.0.0.0"] = SECOND_MAC
        wire.discover(3)
    found = machine(read(wire.save(tmp_path / "x.pcap")))
    confidence = {one.code: one.confidence for one in found.findings if one.severity == "error"}
    assert confidence["link-port-unauthorized"] == ("possible" if sign else "likely")
    assert ("dhcp-no-offer" in confidence) == bool(sign)
