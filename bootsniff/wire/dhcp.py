"""BOOTP and DHCPv4 messages (RFC 951, RFC 2131, RFC 3396): the fixed header and the options as bytes; stateless.

What options mean is read on demand by `dhcp_options`. A faulty encoding is told in `problems`, and everything that can
be read is read all the same: firmware does so, too.
"""

from __future__ import annotations

from struct import Struct

from ..errors import Malformed
from ..text import printable
from .addresses import ipv4_text, mac_text
from .dhcp_layout import known_options, learn
from .messages import DhcpMessage, DhcpOptions

MAGIC_COOKIE = b"\x63\x82\x53\x63"
_HEADER = 236
_PAD, _OVERLOAD, _MESSAGE_TYPE, _END = 0, 52, 53, 255
_NO_ADDRESS = b"\0\0\0\0"
_SNAME, _FILE = slice(44, 108), slice(108, 236)
_MAX_PROBLEMS = 8
_INTERNED = 4096
"""Option values that are shared between messages; the cache starts anew when it is full."""

_unpack = Struct(">BxBBIHH4s4s4s4s6s10xB63xB").unpack_from
_values: dict[bytes, bytes] = {}
_code_lists: dict[bytes, bytes] = {}


def parse(payload: bytes) -> DhcpMessage:
    """Read the UDP payload of a DHCP packet; raises Malformed when the BOOTP header is not whole or makes no sense.

    A message without the magic cookie is plain BOOTP and has no options (RFC 951).
    """
    if len(payload) < _HEADER:
        raise Malformed("BOOTP header is not whole")
    op, address_length, hops, xid, secs, flags, client, your, server, relay, mac, named, filed = _unpack(payload)
    if op not in (1, 2):
        raise Malformed(f"BOOTP operation {op}")
    if secs & 0xFF == 0:
        secs >>= 8  # edk2 (to port 4011) and Windows forget to swap it; nobody waits for a multiple of 256 s
    if address_length != 6 and address_length:
        if address_length > 16:
            raise Malformed(f"hardware address of {address_length} bytes")
        mac = payload[28 : 28 + address_length]
    read: tuple[DhcpOptions, int | None, int, tuple[str, ...]] | None = known_options(payload)
    if read is None:
        read = _read(payload)
        options, message_type, overload, problems = read
        if not problems and not overload and message_type is not None:
            learn(payload, options, message_type)
    else:
        options, message_type, overload, problems = read
    return DhcpMessage(
        op,
        hops,
        xid,
        secs,
        flags & 0x8000 > 0,
        None if client == _NO_ADDRESS else ipv4_text(client),
        None if your == _NO_ADDRESS else ipv4_text(your),
        None if server == _NO_ADDRESS else ipv4_text(server),
        None if relay == _NO_ADDRESS else ipv4_text(relay),
        # Some relays and ROMs leave hlen empty; chaddr holds the Ethernet address all the same.
        mac_text(mac),
        None if overload & 2 or not named else _text(payload[_SNAME]),
        None if overload & 1 or not filed else _text(payload[_FILE]),
        options,
        message_type,
        overload,
        problems,
    )


def _read(payload: bytes) -> tuple[DhcpOptions, int | None, int, tuple[str, ...]]:
    """Everything behind the BOOTP header: options, message type, overload, problems."""
    problems: list[str] = []
    if payload[236:240] == MAGIC_COOKIE:
        found, overload = _read_options(payload, problems)
    else:
        found, overload = {}, 0
    message_type = None
    value = found.get(_MESSAGE_TYPE)
    if value is not None:
        message_type = value[0] if value else None
        if len(value) != 1:
            problems.append(f"message type of {len(value)} bytes")
    if len(_values) > _INTERNED:
        _values.clear()
        _code_lists.clear()
    codes = bytes(found)
    intern = _values.setdefault
    options = DhcpOptions(
        _code_lists.setdefault(codes, codes), tuple([intern(value, value) for value in found.values()])
    )
    return options, message_type, overload, tuple(problems[:_MAX_PROBLEMS])


def _text(raw: bytes) -> str:
    """A header field: text up to the first NUL."""
    end = raw.find(0)
    return printable(raw if end < 0 else raw[:end])


def _read_options(payload: bytes, problems: list[str]) -> tuple[dict[int, bytes], int]:
    """Options and the overload byte: options, then file, then sname (RFC 2131 section 4.1, RFC 3396 section 5)."""
    found: dict[int, bytes] = {}
    ended = _scan(payload, (240, len(payload), "options"), found, problems)
    if not ended:
        problems.append("options have no end mark")
    overload = 0
    if _OVERLOAD in found:
        value = found[_OVERLOAD]
        if len(value) == 1 and 1 <= value[0] <= 3:
            overload = value[0]
        else:
            problems.append(f"option overload is {value[:8].hex() or 'empty'}")
    for bit, field, name in ((1, _FILE, "file"), (2, _SNAME, "sname")):
        if overload & bit and not _scan(payload, (field.start, field.stop, name), found, problems):
            problems.append(f"overloaded {name} has no end mark")
    return found, overload


def _scan(data: bytes, field: tuple[int, int, str], found: dict[int, bytes], problems: list[str]) -> bool:
    """Collect options of one field into `found`, parts of one code joined; False when no end mark was met."""
    position, end, where = field
    while position < end:
        code = data[position]
        if code == _PAD:
            position += 1
            continue
        if code == _END:
            return True
        start = position + 2
        if start > end:
            problems.append(f"option {code} in {where} has no length")
            return True
        position = start + data[position + 1]
        if position > end:
            problems.append(f"option {code} in {where} runs past the end")
            found[code] = found.get(code, b"") + data[start:end]
            return True
        if code in found:
            found[code] += data[start:position]  # RFC 3396: parts are joined, wherever they stand
        else:
            found[code] = data[start:position]
    return False
