"""Downloads that stop half-way, and whether it was the server or the machine that fell silent."""

from __future__ import annotations

from pathlib import Path

import pytest

from .boots import SCRIPT
from .packets import Wire, machine, read

AGENT = "iPXE/1.21.1"
ASKED = f"GET /linux HTTP/1.1\r\nHost: 192.168.122.1\r\nUser-Agent: {AGENT}\r\n\r\n".encode()
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 9000000\r\n\r\n"


def stopped(*, again: int, acknowledged: bool, later: bool = False) -> Wire:
    """Twenty pieces, and the last of them `again` times; `later` one more piece comes after that."""
    wire = (
        Wire("ipxe-bios").lease(file="http://192.168.122.1/boot.ipxe").fetch(1, "/boot.ipxe", body=SCRIPT, agent=AGENT)
    )
    wire.connect(3)
    wire.tcp(3.01, 0x18, 1001, 5001, ASKED)
    mine, theirs = 1001 + len(ASKED), 5001
    wire.tcp(3.02, 0x18, theirs, mine, HEAD, from_client=False)
    theirs += len(HEAD)
    for number in range(20):
        wire.tcp(3.1 + number / 100, 0x18, theirs, mine, b"\1" * 1400, from_client=False)
        theirs += 1400
        if number < 19 or acknowledged:
            wire.tcp(3.105 + number / 100, 0x10, mine, theirs)
    for number in range(again):
        wire.tcp(3.5 + 2**number, 0x18, theirs - 1400, mine, b"\1" * 1400, from_client=False)
    if later:
        wire.tcp(3.6 + 2**again, 0x18, theirs, mine, b"\1" * 1400, from_client=False)
    return wire.quiet(300)


@pytest.mark.parametrize(
    ("wire", "how"),
    [
        (stopped(again=0, acknowledged=True), "no more data"),
        (stopped(again=2, acknowledged=False), "no more data"),
        (stopped(again=5, acknowledged=False), "the server repeats the last of it, and the machine acknowledges no more"),
        (stopped(again=5, acknowledged=True), "it does not hear the machine"),
        (stopped(again=5, acknowledged=True, later=True), "no more data"),
    ],
)  # fmt: skip
def test_who_fell_silent(wire: Wire, how: str, tmp_path: Path) -> None:
    (finding,) = machine(read(wire.save(tmp_path / "x.pcap"))).findings
    assert (finding.code, finding.confidence) == ("tcp-reset-or-stall-mid-body", "likely")
    assert finding.summary.endswith(how)
    assert any("send_timeout" in fix.text for fix in finding.fixes) == (how == "no more data")
