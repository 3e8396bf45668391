"""Captures in which an answer stands before what it answers (two queues of a card, two taps) say the same as in order."""

from __future__ import annotations

import random

import numpy as np
import pytest

from bootsniff.model import Block
from bootsniff.rules.diagnosis import Diagnosis
from bootsniff.sources.capture_file import open_capture

from ..moments import packets
from .samples import PCAPS, TRUTH, files_of

NEAR = 300_000
"""Nanoseconds between packets that may have been swapped."""
SHARE = 0.1


def swapped(block: Block, chance: random.Random) -> Block:
    """The block with some neighbours in the wrong order; the times go on growing."""
    order = np.arange(len(block))
    index = 0
    while index + 1 < len(order):
        if chance.random() < SHARE and block.time[index + 1] - block.time[index] < NEAR:
            order[index : index + 2] = index + 1, index
            index += 1
        index += 1
    mixed = packets(block, order, block.first_frame)
    mixed.time.sort()
    return mixed


def verdict(name: str, seed: int | None) -> list[object]:
    (file,) = files_of(name)
    source = open_capture(str(PCAPS / file), 0)
    diagnosis = Diagnosis(strict=True)
    chance = random.Random(seed)
    for block in source.blocks():
        diagnosis.feed(block if seed is None else swapped(block, chance))
    diagnosis.finish([source.info()])
    source.close()
    return [
        (one.mac, [(boot.status, boot.stalled_at) for boot in one.boots], sorted(item.code for item in one.findings))
        for one in diagnosis.machines()
    ]


@pytest.mark.parametrize("name", [name for name in TRUTH if "+" not in name])
@pytest.mark.parametrize("seed", range(3))
def test_the_verdict_is_the_same(name: str, seed: int) -> None:
    assert verdict(name, seed) == verdict(name, None)
