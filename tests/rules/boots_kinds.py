"""Whole boots as packets of machines that are neither PCs with iPXE nor with GRUB: boards, switches, loaders of systems."""

from __future__ import annotations

import struct
from collections.abc import Callable

from .boots import INITRD, KERNEL, PXELINUX, SIGNED
from .boots_text import PXELINUX_CONFIG
from .packets import Wire
from .scene import CLIENT, SERVER
from .wire_faults import Case

SERIAL = "d9780558/"
TREE = b"\xd0\x0d\xfe\xed".ljust(3000, b"\0")
FIT = b"\xd0\x0d\xfe\xed" + bytes(52) + struct.pack(">2I", 1, 0) + b"\0\0\0\1images\0\0" + bytes(9000)
PACKED = b"\x1f\x8b\x08".ljust(5000, b"\7")
ELF = b"\x7fELF\2\1\1".ljust(9000, b"\0")
WIM = b"MSWIM\0\0\0".ljust(9000, b"\0")
NBI = b"\x36\x13\x03\x1b".ljust(9000, b"\0")
BOOT_CFG = b"bootstate=0\nkernel=b.b00\nkernelopt=runweasel\nmodules=jumpstrt.gz --- k.b00 --- s.v00 -x\n"
PAGE = b"<html>none</html>"
INSTALLER = b"#!/bin/sh\n# an archive that unpacks itself\n".ljust(9000, b"\1")


def raspberry(kernel: str = "kernel8.img", *, missing: bool = False) -> Wire:
    """What the ROM of a Raspberry Pi 4 asks for: its serial number's directory, many names that need not be there."""
    wire = Wire("raspberry-pi").lease(file="")
    for at, name in enumerate(("pieeprom.sig", "recover4.elf", "recovery.elf", "dt-blob.bin", "recovery8.img")):
        wire.missing(1 + at / 10, SERIAL + name)
    wire.get(2, SERIAL + "start4.elf", ELF).get(3, SERIAL + "fixup4.dat", b"\1" * 900)
    wire.get(4, SERIAL + "bcm2711-rpi-4-b.dtb", TREE).get(4.5, SERIAL + "cmdline.txt", b"root=/dev/nfs ip=dhcp\n")
    if missing:
        return wire.missing(5, SERIAL + kernel).quiet(90)
    wire.rrq(5, SERIAL + kernel)
    wire.oack(5.01, tsize=len(PACKED))
    wire.error(5.02, 0, "Early terminate", by_client=True)
    return wire.get(6, SERIAL + kernel, PACKED).quiet(90)


def with_system(wire: Wire, time: float) -> Wire:
    """The operating system asks for an address."""
    return wire.as_kind("os").lease(time).quiet(time + 30)


def board(*files: tuple[str, bytes], kind: str = "u-boot-armv8") -> Wire:
    """U-Boot fetches the file that DHCP names, and others."""
    wire = Wire(kind).lease(file=files[0][0])
    for at, (name, content) in enumerate(files):
        wire.get(1 + at, name, content)
    return wire.quiet(90)


def script_by_turns(*, found: bool) -> Wire:
    """U-Boot's boot commands, each with DHCP of its own: a script that is not there, then extlinux files."""
    wire = Wire("u-boot-armv8").lease(file="arm64/none")
    wire.missing(1, "boot.scr.uimg").as_kind("u-boot-armv8").lease(2, file="arm64/none")
    if not found:
        return wire.missing(3, "boot.scr.uimg").quiet(120)
    wire.missing(3, "arm64/pxelinux.cfg/default-arm")
    wire.get(4, "arm64/pxelinux.cfg/default", b"label x\n kernel linux\n initrd initrd.gz\n fdt board.dtb\n")
    return wire.get(5, "initrd.gz", INITRD).get(6, "linux", KERNEL).get(7, "board.dtb", TREE).quiet(120)


