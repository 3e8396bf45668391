"""The few fields of an X.509 certificate that explain a refused one (RFC 5280); a small DER reader, no cryptography."""

from __future__ import annotations

from ..errors import Malformed
from ..text import printable
from .addresses import ipv4_text, ipv6_text
from .transfers import TlsCertificate

_SEQUENCE, _SET, _INTEGER, _BIT_STRING, _OCTET_STRING, _OID = 0x30, 0x31, 0x02, 0x03, 0x04, 0x06
_UTC_TIME, _GENERALIZED_TIME, _BMP_STRING = 0x17, 0x18, 0x1E
_VERSION, _EXTENSIONS = 0xA0, 0xA3
_DNS_NAME, _IP_ADDRESS = 0x82, 0x87
_COMMON_NAME = bytes.fromhex("550403")
_ALTERNATIVE_NAMES = bytes.fromhex("551d11")
_NAME_LABELS = {
    bytes.fromhex("550403"): "CN", bytes.fromhex("550406"): "C", bytes.fromhex("550407"): "L",
    bytes.fromhex("550408"): "ST", bytes.fromhex("55040a"): "O", bytes.fromhex("55040b"): "OU",
}  # fmt: skip
_RSA = bytes.fromhex("2a864886f70d010101")
_CURVE_BITS = {
    bytes.fromhex("2a8648ce3d030107"): 256,
    bytes.fromhex("2b81040022"): 384,
    bytes.fromhex("2b81040023"): 521,
}
_KEY_BITS = {bytes.fromhex("2b6570"): 256, bytes.fromhex("2b6571"): 456}  # Ed25519, Ed448
_MAX_NAMES = 64
_DAYS_TO_1970 = 719468

_Item = tuple[int, bytes]


def parse(data: bytes) -> TlsCertificate:
    """Read a DER certificate; raises Malformed. Times are ns since the epoch, None when they cannot be read."""
    fields = _items(_expect(_items(_expect(_first(data), _SEQUENCE))[:1], _SEQUENCE))
    if fields and fields[0][0] == _VERSION:
        fields = fields[1:]
    if len(fields) < 6:
        raise Malformed("certificate is not whole")
    _, _, issuer, validity, subject, key = (value for _, value in fields[:6])
    times = [_time(*item) for item in _items(validity)[:2]]
    common_name = next((text for oid, text in _name(subject) if oid == _COMMON_NAME), None)
    names = _alternative_names(fields[6:])
    if not names and common_name is not None:
        names = (common_name,)
    return TlsCertificate(
        subject=_distinguished(subject),
        issuer=_distinguished(issuer),
        names=names,
        not_before=times[0] if times else None,
        not_after=times[1] if len(times) > 1 else None,
        self_signed=issuer == subject,
        key_bits=_key_bits(key),
    )


def _read(data: bytes, position: int) -> tuple[_Item, int]:
    """One tag, its contents, and where the next begins. Lengths of up to 4 bytes; tags of one byte."""
    if position + 2 > len(data):
        raise Malformed("DER is not whole")
    tag, size = data[position], data[position + 1]
    start = position + 2
    if size >= 0x80:
        width = size & 0x7F
        if not 1 <= width <= 4 or tag & 0x1F == 0x1F:
            raise Malformed("DER length or tag of no use here")
        size = int.from_bytes(data[start : start + width], "big")
        start += width
    end = start + size
    if end > len(data):
        raise Malformed("DER is not whole")
    return (tag, data[start:end]), end


def _first(data: bytes) -> list[_Item]:
    return [_read(data, 0)[0]]


def _expect(items: list[_Item], tag: int) -> bytes:
    if not items or items[0][0] != tag:
        raise Malformed("DER holds something else")
    return items[0][1]


def _items(data: bytes) -> list[_Item]:
    """All items in a constructed value."""
    items: list[_Item] = []
    position = 0
    while position < len(data):
        item, position = _read(data, position)
        items.append(item)
        if len(items) > 4 * _MAX_NAMES:
            raise Malformed("DER with too many items")
    return items


