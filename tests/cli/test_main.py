import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from bootsniff import cli
from bootsniff.errors import CaptureError, NotReached

BOOTSNIFF = [sys.executable, "-c", "import sys; from bootsniff.cli import main; sys.exit(main())"]


def command(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """Make `bootsniff filter` raise."""
    module = ModuleType("bootsniff.cli.filter")

    def run(_: object) -> int:
        raise error

    module.run = run  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "bootsniff.cli.filter", module)


@pytest.mark.parametrize(
    ("error", "status", "line"),
    [
        (CaptureError("x.pcap is empty"), 3, "bootsniff: x.pcap is empty\n"),
        (NotReached("not seen"), 5, "bootsniff: not seen\n"),
        (CaptureError("two\nlines \x1b[2J"), 3, "bootsniff: two lines \\x1b[2J\n"),
        (
            ValueError("oops"),
            3,
            "bootsniff: internal error, ValueError: oops (BOOTSNIFF_DEBUG=1 shows where)\n",
        ),
        (OSError(28, "No space left on device"), 3, "bootsniff: No space left on device\n"),
        (KeyboardInterrupt(), 130, ""),
        (BrokenPipeError(), 0, ""),
    ],
)
def test_errors_are_one_line_and_a_status(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], error: BaseException, status: int, line: str
) -> None:
    monkeypatch.delenv("BOOTSNIFF_DEBUG", raising=False)
    monkeypatch.setattr(cli, "_discard_output", lambda: None)
    command(monkeypatch, error)
    assert cli.main(["filter"]) == status
    assert capfd.readouterr().err == line


def test_debugging_shows_the_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOOTSNIFF_DEBUG", "1")
    command(monkeypatch, ValueError("oops"))
    with pytest.raises(ValueError, match="oops"):
        cli.main(["filter"])


def test_help_and_usage_come_back_as_statuses(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--help"]) == 0
    assert "examples:" in capsys.readouterr().out
    assert cli.main(["read"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_reader_that_leaves_early_is_no_error() -> None:
    with subprocess.Popen([*BOOTSNIFF, "schema"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_is_one_line() -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run([*BOOTSNIFF, "schema"], stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 3
    assert done.stderr.startswith(b"bootsniff: ")
    assert done.stderr.count(b"\n") == 1


def test_completions_are_made_for_each_shell(capsys: pytest.CaptureFixture[str]) -> None:
    for shell in ("bash", "zsh", "tcsh"):
        assert cli.main(["completion", shell]) == 0
        text = capsys.readouterr().out
        assert "interfaces" in text
        if shell == "bash":
            subprocess.run(["bash", "-n"], input=text.encode(), check=True)
            assert "_shtab_compgen_files" in text
        assert "tftp-nat-loss" in text


def test_filter_is_one_line_that_spares_ssh(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["filter"]) == 0
    text = capsys.readouterr().out
    assert text.count("\n") == 1
    assert "not port 22" in text


def imported(*words: str) -> set[str]:
    """The modules that a command has loaded when it is done, in a fresh interpreter."""
    script = """if True:
        import sys
        from bootsniff.cli import main
        status = main(sys.argv[1:])
        print(*sys.modules, file=sys.stderr)
        sys.exit(status)
    """
    done = subprocess.run([sys.executable, "-c", script, *words], capture_output=True, check=False, text=True)
    assert done.returncode == (0 if words == ("--help",) else 1), done.stderr
    return {name.partition(".")[0] for name in done.stderr.split()}


HEAVY = {"scapy", "pyshark", "textual", "rich", "asyncio", "shtab", "zstandard"}


def test_help_imports_nothing_heavy() -> None:
    assert not imported("--help") & (HEAVY | {"numpy", "msgspec", "json", "subprocess"})


@pytest.mark.parametrize("output", [["--json"], ["--events"], []])
def test_reading_imports_no_dissector_and_no_user_interface(output: list[str]) -> None:
    sample = Path(__file__).parents[2] / "pcaps" / "http-no-echo.pcap.xz"
    assert not imported("read", str(sample), *output) & (HEAVY | {"shutil"})


@pytest.mark.parametrize(
    ("closed", "words", "status"),
    [
        (">&-", ["filter"], 0),
        (">&-", ["--help"], 0),
        (">&-", ["read", "pcaps/http-no-echo.pcap.xz"], 1),
        ("2>&-", ["frobnicate"], 2),
        ("<&-", ["read", "-"], 3),
        ("<&- >&- 2>&-", ["read", "--events", "pcaps/http-no-echo.pcap.xz"], 1),
    ],
)
def test_closed_streams_lead_nowhere(closed: str, words: list[str], status: int) -> None:
    done = subprocess.run(
        ["sh", "-c", f'exec "$@" {closed}', "sh", *BOOTSNIFF, *words],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == status
    assert done.stderr.count("\n") <= 1
    assert "Traceback" not in done.stderr


def test_nothing_is_collected_at_the_end() -> None:
    """The interpreter would walk over all that was made twice more, which costs a small capture a tenth of its time."""
    script = (
        "import atexit, gc; from bootsniff.cli import main\n"
        "atexit.register(lambda: print(gc.get_freeze_count() > 1000))\n"  # called after what is registered later
        "main(['explain', 'tftp-no-reply'])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.splitlines()[-1] == "True"


def test_the_filter_for_any_speaks_of_no_vlan(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["filter", "eth0"]) == 0
    assert "vlan" in capsys.readouterr().out
    assert cli.main(["filter", "any"]) == 0
    assert "vlan" not in capsys.readouterr().out
