"""DHCP, DNS and ARP straight from a block's bytes: whole envelopes without a `Packet` between; no state, no flow.

A network that boots sends hardly anything else, so these few shapes are read by fixed positions: ARP in an untagged
Ethernet frame, and datagrams of the control ports behind Ethernet and an IPv4 header without options. What is read here
is what `wire.packet.dissect` reads; everything else is left to it.
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from ..model import Block
from ..wire.addresses import ipv4_text, mac_text
from ..wire.columns import UDP, Columns
from ..wire.ip import udp_checksum_is_wrong
from ..wire.messages import Envelope
from ..wire.packet import ARP, ETHERNET
from .ports import CONTROL_PORTS

_ARP_SIZE: Final = 14 + 28
_CONTROL = np.zeros(1 << 16, np.bool_)
_CONTROL[list(CONTROL_PORTS)] = True
_macs = Struct(">6s6s").unpack_from
_headers = Struct(">xxHHxxBxxx4s4sHHHH").unpack_from

Ints = npt.NDArray[np.int64]


class Message(NamedTuple):
    """Where a message stands in the block, and what is known of it from outside; `l3` is 0 for ARP."""

    offset: int
    l3: int
    captured: int
    original: int
    time: int
    point: int
    vlan: int


def find(block: Block, columns: Columns, index: Ints) -> Iterator[tuple[int, Message]]:
    """Those of the packets `index` that can be read here."""
    if any(interface.link_type != ETHERNET for interface in block.interfaces) or columns.point is not None:
        return iter(())
    offset, captured = block.offset[index], block.captured[index]
    buffer = np.frombuffer(block.buffer, np.uint8)
    datagram = columns.plain[index] & (columns.protocol[index] == UDP) & (columns.version[index] == 4)
    datagram &= _CONTROL[columns.source_port[index]] | _CONTROL[columns.target_port[index]]
    datagram &= buffer[columns.l3[index]] == 0x45
    arp = ~columns.plain[index] & (captured >= _ARP_SIZE)
    where = np.where(arp, offset, 0)
    arp &= (buffer[where + 12] == ARP >> 8) & (buffer[where + 13] == ARP & 0xFF)
    here = np.flatnonzero(datagram | arp)
    index = index[here]
    fields: list[list[Any]] = [
        offset[here].tolist(),
        np.where(arp[here], 0, columns.l3[index]).tolist(),
        captured[here].tolist(),
        block.original[index].tolist(),
        block.time[index].tolist(),
        _values(block.interface, index, 0),
        _values(columns.vlan if columns.vlan is not None else None, index, -1),
    ]
    if block.vlan is not None:  # a tag that the kernel took out of an ARP frame stands in no column
        fields[6] = np.where(arp[here], block.vlan[index], fields[6]).tolist()
    return zip(index.tolist(), map(Message._make, zip(*fields, strict=True)), strict=True)


def _values(column: npt.NDArray[Any] | None, index: Ints, default: int) -> list[Any]:
    return [default] * len(index) if column is None else column[index].tolist()


def read_datagram(view: memoryview, message: Message, capture: int, frame: int) -> tuple[Envelope, int, bytes]:
    """The envelope, the IP identification, and the UDP datagram as captured, without padding behind it."""
    offset, l3, captured, original, time, point, vlan = message
    target_mac, source_mac = _macs(view, offset)
    total, identification, hops, source, target, source_port, target_port, claimed, checksum = _headers(view, l3)
    if total == 0:
        total = offset + original - l3
    length = total - 20
    size = claimed if claimed and claimed <= length else length
    held = offset + captured - l3
    datagram = bytes(view[l3 + 20 : l3 + min(held, 20 + size)])
    wrong = checksum > 0 and claimed == size and udp_checksum_is_wrong(source + target, datagram, size)
    return (
        Envelope(
            capture,
            frame,
            time,
            mac_text(source_mac),
            mac_text(target_mac),
            vlan if vlan > 0 else None,
            ipv4_text(source),
            ipv4_text(target),
            source_port,
            target_port,
            captured < original or held < total,
            wrong,
            hops,
            point,
        ),
        identification,
        datagram,
    )


def read_arp(view: memoryview, message: Message, capture: int, frame: int) -> tuple[Envelope, bytes]:
    """The envelope and what follows the Ethernet header."""
    offset, _, captured, original, time, point, vlan = message
    target_mac, source_mac = _macs(view, offset)
    return (
        Envelope(
            capture,
            frame,
            time,
            mac_text(source_mac),
            mac_text(target_mac),
            vlan if vlan > 0 else None,
            "",
            "",
            cut=captured < original,
            point=point,
        ),
        bytes(view[offset + 14 : offset + captured]),
    )
