"""TFTP packets (RFC 1350, RFC 2347); stateless: which transfer a packet belongs to is `flow`'s to know."""

from __future__ import annotations

from ..errors import Malformed
from ..text import printable
from .transfers import TftpAck, TftpData, TftpError, TftpOack, TftpRequest

READ, WRITE, DATA, ACK, ERROR, OACK = 1, 2, 3, 4, 5, 6
_MODES = frozenset({"netascii", "octet", "mail"})
_MAX_OPTIONS = 32

Tftp = TftpRequest | TftpOack | TftpData | TftpAck | TftpError


def parse(payload: bytes, length: int) -> Tftp:
    """Read a UDP payload of `length` bytes on the wire, of which the capture may hold less.

    Strict enough for requests to be recognised on any port: file name and mode are NUL-terminated text and the mode
    is one of RFC 1350's. Raises Malformed for anything else.
    """
    if len(payload) < 4 or payload[0]:
        raise Malformed("no TFTP packet")
    opcode = payload[1]
    if opcode == DATA:
        return TftpData(payload[2] << 8 | payload[3], max(0, length - 4), payload[4:])
    if opcode == ACK:
        return TftpAck(payload[2] << 8 | payload[3])
    if opcode == ERROR:
        end = payload.find(0, 4)
        return TftpError(payload[2] << 8 | payload[3], printable(payload[4:] if end < 0 else payload[4:end]))
    if opcode in (READ, WRITE):
        return _request(payload, write=opcode == WRITE)
    if opcode == OACK:
        return TftpOack(_options(payload, 2))
    raise Malformed(f"TFTP opcode {opcode}")


def _request(payload: bytes, *, write: bool) -> TftpRequest:
    name_end = payload.find(0, 2)
    mode_end = payload.find(0, name_end + 1)
    if name_end < 0 or mode_end < 0:
        raise Malformed("TFTP request without its NULs")
    mode = payload[name_end + 1 : mode_end].decode("ascii", "replace").lower()
    if mode not in _MODES:
        raise Malformed("TFTP request with an unknown mode")
    name = printable(payload[2:name_end])
    return TftpRequest(write=write, filename=name, mode=mode, options=_options(payload, mode_end + 1))


def _options(payload: bytes, position: int) -> tuple[tuple[str, str], ...]:
    """Pairs of NUL-terminated name and value; what is no pair at the end is left out (some loaders pad)."""
    options: list[tuple[str, str]] = []
    while position < len(payload) and len(options) < _MAX_OPTIONS:
        name_end = payload.find(0, position)
        value_end = payload.find(0, name_end + 1)
        if name_end <= position or value_end < 0:
            break
        name, value = payload[position:name_end], payload[name_end + 1 : value_end]
        options.append((printable(name).lower(), printable(value)))
        position = value_end + 1
    return tuple(options)
