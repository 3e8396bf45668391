"""The messages that decoders build: plain values, treated as immutable; no decoding and no state here.

Addresses are text (`192.168.2.1`, `fd00::1`), MACs lower case with colons, every other text has passed
`printable()`. Optional fields are None when the message does not carry them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from msgspec import Struct

from .numbers import icmp_name


class Envelope(Struct, gc=False):
    """Where and when a message was seen, and the headers around it."""

    capture: int
    frame: int
    time: int
    source_mac: str | None
    target_mac: str | None
    vlan: int | None
    source: str
    """Source address; empty for messages without IP."""
    target: str
    source_port: int = 0
    target_port: int = 0
    cut: bool = False
    """The capture holds only the beginning of this packet."""
    bad_checksum: bool = False
    hops_left: int = 0
    """IP TTL or hop limit."""
    point: int = 0
    """Capture point inside the capture: pcapng interface or SLL2 interface index; one packet may be seen at several."""


class DhcpOptions(Struct, eq=False, gc=False):
    """DHCPv4 options of one message: code to bytes, split options joined (RFC 3396), in order of first sight.

    Thousands of messages differ in a few options only, such as a UUID: the others are kept once for all of them.
    """

    codes: bytes
    values: tuple[bytes | tuple[int, int], ...]
    """A value, or from where to where it stands in `own`."""
    own: bytes = b""
    """What only this message says."""

    def get(self, code: int) -> bytes | None:
        index = self.codes.find(code)
        if index < 0:
            return None
        value = self.values[index]
        return value if isinstance(value, bytes) else self.own[value[0] : value[1]]

    def __contains__(self, code: int) -> bool:
        return code in self.codes

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        for code, value in zip(self.codes, self.values, strict=True):
            yield code, value if isinstance(value, bytes) else self.own[value[0] : value[1]]

    def __len__(self) -> int:
        return len(self.codes)


class PxeBootServer(Struct):
    """One entry of PXE sub-option 8: a boot server type and its addresses."""

    type: int
    addresses: tuple[str, ...]


class PxeOptions(Struct):
    """Option 43 read as PXE vendor options (PXE 2.1 specification, table 2-1)."""

    discovery_control: int | None = None  # sub-option 6
    boot_servers: tuple[PxeBootServer, ...] = ()  # sub-option 8
    menu: tuple[tuple[int, str], ...] = ()  # sub-option 9: type, description
    prompt: tuple[int, str] | None = None  # sub-option 10: timeout in s (255 = for ever), text
    boot_item: tuple[int, int] | None = None  # sub-option 71: type, layer
    others: tuple[int, ...] = ()


class IpxeOptions(Struct):
    """Option 175, the encapsulated iPXE options."""

    features: tuple[str, ...] = ()
    """Names of the feature flags that are set: `http`, `https`, `tftp`, `efi`, `pxe`, `bzimage`, …"""
    priority: int | None = None  # 175.1
    keep_san: int | None = None  # 175.8
    no_proxydhcp: int | None = None  # 175.176
    version: str | None = None  # 175.235
    bus_id: str | None = None  # 175.177
    others: tuple[int, ...] = ()


class RelayInformation(Struct):
    """Option 82 (RFC 3046)."""

    circuit_id: str | None
    remote_id: str | None
    link: str | None = None
    """An address of the machine's network, where the relay's own is of another (sub-option 5, RFC 3527)."""


class DhcpMessage(Struct, gc=False):
    """A BOOTP or DHCPv4 message (RFC 951, RFC 2131). Options are decoded on demand by `wire.dhcp_options`."""

    op: int
    """1 BOOTREQUEST, 2 BOOTREPLY."""
    hops: int
    xid: int
    secs: int
    broadcast: bool
    client_ip: str | None  # ciaddr; None when 0.0.0.0
    your_ip: str | None  # yiaddr
    next_server: str | None  # siaddr
    relay: str | None  # giaddr
    client_mac: str  # chaddr
    server_name: str | None  # sname, None when empty or overloaded
    file: str | None  # the header's boot file name, None when empty or overloaded
    options: DhcpOptions
    message_type: int | None  # option 53; None for plain BOOTP
    overload: int = 0  # option 52
    problems: tuple[str, ...] = ()
    """What was wrong with the encoding, in words; the rest was decoded all the same."""


class DhcpType:
    """Values of DHCP option 53 (RFC 2132 section 9.6)."""

    DISCOVER = 1
    OFFER = 2
    REQUEST = 3
    DECLINE = 4
    ACK = 5
    NAK = 6
    RELEASE = 7
    INFORM = 8


class Dhcpv6Type:
    """Types of DHCPv6 messages (RFC 8415 section 7.3)."""

    SOLICIT = 1
    ADVERTISE = 2
    REQUEST = 3
    REPLY = 7
    RECONFIGURE = 10
    INFORMATION_REQUEST = 11
    FROM_SERVER = frozenset({ADVERTISE, REPLY, RECONFIGURE})


class Dhcpv6Message(Struct):
    """A DHCPv6 message (RFC 8415), relay envelopes taken off."""

    type: int
    """1 SOLICIT 2 ADVERTISE 3 REQUEST 4 CONFIRM 5 RENEW 6 REBIND 7 REPLY 8 RELEASE 9 DECLINE 11 INFORMATION-REQUEST."""
    xid: int
    client_duid: bytes | None  # option 1
    server_duid: bytes | None  # option 2
    client_mac: str | None
    """From the DUID (LLT, LL), else from the relay's option 79 or `peer`; None when none of them tells."""
    uuid: str | None
    """From a DUID-UUID (RFC 6355)."""
    addresses: tuple[str, ...] = ()  # IA_NA addresses, option 3/5
    requested_options: tuple[int, ...] = ()  # option 6
    user_class: str | None = None  # option 15
    vendor_class: str | None = None  # option 16, without the enterprise number
    boot_file_url: str | None = None  # option 59
    boot_file_parameters: tuple[str, ...] = ()  # option 60
    arch: tuple[int, ...] = ()  # option 61
    undi: tuple[int, int, int] | None = None  # option 62
    dns_servers: tuple[str, ...] = ()  # option 23
    status: tuple[int, str] | None = None  # option 13, top level or inside IA_NA
    relays: tuple[str, ...] = ()
    """Link addresses of the relays, outermost first."""
    peer: str | None = None
    """The client's own address, as the relay next to it names it (RFC 8415 section 9.1); None without a relay."""
    problems: tuple[str, ...] = ()

    @property
    def says_no_addresses(self) -> bool:
        """NoAddrsAvail (RFC 8415 section 21.13)."""
        return self.status is not None and self.status[0] == 2


