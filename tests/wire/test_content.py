"""What files are, by their first bytes; real boot programs too, where they are installed."""

import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootsniff.wire import pe
from bootsniff.wire.content import classify


def pe_file(
    machine: int = 0x8664,
    subsystem: int = 10,
    certificates: int = 0,
    sections: tuple[str, ...] = (".text", ".data"),
    *,
    stub: bytes = b"\x90",
    start: int = 0xC0,
    wide: bool = True,
) -> bytes:
    dos = (b"MZ" + stub).ljust(0x3C, b"\0") + struct.pack("<I", start)
    directories = b"".join(struct.pack("<II", 0, certificates if index == 4 else 0) for index in range(16))
    fixed = struct.pack("<H", 0x20B if wide else 0x10B).ljust(68, b"\0") + struct.pack("<H", subsystem)
    optional = fixed.ljust(108 if wide else 92, b"\0") + struct.pack("<I", 16) + directories
    coff = b"PE\0\0" + struct.pack("<HHIIIHH", machine, len(sections), 0, 0, 0, len(optional), 0x22E)
    table = b"".join(name.encode().ljust(8, b"\0") + bytes(32) for name in sections)
    return dos.ljust(start, b"\0") + coff + optional + table


IPXE_SECTIONS = (".text", ".rodata", ".data", ".bss", ".reloc", ".debug")


def test_efi_applications() -> None:
    content = classify(pe_file(), "tftp://h/grubx64.efi", None)
    assert (content.kind, content.text) == ("pe", "EFI application, x86-64, unsigned")
    assert (content.machine, content.signed, content.efi, content.ipxe) == (0x8664, False, True, False)
    assert classify(pe_file(certificates=2000), "x", None).text == "EFI application, x86-64, signed"
    assert classify(pe_file(0xAA64), "x", None).text == "EFI application, ARM64, unsigned"
    assert classify(pe_file(0x14C, wide=False, certificates=8), "x", None).text == "EFI application, IA32, signed"
    assert classify(pe_file(subsystem=12), "x", None).text == "EFI runtime driver, x86-64, unsigned"
    assert not classify(pe_file(subsystem=3), "x", None).efi


@pytest.mark.parametrize(
    ("sections", "stub", "proven"),
    [(IPXE_SECTIONS, b"", True), (IPXE_SECTIONS, b"\x90", False), ((".text", ".data", ".reloc"), b"", False)],
)
def test_ipxe_for_efi_is_told_by_its_build(sections: tuple[str, ...], stub: bytes, proven: bool) -> None:
    content = classify(pe_file(sections=sections, stub=stub), "renamed.efi", None)
    assert (content.ipxe, content.kind) == (proven, "pe")


def test_what_the_bytes_do_not_reach_stays_open() -> None:
    whole = pe_file(certificates=1)
    assert classify(whole[:40], "x.efi", None).kind == "pe"
    header = pe.parse(whole[: 0xC0 + 60])
    assert header is not None
    assert (header.machine, header.subsystem, header.signed) == (0x8664, None, None)
    assert pe.parse(whole[:0xC0] + b"XE" + whole[0xC2:]) is None
    assert classify(pe_file(sections=(".text", ".linux")), "x", None).details == ("unified kernel image",)
    assert classify(pe_file(sections=(".text", "mods")), "x", None).details == ("GRUB",)


def bzimage(start: bytes = b"", more: bytes = b"") -> bytes:
    return start.ljust(0x1FE, b"\0") + b"\x55\xaa\xeb\x66HdrS" + more


def test_kernels() -> None:
    assert classify(bzimage(), "linux", None).text == "Linux kernel, x86"
    stub = classify(bzimage(pe_file(sections=())), "linux", None)
    assert (stub.kind, stub.text, stub.machine, stub.efi) == ("linux-kernel", "Linux kernel, x86", 0x8664, True)
    assert classify(bytes(0x38) + b"ARM\x64", "Image", None).text == "Linux kernel, ARM64"
    assert classify(bytes(0x38) + b"RSC\x05", "Image", None).text == "Linux kernel, RISC-V"
    assert classify(bytes(0x24) + b"\x18\x28\x6f\x01", "zImage", None).text == "Linux kernel, ARM"
    assert classify(b"MZ\0\0zimg" + bytes(60), "vmlinuz.efi", None).kind == "linux-kernel"
    lkrn = classify(bzimage(more=b"Installation failed - cannot continue\n"), "x", None)
    assert (lkrn.kind, lkrn.ipxe) == ("boot-sector", True)


