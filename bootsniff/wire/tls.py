"""TLS records and the handshake messages that travel in the clear (RFC 5246, RFC 8446); stateless.

The caller gives the contiguous beginning of each direction as far as it has it; what is there is read, and read again
when there is more. Application data is counted, never read.
"""

from __future__ import annotations

import struct

from msgspec import Struct, field

from ..errors import Malformed
from ..text import printable
from . import x509
from .numbers import tls_alert_name
from .transfers import TlsAlert, TlsCertificate, TlsClientHello, TlsServerHello

CHANGE_CIPHER_SPEC, ALERT, HANDSHAKE, APPLICATION_DATA = 20, 21, 22, 23
_CLIENT_HELLO, _SERVER_HELLO, _CERTIFICATE, _CERTIFICATE_REQUEST = 1, 2, 11, 13
_SERVER_NAME, _SUPPORTED_VERSIONS = 0, 43
_MAX_RECORD = 16384 + 2048
_MAX_HANDSHAKE = 1 << 18
_MAX_ITEMS = 512
_MAX_MESSAGES = 64
"""Handshake messages that are looked at; a whole handshake in the clear has about ten."""
_VERSIONS = {0x0300: "SSL 3.0", 0x0301: "1.0", 0x0302: "1.1", 0x0303: "1.2", 0x0304: "1.3"}


class TlsStream(Struct):
    """What one direction of a connection says before it is encrypted."""

    client_hello: TlsClientHello | None = None
    server_hello: TlsServerHello | None = None
    certificate: TlsCertificate | None = None
    wants_certificate: bool = False
    """A CertificateRequest was read; TLS 1.3 encrypts it."""
    alerts: list[TlsAlert] = field(default_factory=list)
    encrypted: bool = False
    """A ChangeCipherSpec or application data was seen: later alerts and handshake messages cannot be read."""
    application_bytes: int = 0
    """Of application data records, as far as they begin in the bytes at hand. In TLS 1.3 the rest of the handshake
    hides in them."""
    consumed: int = 0
    """Bytes of whole records that were read."""


def begins_tls(data: bytes) -> bool:
    """Whether a connection's first bytes are a TLS handshake record with a hello in it."""
    return len(data) >= 6 and data[0] == HANDSHAKE and data[1] == 3 and data[2] <= 4 and data[5] in (1, 2)


def parse(data: bytes) -> TlsStream:
    """Read the records at the start of `data`; an incomplete last one is left for later.

    Raises Malformed when a record header is none (so: not TLS, or a piece of it is missing).
    """
    stream = TlsStream()
    handshake = bytearray()
    position = 0
    while position + 5 <= len(data):
        kind, major = data[position], data[position + 1]
        size = data[position + 3] << 8 | data[position + 4]
        if not CHANGE_CIPHER_SPEC <= kind <= 24 or major != 3 or size > _MAX_RECORD:
            raise Malformed("no TLS record")
        start = position + 5
        end = start + size
        if kind == APPLICATION_DATA:
            stream.encrypted = True
            stream.application_bytes += size
        if end > len(data):
            break
        position = end
        if kind == CHANGE_CIPHER_SPEC:
            stream.encrypted = True
        elif kind == HANDSHAKE and not stream.encrypted and len(handshake) + size <= _MAX_HANDSHAKE:
            handshake += data[start:end]
        elif kind == ALERT and not stream.encrypted and size == 2 and len(stream.alerts) < _MAX_ITEMS:
            stream.alerts.append(TlsAlert(data[start], data[start + 1], tls_alert_name(data[start + 1])))
    stream.consumed = position
    _read_handshake(bytes(handshake), stream)
    return stream


def _read_handshake(data: bytes, stream: TlsStream) -> None:
    """The whole messages of a handshake; a body that contradicts itself is left out, the others still tell."""
    position = 0
    for _ in range(_MAX_MESSAGES):
        if position + 4 > len(data):
            return
        kind = data[position]
        start = position + 4
        position = start + int.from_bytes(data[position + 1 : start], "big")
        if position > len(data):
            return
        body = data[start:position]
        try:
            if kind == _CLIENT_HELLO and stream.client_hello is None:
                stream.client_hello = _client_hello(body)
            elif kind == _SERVER_HELLO:
                stream.server_hello = _server_hello(body)
            elif kind == _CERTIFICATE and stream.certificate is None:
                stream.certificate = _certificate(body)
            elif kind == _CERTIFICATE_REQUEST:
                stream.wants_certificate = True
        except Malformed:
            continue


class _Cursor:
    """Reads vectors with a length in front; raises Malformed at the end."""

    __slots__ = ("data", "position")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.position = 0

    def take(self, size: int) -> bytes:
        start = self.position
        self.position = start + size
        if self.position > len(self.data):
            raise Malformed("TLS message is not whole")
        return self.data[start : self.position]

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "big")

    def vector(self, size: int) -> bytes:
        return self.take(self.number(size))

    def rest(self) -> int:
        return len(self.data) - self.position


def _version(number: int) -> str:
    return _VERSIONS.get(number) or f"0x{number:04x}"


def _words(raw: bytes) -> list[int]:
    count = min(len(raw) // 2, _MAX_ITEMS)
    return list(struct.unpack_from(f">{count}H", raw))


def _grease(number: int) -> bool:
    """Values that clients offer to keep servers tolerant (RFC 8701)."""
    return number & 0x0F0F == 0x0A0A and number >> 8 == number & 0xFF


def _client_hello(body: bytes) -> TlsClientHello:
    cursor = _Cursor(body)
    legacy = cursor.number(2)
    cursor.take(32)
    cursor.vector(1)
    ciphers = tuple(number for number in _words(cursor.vector(2)) if not _grease(number))
    cursor.vector(1)
    name: str | None = None
    versions = [legacy]
    for kind, value in _extensions(cursor):
        if kind == _SUPPORTED_VERSIONS and value:
            versions = [number for number in _words(value[1 : 1 + value[0]]) if not _grease(number)]
        elif kind == _SERVER_NAME and len(value) > 5 and value[2] == 0:
            name = printable(value[5 : 5 + (value[3] << 8 | value[4])]) or None
    return TlsClientHello(name, tuple(map(_version, versions)), ciphers)


def _server_hello(body: bytes) -> TlsServerHello:
    cursor = _Cursor(body)
    version = cursor.number(2)
    cursor.take(32)
    cursor.vector(1)
    cipher = cursor.number(2)
    cursor.take(1)
    for kind, value in _extensions(cursor):
        if kind == _SUPPORTED_VERSIONS and len(value) == 2:
            version = value[0] << 8 | value[1]
    return TlsServerHello(_version(version), cipher)


def _extensions(cursor: _Cursor) -> list[tuple[int, bytes]]:
    if cursor.rest() == 0:
        return []
    block = _Cursor(cursor.vector(2))
    found: list[tuple[int, bytes]] = []
    while block.rest() and len(found) < _MAX_ITEMS:
        found.append((block.number(2), block.vector(2)))
    return found


def _certificate(body: bytes) -> TlsCertificate:
    """The first certificate of the list, which is the server's own (RFC 5246 section 7.4.2)."""
    return x509.parse(_Cursor(_Cursor(body).vector(3)).vector(3))
