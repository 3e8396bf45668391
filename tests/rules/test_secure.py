"""What can be told of what came over TLS: how much of which host, and among which fetches."""

from __future__ import annotations

from pathlib import Path

from bootsniff.model import Secure

from .boots_https import hello, secure_script, system
from .packets import Wire, machine, read
from .scene import SERVER


def secure(wire: Wire, path: Path) -> tuple[Secure, ...]:
    return machine(read(wire.save(path / "x.pcap"))).boots[0].stages[0].secure


def test_what_came_over_several_connections_is_added_up(tmp_path: Path) -> None:
    (came,) = secure(secure_script(), tmp_path)
    assert (came.host, came.before) == (SERVER, 1)
    assert 1_200_000 <= came.size < 1_230_000
    (came,) = secure(system(5_000)(), tmp_path)
    assert (came.host, came.before) == (SERVER, 0)


def test_a_handshake_that_fails_brought_nothing(tmp_path: Path) -> None:
    assert secure(hello(b"", 48)(), tmp_path) == ()
