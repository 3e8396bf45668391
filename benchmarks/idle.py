"""What is on a bridge when nothing happens, and the boots of a few thousand machines, as (time, frame) pairs in order."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from ipaddress import IPv4Address

from . import packets
from .boots import MS
from .packets import ACK, DISCOVER, OFFER, REQUEST, Host, Link

SECOND = 1000 * MS
Frame = tuple[int, bytes]
"""Time in ns, and its bytes."""
_LINK = Link("ethernet")
_SERVER = Host(bytes.fromhex("525400000001"), IPv4Address("10.77.0.1").packed)
_EVERYONE, _BROADCAST = b"\xff" * 6, b"\xff" * 4
OFFICE = 36
LEASE = 3600


def host(number: int) -> Host:
    """Machines that boot: number 0 and up."""
    return Host(b"\x52\x54\x10" + number.to_bytes(3, "big"), (0x0A4E0000 + 2 + number).to_bytes(4, "big"))


def _office(number: int) -> Host:
    return Host(b"\x00\x16\x3e\0\0" + bytes([number]), bytes([10, 77, 1, number + 10]))


def idle(begin: int, end: int) -> Iterator[Frame]:
    """Everything that falls into a span of time, unsorted."""
    for period, make in _PERIODIC:
        for turn in range(-(-begin // period), -(-end // period)):
            for number, frame in enumerate(make(turn)):
                yield turn * period + number * MS, frame


def _of_each_office_client(make: Callable[[int, Host, int], list[bytes]]) -> Callable[[int], list[bytes]]:
    """One client's turn after another."""
    return lambda turn: make(turn % OFFICE, _office(turn % OFFICE), turn)


def _arp(_number: int, client: Host, _turn: int) -> list[bytes]:
    asked = Host(_EVERYONE, _SERVER.address)
    return [packets.arp(_LINK, 1, client, asked), packets.arp(_LINK, 2, _SERVER, client)]


def _renewal(number: int, client: Host, turn: int) -> list[bytes]:
    """Half of the lease is over (RFC 2131, 4.4.5): REQUEST to the server, ACK from it; no boot options."""
    frames = []
    for kind in (REQUEST, ACK):
        reply = kind == ACK
        fixed = struct.pack(">BBBBIHH", 2 if reply else 1, 1, 6, 0, turn & 0xFFFFFFFF, 0, 0)
        fixed += client.address + (client.address if reply else bytes(4)) + bytes(8)
        fixed += client.mac.ljust(16, b"\0") + bytes(192) + b"\x63\x82\x53\x63" + bytes([53, 1, kind])
        fixed += (
            b"\x36\4" + _SERVER.address + b"\x33\4" + LEASE.to_bytes(4, "big")
            if reply
            else b"\x0c\x09office-" + f"{number:02}".encode()
        )
        ends = (_SERVER, client, (67, 68)) if reply else (client, _SERVER, (68, 67))
        frames.append(packets.udp(_LINK, *ends, fixed + b"\xff"))
    return frames


def _keep_alive(number: int, client: Host, _turn: int) -> list[bytes]:
    """A connection of last week: an old octet, and the answer (RFC 1122, 4.2.3.6)."""
    port = 40000 + number
    return [
        packets.tcp(_LINK, client, _SERVER, (port, 22), (999, 5000), 0x10),
        packets.tcp(_LINK, _SERVER, client, (22, port), (5000, 1000), 0x10),
    ]


def _scrape(number: int, client: Host, turn: int) -> list[bytes]:
    """A short connection with a request and an answer that are nobody's boot."""
    port, theirs = 32768 + turn % 28000, turn * 7919
    get = b"GET /metrics HTTP/1.1\r\nHost: 10.77.0.1:9100\r\n\r\n"
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 600\r\n\r\n" + bytes([65 + number % 26]) * 600
    return _exchange(client, (port, 9100), get, [answer], theirs)


