"""Why `--until` was not reached, in words."""

from __future__ import annotations

import argparse

import pytest

from bootsniff.cli.live_ending import QUIET_NS, Ending
from bootsniff.cli.live_parcel import Update
from bootsniff.model import Machine, Status

from .live_program import CLIENT


def ending(wanted: str, *seen: Status, now: int = 1) -> Ending:
    made = Ending(argparse.Namespace(until=(CLIENT, wanted), duration=None))
    for status in seen:
        machine = Machine(CLIENT, None, None, None, None, (), status, (), ())
        made.look(Update(now, (), (machine,), (), None, (), ()))
    return made


@pytest.mark.parametrize(
    ("wanted", "seen", "reason"),
    [
        ("handed-off", (), "it was not seen"),
        ("handed-off", ("in-progress",), "it is in progress"),
        ("handed-off", ("in-progress", "stalled"), "it is stalled"),
        ("stalled", ("stalled", "handed-off"), "it is handed off"),
        ("stalled", ("stalled",), "it stalled, but was not silent for 20 s yet"),
    ],
)
def test_why_it_was_not_reached(wanted: str, seen: tuple[Status, ...], reason: str) -> None:
    made = ending(wanted, *seen)
    assert not made.reached
    assert made.reason() == reason


def test_silence_makes_a_stall_one() -> None:
    assert ending("stalled", "stalled", now=QUIET_NS).reached
