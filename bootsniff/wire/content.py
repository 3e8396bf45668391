"""What a fetched file is, told by its first bytes and, where bytes cannot tell, by its name; nothing is executed.

The first 4 KiB prove an iPXE binary in these ways: the section layout of an EFI build (see `pe`), the start-up code's
texts of a BIOS build; a ROM image names itself.
"""

from __future__ import annotations

import re
from typing import Literal

from . import pe
from .text_content import classify_text
from .transfers import BootContent

_MAGICS: tuple[tuple[bytes, str, str], ...] = (
    (b"\x1f\x8b", "gzip", "gzip data"),
    (b"\x28\xb5\x2f\xfd", "zstd", "Zstandard data"),
    (b"\xfd7zXZ\x00", "xz", "xz data"),
    (b"\x5d\x00\x00", "lzma", "LZMA data"),
    (b"BZh", "bzip2", "bzip2 data"),
    (b"070701", "cpio", "cpio archive"),
    (b"070702", "cpio", "cpio archive"),
    (b"hsqs", "squashfs", "SquashFS image"),
    (b"\x04\x22\x4d\x18", "initrd", "LZ4 data"),
    (b"\x02\x21\x4c\x18", "initrd", "LZ4 data"),  # the legacy frame, which kernels read
    (b"MSWIM\0\0\0", "wim", "Windows image (WIM)"),
    (b"\x36\x13\x03\x1b", "linux-kernel", "network boot image (NBI)"),  # Etherboot's, with a kernel inside
    (b"PK\x03\x04", "archive", "ZIP archive"),
    (b"regf", "unknown", "Windows registry hive"),
)
COMPRESSED = frozenset({"gzip", "xz", "zstd", "lzma", "bzip2"})
"""Kinds of content that are something else once they are unpacked."""
RAM_DISKS = COMPRESSED | {"cpio", "initrd"}
"""What an initial RAM disk may look like."""
_ELF_MACHINES = {
    3: "x86", 8: "MIPS", 20: "PowerPC", 21: "PowerPC 64", 22: "s390", 40: "ARM", 62: "x86-64", 183: "ARM64",
    243: "RISC-V", 258: "LoongArch",
}  # fmt: skip
_PADDING = 4096
"""The largest file alignment that linkers of EFI programs use."""
_TAR = b"ustar"
"""POSIX pax: behind the first 257 bytes of a member's header."""
_FDT = b"\xd0\x0d\xfe\xed"
_FIT_NODE = b"\0\0\0\1images\0"
"""FDT_BEGIN_NODE and the name of the node that every FIT image has and no device tree (Flat Image Tree specification)."""
_UIMAGE = b"\x27\x05\x19\x56"
_UIMAGE_TYPES = {
    2: ("linux-kernel", "Linux kernel, U-Boot image"),
    3: ("initrd", "initial RAM disk, U-Boot image"),
    6: ("uboot-script", "U-Boot script"),
}
_BIOS_NAME = re.compile(r"\.(0|kpxe|kkpxe|kkkpxe|pxe|n12|com|lkrn)$", re.IGNORECASE)
_IPXE_START = b"PXE->EB:"
"""Printed by the start-up code of Etherboot's children (iPXE, gPXE) and nobody else's."""
_IPXE_UNPACK = b"Installation failed - cannot continue"
"""iPXE's libprefix, in every kind of BIOS image."""
_IPXE_ROM = b"ipxe.org"
_ISOHYBRID = b"\x33\xed" + b"\x90" * 28


def classify(head: bytes, name: str, size: int | None) -> BootContent:
    """Say what a file is. `head` are its first bytes (4 KiB suffice), `name` its path or URL, `size` of the whole file."""
    base = name.split("?", 1)[0].rstrip("/").rsplit("/", 1)[-1]
    if not head:
        return BootContent("empty", "empty file") if size == 0 else BootContent("unknown", "unknown")
    return (
        _kernel(head, size)
        or _pe(head, size)
        or _bios_program(head)
        or _elf(head, size)
        or _packed(head)
        or _image(head, base)
        or classify_text(head, name, base)
        or _by_name(base)
    )


def _pe(head: bytes, size: int | None) -> BootContent | None:
    header = pe.parse(head)
    if header is None:
        return None
    content = BootContent("pe", header.text, header.machine, header.signed, header.efi, header.ipxe)
    content.missing = _missing(header.end, size)
    sections = set(header.sections)
    if ".linux" in sections:
        content.details = ("unified kernel image",)
    elif ".vendor_" in sections:  # .vendor_cert, as far as a header has room for it
        content.details = ("shim",)
    elif "mods" in sections:
        content.details = ("GRUB",)
    elif ".sdmagic" in sections:
        content.details = ("systemd-boot",)
    elif header.ipxe:
        content.details = ("iPXE",)
    return content


def _missing(end: int, size: int | None) -> int:
    """Bytes that the headers tell of and a file of this size cannot have; the padding behind the last section may be cut."""
    missing = 0 if size is None else end - size
    return missing if missing > _PADDING else 0


