"""Blocks and pcapng files for tests: built and read plainly, one packet at a time."""

import struct
from pathlib import Path
from typing import NamedTuple

import numpy as np

from bootsniff.model import Block, Interface


class Packet(NamedTuple):
    time: int
    data: bytes
    original: int | None = None
    tag: int = 0
    interface: int = 0


def block_of(
    packets: list[Packet],
    *,
    capture: int = 0,
    first_frame: int = 1,
    interfaces: tuple[Interface, ...] = (Interface(1, "virbr0"),),
    gap: int = 7,
) -> Block:
    """A Block with `gap` bytes of something else around each packet, as in a ring."""
    buffer = bytearray()
    offsets = []
    for packet in packets:
        buffer += b"\xee" * gap
        offsets.append(len(buffer))
        buffer += packet.data
    buffer += b"\xee" * gap
    tags = np.array([packet.tag for packet in packets], np.uint32)
    return Block(
        capture=capture,
        buffer=buffer,
        first_frame=first_frame,
        time=np.array([packet.time for packet in packets], np.int64),
        offset=np.array(offsets, np.int64),
        captured=np.array([len(packet.data) for packet in packets], np.int64),
        original=np.array(
            [len(packet.data) if packet.original is None else packet.original for packet in packets], np.int64
        ),
        interface=np.array([packet.interface for packet in packets], np.uint16) if len(interfaces) > 1 else None,
        interfaces=interfaces,
        vlan=np.where(tags != 0, tags & 0xFFF, -1).astype(np.int32) if tags.any() else None,
        vlan_tag=tags if tags.any() else None,
    )


class Written(NamedTuple):
    """What a pcapng file holds: (interface, time, original length, bytes) of each packet, and the rest."""

    packets: list[tuple[int, int, int, bytes]]
    interfaces: list[tuple[int, str]]
    statistics: list[tuple[int, int, int]]
    """(interface, received, dropped)"""


def read_pcapng(path: Path, *, growing: bool = False) -> Written:
    """Reads strictly: every block must be whole and both of its lengths the same; the last one of a `growing` file not."""
    raw = path.read_bytes()
    result = Written([], [], [])
    at = 0
    while at < len(raw):
        if growing and (at + 8 > len(raw) or at + struct.unpack_from("<I", raw, at + 4)[0] > len(raw)):
            break
        kind, length = struct.unpack_from("<II", raw, at)
        assert length >= 12
        assert length % 4 == 0
        assert at + length <= len(raw), "a block is cut"
        assert struct.unpack_from("<I", raw, at + length - 4)[0] == length
        body = raw[at + 8 : at + length - 4]
        if kind == 0x0A0D0D0A:
            assert body[:4] == b"\x4d\x3c\x2b\x1a"
        elif kind == 1:
            options = dict(_options(body[8:]))
            assert options[9] == b"\x09"
            result.interfaces.append((struct.unpack_from("<H", body)[0], options.get(2, b"").decode()))
        elif kind == 6:
            number, high, low, captured, original = struct.unpack_from("<5I", body)
            assert len(body) == 20 + captured + -captured % 4
            result.packets.append((number, high << 32 | low, original, body[20 : 20 + captured]))
        elif kind == 5:
            options = dict(_options(body[12:]))
            received, dropped = (int.from_bytes(options[code], "little") for code in (4, 5))
            result.statistics.append((struct.unpack_from("<I", body)[0], received, dropped))
        else:
            raise AssertionError(f"block type {kind}")
        at += length
    return result


def _options(raw: bytes) -> list[tuple[int, bytes]]:
    found = []
    at = 0
    while at + 4 <= len(raw):
        code, length = struct.unpack_from("<HH", raw, at)
        if code == 0:
            break
        found.append((code, raw[at + 4 : at + 4 + length]))
        at += 4 + length + -length % 4
    return found