def windows(*, pending: bool = False, system: bool = True) -> Wire:
    """Windows Deployment Services: its loader fetches what it needs; files that are not there do not stop it."""
    wire = Wire().lease(file="boot\\x64\\wdsmgfw.efi").get(1, "boot\\x64\\wdsmgfw.efi", SIGNED)
    wire.get(2, "boot\\x64\\bootmgfw.efi", SIGNED.replace(b"\0" * 9, b"\1" * 9, 1))
    if pending:
        return wire.quiet(20)
    wire.get(3, "\\Tmp\\x64uefi.bcd", b"regf".ljust(4000, b"\0")).missing(4, "\\hiberfil.sys")
    wire.missing(5, "\\boot\\x64\\de-DE\\bootmgfw.efi.MUI").missing(5.5, "\\boot\\fonts\\wgl4_boot.ttf")
    wire.get(6, "\\boot\\boot.sdi", b"$SDI0001".ljust(4000, b"\0")).get(7, "\\boot\\x64\\boot.wim", WIM)
    return with_system(wire, 60) if system else wire.quiet(90)


def windows_without(name: str = "\\boot\\boot.sdi", *, knows_backslashes: bool = True) -> Wire:
    """A file of Windows that the server does not have, or whose name it does not read."""
    first = "boot\\x64\\wdsmgfw.efi" if knows_backslashes else "wdsmgfw.efi"
    wire = Wire().lease(file=first).get(1, first, SIGNED)
    return wire.get(2, "boot.bcd", b"regf".ljust(4000, b"\0")).missing(3, name).quiet(90)


def esxi(*, module: bool = True) -> Wire:
    """Mboot of ESXi reads boot.cfg and fetches the kernel and the modules that it names."""
    wire = Wire().lease(file="esxi/mboot.efi").get(1, "esxi/mboot.efi", SIGNED)
    wire.missing(2, "esxi/01-52-54-00-89-32-47/boot.cfg").get(3, "esxi/boot.cfg", BOOT_CFG)
    wire.get(4, "esxi/b.b00", PACKED).get(5, "esxi/jumpstrt.gz", PACKED)
    if not module:
        return wire.missing(6, "esxi/k.b00").quiet(90)
    return wire.get(6, "esxi/k.b00", PACKED).get(7, "esxi/s.v00", PACKED).quiet(90)


def switch(*, found: bool = True) -> Wire:
    """ONIE asks by HTTP for one name after the other, from its own platform's to the plainest."""
    wire = Wire("onie").lease(file="")
    turns = 1 if found else 3
    for turn in range(turns):
        for at, tail in enumerate(("-x86_64-acme_7712-r0", "-x86_64-acme_7712", "-x86_64")):
            wire.fetch(2 + turn * 20 + at, f"/onie-installer{tail}", "404 Not Found", PAGE, agent="Wget")
    if found:
        wire.fetch(9, "/onie-installer", body=INSTALLER, agent="Wget")
    return wire.quiet(160)


def system_after(*names: str, program: str = "loader.efi", at: float = 60) -> Wire:
    """A program that is known no further, what it fetches, and an ordinary DHCP client afterwards."""
    wire = Wire().lease(file=program).get(1, program, SIGNED)
    for number, name in enumerate(names):
        wire.get(2 + number, name, PACKED)
    return with_system(wire, at)


def plain(kind: str, name: str, content: bytes) -> Wire:
    return Wire(kind).lease(file=name).get(1, name, content).quiet(90)


def no_file(kind: str) -> Wire:
    return Wire(kind).lease(file="image").missing(1, "image").quiet(120)


def declined() -> Wire:
    """Somebody else has the address: it is given back, twice."""
    wire = Wire()
    for time in (0, 12):
        wire.lease(time, file="grubx64.efi")
        wire.dhcp(time + 1, 4)
    return wire.quiet(90)


def overloaded(*, understood: bool) -> Wire:
    """The name stands as an option in the header's file field."""
    wire = Wire("bios-pxe")
    for number, kind in enumerate((1, 2, 3, 5)):
        wire.dhcp(number / 10, kind)
        if kind not in (2, 5):
            continue
        time, frame = wire.packets.pop()
        bootp = frame[42:]
        fields = b"\x42\x0f192.168.122.1\0\0\xff".ljust(64, b"\0") + b"\x43\x0apxelinux.0\xff".ljust(128, b"\0")
        options = bootp[236:-1] + b"\x34\1\3\xff"
        wire.udp(time, SERVER, 67, "255.255.255.255", 68, bootp[:44] + fields + options)
    if not understood:
        wire.port += 1
        request = b"\0\1C\npxelinux.0\xff\0octet\0tsize\x000\0"
        wire.udp(1, CLIENT, wire.port, SERVER, 69, request)
        return _refused(wire, 1.01).quiet(90)
    wire.get(1, "pxelinux.0", PXELINUX).get(2, "pxelinux.cfg/default", PXELINUX_CONFIG)
    return wire.get(3, "linux", KERNEL).get(4, "initrd.gz", INITRD).quiet(90)