@pytest.mark.parametrize(
    ("head", "name", "kind", "text"),
    [
        (b"\x1f\x8b\x08", "initrd.gz", "gzip", "gzip data"),
        (b"\x28\xb5\x2f\xfd", "initrd", "zstd", "Zstandard data"),
        (b"\xfd7zXZ\x00", "initrd", "xz", "xz data"),
        (b"\x5d\x00\x00\x80\x00", "initrd", "lzma", "LZMA data"),
        (b"BZh91AY", "x", "bzip2", "bzip2 data"),
        (b"070701", "x", "cpio", "cpio archive"),
        (b"hsqs", "x", "squashfs", "SquashFS image"),
        (b"\xd0\x0d\xfe\xed", "x.itb", "fdt", "device tree or FIT image"),
        (b"\xd0\x0d\xfe\xed" + bytes(60) + b"\0\0\0\1images\0\0", "x", "linux-kernel", "FIT image"),
        (b"\x36\x13\x03\x1b", "x", "linux-kernel", "network boot image (NBI)"),
        (b"MSWIM\0\0\0", "x", "wim", "Windows image (WIM)"),
        (b"bootstate=0\nkernel=b.b00\n", "esxi/boot.cfg", "esxi-config", "ESXi boot configuration"),
        (b"bootstate=0\n", "esxi/boot.cfg", "text", "text"),
        (b"\x7fELF\2\1\1" + bytes(11) + b"\xb7\0", "x", "elf", "ELF program, ARM64"),
        (b"\x7fELF\2\2\1" + bytes(11) + b"\0\x15", "x", "elf", "ELF program, PowerPC 64"),
        (b"\x27\x05\x19\x56" + bytes(26) + b"\6\0", "boot.scr", "uboot-script", "U-Boot script"),
        (b"\x27\x05\x19\x56" + bytes(26) + b"\3\0", "u", "initrd", "initial RAM disk, U-Boot image"),
        (b"\x33\xed" + b"\x90" * 30, "x", "iso", "ISO image"),
        (bytes(0x8001) + b"CD001", "x", "iso", "ISO image"),
        (bytes(4096), "http://h/a.iso?x=1", "iso", "ISO image"),
        (b"\xea\x24\x7c\0\0", "renamed", "pxelinux", "PXELINUX"),
        (b"\xea\x05\0\xc0\x07" + b"PXE->EB:", "x.kpxe", "boot-sector", "iPXE, BIOS network boot program"),
        (b"\xea\x05\0\0\0", "x.0", "boot-sector", "BIOS network boot program"),
        (b"\x55\xaa\x40 http://ipxe.org", "x.rom", "boot-sector", "iPXE option ROM"),
        (b"\xeb\x58" + bytes(508) + b"\x55\xaa", "x", "boot-sector", "boot sector"),
        (b"\xeb\x58" + bytes(444) + b"\x80\0\0\0\x0c" + bytes(59) + b"\x55\xaa", "x", "iso", "disk image"),
        (b"\x91\x92\x93\0", "pxeboot.n12", "boot-sector", "BIOS boot program, by its name"),
        (b"\x91\x92\x93\0", "firmware.bin", "unknown", "unknown data"),
        (b"#!ipxe\nexit", "boot.php", "ipxe-script", "iPXE script"),
        (b"#!gpxe\r\n", "x", "ipxe-script", "gPXE script"),
        (b"exit\n", "http://h/menu.ipxe", "text", "text without the #!ipxe line"),
        (b"\n <!DOCTYPE html><html>", "linux", "html", "HTML page"),
        (b"<html><body>404", "linux", "html", "HTML page"),
        (b"set timeout=5\n", "/x/y", "grub-config", "GRUB configuration"),
        (b"menuentry 'x' {\n", "/x/y", "grub-config", "GRUB configuration"),
        (b"# nothing\n", "/grub/grub.cfg-01-52-54-00-89-32-47", "grub-config", "GRUB configuration"),
        (b"DEFAULT di\nLABEL di\n kernel x\n", "x", "pxelinux-config", "PXELINUX configuration"),
        (b"say hello\n", "pxelinux.cfg/default", "pxelinux-config", "PXELINUX configuration"),
        (b"set default=x\nmenuentry x {\n}\n", "pxelinux.cfg/default", "grub-config", "GRUB configuration"),
        (b"default deny\n", "rules", "text", "text"),
        (b"d-i debian-installer/locale string en_US\n", "preseed.cfg", "text", "text"),
        ("größe".encode(), "x", "text", "text"),
        ("größe".encode()[:4], "x", "text", "text"),
    ],
)
def test_by_content_and_name(head: bytes, name: str, kind: str, text: str) -> None:
    content = classify(head, name, None)
    assert (content.kind, content.text) == (kind, text)


