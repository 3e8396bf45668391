"""Boots as real firmware and real servers were seen to fail, as packets."""

from __future__ import annotations

import struct
from collections.abc import Callable

from .boots import INITRD, KERNEL, PXELINUX, SCRIPT, give_up
from .boots_more import to_itself
from .boots_text import PXELINUX_CONFIG
from .packets import SERVER_MAC, Wire, mac_bytes
from .scene import CLIENT, SERVER, packed
from .wire_faults import PXE_NOTES, Case

PROXY = "192.168.122.9"
CONTAINER = "172.17.0.2"
IPXE_TIMES = (0, 1, 3, 7)
_MENU = bytes.fromhex("060103 0a0400505845 0807000f01c0a87a09 090a000f07496e7374616c6c ff")
"""Discovery control 3, a prompt, boot server type 15 at the proxy, a menu with it."""
_ITEM = bytes.fromhex("4704000f0000ff")


def bpdus(wire: Wire, begin: float, end: float, *, opens: float | None, hello: int = 2, delay: int = 15) -> Wire:
    """Configuration BPDUs of a Linux bridge, which tell of a topology change once the port is open."""
    time = begin
    while time < end:
        flags = 1 if opens is not None and opens <= time < opens + 35 else 0
        times = struct.pack("<4H", 0, 20, hello, delay)
        body = b"\0\0\0\0" + bytes((flags,)) + bytes(8) + bytes(4) + bytes(8) + b"\x80\1" + times
        frame = mac_bytes("01:80:c2:00:00:00") + mac_bytes("ba:13:bb:e0:17:d8") + struct.pack(">H", 38) + b"\x42\x42\3"
        wire.packets.append((time, (frame + body).ljust(60, b"\0")))
        time += hello
    return wire


def listening(
    *, end: float = 80, opens: float | None = 30, begin: float = -1, asks: tuple[float, ...] = IPXE_TIMES
) -> Wire:
    """A machine whose link came up when it was switched on, behind a bridge that listens and learns for 30 s."""
    wire = Wire("ipxe-bios").discover(*asks)
    wire.arp(-8, "192.168.122.99")
    return bpdus(wire, begin, end, opens=opens).quiet(max(end, asks[-1] + 60))


def discovery(
    kind: str = "ipxe-bios", *, answered: bool = False, target: str = "255.255.255.255", port: int = 67
) -> Wire:
    """The menu names a boot server type; the DHCP server takes the broadcast for a matter of the lease."""
    wire = Wire(kind)
    wire.dhcp(0, 1)
    wire.dhcp(0.1, 2, server=PROXY, your=None, option60="PXEClient", option43=_MENU)
    wire.dhcp(0.2, 2)
    wire.dhcp(0.3, 3)
    wire.dhcp(0.4, 5)
    for time in (10, 11):
        wire.dhcp(time, 3, your=None, target="255.255.255.255")
        moment, frame = wire.packets.pop()
        wire.udp(moment, CLIENT, 68, target, port, frame[42:-1] + bytes((43, len(_ITEM))) + _ITEM + b"\xff")
        if port == 67:
            wire.dhcp(time + 0.01, 5)
    if answered:
        wire.dhcp(11.1, 5, server=PROXY, your=None, file="pxelinux.0", option60="PXEClient", option43=_ITEM)
        wire.get(12, "pxelinux.0", PXELINUX).get(13, "pxelinux.cfg/default", PXELINUX_CONFIG)
        return wire.get(14, "linux", KERNEL).get(15, "initrd.gz", INITRD).quiet(90)
    return give_up(wire, 15) if kind.startswith("efi") else wire.quiet(20)


def any_option() -> Wire:
    """The header's file field holds an option of another kind, which an old ROM takes for the name."""
    wire = Wire("bios-pxe")
    option = b"\xe0\x06vendor"
    for number, kind in enumerate((1, 2, 3, 5)):
        wire.dhcp(number / 10, kind, option67="pxelinux.0")
        if kind in (2, 5):
            time, frame = wire.packets.pop()
            bootp = frame[42:]
            fields = bytes(64) + (option + b"\xff").ljust(128, b"\0")
            wire.udp(time, SERVER, 67, "255.255.255.255", 68, bootp[:44] + fields + bootp[236:-1] + b"\x34\1\1\xff")
    wire.port += 1
    wire.udp(1, CLIENT, wire.port, SERVER, 69, b"\0\1" + option + b"\xff\0octet\0tsize\x000\0")
    wire.error(1.01, 1, "File not found")
    return wire.quiet(90)


