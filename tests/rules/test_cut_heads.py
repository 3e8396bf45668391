"""Responses whose heads a short snap length cut: where their bodies begin, and often how long they are, nobody knows."""

from __future__ import annotations

from pathlib import Path

import pytest

from .boots import INITRD, KERNEL
from .packets import Wire, machine, read

FIELDS = "\nServer: nginx/1.22.1\nDate: Sun, 22 Nov 2026 20:46:12 GMT\nContent-Type: application/octet-stream\nConnection: close"


def booted(*, first: bool = True) -> Wire:
    """The last byte puts iPXE into the kernel, and it answers nothing any more: the server sends the end again."""
    wire = Wire("ipxe-bios").lease(file="http://192.168.122.1/boot.ipxe")
    wire.fetch(1, "/linux", body=KERNEL, fields=FIELDS, agent="iPXE/1.21.1")
    length = f"\nContent-Length: {len(INITRD)}"
    fields = length + FIELDS if first else FIELDS + length
    wire.fetch(2, "/initrd.gz", body=INITRD, fields=fields, length=False, agent="iPXE/1.21.1", end="")
    last = wire.packets[-1][1]
    wire.packets += [(time, last) for time in (3, 5, 9, 17)]
    return wire.quiet(200)


@pytest.mark.parametrize(("first", "last"), [(True, "complete"), (False, "in-progress")])
def test_the_last_file_has_not_stalled(tmp_path: Path, *, first: bool, last: str) -> None:
    """`first`: the length of the body stands before the place where the packet was cut."""
    wire = booted(first=first)
    assert machine(read(wire.save(tmp_path / "x.pcap"))).status == "handed-off"
    found = machine(read(wire.save(tmp_path / "cut.pcap", snaplen=190)))
    assert (found.status, found.findings) == ("in-progress", ())
    assert found.boots[0].stages[-1].fetches[-1].status == last
