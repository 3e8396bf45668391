"""IPv4, IPv6, UDP and TCP headers into a `Packet`; no reassembly (that is `flow`'s).

RFC 791, RFC 8200, RFC 768, RFC 9293. The readers fill the packet they are given and raise `Malformed`.
"""

from __future__ import annotations

from struct import Struct

from ..errors import Malformed
from .addresses import ipv4_text, ipv6_text
from .packet import Packet

TCP, UDP = 6, 17
_MAX_EXTENSIONS = 16
"""Extension headers that are passed over; real packets have two or three."""
_HOP_BY_HOP, _ROUTING, _FRAGMENT, _AH, _NO_NEXT, _DESTINATION = 0, 43, 44, 51, 59, 60
_EXTENSIONS = frozenset({_HOP_BY_HOP, _ROUTING, _DESTINATION, 135, 139, 140})  # mobility, HIP, shim6 are built alike
CHECKED_BYTES = 1024
"""Longest datagram whose checksum is looked at: control messages are short."""

_IPV4 = Struct(">BxHHHBB2x").unpack_from
_IPV6 = Struct(">IHBB").unpack_from
_PORTS = Struct(">HHHH").unpack_from
_TCP = Struct(">HHIIBBH").unpack_from


def read_ipv4(packet: Packet, data: bytes, offset: int, original: int) -> None:
    """Read an IPv4 header at `offset` and what it carries. `original` counts from the start of `data`."""
    if len(data) < offset + 20:
        raise Malformed("IPv4 header is not whole")
    first, total, identification, fragment, hops, protocol = _IPV4(data, offset)
    header = (first & 15) * 4
    if first >> 4 != 4 or header < 20:
        raise Malformed("no IPv4 header")
    if len(data) < offset + header:
        raise Malformed("IPv4 options are not whole")
    if total == 0:
        total = original - offset  # segmentation offload: the sender's card would have filled it in
    if total < header:
        raise Malformed("IPv4 total length is shorter than the header")
    packet.version = 4
    packet.source = ipv4_text(data[offset + 12 : offset + 16])
    packet.target = ipv4_text(data[offset + 16 : offset + 20])
    packet.protocol = protocol
    packet.identification = identification
    if fragment & 0x3FFF:
        packet.fragment_offset = (fragment & 0x1FFF) * 8
        packet.more_fragments = fragment & 0x2000 > 0
    packet.hops_left = hops
    packet.body = data[offset + header : offset + total]
    packet.body_length = total - header
    read_transport(packet, data[offset + 12 : offset + 20])


def read_ipv6(packet: Packet, data: bytes, offset: int, original: int) -> None:
    """Read an IPv6 header at `offset`, its extension headers and what it carries."""
    if len(data) < offset + 40:
        raise Malformed("IPv6 header is not whole")
    first, length, protocol, hops = _IPV6(data, offset)
    if first >> 28 != 6:
        raise Malformed("no IPv6 header")
    if length == 0 and protocol != _NO_NEXT:
        length = max(0, original - offset - 40)  # a jumbogram (RFC 2675), or segmentation offload
    packet.version = 6
    packet.source = ipv6_text(data[offset + 8 : offset + 24])
    packet.target = ipv6_text(data[offset + 24 : offset + 40])
    packet.hops_left = hops
    body = data[offset + 40 : offset + 40 + length]
    protocol, skipped, fragment = skip_extensions(body, protocol)
    packet.protocol = protocol
    if fragment is not None:
        packet.identification, packet.fragment_offset, packet.more_fragments = fragment
    packet.body = body[skipped:] if skipped else body
    packet.body_length = max(0, length - skipped)
    read_transport(packet, data[offset + 8 : offset + 40])


def skip_extensions(body: bytes, protocol: int) -> tuple[int, int, tuple[int, int, bool] | None]:
    """Pass over IPv6 extension headers: the protocol behind them, their bytes, and (id, offset, more) of a fragment.

    Raises Malformed when one is not whole or there are too many.
    """
    position = 0
    for _ in range(_MAX_EXTENSIONS):
        if protocol not in _EXTENSIONS and protocol not in (_FRAGMENT, _AH):
            return protocol, position, None
        if len(body) < position + 8:
            raise Malformed("IPv6 extension header is not whole")
        if protocol == _FRAGMENT:
            bits = body[position + 2] << 8 | body[position + 3]
            identification = int.from_bytes(body[position + 4 : position + 8], "big")
            following = body[position]
            position += 8
            if bits & 0xFFF9:
                return following, position, (identification, bits & 0xFFF8, bits & 1 > 0)
            protocol = following  # an atomic fragment (RFC 6946) is whole
            continue
        # AH counts in units of 4 bytes less 2 (RFC 4302), the others in units of 8 less 1.
        length = (body[position + 1] + 2) * 4 if protocol == _AH else (body[position + 1] + 1) * 8
        protocol = body[position]
        position += length
        if position > len(body):
            raise Malformed("IPv6 extension header is not whole")
    raise Malformed("too many IPv6 extension headers")


def read_transport(packet: Packet, addresses: bytes | None) -> None:
    """Read UDP or TCP out of `packet.body`. `addresses` are the raw ones, for the checksum; None leaves it unknown."""
    body = packet.body
    length = packet.body_length
    if len(body) < length:
        packet.cut = True
    if packet.fragment_offset:
        packet.payload = b""
        packet.payload_length = 0
    elif packet.protocol == UDP:
        if len(body) < 8:
            raise Malformed("UDP header is not whole")
        packet.source_port, packet.target_port, claimed, checksum = _PORTS(body)
        if claimed and claimed < 8:
            raise Malformed("UDP length is shorter than its header")
        size = claimed if claimed and claimed <= length else length
        packet.payload = body[8:size]
        packet.payload_length = size - 8
        if checksum and addresses is not None and claimed == size and not packet.more_fragments:
            packet.bad_checksum = udp_checksum_is_wrong(addresses, body[:size], size)
    elif packet.protocol == TCP:
        _read_tcp(packet, body, length)
    else:
        packet.payload = body
        packet.payload_length = length


def _read_tcp(packet: Packet, body: bytes, length: int) -> None:
    if len(body) < 20:
        raise Malformed("TCP header is not whole")
    source, target, sequence, acknowledgement, offset, flags, window = _TCP(body)
    header = (offset >> 4) * 4
    if header < 20 or header > length:
        raise Malformed("TCP data offset is out of range")
    packet.source_port = source
    packet.target_port = target
    packet.sequence = sequence
    packet.acknowledgement = acknowledgement
    packet.flags = flags
    packet.window = window
    packet.payload = body[header:]
    packet.payload_length = length - header


def udp_checksum_is_wrong(addresses: bytes, datagram: bytes, size: int) -> bool:
    """Whether a UDP datagram and its pseudo header fail to sum up to zero in one's complement (RFC 768).

    False for a datagram that is long, or of whose `size` bytes not all are there. The sum of 16-bit words in one's
    complement is the whole number modulo 65535, which one division tells.
    """
    if size > CHECKED_BYTES or len(datagram) < size:
        return False
    total = int.from_bytes(datagram, "big") << 8 * (size & 1)
    return (total + int.from_bytes(addresses, "big") + UDP + size) % 0xFFFF != 0
