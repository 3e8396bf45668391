"""Boots of firmware that is not EFI, as packets: the ROMs of PCs, of POWER and of the Raspberry Pi."""

from __future__ import annotations

from collections.abc import Callable

from .boots_kinds import ELF, SERIAL
from .packets import Wire
from .scene import SERVER
from .wire_faults import Case

RELAY = "192.168.5.1"
WORDS = bytes.fromhex("060103 0a0400505845 0914000011") + b"Raspberry Pi Boot\xff"
"""Option 43 as dnsmasq sends it for `pxe-service=0,"Raspberry Pi Boot"`."""
UNDIONLY = b"\xfa\xeb" + bytes(6000)


def loads(name: str, content: bytes = UNDIONLY, *, kind: str = "bios-pxe") -> Wire:
    """The program that DHCP names arrives whole, and is not heard of again."""
    return Wire(kind).lease(file=name).get(1, name, content).quiet(90)


def bootcode() -> Wire:
    """The ROM of a Raspberry Pi loads its second stage, which does no DHCP."""
    wire = Wire("raspberry-pi").lease(file="").missing(1, "bootsig.bin")
    return wire.get(2, "bootcode.bin", ELF).quiet(90)


def relayed(words: bytes | None = WORDS) -> Wire:
    """The server's side: each DISCOVER of a Raspberry Pi is answered, and the relay brings the next one."""
    wire = Wire("raspberry-pi")
    for time in (0, 8, 24, 45):
        wire.dhcp(time, 1, relay=RELAY)
        wire.dhcp(time + 0.01, 2, relay=RELAY, option43=words, option60="PXEClient")
    return wire.quiet(120)


def signed_image() -> Wire:
    """A Raspberry Pi ends each transfer of its image as soon as it knows the size."""
    wire = Wire("raspberry-pi")
    for time in (0, 15, 30):
        wire.lease(time, file="").rrq(time + 1, SERIAL + "boot.img")
        wire.oack(time + 1.01, tsize=43_000_000)
        wire.error(time + 1.02, 0, "Early terminate", by_client=True)
        wire.as_kind("raspberry-pi")
    return wire.quiet(90)


def silence_behind(kind: str = "ipxe-bios") -> Wire:
    """The server answers a ROM, and nobody the program that it loads; or the firmware's next boot option."""
    wire = Wire("bios-pxe" if kind.startswith("ipxe") else "efi-x64-pxe").lease(file="undionly.kpxe")
    wire = wire.get(1, "undionly.kpxe", UNDIONLY) if kind.startswith("ipxe") else wire.missing(1, "undionly.kpxe")
    return wire.as_kind(kind).discover(5, 6, 8, 12).quiet(90)


def names_of_a_switch() -> Wire:
    """ONIE asks by TFTP for what DHCP names and for names of its own, over and over."""
    wire = Wire("onie").lease(file="onie-installer-x86_64")
    for turn in range(3):
        wire.missing(2 + turn * 20, "onie-installer-x86_64").missing(3 + turn * 20, "onie-installer")
    return wire.quiet(160)


def no_words(*, next_server: str | None) -> Wire:
    """Offers that a Raspberry Pi does not take, with or without the address of a TFTP server."""
    return Wire("raspberry-pi").ignored(file="", next_server=next_server).quiet(120)


def forgetful(*, kind: str = "efi-x64-pxe", again: bool = False) -> Wire:
    """The OFFER names the boot file, the ACK does not; `again`: firmware that takes the OFFER's asks for it."""
    wire = Wire(kind).discover(0)
    wire.dhcp(0.1, 2, file="grubx64.efi")
    wire.dhcp(4, 3)
    wire.dhcp(4.1, 5)
    wire.arp(4.2, SERVER, answer=True)
    return wire.missing(5, "grubx64.efi").quiet(120) if again else wire.quiet(120)


FAULTS: dict[str, Case] = {
    "dhcp-offer-without-boot-file, in the ACK": Case(forgetful, "dhcp-offer-without-boot-file", ("tftp",)),
    "dhcp-offer-without-boot-file, in the ACK for iPXE": Case(
        lambda: forgetful(kind="ipxe-bios"), "dhcp-offer-without-boot-file", ("tftp",)
    ),
    "tftp-file-not-found, named in the OFFER alone": Case(
        lambda: forgetful(again=True), "tftp-file-not-found", ("tftp",)
    ),
    "nbp-stalls-after-download, iPXE of a BIOS": Case(
        lambda: loads("undionly.kpxe"), "nbp-stalls-after-download", ("nbp",)
    ),
    "nbp-stalls-after-download, PXELINUX 3": Case(lambda: loads("pxelinux.bin"), "nbp-stalls-after-download", ("nbp",)),
    "nbp-stalls-after-download, GRUB of POWER": Case(
        lambda: loads("boot/grub2/powerpc-ieee1275/core.elf", ELF, kind="powerpc"),
        "nbp-stalls-after-download",
        ("nbp",),
    ),
    "nbp-stalls-after-download, bootcode.bin": Case(bootcode, "nbp-stalls-after-download", ("nbp",)),
    "dhcp-relay-missing-or-one-way, Raspberry Pi": Case(relayed, "dhcp-relay-missing-or-one-way", ("dhcp",)),
    "option43-foreign-content, Raspberry Pi behind a relay": Case(
        lambda: relayed(None), "option43-foreign-content", ("dhcp",)
    ),
    "tftp-client-aborts, Raspberry Pi": Case(signed_image, "tftp-client-aborts", ("tftp",)),
    "dhcp-no-offer, behind firmware that was answered": Case(silence_behind, "dhcp-no-offer", ("dhcp",)),
    "option43-foreign-content, and no TFTP server": Case(
        lambda: no_words(next_server=None), "option43-foreign-content", ("dhcp",)
    ),
}
WAITING: dict[str, Callable[[], Wire]] = {
    "a BIOS program of a kind that is not known": lambda: loads("memtest.0"),
}

__all__ = ["FAULTS", "WAITING", "bootcode", "loads", "names_of_a_switch", "no_words", "signed_image", "silence_behind"]
