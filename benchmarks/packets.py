"""Whole packets for synthetic captures: link, IP, UDP, TCP, ARP, DHCP and TFTP, with right checksums."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from ipaddress import IPv6Address


def ones_sum(data: bytes) -> int:
    """One's complement sum of 16-bit words (RFC 1071), folded; the complement of it is the checksum."""
    value = int.from_bytes(data, "big") << 8 * (len(data) & 1)
    return value % 0xFFFF or (0xFFFF if value else 0)


def checksum(*parts: bytes) -> int:
    """Of the two zeros of one's complement the one that is 0; UDP sends the other (RFC 768)."""
    return (0xFFFF - sum(map(ones_sum, parts)) % 0xFFFF) % 0xFFFF


@dataclass(frozen=True)
class Host:
    """One end: `address` has 4 or 16 bytes."""

    mac: bytes
    address: bytes


@dataclass(frozen=True)
class Link:
    """How IP packets are framed: `ethernet`, `vlan` (802.1Q tag 100) or `sll2` (Linux cooked v2)."""

    name: str

    @property
    def type(self) -> int:
        return 276 if self.name == "sll2" else 1

    def header(self, source: bytes, target: bytes, ethertype: int) -> bytes:
        if self.name == "sll2":
            return struct.pack(">HHIHBB8s", ethertype, 0, 3, 1, 0, 6, source)
        tag = b"\x81\x00\x00\x64" if self.name == "vlan" else b""
        return target + source + tag + struct.pack(">H", ethertype)


def ip(source: bytes, target: bytes, protocol: int, payload_length: int, identification: int = 0) -> bytes:
    """An IPv4 or IPv6 header, by the length of the addresses."""
    if len(source) == 16:
        return struct.pack(">IHBB", 6 << 28, payload_length, protocol, 64) + source + target
    fields = struct.pack(">BBHHHBB", 0x45, 0, 20 + payload_length, identification, 0x4000, 64, protocol)
    return fields + struct.pack(">H", checksum(fields, source, target)) + source + target


def pseudo_header(source: bytes, target: bytes, protocol: int, length: int) -> bytes:
    return source + target + struct.pack(">II", length, protocol)


def udp(
    link: Link, source: Host, target: Host, ports: tuple[int, int], payload: bytes, identification: int = 0
) -> bytes:
    length = 8 + len(payload)
    header = struct.pack(">HHH", *ports, length)
    pseudo = pseudo_header(source.address, target.address, 17, length)
    datagram = header + struct.pack(">H", checksum(pseudo, header, payload) or 0xFFFF) + payload
    return framed(link, source, target, 17, datagram, identification)


def tcp(
    link: Link,
    source: Host,
    target: Host,
    ports: tuple[int, int],
    numbers: tuple[int, int],
    flags: int,
    payload: bytes = b"",
    identification: int = 0,
) -> bytes:
    header = struct.pack(">HHIIBBH", *ports, numbers[0] & 0xFFFFFFFF, numbers[1] & 0xFFFFFFFF, 5 << 4, flags, 64240)
    pseudo = pseudo_header(source.address, target.address, 6, 20 + len(payload))
    segment = header + struct.pack(">HH", checksum(pseudo, header, payload), 0) + payload
    return framed(link, source, target, 6, segment, identification)


def framed(link: Link, source: Host, target: Host, protocol: int, body: bytes, identification: int = 0) -> bytes:
    ethertype = 0x86DD if len(source.address) == 16 else 0x0800
    header = ip(source.address, target.address, protocol, len(body), identification)
    return link.header(source.mac, target.mac, ethertype) + header + body


def arp(link: Link, operation: int, source: Host, target: Host) -> bytes:
    asked = target.mac if operation == 2 else bytes(6)
    body = struct.pack(">HHBBH", 1, 0x0800, 6, 4, operation) + source.mac + source.address + asked + target.address
    return link.header(source.mac, target.mac if operation == 2 else b"\xff" * 6, 0x0806) + body