def no_room(kind: str = "efi-x64-pxe", *, tsize: int = 400_000_000) -> Wire:
    """The machine learns the size of the file, and goes no further."""
    if kind == "efi-x64-pxe":
        wire = Wire(kind).lease(file="big.efi")
        wire.rrq(1, "big.efi")
        wire.oack(1.01, tsize=tsize)
        wire.error(1.02, 8, "User aborted the transfer", by_client=True)
        return give_up(wire, 4)
    wire = Wire(kind).lease(file=f"tftp://{SERVER}/boot.ipxe").get(1, "boot.ipxe", SCRIPT)
    wire.rrq(2, "linux")
    wire.oack(2.01, tsize=tsize)
    wire.error(2.02, 0, "TFTP Aborted", by_client=True)
    return wire.quiet(8)


def the_same_block_for_ever() -> Wire:
    """Server and machine send each other the last block that they have a number for, and its ACK, with no long pause."""
    wire = Wire("ipxe-bios").lease(file="big.iso")
    wire.rrq(1, "big.iso", blksize=8)
    wire.oack(1.01, blksize=8, tsize=600000)
    wire.ack(1.02, 0)
    for block in range(1, 32768):
        wire.data(1.02 + block / 10000, block, b"12345678")
    for number in range(50):
        wire.ack(8 + number, 32767)
        wire.data(8.01 + number, 32767, b"12345678")
    return wire


def last_request_last() -> Wire:
    """The capture ends with the last request of iPXE, which gives up without another packet."""
    wire = Wire("ipxe-bios").lease(file="pxelinux.0")
    wire.arp(0.9, SERVER)
    wire.arp(0.95, SERVER, answer=True)
    for time in (1, 1.25, 1.8, 2.8, 4.9, 8.9):
        wire.rrq(time, "pxelinux.0", again=time > 1)
    return wire


def rewritten(named: str = SERVER) -> Wire:
    """The host's bridge puts a container's address into the requests; the machine does not know that address."""
    wire = Wire("bios-pxe").lease(file="pxelinux.0", next_server=named)
    wire.hosts |= {CONTAINER: SERVER_MAC}
    for time in (1, 5, 9, 13):
        wire.rrq(time, "pxelinux.0", server=CONTAINER, again=time > 1)
        wire.oack(time + 0.01, server=CONTAINER)
    return wire.quiet(90)


def unheard_and_unchecked() -> Wire:
    """Offers to the address itself, captured on the host that leaves their checksums to the card."""
    wire = Wire()
    for gap in (0, 4, 12, 28):
        wire.dhcp(gap, 1, secs=gap)
        wire.dhcp(gap + 0.1, 2, file="grubx64.efi")
        to_itself(wire)
        time, frame = wire.packets.pop()
        wire.packets.append((time, frame[:40] + b"\x12\x34" + frame[42:]))
    return wire.quiet(120)


def bare_proxy() -> Wire:
    """A ProxyDHCP server of one's own that does not say PXEClient: iPXE has nothing to boot, whatever it names."""
    wire = Wire("ipxe-bios")
    wire.dhcp(0, 1)
    wire.dhcp(0.1, 2, server=PROXY, your=None, file="pxelinux.0")
    wire.dhcp(0.2, 2)
    wire.dhcp(0.3, 3)
    wire.dhcp(0.4, 5)
    return wire.quiet(25)


def uboot_without_architecture(kind: str = "u-boot-other") -> Wire:
    """U-Boot for a PC is named no file, and finds none of its own name."""
    return Wire(kind).lease().missing(1, "boot.scr.uimg").quiet(200)


def two_speakers(*, other: str = "46:8e:60:6b:13:f0", speaks_for: tuple[str, ...] = (CLIENT,)) -> Wire:
    """Another host has the address of the lease, and speaks ARP; the boot goes well all the same."""
    wire = Wire("bios-pxe").lease(file="pxelinux.0")
    wire.arp(0.9, SERVER)
    head = struct.pack(">HHBBH", 1, 0x0800, 6, 4, 1) + mac_bytes(other)
    for address in speaks_for:
        asks = head + packed(address) + bytes(6) + packed(SERVER)
        wire.packets.append((0.95, b"\xff" * 6 + mac_bytes(other) + b"\x08\x06" + asks))
    wire.get(1, "pxelinux.0", PXELINUX).get(2, "pxelinux.cfg/default", PXELINUX_CONFIG)
    return wire.get(3, "linux", KERNEL).get(4, "initrd.gz", INITRD).quiet(90)


