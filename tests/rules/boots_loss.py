"""Whole boots as packets in which something is lost on the way to the machine."""

from __future__ import annotations

import struct
from collections.abc import Callable

from .boots import INITRD, KERNEL, PXELINUX, SCRIPT, SIGNED, give_up
from .packets import Wire, checksum
from .scene import CLIENT, SERVER, packed
from .wire_faults import PXE_NOTES, Case


def fragmented(wire: Wire, time: float, number: int, payload: bytes, mtu: int = 1300) -> None:
    """A UDP packet from the server in as many IPv4 fragments as the path needs (RFC 791 section 3.2)."""
    udp = struct.pack(">HHHH", 40000 + wire.port, wire.port, 8 + len(payload), 0) + payload
    step = (mtu - 20) & ~7
    for offset in range(0, len(udp), step):
        piece = udp[offset : offset + step]
        more = 0x2000 if offset + step < len(udp) else 0
        head = struct.pack(
            ">BBHHHBBH4s4s",
            0x45,
            0,
            20 + len(piece),
            number,
            more | offset >> 3,
            64,
            17,
            0,
            packed(SERVER),
            packed(CLIENT),
        )
        packet = head[:10] + struct.pack(">H", checksum(head)) + head[12:] + piece
        wire.frame(time + offset / 1e8, SERVER, CLIENT, 0x0800, packet)


def blocks_that_do_not_arrive(*, in_fragments: bool = True, acks: bool = True) -> Wire:
    """The capture point is before the place where full blocks are lost."""
    wire = Wire().lease(file="grubx64.efi")
    wire.rrq(1, "grubx64.efi")
    wire.oack(1.01, tsize=569344)
    wire.ack(1.02, 0)
    block = struct.pack(">HH", 3, 1) + SIGNED[:1468]
    for number, time in enumerate((1.03, 2, 4, 8, 16, 32)):
        if in_fragments:
            fragmented(wire, time, number, block)
        else:
            wire.data(time, 1, block[4:])
    for time in (9, 15, 21, 26):
        if acks:
            wire.ack(time, 0)
    return give_up(wire)


def small_file(*, taken: bool = False) -> Wire:
    """As at the server: a script of one block, asked for without options, is sent each time; `taken`: but acknowledged."""
    wire = Wire("ipxe-bios").lease(file="boot.ipxe")
    wire.port += 1
    for time in (1, 1.5) if taken else (1, 1.5, 2.5, 4.5, 8.5, 16.5):
        wire.udp(time, CLIENT, wire.port, SERVER, 69, b"\0\1boot.ipxe\0octet\0")
        wire.data(time + 0.01, 1, SCRIPT)
    if not taken:
        return wire.quiet(90)
    wire.ack(1.52, 1)
    wire.fetch(2, "/linux", body=KERNEL, agent="iPXE/1.21").fetch(3, "/initrd.gz", body=INITRD, agent="iPXE/1.21")
    return wire.quiet(200)


def from_new_ports(*, gap: float = 22, oack: bool = True) -> Wire:
    """As at the server: each request comes from another port, and what is sent to it, again and again, never arrives."""
    wire = Wire("bios-pxe").lease(file="undionly.kpxe")
    for number in range(3):
        time = 1 + number * gap
        wire.rrq(time, "undionly.kpxe")
        for again in range(5):
            if oack:
                wire.oack(time + 0.01 + again / 10)
            else:
                wire.data(time + 0.01 + again / 10, 1, b"x" * 1468)
    if gap < 1:
        wire.ack(time + 0.5, 0)
        for block in range(1, 8):
            wire.data(time + 0.5 + block / 100, block, b"x" * 1468 if block < 7 else b"x" * 1191)
            wire.ack(time + 0.505 + block / 100, block)
        return wire.as_kind("ipxe-bios").lease(5, file="http://192.168.122.1/x.ipxe")
    return wire.quiet(160)


def deaf_server(*, options: bool = True) -> Wire:
    """The firewall of the TFTP server lets port 69 in and nothing else: no ACK arrives."""
    wire = Wire("ipxe-bios").lease(file="pxelinux.0")
    wire.rrq(1, "pxelinux.0")
    for time in (1.01, 2, 4, 8, 16, 32):
        if options:
            wire.oack(time, blksize=1432, tsize=42430)
        else:
            wire.data(time, 1, PXELINUX[:512])
        if time < 20:
            wire.ack(time + 0.01, 0 if options else 1)
    for time in (1.3, 1.9, 3, 12):
        wire.ack(time, 0 if options else 1)
    return wire.quiet(120)


FAULTS: dict[str, Case] = {
    "tftp-acks-lost": Case(deaf_server, "tftp-acks-lost", ("tftp",)),
    "tftp-acks-lost, no options": Case(lambda: deaf_server(options=False), "tftp-acks-lost", ("tftp",)),
    "tftp-reply-lost, a file of one block": Case(small_file, "tftp-reply-lost", ("tftp",)),
    "tftp-reply-lost, from new ports": Case(from_new_ports, "tftp-reply-lost", ("tftp",)),
    "tftp-reply-lost, from new ports, a server without options": Case(
        lambda: from_new_ports(oack=False), "tftp-reply-lost", ("tftp",)
    ),
    "tftp-mtu-blackhole, fragments are in the capture": Case(
        blocks_that_do_not_arrive, "tftp-mtu-blackhole", ("tftp",), PXE_NOTES
    ),
    "tftp-mtu-blackhole, behind a tunnel": Case(
        lambda: blocks_that_do_not_arrive(in_fragments=False), "tftp-mtu-blackhole", ("tftp",), PXE_NOTES
    ),
    "tftp-timeout-mid-transfer, the machine is gone": Case(
        lambda: blocks_that_do_not_arrive(acks=False), "tftp-timeout-mid-transfer", ("tftp",), PXE_NOTES
    ),
}


def _slow_path() -> Wire:
    """Fragments that do arrive, the first of them late."""
    wire = Wire().lease(file="grubx64.efi")
    wire.rrq(1, "grubx64.efi")
    wire.oack(1.01, tsize=len(SIGNED))
    wire.ack(1.02, 0)
    for number, time in enumerate((1.03, 2)):
        fragmented(wire, time, number, struct.pack(">HH", 3, 1) + SIGNED[:1468])
    wire.ack(1.9, 0)
    wire.ack(2.1, 1)
    for block in range(2, len(SIGNED) // 1468 + 2):
        piece = SIGNED[(block - 1) * 1468 : block * 1468]
        fragmented(wire, 2.2 + block / 100, 10 + block, struct.pack(">HH", 3, block) + piece)
        wire.ack(2.205 + block / 100, block)
    wire.get(4, "/grub/grub.cfg", b"menuentry 'x' {\n linux /linux\n initrd /initrd.gz\n}\n")
    wire.get(5, "/linux", b"\0" * 0x1FE + b"\x55\xaa" + b"\xeb\x66HdrS" + b"\0" * 8000)
    return wire.get(6, "/initrd.gz", b"\x1f\x8b\x08" + b"\1" * 9000).quiet(90)


HEALTHY: dict[str, Callable[[], Wire]] = {
    "a first block that comes late": _slow_path,
    "a file of one block that is sent twice": lambda: small_file(taken=True),
}
