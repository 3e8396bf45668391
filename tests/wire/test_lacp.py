"""LACPDUs."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.contrib.lacp import LACP, MarkerProtocol, SlowProtocol

from bootsniff.errors import Malformed
from bootsniff.wire import lacp
from bootsniff.wire.messages import Lacpdu

PARTNER = "00:1b:21:00:00:01"


def lacpdu(**fields: object) -> bytes:
    return bytes(SlowProtocol() / LACP(**fields))


def test_a_port_that_hears_nothing_has_no_partner() -> None:
    assert lacp.parse(lacpdu(actor_state=0x45)) == Lacpdu(has_partner=False, carries=False)


def test_a_port_that_works_has_one_and_carries() -> None:
    assert lacp.parse(lacpdu(actor_state=0x3D, partner_system=PARTNER)) == Lacpdu(has_partner=True, carries=True)


def test_a_port_that_collects_alone_does_not_carry() -> None:
    assert not lacp.parse(lacpdu(actor_state=0x1D)).carries


def test_a_port_may_carry_without_a_partner() -> None:
    assert lacp.parse(lacpdu(actor_state=0x7D)) == Lacpdu(has_partner=False, carries=True)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\1",
        lacpdu()[:41],
        bytes(SlowProtocol() / MarkerProtocol()),
        lacpdu(actor_length=19),
        lacpdu(partner_type=9),
    ],
)
def test_other_bytes_are_malformed(data: bytes) -> None:
    with pytest.raises(Malformed):
        lacp.parse(data)


@given(st.binary(max_size=80))
def test_any_bytes_are_an_lacpdu_or_malformed(data: bytes) -> None:
    with suppress(Malformed):
        assert isinstance(lacp.parse(b"\1\1\1\x14" + data), Lacpdu)
