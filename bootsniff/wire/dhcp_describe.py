"""DHCPv4 options in words, for views that show a whole message; decides nothing."""

from __future__ import annotations

from ..text import printable
from . import dhcp_options as options
from .addresses import ipv4_list
from .messages import DhcpMessage, IpxeOptions, PxeOptions
from .numbers import arch_name, dhcp_option_name, dhcp_type_name

_ADDRESSES = frozenset({*range(3, 12), 1, 16, 28, 32, 33, 41, 42, 44, 45, 48, 49, 50, 54, 65, *range(68, 77), 150})
_TEXTS = frozenset({12, 14, 15, 17, 18, 40, 47, 56, 60, 62, 64, 66, 67, 100, 101, 113, 114, 161, 209, 210, 252})
_SECONDS = frozenset({24, 35, 38, 51, 58, 59, 91, 211})
_NUMBERS = frozenset({2, 13, 22, 23, 25, 26, 37, 57})
_FLAGS = frozenset({19, 20, 27, 29, 30, 31, 34, 36, 39, 80, 116})
_OVERLOAD = {1: "file", 2: "sname", 3: "file and sname"}
_SHOWN = 64
"""Bytes of an unknown option that are shown."""


def option_words(message: DhcpMessage, code: int, raw: bytes) -> str:
    """The value of one option of a message in words, `raw` as sent; hex where nothing fits."""
    decoded = _special(message, code, raw)
    if decoded:
        return decoded
    if code in _ADDRESSES and raw and len(raw) % 4 == 0:
        return ", ".join(ipv4_list(raw))
    if code in _TEXTS:
        return printable(raw.rstrip(b"\0"))
    if code in _SECONDS and len(raw) == 4:
        return f"{int.from_bytes(raw, 'big')} s"
    if code in _NUMBERS and 1 <= len(raw) <= 4:
        return str(int.from_bytes(raw, "big"))
    if code in _FLAGS and len(raw) <= 1:
        return "no" if raw == b"\0" else "yes"
    return raw[:_SHOWN].hex(" ") + (" …" if len(raw) > _SHOWN else "")


def _special(message: DhcpMessage, code: int, raw: bytes) -> str | None:
    """Options with a shape of their own; None when it does not fit."""
    if code == 43:
        pxe = options.pxe(message)
        return _pxe(pxe) if pxe else None
    if code == 52 and len(raw) == 1:
        return _OVERLOAD.get(raw[0])
    if code == 53 and raw:
        return dhcp_type_name(raw[0])
    if code == 55:
        return ", ".join(f"{wanted} {dhcp_option_name(wanted)}" for wanted in raw)
    if code == 77:
        return options.user_class(message)
    if code == 82:
        relay = options.relay_information(message)
        link = f", link {relay.link}" if relay and relay.link else ""
        return f"circuit {relay.circuit_id or '-'}, remote {relay.remote_id or '-'}{link}" if relay else None
    if code == 93:
        return ", ".join(f"{arch} {arch_name(arch)}" for arch in options.arches(message))
    if code == 94:
        undi = options.undi(message)
        return f"type {undi[0]}, version {undi[1]}.{undi[2]}" if undi else None
    if code == 97:
        return options.uuid(message)
    if code == 119:
        return ", ".join(options.search_list(message))
    if code == 121:
        return ", ".join(f"{target} via {router}" for target, router in options.classless_routes(message))
    if code == 175:
        ipxe = options.ipxe(message)
        return _ipxe(ipxe) if ipxe else None
    return None


def _pxe(pxe: PxeOptions) -> str:
    parts: list[str] = []
    if pxe.discovery_control is not None:
        parts.append(f"discovery control {pxe.discovery_control}")
    parts += [f"boot server type {server.type}: {', '.join(server.addresses)}" for server in pxe.boot_servers]
    parts += [f"menu {kind}: {text}" for kind, text in pxe.menu]
    if pxe.prompt is not None:
        wait = "for ever" if pxe.prompt[0] == 255 else f"{pxe.prompt[0]} s"
        parts.append(f"prompt {wait}: {pxe.prompt[1]}")
    if pxe.boot_item is not None:
        parts.append(f"boot item type {pxe.boot_item[0]} layer {pxe.boot_item[1]}")
    parts += [f"sub-option {code}" for code in pxe.others]
    return "; ".join(parts)


def _ipxe(ipxe: IpxeOptions) -> str:
    parts: list[str] = []
    if ipxe.version:
        parts.append(f"version {ipxe.version}")
    if ipxe.features:
        parts.append(f"features {', '.join(ipxe.features)}")
    named = (("priority", ipxe.priority), ("keep-san", ipxe.keep_san), ("no-pxedhcp", ipxe.no_proxydhcp))
    parts += [f"{name} {value}" for name, value in named if value is not None]
    if ipxe.bus_id:
        parts.append(f"bus {ipxe.bus_id}")
    parts += [f"sub-option {code}" for code in ipxe.others]
    return "; ".join(parts)