class ArpMessage(Struct, gc=False):
    """ARP over Ethernet and IPv4 (RFC 826)."""

    operation: int  # 1 request, 2 reply
    sender_mac: str
    sender_ip: str
    target_mac: str
    target_ip: str


class QuotedPacket(NamedTuple):
    """The packet that an ICMP error quotes, as far as the quote goes."""

    source: str
    target: str
    protocol: int
    source_port: int
    target_port: int
    payload: bytes


class IcmpMessage(Struct):
    """An ICMP or ICMPv6 message; errors carry what they quote."""

    version: int  # 4 or 6
    type: int
    code: int
    quoted: QuotedPacket | None
    next_hop_mtu: int | None = None

    @property
    def text(self) -> str:
        """In words: `port unreachable`, `fragmentation needed` …, or the numbers where there is no name."""
        return icmp_name(self.version, self.type, self.code)


class RouterAdvertisement(Struct):
    """ICMPv6 type 134 (RFC 4861): who routes, and how addresses are given."""

    managed: bool  # M flag
    other: bool  # O flag
    lifetime: int  # seconds
    prefixes: tuple[str, ...] = ()


class NeighborMessage(Struct, gc=False):
    """ICMPv6 types 135 and 136 (RFC 4861): who has an address, and its answer."""

    solicitation: bool
    target: str


class Bpdu(Struct):
    """A spanning tree BPDU: whether the port that sent it forwards; None where its version does not tell."""

    version: int
    forwarding: bool | None
    topology_change: bool
    """Some port of the tree began or ceased to forward lately."""
    forward_delay: int
    """ns that a port spends listening, and as many again learning; 0 where the BPDU does not say."""


class Lacpdu(Struct):
    """An LACPDU: how the port that sent it stands to the other end of its link."""

    has_partner: bool
    """It has heard LACPDUs from there."""
    carries: bool
    """It collects and distributes: ordinary frames pass."""


class Eap(Struct):
    """A packet of IEEE 802.1X, by which a switch port asks who is there before it opens."""

    by_authenticator: bool
    """Sent by the port; else by who wants to pass it."""
    ends: bool = False
    succeeds: bool = False


class DnsMessage(Struct):
    """A DNS query or answer, first question only (RFC 1035)."""

    identifier: int
    response: bool
    rcode: int
    name: str
    query_type: int  # 1 A, 28 AAAA
    addresses: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