def _exchange(client: Host, ports: tuple[int, int], get: bytes, answer: list[bytes], theirs: int) -> list[bytes]:
    """A whole connection; the client acknowledges every second segment."""
    back = ports[::-1]
    frames = [
        packets.tcp(_LINK, client, _SERVER, ports, (1000, 0), 2),
        packets.tcp(_LINK, _SERVER, client, back, (theirs, 1001), 0x12),
        packets.tcp(_LINK, client, _SERVER, ports, (1001, theirs + 1), 0x10),
        packets.tcp(_LINK, client, _SERVER, ports, (1001, theirs + 1), 0x18, get),
    ]
    mine, theirs = 1001 + len(get), theirs + 1
    for number, piece in enumerate(answer):
        frames.append(packets.tcp(_LINK, _SERVER, client, back, (theirs, mine), 0x18, piece))
        theirs += len(piece)
        if number % 2:
            frames.append(packets.tcp(_LINK, client, _SERVER, ports, (mine, theirs), 0x10))
    frames.append(packets.tcp(_LINK, client, _SERVER, ports, (mine, theirs), 0x11))
    frames.append(packets.tcp(_LINK, _SERVER, client, back, (theirs, mine + 1), 0x11))
    frames.append(packets.tcp(_LINK, client, _SERVER, ports, (mine + 1, theirs + 1), 0x10))
    return frames


def _lookup(_number: int, client: Host, turn: int) -> list[bytes]:
    """A question for a name (RFC 1035) and its answer."""
    question = b"\4host" + bytes([3]) + f"{turn % 500:03}".encode() + b"\4test\0\0\1\0\1"
    ask = struct.pack(">6H", turn & 0xFFFF, 0x0100, 1, 0, 0, 0) + question
    tell = struct.pack(">6H", turn & 0xFFFF, 0x8180, 1, 1, 0, 0) + question
    tell += b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4" + _SERVER.address
    port = 1024 + turn % 60000
    return [
        packets.udp(_LINK, client, _SERVER, (port, 53), ask),
        packets.udp(_LINK, _SERVER, client, (53, port), tell),
    ]


def _mdns(_number: int, client: Host, _turn: int) -> list[bytes]:
    group = Host(bytes.fromhex("01005e0000fb"), IPv4Address("224.0.0.251").packed)
    query = struct.pack(">6H", 0, 0, 1, 0, 0, 0) + b"\x09_services\7_dns-sd\4_udp\5local\0\0\x0c\0\1"
    return [packets.udp(_LINK, client, group, (5353, 5353), query)]


def _ssdp(_number: int, client: Host, _turn: int) -> list[bytes]:
    group = Host(bytes.fromhex("01005e7ffffa"), IPv4Address("239.255.255.250").packed)
    notify = b"NOTIFY * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nNTS: ssdp:alive\r\nNT: upnp:rootdevice\r\n\r\n"
    return [packets.udp(_LINK, client, group, (50000 + turn, 1900), notify) for turn in range(3)]


def _bpdu(_turn: int) -> list[bytes]:
    """A configuration BPDU of a port that forwards (IEEE 802.1D, 9.3.1)."""
    bridge = b"\x80\0" + _SERVER.mac
    body = bytes(5) + bridge + bytes(4) + bridge + b"\x80\1" + struct.pack(">4H", 0, 20 << 8, 2 << 8, 15 << 8)
    frame = bytes.fromhex("0180c2000000") + _SERVER.mac + struct.pack(">H", 3 + len(body)) + b"\x42\x42\x03" + body
    return [frame.ljust(60, b"\0")]


def _lldp(_turn: int) -> list[bytes]:
    body = b"\x02\x07\x04" + _SERVER.mac + b"\x04\x03\x05p1" + b"\x06\x02\0\x78" + b"\0\0"
    return [(bytes.fromhex("0180c200000e") + _SERVER.mac + b"\x88\xcc" + body).ljust(60, b"\0")]


