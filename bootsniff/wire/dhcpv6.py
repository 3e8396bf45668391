"""DHCPv6 messages (RFC 8415) with the options of a network boot (RFC 5970); relay envelopes are taken off. Stateless."""

from __future__ import annotations

from ..errors import Malformed
from ..text import printable
from .addresses import ipv6_list, ipv6_text, mac_text
from .dhcp_options import guid_text
from .messages import Dhcpv6Message

_RELAY_FORWARD, _RELAY_REPLY = 12, 13
_TYPES = range(1, 37)
"""Message types of the IANA registry."""
_MAX_RELAYS = 32  # HOP_COUNT_LIMIT of RFC 8415 is 8; older servers went to 32
_MAX_OPTIONS = 512
_IA_NA, _IA_ADDRESS, _RELAY_MESSAGE, _STATUS = 3, 5, 9, 13
_DUID_LLT, _DUID_LL, _DUID_UUID = 1, 3, 4
_LINK_LAYER_TYPES = (1, 6)  # Ethernet, IEEE 802
_LINK_LOCAL = bytes.fromhex("fe80000000000000")

_Options = list[tuple[int, bytes]]


def parse(payload: bytes) -> Dhcpv6Message:
    """Read a UDP payload of port 546 or 547; raises Malformed when it is no DHCPv6 message."""
    problems: list[str] = []
    relays: list[str] = []
    relay_mac: str | None = None
    peer: bytes | None = None
    data = payload
    while data and data[0] in (_RELAY_FORWARD, _RELAY_REPLY):
        if len(data) < 34 or len(relays) >= _MAX_RELAYS:
            raise Malformed("DHCPv6 relay header is not whole, or relays without end")
        relays.append(ipv6_text(data[2:18]))
        peer = data[18:34]  # of the innermost relay in the end: the client itself
        inner: bytes | None = None
        for code, value in _options(data[34:], problems):
            if code == _RELAY_MESSAGE and inner is None:
                inner = value
            elif code == 79 and len(value) > 2:  # RFC 6939: from the relay next to the client, so the innermost wins
                relay_mac = mac_text(value[2:])
        if inner is None:
            raise Malformed("DHCPv6 relay message without a message")
        data = inner
    if len(data) < 4 or data[0] not in _TYPES:
        raise Malformed("no DHCPv6 message")
    message = Dhcpv6Message(data[0], int.from_bytes(data[1:4], "big"), None, None, None, None)
    addresses: list[str] = []
    for code, value in _options(data[4:], problems):
        _take(message, code, value, addresses, problems)
    duid = message.client_duid
    if duid is not None:
        message.client_mac, message.uuid = _identity(duid)
    if peer is not None:
        message.client_mac = message.client_mac or relay_mac or _mac_in(peer)
        message.peer = ipv6_text(peer)
    message.addresses = tuple(addresses)
    message.relays = tuple(relays)
    message.problems = tuple(problems[:8])
    return message


def _options(data: bytes, problems: list[str]) -> _Options:
    """Code and value of each option; one that runs past the end is told and left out."""
    found: _Options = []
    position = 0
    while position < len(data):
        if position + 4 > len(data) or len(found) >= _MAX_OPTIONS:
            problems.append("options do not end where the message ends")
            break
        code = data[position] << 8 | data[position + 1]
        start = position + 4
        position = start + (data[position + 2] << 8 | data[position + 3])
        if position > len(data):
            problems.append(f"option {code} runs past the end")
            break
        found.append((code, data[start:position]))
    return found


def _take(message: Dhcpv6Message, code: int, value: bytes, addresses: list[str], problems: list[str]) -> None:
    """Put one option of the message itself where it belongs."""
    if code == 1:
        message.client_duid = value
    elif code == 2:
        message.server_duid = value
    elif code == _IA_NA:
        _identity_association(message, value, addresses, problems)
    elif code == 6:
        message.requested_options = _words(value)
    elif code == _STATUS:
        message.status = _status(value)
    elif code == 15:
        message.user_class = _classes(value)
    elif code == 16:
        message.vendor_class = _classes(value[4:])
    elif code == 23:
        message.dns_servers = ipv6_list(value)
    elif code == 59:
        message.boot_file_url = printable(value.rstrip(b"\0")) or None
    elif code == 60:
        message.boot_file_parameters = tuple(printable(part) for part in _counted(value))
    elif code == 61:
        message.arch = _words(value)
    elif code == 62 and len(value) == 3:
        message.undi = (value[0], value[1], value[2])


def _identity_association(message: Dhcpv6Message, value: bytes, addresses: list[str], problems: list[str]) -> None:
    """IA_NA: IAID, T1, T2, then addresses and perhaps a status (RFC 8415 section 21.4)."""
    if len(value) < 12:
        problems.append("IA_NA is too short")
        return
    for code, inner in _options(value[12:], problems):
        if code == _IA_ADDRESS and len(inner) >= 24:
            addresses.append(ipv6_text(inner[:16]))
        elif code == _STATUS and message.status is None:
            message.status = _status(inner)


def _status(value: bytes) -> tuple[int, str] | None:
    return (value[0] << 8 | value[1], printable(value[2:])) if len(value) >= 2 else None


def _words(raw: bytes) -> tuple[int, ...]:
    return tuple(raw[index] << 8 | raw[index + 1] for index in range(0, len(raw) - 1, 2))


def _counted(raw: bytes) -> list[bytes]:
    """Byte strings with a 16-bit length each; stops at one that is not whole."""
    parts: list[bytes] = []
    position = 0
    while position + 2 <= len(raw):
        start = position + 2
        position = start + (raw[position] << 8 | raw[position + 1])
        if position > len(raw):
            break
        parts.append(raw[start:position])
    return parts


def _classes(raw: bytes) -> str | None:
    """Class data as text, several joined by commas; without lengths (older iPXE) as it stands."""
    return printable(b", ".join(_counted(raw)) or raw) or None


def _mac_in(address: bytes) -> str | None:
    """The MAC in a link-local address that is made of it (RFC 4291 appendix A), as firmware does.

    A server does not repeat option 79, and many relays never send it: between relay and server no other part of a
    message with a DUID-UUID tells one client from the next.
    """
    if address[:8] != _LINK_LOCAL or address[11:13] != b"\xff\xfe":
        return None
    return mac_text(bytes((address[8] ^ 2,)) + address[9:11] + address[13:])


def _identity(duid: bytes) -> tuple[str | None, str | None]:
    """MAC and UUID that a DUID names (RFC 8415 section 11, RFC 6355)."""
    kind = duid[0] << 8 | duid[1] if len(duid) >= 4 else 0
    if kind in (_DUID_LLT, _DUID_LL) and (duid[2] << 8 | duid[3]) in _LINK_LAYER_TYPES:
        address = duid[8 if kind == _DUID_LLT else 4 :]
        return (mac_text(address) if len(address) == 6 else None), None
    if kind == _DUID_UUID and len(duid) == 18:
        return None, guid_text(duid[2:])
    return None, None
