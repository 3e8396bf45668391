"""The recorded boots of pcaps/, read as a user would read them."""

import io
import json
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from bootsniff.cli import main

PCAPS = Path(__file__).parents[2] / "pcaps"
TRUTH: dict[str, dict[str, Any]] = json.loads((PCAPS / "truth.json").read_text())
"""By capture, what a report has to say of it; `a+b` are two capture points read together."""


class Outcome(NamedTuple):
    status: int
    report: dict[str, Any]


def files_of(name: str) -> list[str]:
    return [f"{part}.pcap.xz" for part in name.split("+")]


def read(monkeypatch: pytest.MonkeyPatch, name: str) -> Outcome:
    """Read the captures of an entry of `TRUTH` from their own directory, so that reports name no other path."""
    monkeypatch.chdir(PCAPS)
    output = io.StringIO()
    with redirect_stdout(output):
        status = main(["read", "--json", *files_of(name)])
    return Outcome(status, json.loads(output.getvalue()))
