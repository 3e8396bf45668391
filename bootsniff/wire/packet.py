"""What is known of one frame once its headers were read, and the numbers of link types; reads nothing itself."""

from __future__ import annotations

from msgspec import Struct

ETHERNET = 1
RAW_LINKS = frozenset({12, 14, 101, 228, 229})
NULL, LOOP, SLL, SLL2 = 0, 108, 113, 276
LINK_TYPES = frozenset({ETHERNET, NULL, LOOP, SLL, SLL2} | RAW_LINKS)
"""LINKTYPE_ numbers that are read here."""

IPV4, ARP, IPV6 = 0x0800, 0x0806, 0x86DD
SLOW_PROTOCOLS = 0x8809
"""LACP and its kin (IEEE 802.3 annex 57A)."""
EAPOL = 0x888E
"""IEEE 802.1X clause 11.1.4."""
_LLC_BPDU = b"\x42\x42\x03"


class Packet(Struct):
    """Headers of one frame. Fields of layers that the frame does not have keep their defaults."""

    source_mac: str | None = None
    target_mac: str | None = None
    vlan: int | None = None
    """Outermost VLAN id; None for untagged and priority-tagged frames."""
    point: int = 0
    """Interface index of an SLL2 header."""
    ethertype: int = 0
    """Innermost; 0 for 802.3 frames with LLC."""
    llc: bytes = b""
    """Of an 802.3 frame: LLC header and what follows."""
    version: int = 0
    """4 or 6; 0 without IP."""
    source: str = ""
    target: str = ""
    protocol: int = 0
    """Of the IP payload: 1 ICMP, 6 TCP, 17 UDP, 58 ICMPv6; IPv6 extension headers are passed over."""
    identification: int = 0
    fragment_offset: int = 0
    """In bytes."""
    more_fragments: bool = False
    longest_fragment: int = 0
    """Of a datagram that was put together: the longest IP packet that a part of it came in."""
    hops_left: int = 0
    body: bytes = b""
    """IP payload as captured (a fragment's part of it)."""
    body_length: int = 0
    """IP payload by the IP header."""
    source_port: int = 0
    target_port: int = 0
    payload: bytes = b""
    """As captured: of UDP or TCP, else of IP, else of the frame. Empty for fragments but the first."""
    payload_length: int = 0
    """On the wire, whether the capture holds it or not."""
    sequence: int = 0
    acknowledgement: int = 0
    flags: int = 0
    """TCP: 1 FIN, 2 SYN, 4 RST, 8 PSH, 16 ACK."""
    window: int = 0
    bad_checksum: bool = False
    """The UDP checksum is wrong; False where it is absent or the datagram is not whole."""
    cut: bool = False
    """The capture holds less of the frame than was on the wire."""

    @property
    def fragment(self) -> bool:
        """Part of a fragmented datagram."""
        return self.more_fragments or self.fragment_offset > 0

    @property
    def bpdu(self) -> bytes | None:
        """A spanning tree BPDU (IEEE 802.1D clause 9), without its LLC header."""
        return self.llc[3:] if self.llc.startswith(_LLC_BPDU) else None
