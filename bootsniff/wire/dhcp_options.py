"""What DHCPv4 options mean, read on demand from a message; nothing is kept here.

Every accessor gives None (or an empty tuple) when the option is absent or too short to be one. RFC 2132 unless told.
"""

from __future__ import annotations

from functools import lru_cache

from ..errors import Malformed
from ..text import printable
from . import pxe as encapsulated
from .addresses import ipv4_list, ipv4_text
from .dns import read_name
from .messages import DhcpMessage, IpxeOptions, PxeOptions, RelayInformation

PXE_CLASS = "PXEClient"
HTTP_CLASS = "HTTPClient"
_MAX_NAMES = 64
_NO_UUID = (bytes(16), b"\xff" * 16)


def text(message: DhcpMessage, code: int) -> str | None:
    """A text option without trailing NULs: dnsmasq terminates 66 and 67 with one on purpose, others pad."""
    raw = message.options.get(code)
    return _unpadded(raw) if raw else None


@lru_cache(1024)
def _unpadded(raw: bytes) -> str | None:
    return printable(raw.rstrip(b"\0")) or None


def address(message: DhcpMessage, code: int) -> str | None:
    raw = message.options.get(code)
    return ipv4_text(raw[:4]) if raw is not None and len(raw) >= 4 else None


def addresses(message: DhcpMessage, code: int) -> tuple[str, ...]:
    return ipv4_list(message.options.get(code) or b"")


def number(message: DhcpMessage, code: int, size: int) -> int | None:
    raw = message.options.get(code)
    return int.from_bytes(raw, "big") if raw is not None and len(raw) == size else None


def server_id(message: DhcpMessage) -> str | None:
    return address(message, 54)


def requested_ip(message: DhcpMessage) -> str | None:
    return address(message, 50)


def subnet_mask(message: DhcpMessage) -> str | None:
    return address(message, 1)


def routers(message: DhcpMessage) -> tuple[str, ...]:
    return addresses(message, 3)


def dns_servers(message: DhcpMessage) -> tuple[str, ...]:
    return addresses(message, 6)


def hostname(message: DhcpMessage) -> str | None:
    return text(message, 12)


def root_path(message: DhcpMessage) -> str | None:
    return text(message, 17)


def mtu(message: DhcpMessage) -> int | None:
    return number(message, 26, 2)


def broadcast(message: DhcpMessage) -> str | None:
    return address(message, 28)


def vendor_class(message: DhcpMessage) -> str | None:
    """Option 60: `PXEClient:Arch:00007:UNDI:003000`, `HTTPClient…`, `U-Boot.armv8`."""
    return text(message, 60)


def is_of_class(message: DhcpMessage, *classes: str) -> bool:
    """Whether option 60 begins with one of these words, as clients look at it (edk2 HttpBootDhcp4.c)."""
    return (vendor_class(message) or "").startswith(classes)


def user_class(message: DhcpMessage) -> str | None:
    """Option 77: iPXE sends the bare text, RFC 3004 asks for a length before each class; several are joined by commas."""
    raw = (message.options.get(77) or b"").rstrip(b"\0")
    if not raw:
        return None
    parts = _counted(raw)
    return printable(b", ".join(parts) if parts else raw) or None


def invites_raspberry_pi(message: DhcpMessage) -> bool:
    """Whether a reply has the words in option 43 without which no Raspberry Pi takes it."""
    return b"Raspberry Pi Boot" in (message.options.get(43) or b"")


def names_ipxe(user: str | None) -> bool:
    """Whether one of the classes of `user_class` is iPXE's, or that of its ancestor gPXE."""
    return user is not None and any(part.startswith(("iPXE", "gPXE")) for part in user.split(", "))


def _counted(raw: bytes) -> list[bytes]:
    """The texts of RFC 3004 section 4; what is left where the lengths do not add up is the last of them.

    Empty when already the first length does not fit: then there are no lengths.
    """
    parts: list[bytes] = []
    position = 0
    while position < len(raw):
        size = raw[position]
        position += 1 + size
        if size == 0 or position > len(raw):
            return [*parts, raw[position - size - 1 :]] if parts else []
        parts.append(raw[position - size : position])
    return parts


def arches(message: DhcpMessage) -> tuple[int, ...]:
    """Option 93 (RFC 4578 section 2.1): 16-bit codes, the preferred one first."""
    return _words(message.options.get(93) or b"")


def _words(raw: bytes) -> tuple[int, ...]:
    return tuple(raw[index] << 8 | raw[index + 1] for index in range(0, len(raw) - 1, 2))


