"""Frames and blocks for the tests of this room, built by struct alone and with explicit times."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from ipaddress import ip_address

import numpy as np

from bootsniff.model import NANOSECONDS, Block, Interface

CLIENT, SERVER = "192.168.122.7", "192.168.122.1"
CLIENT_MAC, SERVER_MAC = "52:54:00:00:00:07", "52:54:00:00:00:01"
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
Frame = tuple[float, bytes]
"""Seconds, and the bytes of an Ethernet frame."""

_identification = iter(range(1, 1 << 40))


def checksum(data: bytes) -> int:
    total = int.from_bytes(data + b"\0" * (len(data) % 2), "big") % 0xFFFF
    return (~total) & 0xFFFF


def ethernet(payload: bytes, ethertype: int = 0x0800, vlan: int | None = None, *, back: bool = False) -> bytes:
    macs = [bytes.fromhex(mac.replace(":", "")) for mac in (SERVER_MAC, CLIENT_MAC)]
    tag = b"" if vlan is None else struct.pack(">HH", 0x8100, vlan)
    return b"".join(macs[::-1] if back else macs) + tag + struct.pack(">H", ethertype) + payload


def ip_packet(
    source: str, target: str, protocol: int, body: bytes, *, identification: int | None = None, flags: int = 0
) -> tuple[int, bytes]:
    """Ethertype and an IPv4 or IPv6 datagram."""
    one, other = ip_address(source), ip_address(target)
    if one.version == 6:
        header = struct.pack(">IHBB", 6 << 28, len(body), protocol, 64) + one.packed + other.packed
        return 0x86DD, header + body
    number = next(_identification) & 0xFFFF if identification is None else identification
    header = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(body), number or 1, flags, 64, protocol, 0)
    header += one.packed + other.packed
    return 0x0800, header[:10] + struct.pack(">H", checksum(header)) + header[12:] + body


def frame(source: str, target: str, protocol: int, body: bytes, vlan: int | None = None, **ip: int) -> bytes:
    ethertype, datagram = ip_packet(source, target, protocol, body, **ip)
    return ethernet(datagram, ethertype, vlan, back=source in {SERVER, "fd00::1"})


def udp(source: str, sport: int, target: str, dport: int, payload: bytes, vlan: int | None = None, **ip: int) -> bytes:
    return frame(source, target, 17, struct.pack(">HHHH", sport, dport, 8 + len(payload), 0) + payload, vlan, **ip)


def tcp(
    source: str,
    sport: int,
    target: str,
    dport: int,
    seq: int,
    payload: bytes = b"",
    flags: int = ACK,
    *,
    ack: int = 0,
    window: int = 64240,
    vlan: int | None = None,
    **ip: int,
) -> bytes:
    header = struct.pack(">HHIIHHHH", sport, dport, seq & 0xFFFFFFFF, ack & 0xFFFFFFFF, 5 << 12 | flags, window, 0, 0)
    return frame(source, target, 6, header + payload, vlan, **ip)


def fragments(datagram_frame: bytes, size: int, identification: int) -> list[bytes]:
    """An untagged IPv4 frame cut into fragments of `size` (a multiple of 8) bytes of IP payload."""
    link, header, body = datagram_frame[:14], bytearray(datagram_frame[14:34]), datagram_frame[34:]
    pieces = []
    for start in range(0, len(body), size):
        piece = body[start : start + size]
        more = 0x2000 if start + size < len(body) else 0
        header[2:8] = struct.pack(">HHH", 20 + len(piece), identification, more | start // 8)
        pieces.append(link + bytes(header) + piece)
    return pieces


# --- TFTP ---------------------------------------------------------------------------------------------------


def rrq(name: str, *options: str, opcode: int = 1) -> bytes:
    return struct.pack(">H", opcode) + b"".join(text.encode() + b"\0" for text in (name, "octet", *options))


def oack(*options: str) -> bytes:
    return b"\0\6" + b"".join(text.encode() + b"\0" for text in options)


def data(block: int, payload: bytes) -> bytes:
    return struct.pack(">HH", 3, block & 0xFFFF) + payload


def ack(block: int) -> bytes:
    return struct.pack(">HH", 4, block & 0xFFFF)


def error(code: int, text: str) -> bytes:
    return struct.pack(">HH", 5, code) + text.encode() + b"\0"


# --- blocks -------------------------------------------------------------------------------------------------


def block_of(
    frames: Iterable[Frame],
    first_frame: int = 1,
    *,
    capture: int = 0,
    link_type: int = 1,
    snap: int | None = None,
    interfaces: list[int] | None = None,
) -> Block:
    """One block; `snap` cuts every packet to so many bytes, `interfaces` gives each packet its interface."""
    buffer = bytearray()
    times, offsets, captured, original = [], [], [], []
    for seconds, whole in frames:
        kept = whole[:snap]
        times.append(round(seconds * NANOSECONDS))
        offsets.append(len(buffer))
        captured.append(len(kept))
        original.append(len(whole))
        buffer += kept
    points = None if interfaces is None else np.array(interfaces, np.uint16)
    count = 1 if interfaces is None else max(interfaces) + 1
    return Block(
        capture,
        buffer,
        first_frame,
        np.array(times, np.int64),
        np.array(offsets, np.int64),
        np.array(captured, np.int64),
        np.array(original, np.int64),
        points,
        tuple(Interface(link_type) for _ in range(count)),
    )
