"""Spanning tree BPDUs."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootsniff.errors import Malformed
from bootsniff.wire import stp


def test_a_rapid_bpdu_tells_whether_its_port_forwards() -> None:
    assert stp.parse(bytes.fromhex("000002023c") + bytes(31)).forwarding is True
    assert stp.parse(bytes.fromhex("000002020e") + bytes(31)).forwarding is False


def test_a_configuration_bpdu_does_not_tell() -> None:
    assert stp.parse(bytes.fromhex("0000000000") + bytes(30)).forwarding is None


def test_a_configuration_bpdu_tells_of_changes_and_of_the_delay() -> None:
    quiet = stp.parse(bytes.fromhex("0000000000") + bytes(28) + b"\x0f\0")
    assert (quiet.topology_change, quiet.forward_delay) == (False, 15 * 10**9)
    assert stp.parse(bytes.fromhex("0000000001") + bytes(28) + b"\x0f\0").topology_change
    assert stp.parse(bytes.fromhex("0000008000") + bytes(41)).forward_delay == 0  # a change notification has no times


@pytest.mark.parametrize("data", [b"", b"\0\0\2\2", b"\1\0\2\2\x3c"])
def test_other_bytes_are_malformed(data: bytes) -> None:
    with pytest.raises(Malformed):
        stp.parse(data)


@given(st.binary(max_size=64))
def test_any_bytes_are_a_bpdu_or_malformed(data: bytes) -> None:
    with suppress(Malformed):
        assert stp.parse(data).forwarding in (True, False, None)
