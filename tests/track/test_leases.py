"""How long a program is waited for that has a lease and asks for nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from ..rules.packets import Wire, machine, read


@pytest.mark.parametrize(
    ("file", "next_server", "option66", "over"),
    [
        ("pxelinux.0", None, None, True),
        ("pxelinux.0", "192.168.122.1", None, False),
        ("pxelinux.0", None, "boot.lan", False),
        ("http://192.168.122.1/menu.ipxe", None, None, False),
    ],
)
def test_an_ipxe_that_has_nobody_to_ask_gives_up_at_once(
    file: str, next_server: str | None, option66: str | None, over: bool, tmp_path: Path
) -> None:
    wire = Wire("ipxe-bios").lease(file=file, next_server=next_server, option66=option66).quiet(25)
    found = machine(read(wire.save(tmp_path / "x.pcap")))
    assert found.boots[0].status == ("stalled" if over else "in-progress")
