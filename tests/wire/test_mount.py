"""What NFS servers answer to a mount over TCP."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.contrib.mount import MOUNT_Call, Path
from scapy.contrib.oncrpc import RPC, RM_Header, RPC_Call, RPC_Reply

from bootsniff.wire import mount


def call(path: bytes = b"/srv/nfs", *, program: int = 100_005, procedure: int = 1) -> bytes:
    packet = RPC(xid=7, mtype=0) / RPC_Call(program=program, pversion=3, procedure=procedure)
    packet /= MOUNT_Call(path=Path(path=path, length=len(path), fill=b"\0" * (-len(path) % 4)))
    return bytes(RM_Header(rm=0x80000000 | len(packet)) / packet)


def reply(status: int, *, number: int = 7, accepted: int = 0) -> bytes:
    packet = RPC(xid=number, mtype=1) / RPC_Reply(accept_stat=accepted) / struct.pack(">I", status)
    return bytes(RM_Header(rm=0x80000000 | len(packet)) / packet)


def test_the_directory_of_a_mount() -> None:
    assert mount.asked_directory(call()) == "/srv/nfs"
    assert mount.asked_directory(call(b"/a\x1b[2J")) == "/a\\x1b[2J"


@pytest.mark.parametrize("data", [b"", call(program=100_003), call(procedure=3), call()[:-5], call()[4:]])
def test_no_mount(data: bytes) -> None:
    assert mount.asked_directory(data) is None


@pytest.mark.parametrize(("status", "words"), [(13, "permission denied"), (2, "no such directory"), (77, "status 77")])
def test_a_refusal(status: int, words: str) -> None:
    assert mount.refusal(call(), reply(status)) == status
    assert mount.words(status) == words


@pytest.mark.parametrize("data", [reply(0), reply(13, number=8), reply(13, accepted=2), reply(13)[:-4], b""])
def test_no_refusal(data: bytes) -> None:
    assert mount.refusal(call(), data) is None


@given(st.binary(max_size=90), st.binary(max_size=90))
def test_anything(question: bytes, answer: bytes) -> None:
    mount.asked_directory(question)
    assert mount.refusal(question, answer) is None or len(answer) >= 32
    assert mount.refusal(call(), call()[:4] + answer) != 0


@given(st.integers(0, len(call())), st.binary(min_size=1, max_size=8))
def test_a_call_that_is_spoilt(place: int, garbage: bytes) -> None:
    spoilt = call()[:place] + garbage + call()[place + len(garbage) :]
    path = mount.asked_directory(spoilt)
    assert path is None or len(path) <= 1025 * 4
