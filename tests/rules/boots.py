"""Whole boots as packets: each with one fault, and healthy ones."""

from __future__ import annotations

from collections.abc import Callable

from ..track.play import CONTENTS, pe
from .packets import Wire
from .scene import SERVER

PE = pe(0x8664).ljust(6000, b"\0")
SIGNED = pe(0x8664, signed=True).ljust(0x2100, b"\0")
ARM = pe(0xAA64).ljust(6000, b"\0")
PXELINUX = CONTENTS["pxelinux"].ljust(6000, b"\0")
IPXE = (
    pe(0x8664).ljust(3000, b"\0")
    + b"iPXE initialising devices...\0iPXE -- Open Source Network Boot Firmware"
    + b"\0" * 2000
)
KERNEL = CONTENTS["kernel"].ljust(8000, b"\0")
INITRD = CONTENTS["gzip"].ljust(9000, b"\1")
SCRIPT = CONTENTS["script"]
URL = f"http://{SERVER}/ipxe.efi"


def give_up(wire: Wire, time: float = 60) -> Wire:
    """The firmware goes on to HTTPv4 and is answered nothing useful."""
    return wire.as_kind("efi-x64-http").ignored(time)


def no_answer() -> Wire:
    return Wire().discover(0, 4, 12, 28).quiet(120)


def naks() -> Wire:
    wire = Wire("ipxe-bios").discover(0)
    for time in (0, 4, 8):
        wire.dhcp(time + 0.1, 2, file="menu.ipxe")
        wire.dhcp(time + 0.2, 3)
        wire.dhcp(time + 0.3, 6, text="wrong network")
        wire.discover(time + 3)
    return wire.quiet(90)


def competing() -> Wire:
    wire = Wire("ipxe-bios").discover(0)
    wire.dhcp(0.1, 2, server="192.168.122.254", next_server=None)
    wire.dhcp(0.2, 2, file="menu.ipxe")
    wire.dhcp(1, 3, server="192.168.122.254")
    wire.dhcp(1.1, 5, server="192.168.122.254", next_server=None)
    return wire.quiet(120)


def refused_tftp() -> Wire:
    wire = Wire("ipxe-bios").lease(file="pxelinux.0")
    for time in (1, 2, 4, 8):
        wire.icmp(time + 0.01, wire.rrq(time, "pxelinux.0", again=time > 1))
    return wire.quiet(90)


def wrong_server() -> Wire:
    wire = Wire().lease(file="shim.efi", option66="192.168.122.9", next_server=SERVER)
    for time in (1, 5, 9, 13, 17, 21):
        wire.rrq(time, "shim.efi", again=time > 1)
    return give_up(wire)


def mute_tftp() -> Wire:
    wire = Wire().lease(file="grubx64.efi")
    for time in (1, 5, 9, 13, 17, 21):
        wire.rrq(time, "grubx64.efi", again=time > 1)
    return give_up(wire)


def stranger(*, refused: bool = False) -> Wire:
    wire = Wire().lease(file="grubx64.efi")
    for time in (1, 5, 9, 13):
        wire.rrq(time, "grubx64.efi", again=time > 1)
        wire.oack(time + 0.01, server="192.168.122.77")
        if refused:
            wire.error(time + 0.02, 5, "Unknown transfer ID", server="192.168.122.77", by_client=True)
    return give_up(wire)


def black_hole() -> Wire:
    wire = Wire().lease(file="grubx64.efi")
    wire.rrq(1, "grubx64.efi")
    for time in (1.1, 5.1, 9.1):
        wire.oack(time)
        wire.ack(time + 0.01, 0)
    wire.icmp(1.2, wire.packets[-2][1][14:], sender="192.168.122.254", target=SERVER, code=4, mtu=1400)
    return give_up(wire)


def stops() -> Wire:
    wire = Wire().lease(file="grubx64.efi")
    wire.rrq(1, "grubx64.efi")
    wire.oack(1.01, tsize=900000)
    wire.ack(1.02, 0)
    for block in range(1, 20):
        wire.data(1.02 + block / 1000, block, b"x" * 1468)
        wire.ack(1.0205 + block / 1000, block)
    for time in (5, 9, 13, 17):
        wire.ack(time, 19)
    return give_up(wire)


def rollover() -> Wire:
    wire = Wire("ipxe-bios").lease(file="big.iso")
    wire.rrq(1, "big.iso", blksize=8)
    wire.oack(1.01, blksize=8, tsize=600000)
    wire.ack(1.02, 0)
    for block in range(1, 65536):
        wire.data(1.02 + block / 10000, block, b"12345678")
    for time in (12, 16, 20):
        wire.ack(time, 65535)
        wire.data(time + 0.1, 65535, b"12345678")
    return wire.quiet(180)


def aborts() -> Wire:
    wire = Wire().lease(file="huge.efi")
    wire.rrq(1, "huge.efi")
    wire.oack(1.01, tsize=900000000)
    wire.ack(1.02, 0)
    for block in range(1, 8):
        wire.data(1.02 + block / 1000, block, b"x" * 1468)
        wire.ack(1.0205 + block / 1000, block)
    wire.error(1.1, 3, "memory block too small", by_client=True)
    return give_up(wire)


