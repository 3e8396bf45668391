"""Whole reports of recorded boots, compared word by word: a change of any of them has to be meant."""

import json
from pathlib import Path

import jsonschema
import pytest

from bootsniff.report.schema import schema

from .samples import TRUTH, read

HERE = Path(__file__).parent


@pytest.mark.parametrize("name", list(TRUTH))
def test_report(name: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    report = read(monkeypatch, name).report
    jsonschema.Draft202012Validator(schema()).validate(report)
    golden = HERE / f"{name}.json"
    if request.config.getoption("--update-golden"):
        golden.write_text(json.dumps(report, indent=1) + "\n")
    assert report == json.loads(golden.read_text()), "if this is meant: pytest tests/golden --update-golden"


def test_no_golden_report_is_left_over() -> None:
    assert {path.stem for path in HERE.glob("*.json")} == set(TRUTH)