def _refused(wire: Wire, time: float) -> Wire:
    wire.error(time, 1, "File not found")
    return wire


def grub_elsewhere() -> Wire:
    """GRUB came from a directory and looks for its configuration in another one, as it was built to."""
    wire = (
        Wire("bios-pxe")
        .lease(file="boot/grub/i386-pc/core.0")
        .get(1, "boot/grub/i386-pc/core.0", PXELINUX[:5] + bytes(6000))
    )
    return wire.missing(2, "/boot/grub/grub.cfg-01-52-54-00-89-32-47").missing(3, "/boot/grub/grub.cfg").quiet(90)


def pi_3(*, program: bool = True) -> Wire:
    """bootcode.bin, which the ROM of a Raspberry Pi 3 loads, does DHCP as the ROM did."""
    wire = Wire("raspberry-pi").lease(file="").missing(1, "bootsig.bin")
    wire = wire.get(2, "bootcode.bin", ELF) if program else wire.missing(2, "bootcode.bin")
    return wire.as_kind("raspberry-pi").discover(4)


def search_cut_short() -> Wire:
    """A Raspberry Pi in the middle of its list of names."""
    wire = Wire("raspberry-pi").lease(file="").get(1, SERIAL + "start4.elf", ELF)
    return wire.missing(2, SERIAL + "kernel8-32.img")


def filtered_to_port_67() -> Wire:
    """The proxy's offer leads to port 4011, which the filter of the capture leaves out."""
    wire = Wire()
    for number, kind in enumerate((1, 2, 3, 5)):
        wire.dhcp(number / 10, kind)
        if kind == 2:
            wire.dhcp(0.15, 2, server="192.168.122.9", your=None, next_server=None, option60="PXEClient")
    other = Wire("bios-pxe")
    other.mac = "52:54:00:00:00:99"
    wire.packets += other.discover(120, 124).packets
    return wire


def by_php(*, status: str = "text/html", asks: bool = True) -> Wire:
    """A boot program by a script: its URL says nothing of it, and neither does its media type."""
    url = f"http://{SERVER}/boot.php"
    wire = Wire("efi-x64-http").lease(option67=url, option60="HTTPClient", next_server=None)
    wire.fetch(1, "/boot.php", fields=f"\nContent-Type: {status}", body=SIGNED, method="HEAD")
    if asks:
        wire.fetch(2, "/boot.php", fields=f"\nContent-Type: {status}", body=SIGNED)
    return wire.quiet(90)


def moved_by_head() -> Wire:
    """The answer to HEAD is a redirect, and nothing follows it."""
    wire = Wire("efi-x64-http").lease(option67=f"http://{SERVER}/x.efi", option60="HTTPClient", next_server=None)
    moved = f"\nLocation: https://{SERVER}/x.efi"
    return wire.fetch(1, "/x.efi", "301 Moved Permanently", b"", moved, method="HEAD").quiet(90)


def polls_for_approval() -> Wire:
    """wdsnbp.com asks port 4011 again and again while an administrator has not approved the machine."""
    wire = Wire("bios-pxe").lease(file="boot\\x64\\wdsnbp.com").get(1, "boot\\x64\\wdsnbp.com", PXELINUX[5:] + b"\1")
    for time in (5, 15, 25, 35):
        wire.dhcp(time, 3, port=4011, target=SERVER, your=None)
    return wire


