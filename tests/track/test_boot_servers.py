"""Requests to PXE boot servers (option 43.71, port 4011): which stage of a boot made them."""

from __future__ import annotations

from pathlib import Path

from ..rules.packets import Wire, read
from ..rules.scene import SERVER

MENU = bytes([6, 1, 8, 9, 6, 0x80, 0, 3, *b"FOG", 10, 2, 0, *b"F", 255])
ITEM = bytes([71, 4, 0x80, 0, 0, 0, 255])


def test_each_ipxe_asks_its_boot_server_for_itself_although_none_draws_a_number(tmp_path: Path) -> None:
    # iPXE's boot server discovery has the xid 0 every time (dhcp.c, start_pxebs).
    wire = Wire("ipxe-bios")
    for turn, start in enumerate((0, 30)):
        wire.xid = 0x1000 + turn
        wire.lease(start, option43=MENU, option60="PXEClient")
        wire.xid = 0
        wire.dhcp(start + 17, 3, target=SERVER, port=4011)
        wire.dhcp(start + 17.1, 5, port=4011, option43=ITEM, option60="PXEClient", file=f"undionly.{turn}")
        wire.get(start + 18, f"undionly.{turn}", b"iPXE" * 500)
    (machine,) = read(wire.save(tmp_path / "x.pcap")).machines
    stages = machine.boots[-1].stages
    assert [stage.dhcp.boot_file for stage in stages if stage.dhcp] == ["undionly.0", "undionly.1"]
    assert [fetch.url for stage in stages for fetch in stage.fetches] == [
        f"tftp://{SERVER}/undionly.0",
        f"tftp://{SERVER}/undionly.1",
    ]
