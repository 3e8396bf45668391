"""Synthetic boots: firmware DHCP, a boot program over TFTP, iPXE DHCP, script, kernel and initrd over HTTP."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from ipaddress import IPv6Address

import numpy as np
import numpy.typing as npt

from . import packets
from .assemble import TCP_ACK, TCP_DATA, TFTP_ACK, TFTP_DATA, Flow, Ints, Plan
from .packets import Host, Link, ones_sum

MS = 1_000_000
START = 1_790_000_000 * 1000 * MS
LOSS = 0.001
SEGMENT = 1440
"""Bytes of a TCP segment's payload, for IPv4 and IPv6 alike."""


@dataclass
class File:
    """A file that servers hand out."""

    name: str
    data: bytes

    def segments(self, size: int) -> tuple[npt.NDArray[np.uint8], Ints, bytes]:
        """Full segments, their sums, and what is left."""
        count = len(self.data) // size
        full = np.frombuffer(self.data, np.uint8)[: count * size].reshape(count, size)
        return full, full.view(">u2").sum(axis=1, dtype=np.int64), self.data[count * size :]


def make_file(kind: str, size: int) -> File:
    """Bytes that look like the file they are named for, the rest noise; the same on every run."""
    noise = np.random.default_rng(size).integers(0, 256, size, np.uint8).tobytes()
    if kind == "ipxe.efi":  # DOS header, PE signature, machine x86-64, optional header PE32+, EFI application
        head = b"MZ".ljust(60, b"\0") + struct.pack("<I", 64) + b"PE\0\0"
        head += struct.pack("<HHIIIHH", 0x8664, 4, 0, 0, 0, 240, 0x22)
        head += struct.pack("<H66xH38xI128x", 0x20B, 10, 16)
    elif kind == "vmlinuz":
        head = bytes(0x1FE) + b"\x55\xaa\xeb\x6aHdrS" + struct.pack("<H", 0x20F)
    elif kind == "initrd.img":
        head = b"\x1f\x8b\x08\0\0\0\0\0\2\3"
    else:
        head = b"#!ipxe\nkernel vmlinuz initrd=initrd.img\ninitrd initrd.img\nboot\n"
        return File(kind, head)
    return File(kind, head + noise[len(head) :])


@dataclass
class Truth:
    """What a reader of the capture has to find for one transfer."""

    mac: str
    protocol: str
    file: str
    bytes: int
    repeats: int


