"""A machine that asks by ARP whether its own address is free wants no answer."""

from __future__ import annotations

import struct
from pathlib import Path

from tests.rules.packets import BROADCAST, Wire, mac_bytes, machine, read
from tests.rules.scene import CLIENT, MAC, packed


def test_probes_for_its_own_address_are_no_obstacle(tmp_path: Path) -> None:
    """RFC 5227 section 2.1: the sender's address is 0.0.0.0, and silence is what it hopes for."""
    wire = Wire("efi-x64-pxe").lease(file="x.0")
    for time in (1, 2, 3):
        probe = struct.pack(">HHBBH", 1, 0x0800, 6, 4, 1) + mac_bytes(MAC) + packed("0.0.0.0") + bytes(6)
        wire.packets.append((time, mac_bytes(BROADCAST) + mac_bytes(MAC) + b"\x08\x06" + probe + packed(CLIENT)))
    found = machine(read(wire.quiet(90).save(tmp_path / "x.pcap")))
    assert (found.status, found.boots[-1].stalled_at) == ("stalled", "tftp")