def _kernel(head: bytes, size: int | None) -> BootContent | None:
    """Linux kernels; those with an EFI stub begin with MZ too, and are kernels all the same (x86/boot.rst and kin)."""
    if head[0x1FE:0x200] == b"\x55\xaa" and head[0x202:0x206] == b"HdrS":
        if _IPXE_UNPACK in head:
            return BootContent("boot-sector", "iPXE in Linux kernel format", ipxe=True, details=("iPXE",))
        name = "Linux kernel, x86"
        if head.startswith(b"MEMDISK", int.from_bytes(head[0x20E:0x210], "little") + 0x200):
            name = "MEMDISK"
        elif b"wimboot" in head[:4096]:
            name = "wimboot"
    elif head[0x38:0x3C] == b"ARM\x64":
        name = "Linux kernel, ARM64"
    elif head[0x38:0x3C] == b"RSC\x05" or head[0x30:0x35] == b"RISCV":
        name = "Linux kernel, RISC-V"
    elif head[:2] == b"MZ" and head[0x38:0x3C] == b"\xcd\x23\x82\x81":
        name = "Linux kernel, LoongArch"
    elif head[:2] == b"MZ" and head[4:8] == b"zimg":
        name = "Linux kernel, compressed EFI image"
    elif head[0x24:0x28] in (b"\x18\x28\x6f\x01", b"\x01\x6f\x28\x18"):
        name = "Linux kernel, ARM"
    else:
        return None
    content = BootContent("linux-kernel", name, missing=_missing(_x86_end(head), size))
    header = pe.parse(head)
    if header is not None:
        content.machine, content.signed, content.efi = header.machine, header.signed, header.efi
        content.missing = max(content.missing, _missing(header.end, size))
    return content


def _x86_end(head: bytes) -> int:
    """How long a kernel is by its own header (x86/boot.rst: setup_sects and syssize; the latter whole since 2.04)."""
    if head[0x202:0x206] != b"HdrS" or int.from_bytes(head[0x206:0x208], "little") < 0x204:
        return 0
    return ((head[0x1F1] or 4) + 1) * 512 + int.from_bytes(head[0x1F4:0x1F8], "little") * 16


def _bios_program(head: bytes) -> BootContent | None:
    """Network boot programs and ROMs for BIOS: real-mode code, loaded to 0000:7C00."""
    start = head[:4096]
    if head[:2] == b"\x55\xaa":
        proven = _IPXE_ROM in start
        return BootContent("boot-sector", "iPXE option ROM" if proven else "option ROM", ipxe=proven)
    if _IPXE_START in start:
        return BootContent("boot-sector", "iPXE, BIOS network boot program", ipxe=True, details=("iPXE",))
    if b"PXELINUX " in start:
        return BootContent("pxelinux", "PXELINUX")
    # A far jump within the first 64 KiB is how such programs begin; PXELINUX jumps to 0000:7C24.
    if head[0] == 0xEA and len(head) >= 5 and int.from_bytes(head[3:5], "little") in (0, 0x7C0):
        if head[:5] == b"\xea\x24\x7c\x00\x00":
            return BootContent("pxelinux", "PXELINUX")
        return BootContent("boot-sector", "BIOS network boot program")
    return None


def _elf(head: bytes, size: int | None) -> BootContent | None:
    """Programs and modules; their table of sections, which linkers write last, tells how long they are (elf(5))."""
    if not head.startswith(b"\x7fELF"):
        return None
    order: Literal["big", "little"] = "big" if head[5:6] == b"\x02" else "little"
    machine = int.from_bytes(head[18:20], order)
    place, entries, entry = (slice(40, 48), 58, 64) if head[4:5] == b"\x02" else (slice(32, 36), 46, 40)
    length = int.from_bytes(head[entries : entries + 2], order)
    sections = length * int.from_bytes(head[entries + 2 : entries + 4], order)
    missing = _missing(int.from_bytes(head[place], order) + sections, size) if sections and length == entry else 0
    return BootContent("elf", f"ELF program, {_ELF_MACHINES.get(machine, f'machine {machine}')}", missing=missing)


def _packed(head: bytes) -> BootContent | None:
    for magic, kind, text in _MAGICS:
        if head.startswith(magic):
            return BootContent(kind, text)
    if head[0x101:0x106] == _TAR:
        return BootContent("archive", "tar archive")
    if head.startswith(_FDT):
        if _FIT_NODE in head[:4096]:
            return BootContent("linux-kernel", "FIT image")
        return BootContent("fdt", "device tree or FIT image")
    if head.startswith(_UIMAGE) and len(head) > 31:
        kind, text = _UIMAGE_TYPES.get(head[30], ("unknown", f"U-Boot image of type {head[30]}"))
        return BootContent(kind, text)
    return None


def _image(head: bytes, base: str) -> BootContent | None:
    """Whole disks: an ISO's own mark stands at 32 KiB, mostly out of reach, so its boot sector or its name must do."""
    if head[0x8001:0x8006] == b"CD001" or head.startswith(_ISOHYBRID):
        return BootContent("iso", "ISO image")
    if base.lower().endswith(".iso") and (not any(head[:512]) or head[0x1FE:0x200] == b"\x55\xaa"):
        return BootContent("iso", "ISO image")
    if head[0x1FE:0x200] == b"\x55\xaa":
        if b"FAT" in head[54:62] or b"FAT32" in head[82:90]:
            return BootContent("iso", "disk image, FAT")
        if _partitions(head):
            return BootContent("iso", "disk image")
        return BootContent("boot-sector", "boot sector")
    return None


def _partitions(head: bytes) -> bool:
    """Whether a master boot record's table looks like one: flags of 0 or 80h, and at least one entry in use."""
    entries = [head[index : index + 16] for index in range(446, 510, 16)]
    return all(entry[0] in (0, 0x80) for entry in entries) and any(entry[4] for entry in entries)


def _by_name(base: str) -> BootContent:
    if _BIOS_NAME.search(base):
        return BootContent("boot-sector", "BIOS boot program, by its name")
    return BootContent("unknown", "unknown data")
