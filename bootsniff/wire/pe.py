"""Headers of PE/COFF files: what machine they are for, whether they are EFI programs, whether they are signed.

Microsoft PE/COFF specification, UEFI specification section 2.1.1. Only the first kilobytes of a file are needed.
"""

from __future__ import annotations

from msgspec import Struct

from .numbers import pe_machine_name

_SUBSYSTEMS = {10: "EFI application", 11: "EFI boot service driver", 12: "EFI runtime driver", 13: "EFI ROM image"}
_PE32, _PE32_PLUS = 0x10B, 0x20B
_CERTIFICATE_TABLE = 4
"""Index of its data directory."""
_MAX_SECTIONS = 96
_UNINITIALISED = 0x80
"""IMAGE_SCN_CNT_UNINITIALIZED_DATA: memory to clear, nothing in the file."""


class PeHeader(Struct):
    """What the headers tell; None where they are not whole."""

    machine: int | None = None
    subsystem: int | None = None
    signed: bool | None = None
    """A certificate table is there; whether its signature is good nobody can say from here."""
    sections: tuple[str, ...] = ()
    end: int = 0
    """Where the last section or certificate that the headers tell of ends in the file."""
    bare: bool = False
    """Every DOS header field but magic and PE offset is zero, and there is no DOS program: written by iPXE's elf2efi
    or edk2's GenFw, not by a linker."""

    @property
    def efi(self) -> bool:
        return self.subsystem in _SUBSYSTEMS

    @property
    def text(self) -> str:
        """`EFI application, x86-64, unsigned`."""
        parts = ["PE program" if self.subsystem is None else _SUBSYSTEMS.get(self.subsystem, "PE program")]
        if self.machine is not None:
            parts.append(pe_machine_name(self.machine))
        if self.signed is not None:
            parts.append("signed" if self.signed else "unsigned")
        return ", ".join(parts)

    @property
    def ipxe(self) -> bool:
        """Made by iPXE's build: a bare DOS header, and the sections of its linker script (elf2efi keeps .bss)."""
        return self.bare and {".text", ".rodata", ".data", ".bss", ".reloc"} <= set(self.sections)


def parse(head: bytes) -> PeHeader | None:
    """Read the beginning of a file; None when it is no PE file. What the bytes do not reach stays None."""
    if not head.startswith(b"MZ"):
        return None
    if len(head) < 64:
        return PeHeader()
    start = _number(head, 0x3C, 4)
    if start + 24 > len(head):
        return PeHeader()
    if head[start : start + 4] != b"PE\0\0":
        return None
    header = PeHeader(machine=_number(head, start + 4, 2))
    header.bare = not any(head[2:0x3C]) and not any(head[0x40:start])
    optional = start + 24
    size = _number(head, start + 20, 2)
    magic = _number(head, optional, 2) if optional + 2 <= len(head) else 0
    if magic in (_PE32, _PE32_PLUS):
        _read_optional(head[: optional + size], optional, header, wide=magic == _PE32_PLUS)
    sections = range(optional + size, optional + size + 40 * min(_number(head, start + 6, 2), _MAX_SECTIONS), 40)
    whole = [position for position in sections if position + 40 <= len(head)]
    header.sections = tuple(head[at : at + 8].rstrip(b"\0").decode("ascii", "replace") for at in whole)
    header.end = max([header.end, *(_section_end(head, position) for position in whole)])
    return header


def _read_optional(data: bytes, optional: int, header: PeHeader, *, wide: bool) -> None:
    if len(data) >= optional + 70:
        header.subsystem = _number(data, optional + 68, 2)
    count_at = optional + (108 if wide else 92)
    if len(data) < count_at + 4:
        return
    directory = count_at + 4 + 8 * _CERTIFICATE_TABLE
    if _number(data, count_at, 4) <= _CERTIFICATE_TABLE:
        header.signed = False
    elif len(data) >= directory + 8:
        header.signed = _number(data, directory + 4, 4) > 0
        if header.signed:
            header.end = _number(data, directory, 4) + _number(data, directory + 4, 4)


def _section_end(head: bytes, position: int) -> int:
    """Where a section's bytes end in the file; 0 for one that has none there."""
    size, start = _number(head, position + 16, 4), _number(head, position + 20, 4)
    return start + size if start and not _number(head, position + 36, 4) & _UNINITIALISED else 0


def _number(data: bytes, position: int, size: int) -> int:
    return int.from_bytes(data[position : position + size], "little")
