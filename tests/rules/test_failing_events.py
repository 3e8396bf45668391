"""A bug in what follows the machines: the event or the machine is left out, everything else is told, and it says so."""

from __future__ import annotations

import json
import pkgutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest

from bootsniff.cli import main
from bootsniff.flow.records import Event
from bootsniff.model import FAILED_EVENT, FAILED_MACHINES, Report
from bootsniff.report.schema import schema_text
from bootsniff.rules.diagnosis import Diagnosis
from bootsniff.sources.capture_file import open_capture
from bootsniff.track import failures
from bootsniff.tui.bridge.file_feed import FileFeed

from . import boots
from .packets import Wire, mac_bytes
from .scene import CLIENT, MAC, packed

OTHER = "52:54:00:00:00:77"


class Bug(Exception):
    pass


def raises_for(monkeypatch: pytest.MonkeyPatch, where: str, fails: Callable[..., bool]) -> None:
    """Have a function raise when `fails` says so of its arguments; otherwise it does its work."""
    working = pkgutil.resolve_name(where)

    def broken(*args: Any, **settings: Any) -> Any:
        if fails(*args):
            raise Bug
        return working(*args, **settings)

    monkeypatch.setattr(where, broken)


def breaks_acks(monkeypatch: pytest.MonkeyPatch) -> None:
    raises_for(
        monkeypatch,
        "bootsniff.track.dhcp4.server_message",
        lambda _world, machine, _envelope, message, _point: machine.mac == OTHER and message.message_type == 5,
    )


def breaks_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    raises_for(monkeypatch, "bootsniff.rules.judge.machine_value", lambda record, *_: record.mac == OTHER)


def breaks_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    raises_for(
        monkeypatch,
        "bootsniff.track.engine.refresh",
        lambda boot, *_: boot.stages[0].dhcp is not None and OTHER in str(boot.stages[0].dhcp.discovers),
    )


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    """Two machines whose TFTP server says that the port is closed."""
    wire = Wire("efi-x64-pxe").lease(file="grubx64.efi")
    for time in (1, 5, 9, 13, 17, 21):
        wire.icmp(time + 0.01, wire.rrq(time, "grubx64.efi", again=time > 1))
    boots.give_up(wire)
    for at, packet in list(wire.packets):
        other = packet.replace(mac_bytes(MAC), mac_bytes(OTHER)).replace(packed(CLIENT), packed("192.168.122.99"))
        wire.packets.append((at + 0.005, other))
    return wire.save(tmp_path / "x.pcap")


def followed(path: Path, **settings: Any) -> Report:
    """What a live capture that looks after every packet knows in the end."""
    source = open_capture(str(path), 0)
    diagnosis = Diagnosis(**settings)
    for block in source.blocks():
        diagnosis.feed(block)
        diagnosis.changed([source.info()])
        diagnosis.tick(int(block.time[-1]) + 90_000_000_000)
    captures = [source.info()]
    diagnosis.finish(captures)
    report = diagnosis.report(captures)
    source.close()
    return report


@pytest.mark.forgiving
@pytest.mark.parametrize("watching", [False, True])
def test_the_other_machine_is_told_as_ever(monkeypatch: pytest.MonkeyPatch, capture: Path, watching: bool) -> None:
    whole = {machine.mac: machine for machine in followed(capture, watching=watching).machines}
    breaks_acks(monkeypatch)
    report = followed(capture, watching=watching)
    rest = {machine.mac: machine for machine in report.machines}
    assert dict(report.counters)[FAILED_EVENT + "dhcp"] == 1
    assert rest.keys() == whole.keys() == {MAC, OTHER}
    assert rest[MAC].boots == whole[MAC].boots
    first = rest[OTHER].boots[0].stages[0]
    assert first.dhcp is not None
    assert first.dhcp.status == "offered"
    assert [fetch.url for fetch in first.fetches] == [fetch.url for fetch in whole[OTHER].boots[0].stages[0].fetches]


