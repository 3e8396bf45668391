"""Encapsulated options of network boots: PXE's in option 43, iPXE's in option 175; stateless.

PXE 2.1 specification table 2-1; numbers of iPXE's options as in its src/include/ipxe/dhcp.h.
"""

from __future__ import annotations

from ..text import printable
from .addresses import ipv4_list
from .messages import IpxeOptions, PxeBootServer, PxeOptions

_MAX_ITEMS = 64
"""Sub-options, boot servers and menu entries that are read of one option."""
_PXE_CODES = frozenset({*range(1, 13), *range(64, 72)})
"""Sub-options of PXE 2.1: 1 to 5 (MTFTP), 6 to 12 (discovery, menu, credentials), 64 to 71 (loader, boot item)."""
_PXE_END = 255

# Feature numbers of option 175; each says with a byte of 1 that it is there.
_IPXE_FEATURES = {
    16: "pxe-ext", 17: "iscsi", 18: "aoe", 19: "http", 20: "https", 21: "tftp", 22: "ftp", 23: "dns",
    24: "bzimage", 25: "multiboot", 26: "slam", 27: "srp", 32: "nbi", 33: "pxe", 34: "elf", 35: "comboot",
    36: "efi", 37: "fcoe", 38: "vlan", 39: "menu", 40: "sdi", 41: "nfs",
}  # fmt: skip
_IPXE_KNOWN = frozenset({1, 8, 176, 177, 235})


def sub_options(raw: bytes, *, end: bool = True) -> list[tuple[int, bytes]] | None:
    """Code and value of each encapsulated option; None when the lengths do not add up.

    With `end`, 0 is padding and 255 ends the list (RFC 2132 section 8.4); option 82 has neither.
    """
    found: list[tuple[int, bytes]] = []
    position = 0
    while position < len(raw):
        code = raw[position]
        if end and code == _PXE_END:
            return found
        if end and code == 0:
            position += 1
            continue
        if position + 2 > len(raw):
            return None
        start = position + 2
        position = start + raw[position + 1]
        if position > len(raw):
            return None
        found.append((code, raw[start:position]))
    return found


def parse_pxe(raw: bytes) -> PxeOptions | None:
    """Option 43 as PXE vendor options; None when it cannot be (then it is some other vendor's content)."""
    found = sub_options(raw)
    if not found or not any(code in _PXE_CODES for code, _ in found):
        return None
    options = PxeOptions()
    others: list[int] = []
    for code, value in found[:_MAX_ITEMS]:
        if code == 6 and len(value) == 1:
            options.discovery_control = value[0]
        elif code == 8:
            servers = _boot_servers(value)
            if servers is None:
                return None
            options.boot_servers += servers
        elif code == 9:
            menu = _menu(value)
            if menu is None:
                return None
            options.menu += menu
        elif code == 10 and value:
            options.prompt = (value[0], printable(value[1:].rstrip(b"\0")))
        elif code == 71 and len(value) >= 4:
            options.boot_item = (value[0] << 8 | value[1], value[2] << 8 | value[3])
        else:
            others.append(code)
    options.others = tuple(others)
    return options


def _boot_servers(raw: bytes) -> tuple[PxeBootServer, ...] | None:
    """Sub-option 8: type, number of addresses, addresses; repeated."""
    servers: list[PxeBootServer] = []
    position = 0
    while position < len(raw) and len(servers) < _MAX_ITEMS:
        end = position + 3 + 4 * raw[position + 2] if position + 3 <= len(raw) else len(raw) + 1
        if end > len(raw):
            return None
        servers.append(PxeBootServer(raw[position] << 8 | raw[position + 1], ipv4_list(raw[position + 3 : end])))
        position = end
    return tuple(servers)


def _menu(raw: bytes) -> tuple[tuple[int, str], ...] | None:
    """Sub-option 9: type, length, text; repeated. Raspberry Pi ROMs want `Raspberry Pi Boot   `: spaces are kept."""
    entries: list[tuple[int, str]] = []
    position = 0
    while position < len(raw) and len(entries) < _MAX_ITEMS:
        end = position + 3 + raw[position + 2] if position + 3 <= len(raw) else len(raw) + 1
        if end > len(raw):
            return None
        entries.append((raw[position] << 8 | raw[position + 1], printable(raw[position + 3 : end].rstrip(b"\0"))))
        position = end
    return tuple(entries)


def parse_ipxe(raw: bytes) -> IpxeOptions | None:
    """Option 175 as iPXE's encapsulated options; None when the lengths do not add up."""
    found = sub_options(raw)
    if found is None:
        return None
    values: dict[int, bytes] = {}
    for code, value in found:
        values.setdefault(code, value)
    version, bus = values.get(235), values.get(177)
    return IpxeOptions(
        features=tuple(name for code, name in _IPXE_FEATURES.items() if values.get(code, b"\0").strip(b"\0")),
        priority=_signed(values.get(1)),
        keep_san=_first(values.get(8)),
        no_proxydhcp=_first(values.get(176)),
        version=".".join(map(str, version)) if version else None,
        bus_id=_bus(bus) if bus else None,
        others=tuple(code for code in values if code not in _IPXE_KNOWN and code not in _IPXE_FEATURES),
    )


def _first(value: bytes | None) -> int | None:
    return value[0] if value else None


def _signed(value: bytes | None) -> int | None:
    """The priority is a signed byte: DHCP servers are ordered by it, 0 when absent."""
    return int.from_bytes(value[:1], "big", signed=True) if value else None


def _bus(value: bytes) -> str:
    """A bus type (1 PCI, 2 ISA PnP, …), then vendor and device."""
    if value[0] == 1 and len(value) == 5:
        return f"pci {value[1:3].hex()}:{value[3:5].hex()}"
    return value.hex()
