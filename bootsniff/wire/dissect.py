"""One captured frame to its addresses, ports and payload; no state, nothing above UDP and TCP.

Link types: Ethernet (any number of VLAN tags), Linux cooked captures (SLL, SLL2), raw IP, BSD null and loop.
Headers that are not whole raise `Malformed`; a payload that the capture cut is fine, `cut` tells.
"""

from __future__ import annotations

from msgspec.structs import replace

from ..errors import Malformed
from . import ip
from .addresses import mac_text
from .packet import ETHERNET, IPV4, IPV6, LOOP, NULL, RAW_LINKS, SLL, SLL2, Packet

_TAGS = frozenset({0x8100, 0x88A8, 0x9100, 0x9200, 0x9300})
_NULL_FAMILIES = {2: 4, 10: 6, 24: 6, 28: 6, 30: 6}  # AF_INET, and AF_INET6 of Linux, NetBSD, FreeBSD, macOS
_SNAP = b"\xaa\xaa\x03\x00\x00\x00"


def dissect(data: bytes | memoryview, original: int, link_type: int, vlan: int | None = None) -> Packet:
    """Read the headers of one frame.

    `original` is its length on the wire, `vlan` the tag that the kernel took out of it. Raises Malformed when a
    header is not whole or contradicts itself, and for other link types.
    """
    frame = data if type(data) is bytes else bytes(data)
    packet = Packet()
    if len(frame) < original:
        packet.cut = True
    packet.vlan = vlan or None
    if link_type == ETHERNET:
        if len(frame) < 14:
            raise Malformed("Ethernet header is not whole")
        packet.target_mac = mac_text(frame[:6])
        packet.source_mac = mac_text(frame[6:12])
        _network(packet, frame, 14, original, frame[12] << 8 | frame[13])
    elif link_type in RAW_LINKS:
        dissect_ip(frame, original, packet)
    elif link_type == SLL2:
        _cooked2(packet, frame, original)
    elif link_type == SLL:
        _cooked(packet, frame, original)
    elif link_type in (NULL, LOOP):
        _null(packet, frame, original)
    else:
        raise Malformed(f"link type {link_type} is not read here")
    return packet


def dissect_ip(data: bytes, original: int, packet: Packet | None = None) -> Packet:
    """Read an IP datagram that has no link header (or whose link header is in `packet` already)."""
    packet = packet or Packet()
    version = data[0] >> 4 if data else 0
    if version == 4:
        packet.ethertype = IPV4
        ip.read_ipv4(packet, data, 0, original)
    elif version == 6:
        packet.ethertype = IPV6
        ip.read_ipv6(packet, data, 0, original)
    else:
        raise Malformed("neither IPv4 nor IPv6")
    return packet


def reassembled(first: Packet, body: bytes) -> Packet:
    """The datagram whose fragments made up `body`: headers of its first fragment, ports and payload anew."""
    whole = replace(first, fragment_offset=0, more_fragments=False, body=body, body_length=len(body), cut=False)
    ip.read_transport(whole, None)
    return whole


def _network(packet: Packet, frame: bytes, offset: int, original: int, ethertype: int) -> None:
    """What follows the link header: VLAN tags, then IP, LLC or something else."""
    while ethertype in _TAGS:
        if len(frame) < offset + 4:
            raise Malformed("VLAN tag is not whole")
        if packet.vlan is None:
            packet.vlan = (frame[offset] << 8 | frame[offset + 1]) & 0xFFF or None  # 0: a priority tag, no VLAN
        ethertype = frame[offset + 2] << 8 | frame[offset + 3]
        offset += 4
    if ethertype <= 1500 and frame.startswith(_SNAP, offset) and len(frame) >= offset + 8:
        ethertype = frame[offset + 6] << 8 | frame[offset + 7]  # RFC 1042
        offset += 8
    if ethertype == IPV4:
        packet.ethertype = ethertype
        ip.read_ipv4(packet, frame, offset, original)
    elif ethertype == IPV6:
        packet.ethertype = ethertype
        ip.read_ipv6(packet, frame, offset, original)
    else:
        packet.payload = frame[offset:]
        packet.payload_length = max(0, original - offset)
        if ethertype > 1500:
            packet.ethertype = ethertype
        else:  # 802.3: the field is the length, what follows is LLC (0x0001 and 0x0004 stand there in cooked headers)
            packet.llc = packet.payload[:ethertype] if ethertype > 4 else packet.payload


def _cooked(packet: Packet, frame: bytes, original: int) -> None:
    """LINKTYPE_LINUX_SLL: packet type, ARPHRD type, address length, address, protocol."""
    if len(frame) < 16:
        raise Malformed("SLL header is not whole")
    if frame[4] << 8 | frame[5] == 6:
        packet.source_mac = mac_text(frame[6:12])
    _network(packet, frame, 16, original, frame[14] << 8 | frame[15])


def _cooked2(packet: Packet, frame: bytes, original: int) -> None:
    """LINKTYPE_LINUX_SLL2: protocol, interface index, ARPHRD type, packet type, address length, address."""
    if len(frame) < 20:
        raise Malformed("SLL2 header is not whole")
    packet.point = int.from_bytes(frame[4:8], "big")
    if frame[11] == 6:
        packet.source_mac = mac_text(frame[12:18])
    _network(packet, frame, 20, original, frame[0] << 8 | frame[1])


def _null(packet: Packet, frame: bytes, original: int) -> None:
    """LINKTYPE_NULL in either byte order, LINKTYPE_LOOP: an address family, then IP."""
    if len(frame) < 4:
        raise Malformed("loopback header is not whole")
    family = int.from_bytes(frame[:4], "big")
    version = _NULL_FAMILIES.get(family) or _NULL_FAMILIES.get(int.from_bytes(frame[:4], "little"))
    if version is None:
        raise Malformed(f"loopback header names no IP family but {family}")
    _network(packet, frame, 4, original, IPV4 if version == 4 else IPV6)
