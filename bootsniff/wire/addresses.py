"""Addresses as text; cached, because a capture names the same few addresses again and again."""

from __future__ import annotations

import re
from functools import lru_cache

BROADCAST = "255.255.255.255"
"""Everybody on the own network (RFC 919)."""
CACHED = 8192
"""Addresses kept per kind: a stranger who invents addresses costs no more memory than this."""
_IPV4 = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}", re.ASCII)


@lru_cache(CACHED)
def mac_text(raw: bytes) -> str:
    """`52:54:00:12:34:56` of any number of bytes."""
    return raw.hex(":")


@lru_cache(CACHED)
def ipv4_text(raw: bytes) -> str:
    """Dotted text of 4 bytes."""
    return f"{raw[0]}.{raw[1]}.{raw[2]}.{raw[3]}"


@lru_cache(CACHED)
def ipv6_text(raw: bytes) -> str:
    """Text of 16 bytes as RFC 5952 section 4 writes it: lower case, the first longest run of zero groups as `::`."""
    groups = [raw[index] << 8 | raw[index + 1] for index in range(0, 16, 2)]
    start, length = -1, 1
    index = 0
    while index < 8:
        end = index
        while end < 8 and groups[end] == 0:
            end += 1
        if end - index > length:
            start, length = index, end - index
        index = end + 1
    if start < 0:
        return ":".join(f"{group:x}" for group in groups)
    head = ":".join(f"{group:x}" for group in groups[:start])
    tail = ":".join(f"{group:x}" for group in groups[start + length :])
    return f"{head}::{tail}"


def is_ipv4(text: str) -> bool:
    """Whether it is an IPv4 address and nothing else."""
    return _IPV4.fullmatch(text) is not None and all(int(octet) < 256 for octet in text.split("."))


def is_for_many(text: str) -> bool:
    """Whether an IPv4 address is that of everybody, or of a group (RFC 1112 section 4)."""
    return text == BROADCAST or (is_ipv4(text) and 224 <= int(text.split(".", 1)[0]) < 240)


def in_url(address: str) -> str:
    """An address as URLs have it, and whatever else puts a port behind it (RFC 3986 section 3.2.2)."""
    return f"[{address}]" if ":" in address else address


def ipv4_list(raw: bytes) -> tuple[str, ...]:
    """All whole IPv4 addresses in a field."""
    return tuple(ipv4_text(raw[index : index + 4]) for index in range(0, len(raw) - 3, 4))


def ipv6_list(raw: bytes) -> tuple[str, ...]:
    """All whole IPv6 addresses in a field."""
    return tuple(ipv6_text(raw[index : index + 16]) for index in range(0, len(raw) - 15, 16))
