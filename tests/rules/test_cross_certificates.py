"""iPXE that does not know an authority asks a third server who vouches for it (net/validator.c)."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from bootsniff.model import Machine

from .boots import SCRIPT
from .packets import Wire, machine, read
from .scene import SERVER

AGENT = "iPXE/1.21.1"
ASKED = "/auto/1a2b3c4d.der?subject=MEkxCzAJBgNVBAYTAlVT"


def handshake(wire: Wire, time: float) -> tuple[int, int, int]:
    """A ClientHello and the server's flight; the port and both ends' next sequence numbers."""
    wire.connect(time, port=443)
    hello = b"\3\3" + b"r" * 32 + b"\0" + b"\0\4\0\x2f\0\x35" + b"\1\0"
    asked = b"\x16\3\1" + struct.pack(">H", len(hello) + 4) + b"\1" + len(hello).to_bytes(3, "big") + hello
    answer = b"\3\3" + b"s" * 32 + b"\0" + b"\0\x2f" + b"\0"
    flight = b"\x16\3\3" + struct.pack(">H", len(answer) + 4) + b"\2" + len(answer).to_bytes(3, "big") + answer
    flight += b"\x16\3\3\0\x0a\x0b\0\0\6\0\0\3\0\0\0" + b"\x16\3\3\0\4\x0e\0\0\0"
    wire.tcp(time + 0.01, 0x18, 1001, 5001, asked, port=443)
    wire.tcp(time + 0.02, 0x18, 5001, 1001 + len(asked), flight, from_client=False, port=443)
    return wire.port, 1001 + len(asked), 5001 + len(flight)


def seeks(status: str, *, first: bool = True) -> Wire:
    """The file is named by https: by DHCP, or by a script."""
    name = "https://boot.lan/linux"
    wire = Wire("ipxe-bios").lease(file=name if first else f"http://{SERVER}/menu.ipxe")
    if not first:
        wire.fetch(1, "/menu.ipxe", body=SCRIPT, agent=AGENT)
    port, mine, theirs = handshake(wire, 2)
    wire.fetch(2.1, ASKED, status, b"none", agent=AGENT, host="ca.ipxe.org")
    wire.port = port
    wire.tcp(2.5, 0x11, mine, theirs, port=443)
    wire.tcp(2.51, 0x11, theirs, mine + 1, from_client=False, port=443)
    return wire.quiet(120)


def found(wire: Wire, path: Path) -> Machine:
    return machine(read(wire.save(path / "x.pcap")))


@pytest.mark.parametrize("first", [True, False])
def test_nobody_vouches_for_the_authority(first: bool, tmp_path: Path) -> None:
    told = found(seeks("404 Not Found", first=first), tmp_path)
    assert (told.status, told.boots[-1].stalled_at) == ("stalled", "tls")
    (finding,) = told.findings
    assert (finding.code, finding.confidence) == ("tls-unknown-ca", "certain")
    assert f"status 404 for http://ca.ipxe.org{ASKED}" in finding.summary
    assert [item.role for item in finding.evidence][-2:] == ["GET: who vouches for the authority?", "nobody"]


def test_who_gets_its_certificate_and_leaves_may_refuse_it_for_another_reason(tmp_path: Path) -> None:
    told = found(seeks("200 OK"), tmp_path)
    assert (told.status, told.boots[-1].stalled_at) == ("stalled", "tls")
    assert {finding.code for finding in told.findings} == {"tls-handshake-failed"}


def test_it_is_no_file_of_the_boot(tmp_path: Path) -> None:
    told = found(seeks("200 OK", first=False), tmp_path)
    assert [fetch.url for stage in told.boots[-1].stages for fetch in stage.fetches] == [f"http://{SERVER}/menu.ipxe"]


def test_what_others_ask_for_by_such_a_name_is_a_file(tmp_path: Path) -> None:
    wire = (
        Wire("ipxe-bios")
        .lease(file=f"http://{SERVER}/1a2b3c4d.der")
        .fetch(1, "/1a2b3c4d.der", "404 Not Found", b"no", agent=AGENT)
    )
    assert {finding.code for finding in found(wire.quiet(90), tmp_path).findings} == {"http-404"}
