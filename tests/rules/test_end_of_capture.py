"""Silence after the last packet counts as far as the capture says that it went on."""

from __future__ import annotations

from pathlib import Path

import pytest

from bootsniff.model import NANOSECONDS
from bootsniff.rules.diagnosis import Diagnosis
from bootsniff.sources.capture_file import open_capture
from bootsniff.sources.recorder import Recorder

from ..moments import part
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


def test_late_repetitions_are_in_the_last_look(tmp_path: Path) -> None:
    """A machine that was judged moves no more when the server repeats the tail of a file that is whole."""
    wire = Wire("efi-x64-http").lease(file="http://192.168.122.1/ipxe.efi", option60="HTTPClient")
    wire.fetch(1, "/ipxe.efi")
    count = len(wire.packets)
    _, tail = max((packet for packet in wire.packets if len(packet[1]) > 1000), key=lambda packet: packet[0])
    wire.packets.append((30, tail))
    path = wire.save(tmp_path / "x.pcap")
    (whole,) = read(path).machines
    source = open_capture(str(path), 0)
    diagnosis = Diagnosis(strict=True)
    for block in source.blocks():
        for half in part(block, 0, count), part(block, count, None):
            diagnosis.feed(half)
            diagnosis.changed()
    source.close()
    diagnosis.finish([source.info()])
    (last,) = diagnosis.changed()
    assert whole.boots[0].stages[0].fetches[-1].retransmissions == 1
    assert last.boots[0].stages[0].fetches == whole.boots[0].stages[0].fetches