_PERIODIC: tuple[tuple[int, Callable[[int], list[bytes]]], ...] = (
    (2 * SECOND, _bpdu),
    (30 * SECOND, _lldp),
    (60 * SECOND // OFFICE, _of_each_office_client(_arp)),
    (60 * SECOND // OFFICE, _of_each_office_client(_keep_alive)),
    (60 * SECOND // OFFICE, _of_each_office_client(_mdns)),
    (LEASE * SECOND // 2 // OFFICE, _of_each_office_client(_renewal)),
    (5 * SECOND, _of_each_office_client(_lookup)),
    (15 * SECOND, _of_each_office_client(_scrape)),
    (30 * SECOND, _of_each_office_client(_ssdp)),
)


def boot(number: int, begin: int) -> Iterator[Frame]:
    """One machine: firmware's DHCP, iPXE over TFTP, its DHCP, a script, a kernel and an initrd over HTTP."""
    client = host(number)
    at = begin

    def after(pause: int, frames: list[bytes], gap: int = MS) -> Iterator[Frame]:
        nonlocal at
        at += pause
        for frame in frames:
            yield at, frame
            at += gap

    yield from after(0, _address(client, number, ipxe=False, boot_file=b"ipxe.efi"), 500 * MS)
    there, back = (2070, 32070), (32070, 2070)
    body = b"MZ" + number.to_bytes(4, "big") * 366
    size = 24 * len(body) + 100
    transfer = [
        packets.udp(_LINK, client, _SERVER, (2070, 69), b"\0\1ipxe.efi\0octet\0tsize\x000\0blksize\x001466\0"),
        packets.udp(_LINK, _SERVER, client, back, b"\0\6tsize\0" + f"{size}\0blksize\x001466\0".encode()),
        packets.udp(_LINK, client, _SERVER, there, bytes((0, 4, 0, 0))),
    ]
    for block in range(1, 26):
        data = body if block < 25 else body[:100]
        transfer.append(packets.udp(_LINK, _SERVER, client, back, struct.pack(">HH", 3, block) + data))
        transfer.append(packets.udp(_LINK, client, _SERVER, there, struct.pack(">HH", 4, block)))
    yield from after(20 * MS, transfer)
    script = b"http://10.77.0.1/boot.ipxe"
    yield from after(900 * MS, _address(client, number ^ 1 << 28, ipxe=True, boot_file=script), 200 * MS)
    text = b"#!ipxe\nkernel vmlinuz initrd=initrd.img\ninitrd initrd.img\nboot\n"
    kernel = bytes(0x1FE) + b"\x55\xaa\xeb\x6aHdrS\x0f\2" + bytes(872)
    for place, (name, pieces) in enumerate(
        (("boot.ipxe", [text]), ("vmlinuz", [kernel, *[bytes(1400)] * 20]), ("initrd.img", [b"\x1f\x8b" * 700] * 40))
    ):
        get = f"GET /{name} HTTP/1.1\r\nHost: 10.77.0.1\r\nUser-Agent: iPXE/1.21.1\r\n\r\n".encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {sum(map(len, pieces))}\r\n\r\n".encode()
        yield from after(15 * MS, _exchange(client, (49152 + place, 80), get, [head, *pieces], number * 7919 + place))


def _address(client: Host, xid: int, *, ipxe: bool, boot_file: bytes) -> list[bytes]:
    everyone, nobody = Host(_EVERYONE, _BROADCAST), Host(client.mac, bytes(4))
    frames = []
    for kind in (DISCOVER, OFFER, REQUEST, ACK):
        payload = packets.dhcp(kind, xid, client, _SERVER, ipxe=ipxe, boot_file=boot_file)
        ends = (_SERVER, everyone, (67, 68)) if kind in {OFFER, ACK} else (nobody, everyone, (68, 67))
        frames.append(packets.udp(_LINK, *ends, payload))
    asked = Host(_EVERYONE, _SERVER.address)
    return [*frames, packets.arp(_LINK, 1, client, asked), packets.arp(_LINK, 2, _SERVER, client)]
