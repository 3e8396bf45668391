"""Live views take over what was told of boots that are over; in the end everything is judged anew."""

from __future__ import annotations

from pathlib import Path

from bootsniff.model import Block, Machine
from bootsniff.rules.diagnosis import Diagnosis
from bootsniff.sources.capture_file import open_capture

from ..moments import at_once, moments, watch
from .packets import Wire

EVERY = 600


def again_and_again(times: int) -> Wire:
    """A file that is missing, boot after boot."""
    wire = Wire("bios-pxe")
    for number in range(times):
        at = number * EVERY
        wire.as_kind("bios-pxe").lease(at, file="pxelinux.0").missing(at + 1, "pxelinux.0")
    return wire.quiet(times * EVERY)


def looks(path: Path) -> list[Machine]:
    """The machine at every moment at which it moved, and in the end."""
    source = open_capture(str(path), 0)
    diagnosis, found = Diagnosis(watching=True, strict=True), list[Machine]()
    for moment in moments(source):
        if isinstance(moment, Block):
            diagnosis.feed(moment)
            found += diagnosis.changed([source.info()])
    diagnosis.finish([source.info()])
    found += diagnosis.changed([source.info()])
    source.close()
    return found


def test_a_boot_that_is_over_is_not_told_anew(tmp_path: Path) -> None:
    *before, last, final = looks(again_and_again(4).save(tmp_path / "x.pcap"))
    told = next(one for one in before if len(one.boots) == 3)
    assert all(one is other for one, other in zip(told.boots[:2], last.boots, strict=False))
    assert final.boots[0] is not last.boots[0]
    assert final.boots == last.boots
    assert {finding.boot for finding in last.findings if finding.code == "tftp-file-not-found"} == {0, 1, 2, 3}
    assert final.findings == last.findings


def test_the_oldest_boots_go_without_news_of_the_others(tmp_path: Path) -> None:
    path = str(again_and_again(70).save(tmp_path / "x.pcap"))
    events, machines = watch(path)
    assert machines == at_once(path)
    stages = [event for event in events if event["event"] == "stage"]
    assert len(stages) <= 3 * 70, "a boot that goes is no news about the others"
