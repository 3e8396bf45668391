"""EAP over LAN."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.eap import EAP, EAPOL

from bootsniff.errors import Malformed
from bootsniff.wire import eapol
from bootsniff.wire.messages import Eap


@pytest.mark.parametrize(
    ("code", "told"),
    [
        (1, Eap(by_authenticator=True)),
        (2, Eap(by_authenticator=False)),
        (3, Eap(by_authenticator=True, ends=True, succeeds=True)),
        (4, Eap(by_authenticator=True, ends=True)),
    ],
)
@pytest.mark.parametrize("version", [1, 2, 3])
def test_who_asks_who_answers_and_how_it_ends(code: int, told: Eap, version: int) -> None:
    body = EAP(code=code, id=7, type=1) if code < 3 else EAP(code=code, id=7)
    assert eapol.parse(bytes(EAPOL(version=version, type=0) / body)) == told


def test_a_machine_may_begin() -> None:
    assert eapol.parse(bytes(EAPOL(version=2, type=1))) == Eap(by_authenticator=False)


@pytest.mark.parametrize(
    "data",
    [b"", b"\1\0\0", b"\1\0\0\4", b"\1\0\0\4\1\1\0", b"\1\0\0\4\5\1\0\4", b"\1\0\0\4\0\1\0\4", b"\2\3\0\4" + bytes(8)],
    ids=["nothing", "cut", "no EAP", "EAP cut", "code 5", "code 0", "a key"],
)
def test_what_is_none(data: bytes) -> None:
    with pytest.raises(Malformed):
        eapol.parse(data)


@given(st.binary(max_size=64))
def test_any_bytes_are_read_or_malformed(data: bytes) -> None:
    with suppress(Malformed):
        eapol.parse(data)
