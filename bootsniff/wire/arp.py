"""ARP over Ethernet and IPv4 (RFC 826); stateless."""

from __future__ import annotations

from ..errors import Malformed
from .addresses import ipv4_text, mac_text
from .messages import ArpMessage

_ETHERNET_IPV4 = b"\x00\x01\x08\x00\x06\x04"


def parse(payload: bytes) -> ArpMessage:
    """Read an ARP packet (what follows the Ethernet header); raises Malformed for other hardware or protocols."""
    if len(payload) < 28:
        raise Malformed("ARP packet is not whole")
    if payload[:6] != _ETHERNET_IPV4:
        raise Malformed("ARP is not for Ethernet and IPv4")
    return ArpMessage(
        operation=payload[6] << 8 | payload[7],
        sender_mac=mac_text(payload[8:14]),
        sender_ip=ipv4_text(payload[14:18]),
        target_mac=mac_text(payload[18:24]),
        target_ip=ipv4_text(payload[24:28]),
    )