def neighbour(link: Link, kind: int, source: Host, target: Host) -> bytes:
    """ICMPv6 neighbour solicitation (135) or advertisement (136), RFC 4861."""
    about = target if kind == 135 else source
    option = bytes([1 if kind == 135 else 2, 1]) + source.mac
    body = struct.pack(">II", 0 if kind == 135 else 0x60000000, 0)[:4] + about.address + option
    pseudo = pseudo_header(source.address, target.address, 58, 4 + len(body))
    head = bytes([kind, 0])
    return framed(link, source, target, 58, head + struct.pack(">H", checksum(pseudo, head + b"\0\0", body)) + body)


DISCOVER, OFFER, REQUEST, ACK = 1, 2, 3, 5


def dhcp(
    kind: int, xid: int, client: Host, server: Host, *, ipxe: bool, secs: int = 0, boot_file: bytes = b""
) -> bytes:
    """The UDP payload of a DHCPv4 message of an EFI x64 PXE client, or of iPXE on it."""
    reply = kind in {OFFER, ACK}
    yours = client.address if reply else bytes(4)
    fixed = struct.pack(">BBBBIHH", 2 if reply else 1, 1, 6, 0, xid, 0 if reply else secs, 0x8000)
    fixed += bytes(4) + yours + (server.address if reply else bytes(4)) + bytes(4)
    fixed += client.mac.ljust(16, b"\0") + bytes(64) + bytes(128) + b"\x63\x82\x53\x63"
    options = [(53, bytes([kind]))]
    if reply:
        options += [(54, server.address), (51, struct.pack(">I", 3600)), (1, b"\xff\xff\0\0"), (3, server.address)]
        options += [(66, b"10.77.0.1"), (67, boot_file)]
    else:
        options += [(57, b"\x05\xc0"), (55, bytes([1, 3, 6, 12, 15, 43, 60, 66, 67, 97, 128, 129])), (93, b"\0\x07")]
        options += [
            (94, b"\1\3\x10"),
            (60, b"PXEClient:Arch:00007:UNDI:003016"),
            (97, b"\0" + client.mac.ljust(16, b"\1")),
        ]
        if ipxe:
            options += [(77, b"iPXE"), (175, b"\xb1\5\1\x80\x86\x10\x0e\x13\1\1\x14\1\1\x17\1\1\x21\1\1\xeb\3\1\x15\1")]
        if kind == REQUEST:
            options += [(50, client.address), (54, server.address)]
    return fixed + b"".join(bytes([code, len(value)]) + value for code, value in options) + b"\xff"


SOLICIT, ADVERTISE, REQUEST6, REPLY = 1, 2, 3, 7


def dhcpv6(kind: int, xid: int, client: Host, server: Host, *, ipxe: bool, url: bytes = b"") -> bytes:
    """The UDP payload of a DHCPv6 message (RFC 8415, RFC 5970)."""

    def option(code: int, value: bytes) -> bytes:
        return struct.pack(">HH", code, len(value)) + value

    body = struct.pack(">I", kind << 24 | xid & 0xFFFFFF) + option(1, struct.pack(">HH", 3, 1) + client.mac)
    address = option(5, client.address + struct.pack(">II", 3600, 7200)) if kind != SOLICIT else b""
    body += option(3, struct.pack(">III", 1, 1800, 2880) + address)
    if kind != SOLICIT:
        body += option(2, struct.pack(">HH", 3, 1) + server.mac)
    if kind in {ADVERTISE, REPLY}:
        return body + option(59, url)
    body += option(6, struct.pack(">4H", 59, 60, 23, 24)) + option(8, b"\0\0") + option(61, b"\0\x07")
    body += option(62, b"\1\3\x10") + option(16, struct.pack(">IH", 343, 32) + b"PXEClient:Arch:00007:UNDI:003016")
    return body + (option(15, b"\0\4iPXE") if ipxe else b"")


def link_local(mac: bytes) -> bytes:
    """The EUI-64 address of RFC 4291."""
    return IPv6Address("fe80::").packed[:8] + bytes([mac[0] ^ 2]) + mac[1:3] + b"\xff\xfe" + mac[3:]
