"""`bootsniff interfaces`: who may capture, on what, and what stands in the way."""

import json
import os

import pytest

from bootsniff.cli import interfaces, main
from bootsniff.sources.host_interfaces import HostInterface, Rights

BRIDGE = HostInterface(
    "virbr0", "bridge", None, True, "EN10MB", ("192.168.122.1/24",), None, "all machines on the bridge"
)
DOWN = HostInterface("[/red]", "hardware", None, False, "EN10MB", (), "it is down: ip link set [/red] up", None)


@pytest.fixture(autouse=True)
def host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setattr(interfaces, "list_interfaces", lambda: [BRIDGE, DOWN])
    may(monkeypatch, Rights("ring", None))


def may(monkeypatch: pytest.MonkeyPatch, rights: Rights, user: int = 0) -> None:
    monkeypatch.setattr(interfaces, "rights", lambda: rights)
    monkeypatch.setattr(os, "geteuid", lambda: user)


def shown(capsys: pytest.CaptureFixture[str], *words: str) -> list[str]:
    assert main(["interfaces", *words]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return [line.rstrip() for line in out.splitlines()]


def test_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    lines = shown(capsys)
    rows = {line.split()[0]: line.split(maxsplit=4) for line in lines if line.strip()}
    assert rows["virbr0"] == ["virbr0", "bridge", "up", "192.168.122.1/24", "all machines on the bridge"]
    assert " ".join(rows["[/red]"]) == "[/red] hardware down it is down: ip link set [/red] up"
    assert list(rows).index("virbr0") < list(rows).index("[/red]")
    assert not any("\x1b" in line for line in lines)


def test_it_fits_eighty_columns(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert max(map(len, shown(capsys))) <= 80


@pytest.mark.parametrize(
    ("rights", "user", "words"),
    [
        (Rights("ring", None), 0, "Capturing works: you are root."),
        (Rights("ring", None), 1000, "Capturing works for you, directly."),
        (Rights("dumpcap", None), 1000, "Capturing works for you, through dumpcap; for lines above 1 Gb/s: sudo "),
        (Rights(None, "call somebody"), 1000, "You have no right to capture yet: call somebody"),
    ],
)
def test_by_whom(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, rights: Rights, user: int, words: str
) -> None:
    may(monkeypatch, rights, user)
    assert shown(capsys)[-1].startswith(words)


def test_json(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    may(monkeypatch, Rights(None, "call somebody"), 1000)
    found = json.loads("\n".join(shown(capsys, "--json")))
    assert found["rights"] == {"way": None, "advice": "call somebody"}
    assert [each["name"] for each in found["interfaces"]] == ["virbr0", "[/red]"]
    assert found["interfaces"][1]["obstacle"] == "it is down: ip link set [/red] up"
    assert found["interfaces"][0]["addresses"] == ["192.168.122.1/24"]


def test_colour_when_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert any("\x1b[" in line for line in shown(capsys, "--color", "always"))
