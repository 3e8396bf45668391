"""Blocks of several packets that the machine never takes, however often it begins anew."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from .boots import SIGNED
from .boots_loss import fragmented
from .packets import Wire, machine, read

CODE = "tftp-mtu-blackhole"
SDI = "\\SMSBoot\\boot.sdi"


def tries(count: int, *, small: bool = True, acked: bool = False) -> Wire:
    """The Windows boot manager, with blocks of 8192 bytes; `small`: what came before fits one packet a block."""
    wire = Wire().lease(file="bootmgfw.efi")
    if small:
        wire.get(1, "bootmgfw.efi", SIGNED)
    block = struct.pack(">HH", 3, 1) + b"\1" * 8192
    for number in range(count):
        start = 10 + 15 * number
        wire.rrq(start, SDI, blksize=8192)
        wire.oack(start + 0.01, blksize=8192, tsize=3170304)
        wire.ack(start + 0.02, 0)
        for later in (0.03, 1, 3):
            fragmented(wire, start + later, 10 * number + int(later), block)
        if acked:
            wire.ack(start + 4, 1)
    return wire.quiet(200)


@pytest.mark.parametrize(("small", "confidence"), [(True, "likely"), (False, "possible")])
def test_fragments_that_are_never_taken(small: bool, confidence: str, tmp_path: Path) -> None:
    found = machine(read(tries(3, small=small).save(tmp_path / "x.pcap")))
    told = {finding.code: finding for finding in found.findings if finding.severity == "error"}
    assert (found.boots[0].stalled_at, told[CODE].confidence) == ("tftp", confidence)
    assert "DATA 1 is sent in fragments at 3 tries" in told[CODE].summary
    assert ("what fits one packet arrives" in told[CODE].summary) == small
    assert any("ramdisktftpblocksize" in fix.text for fix in told[CODE].fixes)


@pytest.mark.parametrize("wire", [tries(1), tries(3, acked=True)])
def test_one_try_alone_or_blocks_that_are_taken_prove_nothing(wire: Wire, tmp_path: Path) -> None:
    """A machine that was switched off takes nothing either."""
    found = machine(read(wire.save(tmp_path / "x.pcap")))
    assert CODE not in {finding.code for finding in found.findings}


def test_fragments_that_are_not_taken_at_try_after_try(tmp_path: Path) -> None:
    """ROMs put no packets together that came in pieces (Broadcom article 313265)."""
    found = machine(read(tries(6, small=False).save(tmp_path / "x.pcap")))
    told = {finding.code: finding.confidence for finding in found.findings if finding.severity == "error"}
    assert told == {CODE: "likely"}
