import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from bootsniff.model import Report
from bootsniff.report.json import document, line
from bootsniff.report.schema import schema, schema_text

from . import canned

VALIDATOR = jsonschema.Draft202012Validator(schema())


def whole_of(report: Report) -> dict[str, Any]:
    value: dict[str, Any] = json.loads("".join(document(report)))
    return value


@pytest.mark.parametrize("name", list(canned.ALL))
def test_the_document_is_one_value_and_keeps_the_schema(name: str) -> None:
    report = canned.ALL[name]()
    value = whole_of(report)
    VALIDATOR.validate(value)
    assert [machine["mac"] for machine in value["machines"]] == [machine.mac for machine in report.machines]
    assert [capture["frames"] for capture in value["captures"]] == [capture.frames for capture in report.captures]
    assert [finding["code"] for finding in value["findings"]] == [finding.code for finding in report.findings]
    assert "".join(document(report)).isascii()


def test_the_schema_is_a_schema_and_the_published_copy_is_fresh() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())
    published = Path(__file__).parents[2] / "docs" / "report.schema.json"
    assert published.read_text() == schema_text(), "run: bootsniff schema > docs/report.schema.json"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["machines", 0, "status"], "asleep"),
        (["machines", 0, "boots", 0, "start"], "2026-03-14T08:15:00Z"),
        (["machines", 0, "boots", 0, "stages", 1, "dhcp", "version"], 5),
        (["machines", 0, "findings", 0, "evidence", 0, "frame"], 0),
        (["captures", 0, "frames"], -1),
        (["schema"], "bootsniff-report/2"),
    ],
)
def test_the_schema_refuses_what_the_document_must_not_say(path: list[Any], value: Any) -> None:
    whole = whole_of(canned.single())
    place = whole
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    assert not VALIDATOR.is_valid(whole)


def test_unknown_is_null_and_never_absent() -> None:
    def objects(value: Any) -> list[dict[str, Any]]:
        if isinstance(value, dict):
            return [value] + [inner for child in value.values() for inner in objects(child)]
        return [inner for child in value for inner in objects(child)] if isinstance(value, list) else []

    whole = whole_of(canned.single())
    for found in objects(whole):
        for key in list(found):
            kept = found.pop(key)
            if key not in ("status", "content-type", "blksize", "tsize"):  # options of a fetch are free
                assert not VALIDATOR.is_valid(whole), key
            found[key] = kept


def test_the_words_of_the_promise() -> None:
    whole = whole_of(canned.single())
    assert whole["schema"] == "bootsniff-report/1"
    machine = whole["machines"][0]
    assert machine["mac"] == "52:54:00:89:32:47"
    assert machine["hostname"] is None
    boot = machine["boots"][0]
    assert (boot["status"], boot["stalled_at"]) == ("stalled", "dhcp")
    assert boot["start"] == "2026-03-14T08:15:00.123456789Z"
    dhcp = boot["stages"][1]["dhcp"]
    assert dhcp["status"] == "ignored-offer"
    assert dhcp["vendor_class_echoed"] is False
    assert dhcp["address"] is None
    finding = machine["findings"][0]
    assert finding["evidence"][1]["frame"] == 37
    assert finding["fixes"][0]["for"] == "dnsmasq"
    assert finding["explains"] is None
    assert (
        whole_of(canned.report(canned.not_found()))["machines"][0]["findings"][1]["explains"] == "tftp-file-not-found"
    )


def test_durations_are_seconds() -> None:
    fetches = whole_of(canned.report(canned.healthy()))["machines"][0]["boots"][0]["stages"][1]["fetches"]
    assert fetches[1]["duration"] == 0.8


def test_machines_are_written_one_at_a_time() -> None:
    report = canned.many(100)
    pieces = list(document(report))
    assert len(pieces) > 100
    assert max(len(piece) for piece in pieces) < 8000
    lines = "".join(pieces).splitlines()
    assert sum('"mac":"' in line for line in lines) == 100


@pytest.mark.parametrize("name", ["Ü", "名前", "a\U0001f600b", "\u2028", '"\\é"'])
def test_a_line_is_ascii_whatever_text_it_holds(name: str) -> None:
    text = line({"hostname": name, "plain": "x"})
    assert text.isascii()
    assert json.loads(text) == {"hostname": name, "plain": "x"}