@pytest.mark.parametrize("wide", [1, 2])
def test_an_elf_header_whose_entries_have_no_such_size_tells_no_length(wide: int) -> None:
    filled = (b"\x7fELF" + bytes([wide, 1, 1])).ljust(3000, b"\1")
    assert classify(filled, "x.mod", 3000).missing == 0


def test_empty_files() -> None:
    assert classify(b"", "x", 0).kind == "empty"
    assert classify(b"", "x", None).kind == "unknown"


REAL = {
    "/usr/lib/ipxe/ipxe.efi": ("pe", True),
    "/usr/lib/ipxe/snponly.efi": ("pe", True),
    "/usr/lib/ipxe/undionly.kpxe": ("boot-sector", True),
    "/usr/lib/ipxe/ipxe.pxe": ("boot-sector", True),
    "/usr/lib/ipxe/ipxe.lkrn": ("boot-sector", True),
    "/usr/lib/PXELINUX/pxelinux.0": ("pxelinux", False),
    "/usr/lib/PXELINUX/lpxelinux.0": ("pxelinux", False),
    "/usr/lib/syslinux/memdisk": ("linux-kernel", False),
    "/usr/lib/shim/shimx64.efi.signed": ("pe", False),
    "/usr/lib/grub/x86_64-efi-signed/grubnetx64.efi.signed": ("pe", False),
}


@pytest.mark.parametrize("path", REAL)
def test_real_boot_programs(path: str) -> None:
    file = Path(path)
    if not file.exists():
        pytest.skip(f"{path} is not installed")
    with file.open("rb") as stream:
        head = stream.read(4096)
    content = classify(head, "renamed", file.stat().st_size)
    assert (content.kind, content.ipxe) == REAL[path]
    if content.kind == "pe":
        assert content.signed is path.endswith(".signed")


@given(st.sampled_from([pe_file(), bzimage(pe_file(sections=())), b"\x7fELF\1\1", b"#!ipxe\n", b"\x55\xaa"]), st.integers(0, 500),
       st.binary(max_size=200), st.text(max_size=20))  # fmt: skip
def test_mutilated(sample: bytes, cut: int, tail: bytes, name: str) -> None:
    content = classify(sample[:cut] + tail, name, None)
    assert content.kind
    assert content.text


@given(st.binary(max_size=600))
def test_noise(data: bytes) -> None:
    classify(data, "x", len(data))
    classify(b"MZ" + data, "x", None)


@given(st.integers(0, 2**32 - 1), st.integers(0, 65535))
def test_hostile_offsets(start: int, count: int) -> None:
    data = bytearray(pe_file())
    data[0x3C:0x40] = struct.pack("<I", start)
    pe.parse(bytes(data))
    data = bytearray(pe_file())
    data[0xC6:0xC8] = struct.pack("<H", count)
    data[0xD4:0xD6] = struct.pack("<H", count)
    header = pe.parse(bytes(data))
    assert header is not None
    assert len(header.sections) <= 96
