"""Questions to portmappers."""

from __future__ import annotations

import struct
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.contrib.oncrpc import RPC, RPC_Call, RPC_Reply
from scapy.contrib.portmap import GETPORT_Call, GETPORT_Reply

from bootsniff.errors import Malformed
from bootsniff.wire import portmap
from bootsniff.wire.portmap import PortCall, PortReply

RPCBIND_GETADDR = struct.pack(">10I", 9, 0, 2, 100_000, 4, 3, 0, 0, 0, 0) + struct.pack(">3I4s", 100_003, 3, 3, b"udp")
AUTH_SYS = (
    struct.pack(">8I", 9, 0, 2, 100_000, 2, 3, 1, 5) + b"abcde\0\0\0" + struct.pack(">6I", 0, 0, 100_005, 3, 17, 0)
)
DENIED = struct.pack(">5I", 9, 1, 1, 0, 2)
NO_ADDRESS = struct.pack(">7I", 9, 1, 0, 0, 0, 0, 0)


def question(program: int, *, procedure: int = 3) -> bytes:
    call = RPC(xid=7, mtype=0) / RPC_Call(program=100_000, pversion=2, procedure=procedure)
    return bytes(call / GETPORT_Call(prog=program, vers=3, prot=17, port=0))


def test_a_question_names_the_program() -> None:
    assert portmap.parse(question(100_003)) == PortCall(7, 100_003)


@pytest.mark.parametrize(("data", "program"), [(RPCBIND_GETADDR, 100_003), (AUTH_SYS, 100_005)])
def test_newer_versions_and_credentials(data: bytes, program: int) -> None:
    assert portmap.parse(data) == PortCall(9, program)


@pytest.mark.parametrize(("port", "registered"), [(2049, True), (0, False)])
def test_a_reply_names_a_port_or_none(port: int, registered: bool) -> None:
    reply = bytes(RPC(xid=7, mtype=1) / RPC_Reply() / GETPORT_Reply(port=port))
    assert portmap.parse(reply) == PortReply(7, registered)


@pytest.mark.parametrize("data", [DENIED, NO_ADDRESS, struct.pack(">6I", 9, 1, 0, 0, 0, 2)])
def test_a_reply_that_refuses(data: bytes) -> None:
    assert portmap.parse(data) == PortReply(9, registered=False)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        question(100_003)[:-16],
        question(100_003, procedure=4),
        struct.pack(">8I", 9, 0, 2, 100_000, 2, 3, 0, 401) + bytes(500),
        struct.pack(">8I", 9, 0, 2, 100_003, 3, 6, 0, 0) + bytes(60),
        struct.pack(">2I", 9, 2),
    ],
)
def test_what_is_no_question_is_refused(data: bytes) -> None:
    with pytest.raises(Malformed):
        portmap.parse(data)


@given(st.binary(max_size=600))
def test_garbage_is_read_or_refused(data: bytes) -> None:
    with suppress(Malformed):
        portmap.parse(data)


@given(st.binary(max_size=120), st.integers(0, 80))
def test_changed_questions_are_read_or_refused(data: bytes, at: int) -> None:
    whole = question(100_003)
    with suppress(Malformed):
        portmap.parse(whole[:at] + data + whole[at:])
