import io
import sys
import time

import pytest

from bootsniff.cli.progress import ProgressBar


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(time, "monotonic", clock)
    return clock


def shown(monkeypatch: pytest.MonkeyPatch, clock: Clock, stream: io.StringIO, *, wanted: bool = True) -> str:
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("TERM", "xterm")
    asked = []

    def position() -> tuple[int, int]:
        asked.append(clock.now)
        return 512_000, 1_024_000

    bar = ProgressBar(position, wanted=wanted)
    for _ in range(30):
        clock.now += 0.09
        bar.update()
    bar.close()
    assert len(asked) <= 20  # not at every block
    return stream.getvalue()


def test_a_bar_appears_on_a_terminal_after_a_second(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    assert "reading" in shown(monkeypatch, clock, Terminal())


def test_no_bar_in_a_pipe_or_when_not_wanted(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    assert shown(monkeypatch, clock, io.StringIO()) == ""
    assert shown(monkeypatch, clock, Terminal(), wanted=False) == ""


def test_no_bar_when_it_is_over_soon(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    bar = ProgressBar(lambda: (1, None), wanted=True)
    clock.now += 0.9
    bar.update()
    bar.close()
    assert terminal.getvalue() == ""
