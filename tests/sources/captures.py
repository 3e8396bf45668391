"""Builds capture files byte by byte, for the tests of their readers."""

import struct
from collections.abc import Sequence

Packet = tuple[int, bytes, int]

PACKETS: list[Packet] = [
    (1_700_000_000_000_001_000 + i * 1_000_000, bytes([i % 251]) * (i * 37 % 90), 100) for i in range(40)
]
"""Time in ns (whole µs), captured bytes, length on the wire."""


def pcap(
    packets: Sequence[Packet] = PACKETS,
    *,
    order: str = "<",
    magic: int = 0xA1B2C3D4,
    link_type: int = 1,
    snap: int = 65535,
    version: tuple[int, int] = (2, 4),
) -> bytes:
    unit = 1 if magic == 0xA1B23C4D else 1000
    extra = bytes(8) if magic == 0xA1B2CD34 else b""
    data = struct.pack(f"{order}IHHiIII", magic, *version, 0, 0, snap, link_type)
    return data + b"".join(
        struct.pack(f"{order}IIII", time // 10**9, time % 10**9 // unit, len(packet), original) + extra + packet
        for time, packet, original in packets
    )


def option(order: str, code: int, value: bytes) -> bytes:
    return struct.pack(f"{order}HH", code, len(value)) + value + bytes(-len(value) % 4)


def block(order: str, kind: int, body: bytes) -> bytes:
    body += bytes(-len(body) % 4)
    return struct.pack(f"{order}II", kind, len(body) + 12) + body + struct.pack(f"{order}I", len(body) + 12)


def section(order: str = "<", options: bytes = b"") -> bytes:
    return block(order, 0x0A0D0D0A, struct.pack(f"{order}IHHq", 0x1A2B3C4D, 1, 0, -1) + options)


def interface(order: str = "<", link_type: int = 1, snap: int = 0, *options: tuple[int, bytes]) -> bytes:
    body = struct.pack(f"{order}HHI", link_type, 0, snap) + b"".join(option(order, *pair) for pair in options)
    return block(order, 1, body + (bytes(4) if options else b""))


def enhanced(order: str, number: int, stamp: int, packet: bytes, original: int) -> bytes:
    header = struct.pack(f"{order}IIIII", number, stamp >> 32, stamp & 0xFFFFFFFF, len(packet), original)
    return block(order, 6, header + packet)


def obsolete(order: str, number: int, stamp: int, packet: bytes, original: int, drops: int = 0xFFFF) -> bytes:
    header = struct.pack(f"{order}HHIIII", number, drops, stamp >> 32, stamp & 0xFFFFFFFF, len(packet), original)
    return block(order, 2, header + packet)


def simple(order: str, packet: bytes, original: int) -> bytes:
    return block(order, 3, struct.pack(f"{order}I", original) + packet)


def pcapng(packets: Sequence[Packet] = PACKETS, order: str = "<") -> bytes:
    body = b"".join(enhanced(order, 0, time // 1000, packet, original) for time, packet, original in packets)
    return section(order) + interface(order) + body