def _name(data: bytes) -> list[tuple[bytes, str]]:
    """Attributes of a distinguished name: object identifier, text."""
    attributes: list[tuple[bytes, str]] = []
    for tag, relative in _items(data)[:_MAX_NAMES]:
        if tag != _SET:
            continue
        for kind, pair in _items(relative)[:_MAX_NAMES]:
            parts = _items(pair) if kind == _SEQUENCE else []
            if len(parts) == 2 and parts[0][0] == _OID:
                string, raw = parts[1]
                text = raw.decode("utf-16-be", "replace") if string == _BMP_STRING else raw
                attributes.append((parts[0][1], printable(text)))
    return attributes


def _distinguished(data: bytes) -> str:
    """`CN=boot.lan, O=Lab`: as OpenSSL prints it."""
    return ", ".join(f"{_NAME_LABELS.get(oid, oid.hex())}={text}" for oid, text in _name(data))


def _alternative_names(fields: list[_Item]) -> tuple[str, ...]:
    names: list[str] = []
    for tag, wrapped in fields:
        if tag != _EXTENSIONS:
            continue
        for _, extension in _items(_expect(_items(wrapped)[:1], _SEQUENCE)):
            parts = _items(extension)
            if len(parts) < 2 or parts[0] != (_OID, _ALTERNATIVE_NAMES) or parts[-1][0] != _OCTET_STRING:
                continue
            for kind, raw in _items(_expect(_first(parts[-1][1]), _SEQUENCE))[:_MAX_NAMES]:
                if kind == _DNS_NAME:
                    names.append(printable(raw))
                elif kind == _IP_ADDRESS and len(raw) in (4, 16):
                    names.append(ipv4_text(raw) if len(raw) == 4 else ipv6_text(raw))
    return tuple(names)


def _key_bits(data: bytes) -> int | None:
    """Size of an RSA modulus, of a named curve's field, or of an Edwards curve."""
    parts = _items(data)
    if len(parts) < 2 or parts[0][0] != _SEQUENCE or parts[1][0] != _BIT_STRING:
        return None
    algorithm = _items(parts[0][1])
    kind = algorithm[0][1] if algorithm else b""
    if kind == _RSA:
        numbers = _items(_expect(_first(parts[1][1][1:]), _SEQUENCE))
        return int.from_bytes(_expect(numbers[:1], _INTEGER)[:4096], "big").bit_length()
    if len(algorithm) > 1 and algorithm[1][0] == _OID:
        return _CURVE_BITS.get(algorithm[1][1])
    return _KEY_BITS.get(kind)


def _time(tag: int, raw: bytes) -> int | None:
    """UTCTime (two-digit year) or GeneralizedTime as ns since the epoch (RFC 5280 section 4.1.2.5)."""
    digits = raw[:-1]
    if raw[-1:] != b"Z" or not digits.isdigit() or len(digits) != {_UTC_TIME: 12, _GENERALIZED_TIME: 14}.get(tag):
        return None
    if tag == _UTC_TIME:
        digits = (b"19" if digits >= b"50" else b"20") + digits
    year = int(digits[:4])
    month, day, hour, minute, second = (int(digits[index : index + 2]) for index in range(4, 14, 2))
    if not (1 <= month <= 12 and 1 <= day <= 31 and hour < 24 and minute < 60 and second <= 60):
        return None
    # Days since the epoch: years that begin in March put the leap day at the end, so months sum up evenly.
    shifted = year - (month < 3)
    months = (month + 9) % 12
    days = 365 * shifted + shifted // 4 - shifted // 100 + shifted // 400 + (153 * months + 2) // 5 + day - 1
    return ((days - _DAYS_TO_1970) * 86400 + hour * 3600 + minute * 60 + second) * 1_000_000_000
