"""Silence after the last packet counts as far as the capture says that it went on."""

from __future__ import annotations

from pathlib import Path

import pytest

from bootsniff.model import NANOSECONDS
from bootsniff.sources.capture_file import open_capture
from bootsniff.sources.recorder import Recorder

from .packets import START, Wire, errors, machine, read


def recorded(path: Path, ended: float | None) -> Path:
    """Four DISCOVERs within half a minute, recorded as live does it."""
    source = open_capture(str(Wire("efi-x64-pxe").discover(0, 4, 12, 28).save(path.with_suffix(".pcap"))), 0)
    recorder = Recorder(path, "test")
    for block in source.blocks():
        recorder.write(block)
    source.close()
    recorder.close(None if ended is None else round((START + ended) * NANOSECONDS))
    return path


@pytest.mark.parametrize("ended", [None, 29.0])
def test_no_verdict_before_the_machine_gave_up(tmp_path: Path, ended: float | None) -> None:
    found = machine(read(recorded(tmp_path / "x.pcapng", ended)))
    assert found.status == "in-progress"
    assert errors(found) == set()


# A file may claim any time of end: far away is no more than long enough.
@pytest.mark.parametrize("ended", [120.0, 4e9])
def test_the_time_of_the_end_makes_the_silence_long_enough(tmp_path: Path, ended: float) -> None:
    found = machine(read(recorded(tmp_path / "x.pcapng", ended)))
    assert found.status == "stalled"
    assert errors(found) == {"dhcp-no-offer"}
