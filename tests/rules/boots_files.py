"""Files that are not what their names say, a directory in a file's place, and a server that leaves in the middle."""

from __future__ import annotations

from collections.abc import Callable

from ..track.play import pe
from .boots import ARM, INITRD, KERNEL, PXELINUX, SIGNED, give_up
from .boots_https import program
from .boots_web import GIVEN, GRUB_CONFIG
from .packets import Wire
from .wire_faults import PXE_NOTES, Case

TAR = (b"linux".ljust(257, b"\0") + b"ustar\x0000").ljust(9000, b"\0")
ISO = bytes(20_000)


def kernel(size: int, *, said: int | None = None) -> bytes:
    """A kernel with an EFI stub, of which there may be less than its headers say."""
    found = bytearray(program(size, said=said))
    found[0x1FE:0x206] = b"\x55\xaa\xeb\x66HdrS"
    return bytes(found)


def grub(config: bytes = GRUB_CONFIG) -> Wire:
    wire = Wire().lease(file="grubx64.efi").get(1, "grubx64.efi", SIGNED)
    return wire.get(3, "/grub/grub.cfg", config)


def half_a_kernel(*, initrd: bool = True, reset: bool = False) -> Wire:
    """GRUB starts it like a whole one."""
    wire = grub().get(4, "/linux", kernel(20_000, said=40_000))
    if initrd:
        wire.get(5, "/initrd.gz", INITRD)
    return wire.lease(25, file="grubx64.efi").quiet(30) if reset else wire.quiet(60)


def foreign_kernel(kind: str = "efi-arm64-pxe", *, initrd: bool = True) -> Wire:
    """GRUB for ARM64 takes a kernel for x86 and its initrd, and fails at the end of its entry."""
    wire = Wire(kind).lease(file="grubaa64.efi").get(1, "grubaa64.efi", ARM)
    wire.get(3, "/grub/grub.cfg", GRUB_CONFIG).get(4, "/linux", kernel(20_000))
    return wire.get(5, "/initrd.gz", INITRD).quiet(60) if initrd else wire.quiet(60)


def archive() -> Wire:
    return grub().get(4, "/linux", TAR).quiet(60)


def directory() -> Wire:
    wire = Wire().lease(file="grubx64.efi").get(1, "grubx64.efi", SIGNED)
    wire.missing(3, "/grub/grub.cfg", code=0, text="cannot read /srv/tftp/grub/grub.cfg: Is a directory")
    return wire.quiet(60)


def no_program(file: str, content: bytes, kind: str = "efi-x64-pxe") -> Wire:
    wire = Wire(kind).lease(file=file).get(1, file, content)
    return wire.quiet(90) if kind == "bios-pxe" else give_up(wire, 3)


def server_gone(wait: float = 35) -> Wire:
    """GRUB waits for the next block, then ends the transfer itself."""
    wire = grub().get(4, "/linux", KERNEL)
    wire.rrq(5, "/initrd.gz", blksize=1024)
    wire.oack(5.01, blksize=1024, tsize=90_000)
    wire.ack(5.02, 0)
    for block in range(1, 10):
        wire.data(5.03 + block / 100, block, bytes(1024))
        wire.ack(5.035 + block / 100, block)
    wire.error(5.2 + wait, 0, "closed", by_client=True)
    return wire.quiet(90)


def board(script: bytes, *, searches: bool = False) -> Wire:
    """U-Boot, which tries what DHCP names for it as a script, then, as UEFI does, as a program."""
    wire = Wire("u-boot-armv8").lease(file="boot.scr.uimg").get(1, "boot.scr.uimg", script)
    if searches:
        wire.missing(1.2, "pxelinux.cfg/01-52-54-00-89-32-47").missing(1.3, "pxelinux.cfg/default")
    wire.as_kind("efi-arm64-pxe").lease(2, file="boot.scr.uimg").get(3, "boot.scr.uimg", script)
    return wire.missing(3.1, "dtb/").quiet(60)


UIMAGE = b"\x27\x05\x19\x56".ljust(30, b"\0") + b"\6" + bytes(100)


def silent_router(place: bytes, *, router: str = "192.168.122.10", dns: str | None = None) -> Wire:
    """A started system that is told to fetch something, and asks for its router, or name server, in vain."""
    script = b"#!ipxe\nkernel /linux root=live:http://" + place + b"/x.img\ninitrd /initrd.gz\nboot\n"
    wire = Wire("ipxe-bios").lease(file="http://192.168.122.1/menu.ipxe")
    wire.fetch(1, "/menu.ipxe", body=script).fetch(2, "/linux", body=KERNEL).fetch(3, "/initrd.gz", body=INITRD)
    wire.as_kind("os").lease(20, router=router, dns=dns)
    for time in (22, 23, 24, 28, 29, 30):
        wire.arp(time, "192.168.122.10")
    return wire.quiet(120)


def solicits(*, managed: bool) -> Wire:
    """PXE over IPv6 first, which nobody answers, then HTTP over IPv4."""
    wire = Wire().router(-5, managed=managed)
    for time in (0, 4, 12, 28):
        wire.dhcp6(time, 1, (61, b"\0\7"), (16, b"\0\0\1\x57\0\x09PXEClient"))
    return wire


