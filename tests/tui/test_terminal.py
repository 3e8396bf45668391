"""The TUI on a terminal, with standard output or standard error leading elsewhere."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bootsniff.tui.terminal import HANGUP_STATUS
from tests.tui.feeds import PCAPS
from tests.tui.pseudo_terminal import PROGRAM, SIZE, TIMEOUT, Terminal

MAC = "52:54:00:89:32:47"


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    made = Terminal()
    yield made
    made.close()


@pytest.mark.parametrize(("out", "errors"), [(False, False), (False, True), (True, False), (True, True)])
def test_the_screen_is_on_the_terminal_whatever_is_redirected(
    terminal: Terminal, tmp_path: Path, out: bool, errors: bool
) -> None:
    paths = {"out": tmp_path / "out" if out else None, "errors": tmp_path / "errors" if errors else None}
    process = terminal.start(
        "read", "--tui", str(PCAPS / "http-no-echo.pcap.xz"), out=paths.get("out"), errors=paths.get("errors")
    )
    terminal.wait_for(MAC)
    assert terminal.leave(process) == 1
    assert b"\x1b[?1049h" in terminal.painted
    if paths["out"] is not None:
        assert "dhcp-http-vendor-class-not-echoed" in paths["out"].read_text()
        assert "\x1b" not in paths["out"].read_text()
    else:
        assert b"STALLED at dhcp" in terminal.painted
    if paths["errors"] is not None:
        assert paths["errors"].read_text() == ""


@pytest.mark.parametrize("redirected", [{}, {"out": "x"}, {"errors": "x"}])
def test_the_screen_is_as_large_as_the_terminal(terminal: Terminal, tmp_path: Path, redirected: dict[str, str]) -> None:
    """The frame's last column is painted, and its last line: what is larger than the usual 80 by 24."""
    paths = {name: tmp_path / path for name, path in redirected.items()}
    process = terminal.start(
        "read", "--tui", str(PCAPS / "http-no-echo.pcap.xz"), out=paths.get("out"), errors=paths.get("errors")
    )
    terminal.wait_for(MAC)
    terminal.wait_for(f"\x1b[{SIZE[0]};")
    assert terminal.leave(process) == 1


@pytest.mark.parametrize("redirected", [{}, {"out": "x"}, {"errors": "x"}])
def test_it_ends_with_the_terminal(terminal: Terminal, tmp_path: Path, redirected: dict[str, str]) -> None:
    paths = {name: tmp_path / path for name, path in redirected.items()}
    process = terminal.start(
        "read", "--tui", str(PCAPS / "http-no-echo.pcap.xz"), out=paths.get("out"), errors=paths.get("errors")
    )
    terminal.wait_for(MAC)
    terminal.hang_up()
    assert process.wait(TIMEOUT) in (1, -signal.SIGHUP, HANGUP_STATUS)


def test_without_any_terminal_it_says_so(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, "read", "--tui", str(PCAPS / "http-no-echo.pcap.xz")],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        start_new_session=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "needs a terminal" in done.stderr
