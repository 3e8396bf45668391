"""The name servers of a lease, of which iPXE asks the first alone (net/udp/dns.c)."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from .packets import Wire, machine, read
from .scene import SERVER, packed


def asks(*servers: str, rcode: int | None = None) -> Wire:
    """The first of these does not answer for a name, or answers with an error."""
    wire = Wire("ipxe-bios").lease(file="http://boot.lan/menu.ipxe", dns=servers[0])
    more = b"".join(map(packed, servers[1:]))
    old = b"\6\4" + packed(servers[0])
    new = b"\6" + bytes([4 * len(servers)]) + packed(servers[0]) + more
    wire.packets = [(time, _longer(data, old, new)) for time, data in wire.packets]
    for time in (1, 1.3, 2, 3, 5):
        port = wire.port
        wire.query(time, "boot.lan", rcode=rcode)
        wire.port = port
    return wire.quiet(120)


def _longer(data: bytes, old: bytes, new: bytes) -> bytes:
    """A packet with a longer option in it; nobody checks its sums."""
    if old not in data:
        return data
    grown = len(new) - len(old)
    sizes = (struct.unpack_from(">H", data, at)[0] + grown for at in (16, 38))
    total, datagram = (struct.pack(">H", size) for size in sizes)
    return (data[:16] + total + data[18:38] + datagram + data[40:]).replace(old, new)


@pytest.mark.parametrize(
    ("servers", "rcode", "hint"),
    [
        ((SERVER, "192.168.122.8", "192.168.122.9"), None, "does not ask 192.168.122.8 and 192.168.122.9"),
        ((SERVER,), None, ""),
        ((SERVER, "192.168.122.8"), 5, ""),
    ],
)
def test_name_servers_that_are_not_asked(
    servers: tuple[str, ...], rcode: int | None, hint: str, tmp_path: Path
) -> None:
    (finding,) = machine(read(asks(*servers, rcode=rcode).save(tmp_path / "x.pcap"))).findings
    assert finding.code == "dns-lookup-failed"
    assert hint in finding.summary
    assert ("does not ask" in finding.summary) == bool(hint)
    assert any("dhcp-option=6,192.168.122.8" in fix.text for fix in finding.fixes) == bool(hint)