def refuses_options() -> Wire:
    wire = Wire().lease(file="grubx64.efi")
    wire.missing(1, "grubx64.efi", code=8, text="options refused")
    return give_up(wire)


def http(
    build: Callable[[Wire], object], file: str = URL, kind: str = "efi-x64-http", **offer: object
) -> Callable[[], Wire]:
    def made() -> Wire:
        wire = Wire(kind).lease(file=file, option60="HTTPClient", **offer)  # type: ignore[arg-type]
        build(wire)
        return wire.quiet(200)

    return made


def refused_tcp(wire: Wire) -> None:
    for time in (1, 2):
        wire.port += 1
        wire.tcp(time, 0x02, 1000, 0)
        wire.tcp(time + 0.001, 0x14, 0, 1001, from_client=False)


def filtered_tcp(wire: Wire) -> None:
    wire.port += 1
    for time in (1, 2, 4, 8):
        packet = wire.tcp(time, 0x02, 1000, 0)
        if time == 1:
            wire.icmp(time + 0.01, packet, code=13)


def arp_unanswered() -> Wire:
    wire = Wire().lease(file="grubx64.efi", next_server="192.168.122.5")
    for time in (1, 2, 3, 4):
        wire.arp(time, "192.168.122.5")
    return give_up(wire)


def next_server_unseen() -> Wire:
    """The same where no ARP can be seen; another host speaks, so that the capture is not one of DHCP alone."""
    wire = Wire().lease(file="grubx64.efi", next_server="192.168.122.5")
    wire.udp(20, SERVER, 5353, "224.0.0.251", 5353, b"\0" * 12)
    return give_up(wire)


def bare_proxy() -> Wire:
    wire = Wire()
    for gap in (0, 4, 12, 28):
        wire.discover(gap)
        wire.dhcp(gap + 0.1, 2)
        wire.dhcp(gap + 0.2, 2, server="192.168.122.9", your=None, file="grubx64.efi")
    return wire.quiet(120)


def mute_4011(*, option60: bool = False) -> Wire:
    wire = Wire()
    if option60:
        wire.lease(file="grubx64.efi", option60="PXEClient")
    else:
        wire.discover(0)
        wire.dhcp(0.1, 2)
        wire.dhcp(0.15, 2, server="192.168.122.9", your=None, option60="PXEClient")
        wire.dhcp(0.2, 3)
        wire.dhcp(0.3, 5)
    for time in (1, 2, 4, 7):
        wire.dhcp(time, 3, port=4011, target=SERVER if option60 else "192.168.122.9")
    return give_up(wire)


def silent_proxy() -> Wire:
    wire = Wire().discover(0)
    wire.dhcp(0.1, 2)
    wire.dhcp(
        0.15,
        2,
        server="192.168.122.9",
        your=None,
        option60="PXEClient",
        file="grubx64.efi",
        next_server="192.168.122.9",
    )
    wire.dhcp(0.2, 3)
    wire.dhcp(0.3, 5)
    wire.missing(1, "grubx64.efi", server="192.168.122.9")
    return give_up(wire)


def loaded(content: bytes, name: str = "grubx64.efi", kind: str = "efi-x64-pxe") -> Callable[[], Wire]:
    def made() -> Wire:
        wire = Wire(kind).lease(file=name).get(1, name, content)
        return give_up(wire, 20) if kind.startswith("efi") else wire.discover(20).quiet(200)

    return made


def loop() -> Wire:
    wire = Wire().lease(file="ipxe.efi").get(1, "ipxe.efi", IPXE)
    for turn in (1, 2):
        wire.as_kind("ipxe-efi-x64").lease(turn * 10, file="ipxe.efi").get(turn * 10 + 1, "ipxe.efi", IPXE)
    return wire.quiet(200)


def nothing_for_ipxe() -> Wire:
    wire = Wire().lease(file="ipxe.efi").get(1, "ipxe.efi", IPXE)
    return wire.as_kind("ipxe-efi-x64").lease(10).quiet(200)


def no_config() -> Wire:
    wire = Wire("bios-pxe").lease(file="pxelinux.0").get(1, "pxelinux.0", PXELINUX)
    wire.get(2, "ldlinux.c32", PXELINUX)
    for number, name in enumerate(
        ["01-52-54-00-89-32-47", "C0A87AE3", "C0A87AE", "C0A87A", "C0A87", "C0A8", "C0A", "C0", "C", "default"]
    ):
        wire.missing(3 + number / 10, f"pxelinux.cfg/{name}")
    return wire.quiet(200)


def no_module() -> Wire:
    wire = Wire("bios-pxe").lease(file="pxelinux.0").get(1, "pxelinux.0", PXELINUX)
    for number, folder in enumerate(["", "/boot/isolinux/", "/isolinux/", "/boot/syslinux/", "/syslinux/"]):
        wire.missing(2 + number / 10, f"{folder}ldlinux.c32")
    return wire.quiet(200)


