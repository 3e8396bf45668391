"""Systems that try again and again, and are served at last: a stall while it lasts, and none in the end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from . import boots_system
from .packets import Wire, errors, machine, read


@pytest.mark.parametrize("build", boots_system.LATE.values(), ids=boots_system.LATE)
def test_what_came_late_came(build: Callable[[], Wire], tmp_path: Path) -> None:
    wire = build()
    served = machine(read(wire.quiet(100).save(tmp_path / "x.pcap")))
    assert served.status == "handed-off"
    assert errors(served) == set()


@pytest.mark.parametrize("build", boots_system.LATE.values(), ids=boots_system.LATE)
def test_until_it_comes_it_is_missing(build: Callable[[], Wire], tmp_path: Path) -> None:
    wire = build()
    wire.packets = [packet for packet in wire.packets if packet[0] < 54.5]
    missing = machine(read(wire.save(tmp_path / "x.pcap")))
    assert (missing.status, missing.boots[0].stalled_at) == ("stalled", "os")
