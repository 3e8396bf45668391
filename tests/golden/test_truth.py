"""What pcaps/truth.json says of every recorded boot, read from the packets by hand, has to come out of the program."""

from typing import Any

import pytest

from .samples import TRUTH, read


def machine_of(report: dict[str, Any], entry: dict[str, Any]) -> dict[str, Any]:
    found = [machine for machine in report["machines"] if machine["mac"] == entry["mac"]]
    assert len(found) == 1
    machine: dict[str, Any] = found[0]
    return machine


def findings_of(machine: dict[str, Any], severity: str) -> dict[str, dict[str, Any]]:
    return {finding["code"]: finding for finding in machine["findings"] if finding["severity"] == severity}


@pytest.mark.parametrize("name", list(TRUTH))
def test_truth(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = TRUTH[name]
    status, report = read(monkeypatch, name)
    machine = machine_of(report, entry)
    assert machine["status"] in entry["status"]
    assert status == (1 if "stalled" in entry["status"] else 0)

    clients = [stage["client"] for boot in machine["boots"] for stage in boot["stages"]]
    position = 0
    for wanted in entry["clients"]:
        choices = [wanted] if isinstance(wanted, str) else wanted
        assert any(client in choices for client in clients[position:]), f"no {wanted} from {position} on in {clients}"
        position += next(n for n, client in enumerate(clients[position:]) if client in choices) + 1

    if machine["status"] == "stalled" and "stalled_at" in entry:
        assert machine["boots"][-1]["stalled_at"] in entry["stalled_at"]

    errors = findings_of(machine, "error")
    allowed = set(entry["may"]).union(*entry["must"])
    for choices in entry["must"]:
        assert any(code in errors and errors[code]["evidence"] for code in choices), (
            f"none of {choices} in {list(errors)}"
        )
    assert set(errors) <= allowed, "false alarm"
    assert len(set(findings_of(machine, "warning")) - allowed) <= 1
    for code, confidence in entry.get("confidence", {}).items():
        assert {finding["confidence"] for finding in machine["findings"] if finding["code"] == code} == {confidence}


@pytest.mark.parametrize("name", list(TRUTH))
def test_evidence_and_fetches_point_at_frames_that_exist(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    report = read(monkeypatch, name).report
    frames = [capture["frames"] for capture in report["captures"]]
    for machine in report["machines"]:
        for finding in machine["findings"]:
            assert finding["severity"] == "note" or finding["evidence"], finding["code"]
            for evidence in finding["evidence"]:
                assert 1 <= evidence["frame"] <= frames[evidence["capture"]]
                assert evidence["role"]
            assert finding["stage"] < len(machine["boots"][finding["boot"]]["stages"])
        for boot in machine["boots"]:
            for stage in boot["stages"]:
                for fetch in stage["fetches"]:
                    assert 1 <= fetch["first_frame"] <= fetch["last_frame"] <= frames[fetch["capture"]]


def test_frame_numbers_are_those_of_the_files(monkeypatch: pytest.MonkeyPatch) -> None:
    report = read(monkeypatch, "tftp-nat-loss+tftp-nat-loss.up").report
    assert [capture["path"] for capture in report["captures"]] == ["tftp-nat-loss.pcap.xz", "tftp-nat-loss.up.pcap.xz"]
    cited = {
        evidence["capture"] for machine in report["machines"] for f in machine["findings"] for evidence in f["evidence"]
    }
    assert cited == {0, 1}