FAULTS: dict[str, Case] = {
    "tftp-file-not-found, Windows": Case(windows_without, "tftp-file-not-found", ("tftp",)),
    "option43-foreign-content, Raspberry Pi": Case(
        lambda: Wire("raspberry-pi").ignored(file="").quiet(120), "option43-foreign-content", ("dhcp",)
    ),
    "http-content-type-not-boot, nothing more": Case(by_php, "http-content-type-not-boot", ("http",)),
    "http-content-type-not-boot, after HEAD": Case(lambda: by_php(asks=False), "http-content-type-not-boot", ("http",)),
    "http-redirect-not-followed, of HEAD": Case(moved_by_head, "http-redirect-not-followed", ("http",)),
    "tftp-file-not-found, Raspberry Pi 3": Case(
        lambda: pi_3(program=False).discover(9, 14).quiet(120), "tftp-file-not-found", ("tftp",)
    ),
    "tftp-file-not-found, the kernel of a Raspberry Pi": Case(
        lambda: raspberry(missing=True), "tftp-file-not-found", ("tftp",)
    ),
    "tftp-file-not-found, a module of ESXi": Case(lambda: esxi(module=False), "tftp-file-not-found", ("tftp",)),
    "tftp-file-not-found, Etherboot": Case(lambda: no_file("etherboot"), "tftp-file-not-found", ("tftp",)),
    "tftp-file-not-found, u-root": Case(lambda: no_file("u-root"), "tftp-file-not-found", ("tftp",)),
    "http-404, ONIE": Case(lambda: switch(found=False), "http-404", ("http",)),
    "dhcp-address-conflict, given back": Case(declined, "dhcp-address-conflict", ("dhcp",)),
    "dhcp-option-overload": Case(lambda: overloaded(understood=False), "dhcp-option-overload", ("tftp",)),
    "chain-no-config-found, GRUB of a directory": Case(grub_elsewhere, "chain-no-config-found", ("chain",)),
    "chain-uboot-bootfile-env, by two boot commands": Case(
        lambda: script_by_turns(found=False), "chain-uboot-bootfile-env", ("tftp", "chain"), ("tftp-file-not-found",)
    ),
    "nbp-stalls-after-download, then a system from the disk": Case(
        lambda: system_after(program="ipxe.efi"), "nbp-stalls-after-download", ("nbp",)
    ),
}
HEALTHY: dict[str, Callable[[], Wire]] = {
    "Windows, to its own disk": lambda: plain(
        "bios-pxe", "SMSBoot\\x64\\abortpxe.com", b"\xfa\x31\xc0".ljust(700, b"\1")
    ),
    "Raspberry Pi": raspberry,
    "Raspberry Pi, a kernel of another name": lambda: raspberry("vmlinuz"),
    "Raspberry Pi, and its system": lambda: with_system(raspberry(), 100),
    "U-Boot, a device tree after the kernel": lambda: board(("Image", KERNEL), ("board.dtb", TREE)),
    "U-Boot, a packed kernel": lambda: board(("Image.gz", PACKED), ("board.dtb", TREE)),
    "U-Boot, a FIT image": lambda: board(("image.itb", FIT)),
    "U-Boot, scripts by turns": lambda: script_by_turns(found=True),
    "POWER, an ELF kernel": lambda: board(("ppc64/vmlinux", ELF), ("initrd", INITRD), kind="powerpc-opal"),
    "Windows": windows,
    "Windows, whose system is not seen": lambda: windows(system=False),
    "ESXi": esxi,
    "ESXi, and its system": lambda: with_system(esxi(), 100),
    "ONIE": switch,
    "Etherboot": lambda: plain("etherboot", "linux.nbi", NBI),
    "a loader that is not known, its files and a system": lambda: system_after("loader.conf.gz", "kernel/kernel.gz"),
    "options in the header's fields": lambda: overloaded(understood=True),
}
WAITING: dict[str, Callable[[], Wire]] = {
    "Windows, before its files": lambda: windows(pending=True),
    "Windows, until it is approved": polls_for_approval,
    "a program of which nothing is known": lambda: plain(
        "bios-pxe", "x64\\other.com", b"\xfa\x31\xc0".ljust(700, b"\1")
    ),
    "Raspberry Pi 3, its second DHCP": pi_3,
    "Raspberry Pi, its list of names": search_cut_short,
    "a boot program of its own media type": lambda: by_php(status="application/efi"),
    "port 4011 is not in the capture": filtered_to_port_67,
}
