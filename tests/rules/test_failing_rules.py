"""A rule with a bug: the report goes on without it, and says so."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from bootsniff.cli import main
from bootsniff.model import FAILED_RULE
from bootsniff.report.schema import schema_text
from bootsniff.rules import registry
from bootsniff.rules.judge import Judge
from bootsniff.rules.rule import Cause, Rule

from . import boots, scenes_dhcp
from .packets import Wire
from .scene import Scene

KINDS = ("bios-pxe", "efi-x64-http", "ipxe-bios", "u-boot-armv8", "grub", "os", "unknown", "")


class Bug(Exception):
    pass


def raises(*_: object) -> NoReturn:
    raise Bug


def raises_late(*_: object) -> Iterator[NoReturn]:
    yield raises()


def faulty() -> Scene:
    return scenes_dhcp.FAULTS["dhcp-wrong-next-server"]()


@pytest.mark.parametrize(("method", "broken"), [("may", raises), ("check", raises), ("check", raises_late)])
def test_the_other_rules_have_their_say(monkeypatch: pytest.MonkeyPatch, method: str, broken: object) -> None:
    scene = faulty()
    whole = {finding.code for finding in Judge(scene.world, strict=True).findings(scene.machine)}
    for rule in registry.RULES:
        if rule.code not in whole and not isinstance(rule, Cause):
            monkeypatch.setattr(type(rule), method, broken)
    judge = Judge(scene.world)
    assert {finding.code for finding in judge.findings(scene.machine)} == whole
    failed = {name.removeprefix(FAILED_RULE) for name in judge.counters() if name.startswith(FAILED_RULE)}
    assert failed
    assert not failed & whole


def test_a_finding_without_the_cause_that_could_not_be_told(monkeypatch: pytest.MonkeyPatch) -> None:
    cause = next(rule for rule in registry.RULES if isinstance(rule, Cause) and rule.code in scenes_dhcp.FAULTS)
    scene = scenes_dhcp.FAULTS[cause.code]()
    whole = Judge(scene.world, strict=True).findings(scene.machine)
    monkeypatch.setattr(type(cause), "explain", raises_late)
    judge = Judge(scene.world)
    rest = judge.findings(scene.machine)
    assert cause.code in {finding.code for finding in whole}
    assert rest == tuple(finding for finding in whole if finding.code != cause.code)
    assert judge.counters()[FAILED_RULE + cause.code] >= 1


def test_the_network_without_one_of_its_findings(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = scenes_dhcp.FAULTS["dhcp-competing-servers"]()
    monkeypatch.setattr("bootsniff.rules.network.SHARED", (("link-stp-delay", raises_late), ("dhcp-nak", raises)))
    judge = Judge(scene.world)
    assert judge.network() == ()
    assert judge.network() == ()
    assert judge.counters() == {"dropped_findings": 0, "failed_rule:link-stp-delay": 2, "failed_rule:dhcp-nak": 2}


def test_no_counter_without_a_failure() -> None:
    scene = faulty()
    judge = Judge(scene.world)
    judge.findings(scene.machine)
    assert judge.counters() == {"dropped_findings": 0}


def test_strict_lets_the_error_through(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = faulty()
    monkeypatch.setattr(type(registry.BY_CODE["dhcp-wrong-next-server"]), "check", raises_late)
    with pytest.raises(Bug):
        Judge(scene.world, strict=True).findings(scene.machine)


@pytest.mark.parametrize("rule", registry.RULES, ids=lambda rule: rule.code)
def test_whom_a_rule_concerns_is_a_plain_answer(rule: Rule) -> None:
    assert KINDS
    assert all(isinstance(rule.concerns(client), bool) for client in KINDS)


@pytest.fixture
def capture(tmp_path: Path) -> str:
    wire = Wire("efi-x64-pxe").lease(file="grubx64.efi")
    for time in (1, 5, 9, 13, 17, 21):
        wire.icmp(time + 0.01, wire.rrq(time, "grubx64.efi", again=time > 1))
    return str(boots.give_up(wire).save(tmp_path / "x.pcap"))


@pytest.mark.forgiving
@pytest.mark.parametrize("options", [[], ["--json"], ["--events"], ["--plain"]])
def test_the_program_says_it_once_and_goes_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], capture: str, options: list[str]
) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    monkeypatch.delenv("BOOTSNIFF_DEBUG", raising=False)
    monkeypatch.setattr(type(registry.BY_CODE["tftp-server-down"]), "check", raises_late)
    assert main(["read", *options, capture]) == 1
    out, err = capsys.readouterr()
    assert err.splitlines() == [
        "bootsniff: rule tftp-server-down failed: the report is without it (BOOTSNIFF_DEBUG=1 shows where)"
    ]
    if options == ["--json"]:
        document = json.loads(out)
        assert document["counters"]["failed_rule:tftp-server-down"] >= 1
        assert document["machines"][0]["status"] == "stalled"
        jsonschema.validate(document, json.loads(schema_text()))
    elif options != ["--events"]:
        assert "rule tftp-server-down, which failed" in out


def test_who_wants_to_see_where_sees_it(monkeypatch: pytest.MonkeyPatch, capture: str) -> None:
    monkeypatch.setenv("BOOTSNIFF_DEBUG", "1")
    monkeypatch.setattr(type(registry.BY_CODE["tftp-server-down"]), "check", raises_late)
    with pytest.raises(Bug):
        main(["read", capture])