@dataclass
class Network:
    """One capture in the making."""

    link: Link
    version: int
    block_size: int = 1468
    plan: Plan = field(init=False)
    truth: list[Truth] = field(default_factory=list)
    random: np.random.Generator = field(default_factory=lambda: np.random.default_rng(7))

    def __post_init__(self) -> None:
        self.plan = Plan(self.link.type)

    def host(self, number: int) -> Host:
        """Host 1 is the server."""
        mac = bytes((0x52, 0x54, 0)) + number.to_bytes(3, "big")
        if self.version == 6:
            return Host(mac, IPv6Address(f"fd00:77::{number:x}").packed)
        return Host(mac, bytes((10, 77)) + number.to_bytes(2, "big"))

    def boot(self, client: Host, start: int, files: list[File], *, http: bool = True) -> int:
        """One machine's whole boot from `start` on; returns when it ends."""
        server = self.host(1)
        nbp, *others = files
        at = self.configure(client, server, start, ipxe=False, name=nbp.name)
        at = self.tftp(client, server, at + 20 * MS, nbp, 2070)
        if not http:
            return at
        at = self.configure(client, server, at + 900 * MS, ipxe=True, name=f"http://{self.named(server)}/boot.ipxe")
        for index, file in enumerate(others):
            at = self.http(client, server, at + 15 * MS, file, 49152 + index)
        return at

    def named(self, host: Host) -> str:
        return f"[{IPv6Address(host.address)}]" if self.version == 6 else ".".join(map(str, host.address))

    def configure(self, client: Host, server: Host, at: int, *, ipxe: bool, name: str) -> int:
        """DHCP and address resolution."""
        link, plan = self.link, self.plan
        xid = int.from_bytes(client.mac[2:], "big") ^ (0x10000000 if ipxe else 0)
        if self.version == 6:
            url = name if ipxe else f"tftp://{self.named(server)}/{name}"
            local = Host(client.mac, packets.link_local(client.mac))
            all_servers = Host(b"\x33\x33\0\1\0\2", IPv6Address("ff02::1:2").packed)
            near = Host(server.mac, packets.link_local(server.mac))
            for step, kind in enumerate((packets.SOLICIT, packets.ADVERTISE, packets.REQUEST6, packets.REPLY)):
                payload = packets.dhcpv6(kind, xid, client, server, ipxe=ipxe, url=url.encode())
                ends = (near, local, (547, 546)) if step % 2 else (local, all_servers, (546, 547))
                plan.one(at + step * 3 * MS, packets.udp(link, *ends, payload))
            plan.one(at + 13 * MS, packets.neighbour(link, 135, client, server))
            plan.one(at + 14 * MS, packets.neighbour(link, 136, server, client))
            return at + 15 * MS
        everyone, nobody = Host(b"\xff" * 6, b"\xff" * 4), Host(client.mac, bytes(4))
        for step, kind in enumerate((packets.DISCOVER, packets.OFFER, packets.REQUEST, packets.ACK)):
            payload = packets.dhcp(kind, xid, client, server, ipxe=ipxe, boot_file=name.encode())
            ends = (server, everyone, (67, 68)) if step % 2 else (nobody, everyone, (68, 67))
            plan.one(at + step * 3 * MS, packets.udp(link, *ends, payload))
        plan.one(at + 13 * MS, packets.arp(link, 1, client, Host(b"\xff" * 6, server.address)))
        plan.one(at + 14 * MS, packets.arp(link, 2, server, client))
        return at + 15 * MS

    def tftp(self, client: Host, server: Host, at: int, file: File, port: int) -> int:
        """One file in lockstep (RFC 1350, RFC 2348); a lost packet is sent again after 500 ms."""
        link, plan, size = self.link, self.plan, self.block_size
        there, back = (port, 30000 + port), (30000 + port, port)
        options = b"" if size == 512 else b"tsize\x000\0blksize\x00" + str(size).encode() + b"\0"
        request = b"\0\1" + file.name.encode() + b"\0octet\0" + options
        plan.one(at, packets.udp(link, client, server, (port, 69), request))
        if options:
            answer = b"\0\6tsize\0" + f"{len(file.data)}\0blksize\0{size}\0".encode()
            plan.one(at + MS, packets.udp(link, server, client, back, answer))
            plan.one(at + 2 * MS, packets.udp(link, client, server, there, bytes((0, 4, 0, 0))))
        full, sums, rest = file.segments(size)
        blocks = np.arange(1, len(full) + 1)
        lost = self.random.random(len(full)) < LOSS
        times = at + 3 * MS + np.cumsum(np.where(lost, 501 * MS, MS)) - MS
        data = packets.udp(link, server, client, back, struct.pack(">HH", 3, 0) + bytes(size))
        flow = self._flow(full, sums, data, packets.udp(link, client, server, there, struct.pack(">HH", 4, 0)))
        number = len(plan.flows)
        plan.flows.append(flow)
        plan.many(times, TFTP_DATA, number, blocks)
        again = times[lost] - 500 * MS
        plan.many(again, TFTP_DATA, number, blocks[lost])  # the first copy, whose acknowledgement got lost
        plan.many(times + MS // 3, TFTP_ACK, number, blocks)
        end = int(times[-1]) + MS
        last = len(full) + 1 & 0xFFFF
        plan.one(end, packets.udp(link, server, client, back, struct.pack(">HH", 3, last) + rest))
        plan.one(end + MS // 3, packets.udp(link, client, server, there, struct.pack(">HH", 4, last)))
        self.truth.append(Truth(client.mac.hex(":"), "tftp", file.name, len(file.data), int(lost.sum())))
        return end + MS

    def http(self, client: Host, server: Host, at: int, file: File, port: int) -> int:
        """One file on a connection of its own; lost segments come 30 ms late, half of them for the second time."""
        link, plan = self.link, self.plan
        there, back = (port, 80), (80, port)
        mine, theirs = 1000, (0xFFF00000 + port * 4099) & 0xFFFFFFFF
        asks = f"GET /{file.name} HTTP/1.1\r\nHost: {self.named(server)}\r\nUser-Agent: iPXE/1.21.1\r\n"
        get = f"{asks}Connection: keep-alive\r\n\r\n".encode()
        tells = f"HTTP/1.1 200 OK\r\nServer: nginx\r\nContent-Length: {len(file.data)}\r\n"
        head = f"{tells}Connection: keep-alive\r\n\r\n".encode()
        say = partial(packets.tcp, link)
        plan.one(at, say(client, server, there, (mine, 0), 2))
        plan.one(at + MS // 5, say(server, client, back, (theirs, mine + 1), 0x12))
        plan.one(at + MS // 4, say(client, server, there, (mine + 1, theirs + 1), 0x10))
        plan.one(at + MS // 3, say(client, server, there, (mine + 1, theirs + 1), 0x18, get))
        asked = mine + 1 + len(get)
        plan.one(at + MS, say(server, client, back, (theirs + 1, asked), 0x18, head))
        body = theirs + 1 + len(head)
        end = at + 2 * MS
        full, sums, rest = file.segments(SEGMENT)
        repeats = 0
        if len(full):
            index = np.arange(len(full))
            times = at + 2 * MS + index * (MS // 4)
            lost = self.random.random(len(full)) < LOSS
            seen = self.random.random(len(full)) < 0.5
            data = packets.tcp(link, server, client, back, (0, asked), 0x10, bytes(SEGMENT))
            flow = self._flow(full, sums, data, packets.tcp(link, client, server, there, (asked, 0), 0x10))
            flow.sequence = body & 0xFFFFFFFF
            number = len(plan.flows)
            plan.flows.append(flow)
            first = ~lost | seen
            plan.many(times[first], TCP_DATA, number, index[first])
            plan.many(times[lost] + 30 * MS, TCP_DATA, number, index[lost])
            held = np.arange(2, len(full) + 1, 2)
            plan.many(times[held - 1] + MS // 8, TCP_ACK, number, held)
            repeats = int((lost & seen).sum())
            end = int(times[-1]) + 31 * MS
        done = body + len(file.data)
        if rest:
            plan.one(end, say(server, client, back, (done - len(rest), asked), 0x18, rest))
        plan.one(end + MS, say(client, server, there, (asked, done), 0x11))
        plan.one(end + 2 * MS, say(server, client, back, (done, asked + 1), 0x11))
        plan.one(end + 3 * MS, say(client, server, there, (asked + 1, done + 1), 0x10))
        self.truth.append(Truth(client.mac.hex(":"), "http", file.name, len(file.data), repeats))
        return end + 4 * MS

    def _flow(self, full: npt.NDArray[np.uint8], sums: Ints, data: bytes, answer: bytes) -> Flow:
        """A flow of data packets like `data`, whose payload is zeros, and of acknowledgements like `answer`."""
        network = len(self.link.header(bytes(6), bytes(6), 0))
        template = self._template(data)[: len(data) - full.shape[1]]
        return Flow(full, sums, template, self._template(answer), network, self.version)

    def _template(self, frame: bytes) -> bytes:
        """The frame with each checksum replaced by the sum of everything that it covers and that does not vary."""
        network = len(self.link.header(bytes(6), bytes(6), 0))
        protocol = frame[network + (6 if self.version == 6 else 9)]
        data = bytearray(frame)
        transport = network + (40 if self.version == 6 else 20)
        if self.version == 4:
            data[network + 10 : network + 12] = bytes(2)
            struct.pack_into(">H", data, network + 10, ones_sum(bytes(data[network:transport])) % 0xFFFF)
        field_at = transport + (16 if protocol == 6 else 6)
        data[field_at : field_at + 2] = bytes(2)
        addresses = bytes(data[transport - (32 if self.version == 6 else 8) : transport])
        body = bytes(data[transport:])
        total = ones_sum(addresses) + protocol + len(body) + ones_sum(body)
        struct.pack_into(">H", data, field_at, total % 0xFFFF)
        return bytes(data)


def storm(network: Network, clients: int) -> Iterator[None]:
    """Every client asks for an address twice (firmware, then iPXE) and resolves the server; one in ten repeats."""
    server = network.host(1)
    for number in range(clients):
        client = network.host(2 + number)
        at = START + int(network.random.integers(0, 60_000)) * MS
        if number % 10 == 0:
            payload = packets.dhcp(packets.DISCOVER, number, client, server, ipxe=False)
            nobody, everyone = Host(client.mac, bytes(4)), Host(b"\xff" * 6, b"\xff" * 4)
            network.plan.one(at, packets.udp(network.link, nobody, everyone, (68, 67), payload))
            at += 4000 * MS
        at = network.configure(client, server, at, ipxe=False, name="ipxe.efi")
        network.configure(client, server, at + 3000 * MS, ipxe=True, name="http://10.77.0.1/boot.ipxe")
        yield