def undi(message: DhcpMessage) -> tuple[int, int, int] | None:
    """Option 94 (RFC 4578 section 2.2): interface type (1 UNDI), major, minor."""
    raw = message.options.get(94)
    return (raw[0], raw[1], raw[2]) if raw is not None and len(raw) == 3 else None


def uuid(message: DhcpMessage) -> str | None:
    """Option 97, type 0 (RFC 4578 section 2.3), its first three fields read as little-endian.

    Firmware sends the 16 bytes as SMBIOS stores them, so this is the text that `dmidecode`, libvirt and tshark show.
    None also for all zeros or all ones: SMBIOS says so where a machine has no UUID (SMBIOS 3.0 section 7.2.1).
    """
    raw = message.options.get(97)
    if raw is None or len(raw) != 17 or raw[0] != 0 or raw[1:] in _NO_UUID:
        return None
    return guid_text(raw[1:])


def guid_text(raw: bytes) -> str:
    """16 bytes of a GUID in EFI's layout as text."""
    digits = (raw[3::-1] + raw[5:3:-1] + raw[7:5:-1] + raw[8:]).hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def client_id(message: DhcpMessage) -> bytes | None:
    """Option 61 as it was sent: a type and an identifier, or a DUID behind type 255 (RFC 4361)."""
    return message.options.get(61) or None


def boot_file_option(message: DhcpMessage) -> str | None:
    """Option 67 without its NUL."""
    return text(message, 67)


def server_name_option(message: DhcpMessage) -> str | None:
    """Option 66 without its NUL."""
    return text(message, 66)


def boot_file(message: DhcpMessage) -> tuple[str, str] | None:
    """The boot file's name and where it stands: `option 67`, else the header's `file`."""
    named = boot_file_option(message)
    if named is not None:
        return named, "option 67"
    return (message.file, "file") if message.file is not None else None


def parameter_list(message: DhcpMessage) -> tuple[int, ...]:
    """Option 55: what the client asks for."""
    return tuple(message.options.get(55) or b"")


def message(message: DhcpMessage) -> str | None:
    """Option 56: why a server says NAK, or a client DECLINE."""
    return text(message, 56)


def relay_information(message: DhcpMessage) -> RelayInformation | None:
    """Option 82 (RFC 3046): text where the identifiers are text, else hex."""
    raw = message.options.get(82)
    if raw is None:
        return None
    found = dict(encapsulated.sub_options(raw, end=False) or ())
    circuit, remote = (_text_or_hex(found[code]) if code in found else None for code in (1, 2))
    link = found.get(5, b"")
    return RelayInformation(circuit, remote, ipv4_text(link) if len(link) == 4 else None)


def _text_or_hex(raw: bytes) -> str:
    return raw.decode() if raw and all(0x20 <= byte < 0x7F and byte != 0x5C for byte in raw) else raw.hex(":")


def search_list(message: DhcpMessage) -> tuple[str, ...]:
    """Option 119 (RFC 3397): names with DNS compression inside the option; as far as they can be read."""
    raw = message.options.get(119) or b""
    names: list[str] = []
    position = 0
    while position < len(raw) and len(names) < _MAX_NAMES:
        try:
            name, position = read_name(raw, position)
        except Malformed:
            break
        if name:
            names.append(name)
    return tuple(names)


def classless_routes(message: DhcpMessage) -> tuple[tuple[str, str], ...]:
    """Option 121 (RFC 3442): destination with prefix length, router."""
    raw = message.options.get(121) or b""
    routes: list[tuple[str, str]] = []
    position = 0
    while position < len(raw):
        width = raw[position]
        size = (width + 7) // 8
        if width > 32 or position + 1 + size + 4 > len(raw):
            break
        destination = raw[position + 1 : position + 1 + size].ljust(4, b"\0")
        position += 1 + size + 4
        routes.append((f"{ipv4_text(destination)}/{width}", ipv4_text(raw[position - 4 : position])))
    return tuple(routes)


def ipxe(message: DhcpMessage) -> IpxeOptions | None:
    """Option 175: what an iPXE client can do, or what a server tells it; None when absent or not iPXE's."""
    raw = message.options.get(175)
    return encapsulated.parse_ipxe(raw) if raw is not None else None


def pxe(message: DhcpMessage) -> PxeOptions | None:
    """Option 43 read as PXE's; None when absent, or when it does not parse as such (another vendor's content)."""
    raw = message.options.get(43)
    return encapsulated.parse_pxe(raw) if raw is not None else None


def pxelinux_path_prefix(message: DhcpMessage) -> str | None:
    """Option 210 (RFC 5071)."""
    return text(message, 210)
