"""When a fetch ended: what is repeated after it was whole does not count."""

from __future__ import annotations

from pathlib import Path

import pytest

from ..rules.boots import PE, SIGNED
from ..rules.packets import START, Wire, machine, read
from ..rules.scene import SERVER


def last_fetch(wire: Wire, path: Path) -> tuple[float, int]:
    """When the last fetch ended, in seconds of the play, and the frame that ended it."""
    fetch = machine(read(wire.save(path))).boots[-1].stages[-1].fetches[-1]
    return fetch.end / 1e9 - START, fetch.last_frame


def repeat_last(wire: Wire, *times: float, back: int = 1) -> Wire:
    data = wire.packets[-back][1]
    wire.packets += [(time, data) for time in times]
    return wire


def test_data_and_acks_of_a_whole_tftp_transfer_that_are_repeated(tmp_path: Path) -> None:
    wire = Wire().lease(file="grubx64.efi").get(1, "grubx64.efi", SIGNED)
    whole = len(wire.packets)
    end = wire.packets[-1][0]
    repeat_last(wire, 5, 9, 17, back=2)
    repeat_last(wire, 5.1, back=4)
    ended, frame = last_fetch(wire.quiet(30), tmp_path / "x.pcap")
    assert ended == pytest.approx(end, abs=1e-5)
    assert frame == whole


def test_a_last_block_that_is_acknowledged_late(tmp_path: Path) -> None:
    """The server repeats its last block until the ACK comes: with that the transfer ends."""
    wire = Wire().lease(file="grubx64.efi").get(1, "grubx64.efi", SIGNED)
    late_ack = wire.packets.pop()[1]
    repeat_last(wire, 3, 5)
    wire.packets.append((5.5, late_ack))
    repeat_last(wire, 6)
    ended, frame = last_fetch(wire.quiet(30), tmp_path / "x.pcap")
    assert ended == pytest.approx(5.5, abs=1e-5)
    assert frame == len(wire.packets) - 4


def test_the_tail_of_a_whole_http_body_that_is_repeated(tmp_path: Path) -> None:
    """A server goes on sending to a loader that has jumped into what it fetched."""
    wire = Wire("ipxe-bios").lease(file=f"http://{SERVER}/x.efi").fetch(1, "/x.efi", body=PE, agent="iPXE", end="")
    whole, end = len(wire.packets), wire.packets[-1][0]
    repeat_last(wire, 2, 4, 8, 16)
    ended, frame = last_fetch(wire.quiet(60), tmp_path / "x.pcap")
    assert ended == pytest.approx(end, abs=1e-5)
    assert frame == whole


def test_a_transfer_that_is_not_whole_ends_with_its_last_packet(tmp_path: Path) -> None:
    wire = Wire().lease(file="grubx64.efi")
    wire.rrq(1, "grubx64.efi")
    wire.oack(1.01, tsize=900000)
    wire.ack(1.02, 0)
    wire.data(1.03, 1, b"x" * 1468)
    repeat_last(wire, 5, 9)
    ended, _ = last_fetch(wire.quiet(60), tmp_path / "x.pcap")
    assert ended == pytest.approx(9, abs=1e-5)
