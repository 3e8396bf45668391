"""What transfers say: messages of TFTP, heads of HTTP, handshakes of TLS, and what files are; plain values.

The rules of `wire.messages` hold: treated as immutable, no decoding, every text has passed `printable()`.
"""

from __future__ import annotations

from msgspec import Struct


class TftpRequest(Struct):
    """RRQ or WRQ (RFC 1350, options RFC 2347)."""

    write: bool
    filename: str
    mode: str
    options: tuple[tuple[str, str], ...] = ()
    """In the order sent, names in lower case."""


class TftpOack(Struct):
    """Options that the server accepts (RFC 2347)."""

    options: tuple[tuple[str, str], ...]


class TftpData(Struct):
    """DATA: a block number and how many bytes came with it (on the wire, not in the capture)."""

    block: int
    length: int
    data: bytes


class TftpAck(Struct):
    """ACK of a block."""

    block: int


_MISSING = ("not found", "no such file", "does not exist")


class TftpError(Struct):
    """ERROR: codes above 8 are kept as they are."""

    code: int
    text: str

    @property
    def says_missing(self) -> bool:
        """Whether there is no such file: by the code, or where that is 0 (not defined) by the text."""
        text = self.text.lower()
        return self.code == 1 or (self.code == 0 and any(words in text for words in _MISSING))


TftpAnswer = TftpOack | TftpData | TftpAck | TftpError
"""What follows a request, from either side."""


class HttpHead(Struct):
    """Start line and header fields of an HTTP/1.x message (RFC 9112)."""

    method: str | None
    """None for a response."""
    target: str
    version: str  # `1.1`
    status: int | None
    reason: str
    fields: tuple[tuple[str, str], ...]
    """Names as they were sent (their spelling matters to some loaders), values trimmed."""
    length: int
    """Bytes of the head, the empty line included; 0 when the capture cut it."""

    @property
    def cut(self) -> bool:
        """The capture holds only the beginning of it: fields may be missing, and nobody knows where the body begins."""
        return self.length == 0

    @property
    def media_type(self) -> str:
        """Content-Type without its parameters, in lower case; empty when there is none (RFC 9110 section 8.3.1)."""
        return (self.get("content-type") or "").split(";")[0].strip().lower()

    def get(self, name: str) -> str | None:
        """Value of the first field of that name, whatever its case."""
        lowered = name.lower()
        return next((value for key, value in self.fields if key.lower() == lowered), None)


class TlsClientHello(Struct):
    """What a client offers."""

    server_name: str | None
    versions: tuple[str, ...]  # `1.2`, `1.3`
    ciphers: tuple[int, ...] = ()


class TlsServerHello(Struct):
    """What a server chose."""

    version: str
    cipher: int


class TlsCertificate(Struct):
    """The server's own certificate, readable up to TLS 1.2."""

    subject: str
    issuer: str
    names: tuple[str, ...]
    """Subject alternative names, else the common name."""
    not_before: int | None  # ns since the epoch
    not_after: int | None
    self_signed: bool
    key_bits: int | None = None


FATAL = 2
"""Alert level (RFC 5246 section 7.2)."""


class TlsAlert(Struct):
    """An alert that could be read (not encrypted)."""

    level: int  # 1 warning, 2 fatal
    code: int
    name: str


class BootContent(Struct):
    """What a file is, told by its first bytes."""

    kind: str
    """pe, linux-kernel, initrd, boot-sector, pxelinux, ipxe-script, grub-config, pxelinux-config, esxi-config, uboot-script,
    fdt, iso, wim, gzip, zstd, xz, lzma, bzip2, cpio, archive, squashfs, elf, html, text, empty, unknown."""
    text: str
    """In words, as reports show it: `EFI application, x86-64, unsigned`."""
    machine: int | None = None
    """PE machine: 0x8664 x86-64, 0x014c IA32, 0xaa64 ARM64, 0x01c2/0x01c4 ARM, 0x5032/0x5064 RISC-V, 0x6232/0x6264 LoongArch."""
    signed: bool | None = None
    """Whether the PE file has a certificate table; None where unknown."""
    efi: bool = False
    """A PE file with an EFI subsystem."""
    ipxe: bool = False
    """The bytes prove an iPXE binary."""
    missing: int = 0
    """How many bytes more than the file has its own headers tell of; 0 when they fit, or nobody knows."""
    details: tuple[str, ...] = ()
