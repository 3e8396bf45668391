"""Questions to a portmapper, over UDP (RFC 1833, RFC 5531): which port a program has, as NFS clients ask first. Stateless."""

from __future__ import annotations

import struct
from typing import NamedTuple

from ..errors import Malformed

PROGRAMS = {100_003: "NFS", 100_005: "mount"}
"""Programs of a file server (RFC 1813 and its appendix I)."""
_CALL, _REPLY = 0, 1
_RPC_VERSION, _PORTMAPPER, _GET_PORT = 2, 100_000, 3
_MAX_AUTHENTICATION = 400
"""Bytes of credentials, and of a verifier (RFC 5531 section 8.2)."""


class PortCall(NamedTuple):
    """Which port does `program` have?"""

    transaction: int
    program: int


class PortReply(NamedTuple):
    """The answer, of which only the transaction tells what was asked."""

    transaction: int
    registered: bool
    """False when the server does not know the program, or refuses the call."""


def parse(payload: bytes) -> PortCall | PortReply:
    """Read a UDP payload of port 111. Raises Malformed when it neither asks for a port nor answers."""
    transaction, direction = _numbers(payload, 0, 2)
    if direction == _REPLY:
        return PortReply(transaction, _is_registered(payload))
    rpc, program, _, procedure = _numbers(payload, 8, 4)
    if direction != _CALL or (rpc, program, procedure) != (_RPC_VERSION, _PORTMAPPER, _GET_PORT):
        raise Malformed("no question for a port")
    arguments = _behind_authentication(payload, _behind_authentication(payload, 24))
    # PMAPPROC_GETPORT and RPCBPROC_GETADDR, of versions 3 and 4, both begin with the program.
    return PortCall(transaction, _numbers(payload, arguments, 1)[0])


def _is_registered(payload: bytes) -> bool:
    if _numbers(payload, 8, 1)[0]:
        return False  # MSG_DENIED
    status = _behind_authentication(payload, 12)
    # A port, or the length of an address's text: 0 when there is none.
    code, port = _numbers(payload, status, 2) if len(payload) >= status + 8 else (_numbers(payload, status, 1)[0], 0)
    return code == 0 and port > 0


def _behind_authentication(payload: bytes, position: int) -> int:
    length = _numbers(payload, position, 2)[1]
    if length > _MAX_AUTHENTICATION:
        raise Malformed("more authentication than RPC allows")
    return position + 8 + (length + 3 & ~3)


def _numbers(payload: bytes, position: int, count: int) -> tuple[int, ...]:
    try:
        return struct.unpack_from(f">{count}I", payload, position)
    except struct.error:
        raise Malformed("an RPC message that is not whole") from None