def full_field(length: int = 127) -> Wire:
    """The header holds a name of as many bytes, of which the server has no file."""
    name = "deploy/".ljust(length, "x")
    return Wire("ipxe-bios").lease(file=name).missing(1, name).quiet(90)


def directory() -> Wire:
    """DHCP names a directory."""
    return (
        Wire()
        .lease(file="images/")
        .missing(1, "images/", code=0, text="cannot read /srv/tftp/images: Is a directory")
        .quiet(90)
    )


FAULTS: dict[str, Case] = {
    "dhcp-bootfile-too-long, cut by the server": Case(
        full_field, "dhcp-bootfile-too-long", ("tftp",), ("tftp-file-not-found",)
    ),
    "tftp-file-not-found, one byte shorter": Case(lambda: full_field(126), "tftp-file-not-found", ("tftp",)),
    "proxydhcp-offer-without-pxeclient, iPXE": Case(
        bare_proxy, "proxydhcp-offer-without-pxeclient", ("dhcp", "proxydhcp")
    ),
    "link-stp-delay, older BPDUs": Case(listening, "link-stp-delay", ("dhcp", "link")),
    "link-stp-delay, the port is still closed": Case(
        lambda: listening(end=25, opens=None), "link-stp-delay", ("dhcp", "link")
    ),
    "pxe-boot-server-discovery-unanswered, iPXE": Case(
        discovery, "pxe-boot-server-discovery-unanswered", ("proxydhcp",)
    ),
    "pxe-boot-server-discovery-unanswered, UEFI": Case(
        lambda: discovery("efi-x64-pxe"),
        "pxe-boot-server-discovery-unanswered",
        ("proxydhcp",),
        ("proxydhcp-silent-for-non-pxeclient", *PXE_NOTES),
    ),
    "pxe-boot-server-discovery-unanswered, multicast": Case(
        lambda: discovery(target="224.0.1.2", port=4011), "pxe-boot-server-discovery-unanswered", ("proxydhcp",)
    ),
    "proxydhcp-4011-unanswered, asked for an item": Case(
        lambda: discovery("efi-x64-pxe", target=PROXY, port=4011),
        "proxydhcp-4011-unanswered",
        ("proxydhcp",),
        ("proxydhcp-silent-for-non-pxeclient", *PXE_NOTES),
    ),
    "dhcp-option-overload, any option": Case(any_option, "dhcp-option-overload", ("tftp",)),
    "tftp-client-aborts, no room for UEFI": Case(no_room, "tftp-client-aborts", ("tftp",), PXE_NOTES),
    "tftp-client-aborts, no room for iPXE": Case(lambda: no_room("ipxe-bios"), "tftp-client-aborts", ("tftp",)),
    "tftp-block-rollover, for ever": Case(the_same_block_for_ever, "tftp-block-rollover", ("tftp",)),
    "tftp-no-reply, the last request is the last packet": Case(last_request_last, "tftp-no-reply", ("tftp",)),
    "dhcp-reply-unicast-not-delivered, unchecked": Case(
        unheard_and_unchecked,
        "dhcp-reply-unicast-not-delivered",
        ("dhcp",),
        ("dhcp-bad-udp-checksum",),
    ),
}

HEALTHY: dict[str, Callable[[], Wire]] = {
    "a boot server that answers the discovery": lambda: discovery(answered=True),
    "an address that another host has as well": two_speakers,
}

OPEN: dict[str, Callable[[], Wire]] = {
    "BPDUs from the first packet on": lambda: listening(begin=-8, opens=None),
    "the port had been open for long": lambda: listening(asks=(60, 61, 63, 67), end=140),
    "another port opened while it asked": lambda: listening(begin=-600, opens=20, asks=(0, 4, 12, 28)),
    "it asks on behind an open port": lambda: listening(asks=(20, 24, 40, 56), end=140),
}
"""Machines that nobody answers behind ports of the older spanning tree that are not to blame."""
