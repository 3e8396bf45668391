"""A boot server that never answers, in captures that hold no ARP: what can be said of it, and how surely."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from . import boots
from .packets import Wire, machine, read
from .scene import SERVER

SILENT = "192.168.122.5"
MDNS = "224.0.0.251"


def confidence(wire: Wire, path: Path, *, raw: bool = True) -> dict[str, str]:
    """Confidence of what is said to have stopped the machine, by code."""
    found = machine(read(wire.save(path / "x.pcap", raw=raw)))
    assert (found.status, found.boots[0].stalled_at) == ("stalled", "tftp")
    return {finding.code: finding.confidence for finding in found.findings if finding.severity == "error"}


def leased(next_server: str = SILENT, *, router: str = SERVER) -> Wire:
    """A lease and nothing after it; another host speaks a minute later."""
    wire = Wire().lease(file="grubx64.efi", next_server=next_server, router=router)
    wire.udp(100, SERVER, 5353, MDNS, 5353, b"\0" * 12)
    return wire


@pytest.mark.parametrize("raw", [True, False])
def test_nothing_is_asked_and_the_firmware_goes_on(tmp_path: Path, *, raw: bool) -> None:
    assert confidence(boots.give_up(leased()), tmp_path, raw=raw) == {"arp-next-server-unanswered": "likely"}


def test_nothing_is_asked_and_nothing_follows(tmp_path: Path) -> None:
    """It may be TFTP that the capture does not show."""
    assert confidence(leased(), tmp_path) == {"arp-next-server-unanswered": "possible"}


def test_a_url_that_ipxe_asks_nothing_of(tmp_path: Path) -> None:
    def found(url: str, *, tcp: bool = True) -> tuple[str, list[tuple[str, str]]]:
        wire = Wire("ipxe-bios").lease(file=url)
        wire.udp(100, SERVER, 5353, MDNS, 5353, b"\0" * 12)
        if tcp:  # somebody's ssh
            wire.ip(100, SERVER, "192.168.122.9", 6, struct.pack("!HHIIBBHHH", 22, 50000, 1, 1, 0x50, 0x10, 500, 0, 0))
        made = machine(read(wire.save(tmp_path / "x.pcap", raw=True)))
        return made.status, [(finding.code, finding.subject) for finding in made.findings]

    assert found(f"http://{SILENT}/menu.ipxe") == ("stalled", [("arp-next-server-unanswered", SILENT)])
    assert "arp-next-server-unanswered" not in dict(found("http://boot.example/menu.ipxe")[1])
    secure = f"https://{SILENT}/menu.ipxe"
    assert found(secure) == ("stalled", [("tls-unsupported", secure)])
    # Without any TCP it may be a capture of the ports of DHCP and TFTP, and the file was fetched.
    assert found(f"http://{SILENT}/menu.ipxe", tcp=False) == ("in-progress", [])
    assert found(secure, tcp=False) == ("in-progress", [])


def quiet(wire: Wire, *, arp: bool) -> Wire:
    """Two minutes more, with the ARP of another host, or in a capture that holds none."""
    wire.quiet(150)
    wire.packets = [packet for packet in wire.packets if arp or packet[1][12:14] != b"\x08\x06"]
    return wire


@pytest.mark.parametrize("arp", [True, False])
def test_a_url_that_http_boot_asks_nothing_of(tmp_path: Path, *, arp: bool) -> None:
    wire = Wire("efi-x64-http").lease(file="http://192.168.122.1/grub.efi", option60="HTTPClient")
    found = machine(read(quiet(wire, arp=arp).save(tmp_path / "x.pcap")))
    codes = [finding.code for finding in found.findings]
    assert (found.status, codes) == (("stalled", ["http-plain-disabled"]) if arp else ("in-progress", []))


@pytest.mark.parametrize("arp", [True, False])
def test_a_script_by_tftp_names_a_kernel_by_http(tmp_path: Path, *, arp: bool) -> None:
    wire = Wire("ipxe-bios").lease(file="boot.ipxe")
    wire.get(1, "boot.ipxe", b"#!ipxe\nkernel http://192.168.122.1/linux\ninitrd http://192.168.122.1/initrd\nboot\n")
    found = machine(read(quiet(wire, arp=arp).save(tmp_path / "x.pcap")))
    codes = [finding.code for finding in found.findings]
    assert (found.status, codes) == (("stalled", ["chain-script-stops"]) if arp else ("in-progress", []))


def test_the_next_boot_of_a_machine_is_no_second_sign(tmp_path: Path) -> None:
    """A boot that went well, in a capture of the ports 53, 67 and 68, begins anew after a reset as well."""
    wire = leased().lease(200, file="grubx64.efi", next_server=SILENT)
    wire.udp(300, SERVER, 5353, MDNS, 5353, b"\0" * 12)
    assert confidence(wire, tmp_path) == {"arp-next-server-unanswered": "possible"}


def test_the_router_on_the_way(tmp_path: Path) -> None:
    wire = boots.give_up(leased("10.9.9.9", router="192.168.122.254"))
    found = machine(read(wire.save(tmp_path / "x.pcap", raw=True)))
    main = found.findings[0]
    assert (main.code, main.confidence, main.subject) == ("arp-next-server-unanswered", "likely", "192.168.122.254")
    assert "the router 192.168.122.254" in main.summary
    assert "arping 192.168.122.254" in main.proof


def test_a_server_that_was_heard_is_there(tmp_path: Path) -> None:
    """It gave the address, or it answered another machine."""
    assert confidence(boots.give_up(leased(SERVER)), tmp_path) == {}
    served = Wire()
    served.mac = "52:54:00:00:00:77"
    other = boots.give_up(leased())
    served.lease(-30, file="grubx64.efi", next_server=SILENT, your="192.168.122.77")
    request = b"\0\1grubx64.efi\0octet\0"
    served.udp(-29, "192.168.122.77", 2070, SILENT, 69, request)
    served.udp(-28.9, SILENT, 40000, "192.168.122.77", 2070, b"\0\3\0\1" + b"x" * 100)
    served.udp(-28.8, "192.168.122.77", 2070, SILENT, 40000, b"\0\4\0\1")
    other.packets += served.packets
    assert confidence(other, tmp_path) == {}


def test_arp_that_is_seen_would_show_the_question(tmp_path: Path) -> None:
    wire = boots.give_up(leased()).quiet(150)
    assert confidence(wire, tmp_path, raw=False) == {}


def test_a_capture_of_dhcp_alone_shows_nothing_of_it(tmp_path: Path) -> None:
    wire = boots.give_up(Wire().lease(file="grubx64.efi", next_server=SILENT))
    found = machine(read(wire.save(tmp_path / "x.pcap", raw=True)))
    assert found.status == "in-progress"
    assert not [finding for finding in found.findings if finding.severity == "error"]


@pytest.mark.parametrize(("requests", "sure"), [(2, "possible"), (3, "likely"), (6, "likely")])
def test_requests_that_are_repeated_were_not_answered(tmp_path: Path, requests: int, sure: str) -> None:
    """Whatever the capture shows of answers: a client that is answered does not ask again and again."""
    wire = leased()
    for number in range(requests):
        wire.rrq(1 + 4 * number, "grubx64.efi", again=number > 0, server=SILENT)
    assert confidence(boots.give_up(wire), tmp_path) == {"tftp-no-reply": sure}


def test_requests_alone_are_no_proof(tmp_path: Path) -> None:
    """Nothing that any server sent is in the capture."""
    wire = Wire()
    for number in range(6):
        wire.rrq(1 + 4 * number, "grubx64.efi", again=number > 0, server=SILENT)
    wire.udp(100, SERVER, 5353, MDNS, 5353, b"\0" * 12)
    found = read(wire.save(tmp_path / "x.pcap", raw=True)).machines[0]
    assert [(finding.code, finding.confidence) for finding in found.findings] == [("tftp-no-reply", "possible")]


@pytest.mark.parametrize("arp", [True, False])
def test_what_a_script_names_on_a_host_that_may_not_be_there(tmp_path: Path, *, arp: bool) -> None:
    """Without ARP in the capture nothing tells a command that fails from a server that is absent."""
    wire = Wire("ipxe-bios").lease(file="boot.ipxe")
    wire.get(1, "boot.ipxe", b"#!ipxe\nkernel tftp://192.168.122.5/linux\nboot\n")
    found = machine(read(quiet(wire, arp=arp).save(tmp_path / "x.pcap")))
    assert ("chain-script-stops" in [finding.code for finding in found.findings]) is arp