def bound(host: bytes, *, asks: bool = False) -> Wire:
    """A lease of DHCPv6 with a URL for PXE, and HTTP over IPv4 after it."""
    wire = Wire().router(-5, managed=True)
    said = ((61, b"\0\7"), (16, b"\0\0\1\x57\0\x09PXEClient"))
    given = (GIVEN, (59, b"tftp://[" + host + b"]/x.efi"))
    wire.dhcp6(0, 1, *said).dhcp6(0.1, 2, *given).dhcp6(0.2, 3, *said).dhcp6(0.3, 7, *given)
    if asks:
        wire.missing(1, "x.efi")
    return wire.as_kind("efi-x64-http").discover(40, 44, 52, 68).quiet(130)


CUT = "nbp-incomplete-file"
FAULTS: dict[str, Case] = {
    f"{CUT}, half a kernel": Case(half_a_kernel, CUT, ("chain",)),
    f"{CUT}, half a kernel without an initrd": Case(lambda: half_a_kernel(initrd=False), CUT, ("chain",)),
    "arch-wrong-efi-machine, GRUB's kernel": Case(foreign_kernel, "arch-wrong-efi-machine", ("chain",)),
    "arch-wrong-efi-machine, GRUB's kernel alone": Case(
        lambda: foreign_kernel(initrd=False), "arch-wrong-efi-machine", ("chain",)
    ),
    "nbp-packed-file, a tar archive as the kernel": Case(archive, "nbp-packed-file", ("chain",)),
    "tftp-error, a directory as the configuration": Case(directory, "tftp-error", ("tftp",)),
    "arch-bios-file-to-efi, another file under an EFI program's name": Case(
        lambda: no_program("shimx64.efi", ISO), "arch-bios-file-to-efi", ("nbp",), PXE_NOTES
    ),
    "chain-text-instead-of-program, U-Boot's script": Case(
        lambda: board(b"setenv bootfile boot.conf\npxe get\n"), "chain-text-instead-of-program", ("nbp",)
    ),
    "chain-no-config-found, U-Boot's script": Case(
        lambda: board(UIMAGE, searches=True), "chain-no-config-found", ("chain", "nbp")
    ),
    "arch-bios-file-to-efi, and the firmware stays": Case(
        lambda: Wire().lease(file="pxelinux.0").get(1, "pxelinux.0", PXELINUX).quiet(60),
        "arch-bios-file-to-efi",
        ("nbp",),
    ),
    "arp-next-server-unanswered, over IPv6": Case(
        lambda: bound(b"fd00::11"), "arp-next-server-unanswered", ("tftp",), ("dhcp-no-offer",)
    ),
    "arp-next-server-unanswered, not of a server that is asked": Case(
        lambda: bound(b"fd00::11", asks=True), "tftp-file-not-found", ("tftp",), ("dhcp-no-offer",)
    ),
    "os-config-fetch-failed, a router that is not there": Case(
        lambda: silent_router(b"10.9.9.9"), "os-config-fetch-failed", ("os",)
    ),
    "os-config-fetch-failed, a name server that is not there": Case(
        lambda: silent_router(b"images.lab", router="192.168.122.1", dns="192.168.122.10"),
        "os-config-fetch-failed",
        ("os",),
    ),
    "v6-no-advertise": Case(
        lambda: solicits(managed=True).as_kind("efi-x64-http").discover(70, 74, 82, 98).quiet(160),
        "v6-no-advertise",
        ("dhcp",),
        ("dhcp-no-offer",),
    ),
    "v6-no-advertise, not without the managed flag": Case(
        lambda: solicits(managed=False).as_kind("efi-x64-http").discover(70, 74, 82, 98).quiet(160),
        "dhcp-no-offer",
        ("dhcp",),
    ),
    "tftp-timeout-mid-transfer, GRUB gives up": Case(server_gone, "tftp-timeout-mid-transfer", ("tftp",)),
    "tftp-client-aborts, GRUB in the middle": Case(lambda: server_gone(0.1), "tftp-client-aborts", ("tftp",)),
}

HEALTHY: dict[str, Callable[[], Wire]] = {
    "a router that is not there, and nothing behind it": lambda: silent_router(b"192.168.122.1"),
    "a name server that is not there, and no name": lambda: silent_router(
        b"192.168.122.1", router="192.168.122.1", dns="192.168.122.10"
    ),
    "a neighbour that is not there": lambda: silent_router(b"10.9.9.9", router="192.168.122.1"),
    "a kernel for 64 bits that 32-bit firmware's GRUB starts": lambda: (
        Wire("efi-ia32-pxe")
        .lease(file="grubia32.efi")
        .get(1, "grubia32.efi", pe(0x14C).ljust(6000, b"\0"))
        .get(3, "/grub/grub.cfg", GRUB_CONFIG)
        .get(4, "/linux", kernel(20_000))
        .get(5, "/initrd.gz", INITRD)
        .quiet(60)
    ),
    "a whole kernel with an EFI stub": lambda: (
        grub().get(4, "/linux", kernel(20_000)).get(5, "/initrd.gz", INITRD).quiet(60)
    ),
}