@pytest.mark.forgiving
def test_what_was_left_out_may_have_been_sent(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An event that failed is a packet not seen: nothing that is said to be missing is sure."""
    wire = boots.give_up(Wire("efi-x64-pxe").ignored(next_server=None))
    wire.arp(50, CLIENT)
    path = wire.save(tmp_path / "x.pcap")

    def confidence() -> dict[str, str]:
        return {finding.code: finding.confidence for finding in followed(path).machines[0].findings}

    assert confidence()["dhcp-offer-without-boot-file"] == "certain"
    raises_for(monkeypatch, "bootsniff.track.around.arp", lambda *_: True)
    assert confidence()["dhcp-offer-without-boot-file"] == "likely"


@pytest.mark.forgiving
def test_a_machine_that_cannot_be_told(monkeypatch: pytest.MonkeyPatch, capture: Path) -> None:
    breaks_machine(monkeypatch)
    report = followed(capture, watching=True)
    assert [machine.mac for machine in report.machines] == [MAC]
    assert dict(report.counters)[FAILED_MACHINES] == 1


@pytest.mark.forgiving
def test_silence_goes_on_for_the_others(monkeypatch: pytest.MonkeyPatch, capture: Path) -> None:
    breaks_silence(monkeypatch)
    report = followed(capture, watching=True)
    assert dict(report.counters)[FAILED_EVENT + "silence"] >= 1
    assert {machine.mac: machine.status for machine in report.machines} == {MAC: "stalled", OTHER: "stalled"}


@pytest.mark.parametrize("breaks", [breaks_acks, breaks_machine, breaks_silence])
def test_strict_lets_the_error_through(
    monkeypatch: pytest.MonkeyPatch, capture: Path, breaks: Callable[[pytest.MonkeyPatch], None]
) -> None:
    breaks(monkeypatch)
    with pytest.raises(Bug):
        followed(capture, watching=True, strict=True)


def test_tests_are_strict(monkeypatch: pytest.MonkeyPatch, capture: Path) -> None:
    breaks_acks(monkeypatch)
    with pytest.raises(Bug):
        followed(capture, strict=False)


@pytest.mark.forgiving
def test_errors_of_the_sieve_are_not_passed_over(monkeypatch: pytest.MonkeyPatch, capture: Path) -> None:
    """They would cost packets of machines that nobody could name."""
    raises_for(monkeypatch, "bootsniff.flow.sieve.Sieve.pieces", lambda *_: True)
    with pytest.raises(Bug):
        followed(capture)


@pytest.mark.forgiving
@pytest.mark.parametrize("options", [[], ["--json"], ["--events"], ["--plain"]])
def test_the_program_says_it_once_and_goes_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], capture: Path, options: list[str]
) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    monkeypatch.delenv("BOOTSNIFF_DEBUG", raising=False)
    breaks_acks(monkeypatch)
    breaks_machine(monkeypatch)
    assert main(["read", *options, str(capture)]) == 1
    out, err = capsys.readouterr()
    assert err.splitlines() == [
        "bootsniff: 1 dhcp event, 1 machine failed: the report is without them (BOOTSNIFF_DEBUG=1 shows where)"
    ]
    if options == ["--json"]:
        document = json.loads(out)
        assert document["counters"]["failed_event:dhcp"] == 1
        assert document["counters"]["failed_machines"] == 1
        assert [machine["mac"] for machine in document["machines"]] == [MAC]
        jsonschema.validate(document, json.loads(schema_text()))
    elif options != ["--events"]:
        assert "left out: 1 dhcp event, which failed, 1 machine, which failed" in " ".join(out.split())


@pytest.mark.forgiving
def test_the_screen_shows_the_rest(monkeypatch: pytest.MonkeyPatch, capture: Path) -> None:
    monkeypatch.delenv("BOOTSNIFF_DEBUG", raising=False)
    breaks_acks(monkeypatch)
    feed = FileFeed([open_capture(str(capture), 0)])
    feed.wait(600)
    report = feed.latest()
    assert feed.status().state == "ended"
    assert report is not None
    assert dict(report.counters)[FAILED_EVENT + "dhcp"] == 1
    assert len(report.machines) == 2


def test_every_kind_of_event_has_a_word() -> None:
    assert set(get_args(get_type_hints(Event)["subject"])) == set(failures._WORDS)
    assert len(set(failures._WORDS.values())) == len(failures._WORDS)
