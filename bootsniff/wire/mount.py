"""What an NFS server answers to a client that mounts a directory over TCP (RFC 1813 appendix I, RFC 5531). Stateless."""

from __future__ import annotations

import struct

from ..text import printable

_PROGRAM, _MOUNT = 100_005, 1
_CALL, _REPLY = 0, 1
_RPC_VERSION = 2
_LAST = 0x80000000
"""In front of a message over TCP: its length, and that it is whole (RFC 5531 section 11)."""
_MAX_AUTHENTICATION = 400
_MAX_PATH = 1024
_WORDS = {
    1: "not owner",
    2: "no such directory",
    5: "I/O error",
    13: "permission denied",
    20: "not a directory",
    22: "invalid argument",
    63: "name too long",
    10004: "not supported",
    10006: "server fault",
}


def asked_directory(data: bytes) -> str | None:
    """The directory that a segment asks to mount; None when it asks for anything else."""
    head = _numbers(data, 0, 7)
    if head is None or not head[0] & _LAST or head[2:5] != (_CALL, _RPC_VERSION, _PROGRAM) or head[6] != _MOUNT:
        return None
    path = _behind_authentication(data, _behind_authentication(data, 28))
    length = _numbers(data, path, 1) if path is not None else None
    if path is None or length is None or length[0] > _MAX_PATH or len(data) < path + 4 + length[0]:
        return None
    return printable(data[path + 4 : path + 4 + length[0]], _MAX_PATH)


def refusal(call: bytes, reply: bytes) -> int | None:
    """The status of a reply that says no to this call; None for any other."""
    head = _numbers(reply, 0, 4)
    if head is None or not head[0] & _LAST or head[1:2] != _numbers(call, 4, 1) or head[2:4] != (_REPLY, 0):
        return None
    status = _behind_authentication(reply, 16)
    said = _numbers(reply, status, 2) if status is not None else None
    return said[1] if said is not None and said[0] == 0 and said[1] else None


def words(status: int) -> str:
    """What the status of a reply says."""
    return _WORDS.get(status) or f"status {status}"


def _behind_authentication(data: bytes, position: int | None) -> int | None:
    found = _numbers(data, position, 2) if position is not None else None
    if position is None or found is None or found[1] > _MAX_AUTHENTICATION:
        return None
    return position + 8 + (found[1] + 3 & ~3)


def _numbers(data: bytes, position: int, count: int) -> tuple[int, ...] | None:
    if len(data) < position + 4 * count:
        return None
    return struct.unpack_from(f">{count}I", data, position)
