"""ICMP and ICMPv6 messages that tell something about a boot: errors with what they quote, routers, neighbors.

RFC 792, RFC 1191, RFC 4443, RFC 4861. Stateless.
"""

from __future__ import annotations

from ..errors import Malformed
from .addresses import ipv4_text, ipv6_text
from .ip import TCP, UDP, skip_extensions
from .messages import IcmpMessage, NeighborMessage, QuotedPacket, RouterAdvertisement

ICMP, ICMPV6 = 1, 58
_ERRORS = {4: frozenset({3, 4, 5, 11, 12}), 6: frozenset({1, 2, 3, 4})}
_NEIGHBOR = 135, 136
"""Solicitation and advertisement."""
_MAX_PREFIXES = 32


def parse(payload: bytes, version: int) -> IcmpMessage | RouterAdvertisement | NeighborMessage | None:
    """Read an ICMP (version 4) or ICMPv6 (version 6) message; None for one that is none of these.

    Raises Malformed when the message is shorter than its header.
    """
    if len(payload) < 8:
        raise Malformed("ICMP header is not whole")
    kind, code = payload[0], payload[1]
    if version == 6 and kind == 134:
        return _router_advertisement(payload)
    if version == 6 and kind in _NEIGHBOR:
        if len(payload) < 24:
            raise Malformed("neighbor message is not whole")
        return NeighborMessage(kind == _NEIGHBOR[0], ipv6_text(payload[8:24]))
    if kind not in _ERRORS[version]:
        return None
    mtu = 0
    if version == 4 and (kind, code) == (3, 4):
        mtu = payload[6] << 8 | payload[7]  # RFC 1191; 0 from routers older than that
    elif version == 6 and kind == 2:
        mtu = int.from_bytes(payload[4:8], "big")
    return IcmpMessage(version, kind, code, _quoted(payload[8:], version), mtu or None)


def _quoted(data: bytes, version: int) -> QuotedPacket | None:
    """The quoted packet; a quote may end anywhere behind its IP header (RFC 792: 8 bytes of it suffice)."""
    if version == 4:
        if len(data) < 20 or data[0] >> 4 != 4:
            return None
        header = (data[0] & 15) * 4
        source, target, protocol = ipv4_text(data[12:16]), ipv4_text(data[16:20]), data[9]
        later_fragment = (data[6] << 8 | data[7]) & 0x1FFF > 0
        body = data[max(header, 20) :]
    else:
        if len(data) < 40 or data[0] >> 4 != 6:
            return None
        source, target = ipv6_text(data[8:24]), ipv6_text(data[24:40])
        body = data[40:]
        try:
            protocol, skipped, fragment = skip_extensions(body, data[6])
        except Malformed:
            return QuotedPacket(source, target, data[6], 0, 0, b"")
        body = body[skipped:]
        later_fragment = fragment is not None and fragment[1] > 0
    if protocol not in (TCP, UDP) or len(body) < 4 or later_fragment:
        return QuotedPacket(source, target, protocol, 0, 0, b"" if protocol in (TCP, UDP) else body)
    header = 8 if protocol == UDP else (body[12] >> 4) * 4 if len(body) > 12 else 20
    ports = body[0] << 8 | body[1], body[2] << 8 | body[3]
    return QuotedPacket(source, target, protocol, *ports, body[header:])


def _router_advertisement(payload: bytes) -> RouterAdvertisement:
    if len(payload) < 16:
        raise Malformed("router advertisement is not whole")
    prefixes: list[str] = []
    position = 16
    while position + 8 <= len(payload) and len(prefixes) < _MAX_PREFIXES:
        size = payload[position + 1] * 8
        if size == 0:
            raise Malformed("router advertisement option of length 0")
        if payload[position] == 3 and size >= 32 and position + 32 <= len(payload):
            prefixes.append(f"{ipv6_text(payload[position + 16 : position + 32])}/{payload[position + 2]}")
        position += size
    flags = payload[5]
    lifetime = payload[6] << 8 | payload[7]
    return RouterAdvertisement(flags & 0x80 > 0, flags & 0x40 > 0, lifetime, tuple(prefixes))
