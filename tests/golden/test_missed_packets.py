"""A capture that misses one packet of a boot that went well: nothing is claimed for certain, whichever it is."""

from __future__ import annotations

import numpy as np
import pytest

from bootsniff.model import Block, Machine
from bootsniff.rules.diagnosis import Diagnosis
from bootsniff.sources.capture_file import open_capture

from ..moments import packets
from .samples import PCAPS, TRUTH, files_of

HEALTHY = [name for name, truth in TRUTH.items() if truth["status"] == ["handed-off"] and "+" not in name]
AT_MOST = 12
"""Packets left out of one capture, one at a time."""


def without(block: Block, frame: int) -> Block:
    """The block without a packet; the numbers of those behind it are smaller by one."""
    kept = np.flatnonzero(np.arange(len(block)) + block.first_frame != frame)
    return packets(block, kept, block.first_frame - (block.first_frame > frame))


def machines(name: str, missed: int = 0) -> list[Machine]:
    (file,) = files_of(name)
    source = open_capture(str(PCAPS / file), 0)
    diagnosis = Diagnosis(strict=True, arrows=True)
    for block in source.blocks():
        diagnosis.feed(without(block, missed))
    diagnosis.finish([source.info()])
    source.close()
    return list(diagnosis.machines())


@pytest.mark.parametrize("name", HEALTHY)
def test_nothing_is_claimed_for_certain(name: str) -> None:
    whole = machines(name)
    told = {arrow.frame for one in whole for boot in one.boots for stage in boot.stages for arrow in stage.arrows}
    frames = sorted(told)
    for frame in frames[:: max(1, len(frames) // AT_MOST)]:
        found = [finding for one in machines(name, frame) for finding in one.findings]
        claimed = {finding.code for finding in found if (finding.severity, finding.confidence) == ("error", "certain")}
        assert not claimed, f"without frame {frame}"