def shim_path(asked: str = "grubx64.efi", **offer: object) -> Wire:
    names = offer or {"option67": "efi-x64/shimx64.efi"}
    wire = Wire().lease(**names).get(1, str(*names.values()), SIGNED)  # type: ignore[arg-type]
    wire.missing(2, asked)
    return give_up(wire)


def uboot() -> Wire:
    wire = Wire("u-boot-armv8").lease(file="uboot/boot.conf")
    return wire.missing(1, "boot.scr.uimg").quiet(200)


def started(wire: Wire) -> Wire:
    wire.lease(file="http://192.168.122.1/menu.ipxe")
    wire.fetch(1, "/menu.ipxe", body=SCRIPT).fetch(2, "/linux", body=KERNEL).fetch(3, "/initrd.gz", body=INITRD)
    return wire.as_kind("os")


def os_without_address() -> Wire:
    return started(Wire("ipxe-bios")).discover(40, 44, 52, 68, 100).quiet(400)


def os_without_kickstart() -> Wire:
    wire = started(Wire("ipxe-bios")).lease(40)
    for time in (50, 60, 70):
        wire.fetch(time, "/ks.cfg", "404 Not Found", b"no", agent="curl/8")
    return wire.quiet(400)


def without_url6() -> Wire:
    wire = Wire()
    address = (
        3,
        b"\0\0\0\1"
        + b"\0" * 8
        + b"\0\5\0\x18"
        + bytes.fromhex("fd000000000000000000000000000005")
        + b"\0\0\x0e\x10" * 2,
    )
    for time in (0, 1, 3):
        wire.dhcp6(
            time,
            1,
            (61, b"\0\7"),
            (16, b"\0\0\1\x57\0\x20PXEClient:Arch:00007:UNDI:003000"),
            (3, b"\0\0\0\1" + b"\0" * 8),
        )
        wire.dhcp6(time + 0.1, 2, address)
    return wire.quiet(120)


def relayed() -> Wire:
    wire = Wire()
    for time in (0, 4, 12, 28):
        wire.discover(time)
        wire.dhcp(time + 0.01, 1, relay="192.168.5.1", secs=time)
        wire.dhcp(time + 0.1, 2, relay="192.168.5.1", file="grubx64.efi")
    return wire.quiet(120)


def outside() -> Wire:
    wire = Wire().lease(file="grubx64.efi", next_server="192.168.2.14")
    for time in (1, 5, 9, 13, 17, 21):
        wire.rrq(time, "grubx64.efi", server="192.168.2.14", again=time > 1)
    return give_up(wire)


def healthy_pxe() -> Wire:
    wire = Wire().lease(file="grubx64.efi")
    wire.rrq(1, "grubx64.efi", probe=True)
    wire.oack(1.01)
    wire.error(1.02, 8, "User aborted the transfer", by_client=True)
    wire.get(1.1, "grubx64.efi", SIGNED)
    wire.missing(2, "/x86_64-efi/command.lst").get(2.2, "/grub/grub.cfg", CONTENTS["grub.cfg"])
    return wire.get(3, "/linux", KERNEL).get(4, "/initrd.gz", INITRD).quiet(90)


def _late() -> Wire:
    wire = Wire("ipxe-bios").discover(0, 1, 2)
    for time in (3, 3.01, 3.02):
        wire.dhcp(time, 2, file=f"http://{SERVER}/menu.ipxe")
    wire.dhcp(4, 3)
    wire.dhcp(4.1, 5, file=f"http://{SERVER}/menu.ipxe")
    return (
        wire.fetch(8, "/menu.ipxe", body=SCRIPT)
        .fetch(9, "/linux", body=KERNEL)
        .fetch(10, "/initrd.gz", body=INITRD)
        .quiet(90)
    )


def _second_option() -> Wire:
    wire = Wire().ignored().as_kind("efi-x64-http").lease(60, file=URL, option60="HTTPClient")
    wire.fetch(61, "/ipxe.efi", body=IPXE, method="HEAD").fetch(62, "/ipxe.efi", body=IPXE)
    wire.as_kind("ipxe-efi-x64").lease(70, file=f"http://{SERVER}/menu.ipxe")
    return (
        wire.fetch(72, "/menu.ipxe", body=SCRIPT)
        .fetch(73, "/linux", body=KERNEL)
        .fetch(74, "/initrd.gz", body=INITRD)
        .quiet(120)
    )


HEALTHY: dict[str, Callable[[], Wire]] = {
    "firmware, GRUB, kernel, initrd": healthy_pxe,
    "iPXE, script, kernel, initrd over HTTP": lambda: started(Wire("ipxe-bios")).quiet(90),
    "the operating system's own DHCP": lambda: started(Wire("ipxe-bios")).lease(40).quiet(90),
    "a server that answers after three seconds": _late,
    "PXE without a file, then HTTP boot": _second_option,
}
