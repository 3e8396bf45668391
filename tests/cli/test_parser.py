import pytest

from bootsniff.cli.parser import build, machine_name, parse
from bootsniff.version import __version__


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    with pytest.raises(SystemExit) as leaving:
        parse(words)
    assert leaving.value.code == 2
    text = capsys.readouterr().err
    assert text.startswith("bootsniff: ")
    assert text.count("\n") == 1
    return text


def test_read_takes_files_on_both_sides_of_options() -> None:
    arguments = parse(["read", "a.pcap", "--json", "b.pcap", "-r", "c.pcap", "-"])
    assert arguments.files == ["a.pcap", "b.pcap", "-", "c.pcap"]
    assert (arguments.module, arguments.json, arguments.jobs) == ("read", True, None)


def test_read_like_tcpdump() -> None:
    assert parse(["read", "-r", "a.pcap"]).files == ["a.pcap"]


@pytest.mark.parametrize(
    "words",
    [
        ["live", "virbr0", "udp", "port", "67", "--json"],
        ["live", "--json", "virbr0", "udp", "port", "67"],
        ["live", "virbr0", "--json", "udp", "port", "67"],
        ["live", "-i", "virbr0", "udp", "port", "67", "--json"],
        ["live", "udp", "--json", "-i", "virbr0", "port", "67"],
    ],
)
def test_live_takes_a_filter_wherever_it_stands(words: list[str]) -> None:
    arguments = parse(words)
    assert (arguments.interface, arguments.words, arguments.json) == ("virbr0", ["udp", "port", "67"], True)


def test_live_options() -> None:
    options = ["-w", "x.pcapng", "-C", "100", "-W", "3", "--duration", "2.5", "--count", "9"]
    arguments = parse(["live", "virbr0,eth0", *options, "--until", "52-54-00-89-32-47=stalled"])
    assert arguments.write == "x.pcapng"
    assert (arguments.rotate_size, arguments.rotate_seconds, arguments.rotate_keep) == (100, None, 3)
    assert (arguments.duration, arguments.count) == (2.5, 9)
    assert arguments.until == ("52:54:00:89:32:47", "stalled")
    assert arguments.host_facts is True
    assert parse(["live", "eth0", "--no-host-facts"]).host_facts is False


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("52:54:00:89:32:4A", "52:54:00:89:32:4a"),
        ("52-54-00-89-32-47", "52:54:00:89:32:47"),
        ("5254.0089.3247", "52:54:00:89:32:47"),
        ("525400893247", "52:54:00:89:32:47"),
        ("192.168.122.5", "192.168.122.5"),
        ("FD00::1", "fd00::1"),
    ],
)
def test_machine_names(text: str, name: str) -> None:
    assert machine_name(text) == name
    assert parse(["read", "x", "--machine", text]).machine == [name]


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["read"], "name a capture file"),
        (["live"], "name an interface"),
        ([], "COMMAND"),
        (["fly"], "invalid choice"),
        (["read", "x", "--bogus"], "--bogus"),
        (["read", "x", "--jso"], "--jso"),
        (["read", "x", "-q", "-v"], "not allowed with"),
        (["read", "x", "--tui", "--events"], "not allowed with"),
        (["read", "x", "--jobs", "0"], "whole number"),
        (["read", "x", "--jobs", "٣"], "whole number"),
        (["read", "x", "--machine", "printer"], "hardware address"),
        (["live", "x", "--until", "52:54:00:89:32:47=asleep"], "--until"),
        (["live", "x", "--duration", "soon"], "seconds"),
        (["live", "x", "--duration", "nan"], "seconds"),
        (["live", "x", "-G", "5"], "go with -w"),
        (["explain", "a", "b"], "unrecognized"),
        (["completion", "powershell"], "invalid choice"),
    ],
)
def test_wrong_usage_is_one_line_and_status_2(capsys: pytest.CaptureFixture[str], words: list[str], part: str) -> None:
    assert part in refused(capsys, *words)


def test_what_a_file_name_smuggles_in_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert "--\\x1b[31m" in refused(capsys, "read", "--\x1b[31m")


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as leaving:
        parse(["--version"])
    assert leaving.value.code == 0
    assert capsys.readouterr().out == f"bootsniff {__version__}\n"


@pytest.mark.parametrize("command", ["", "read", "live", "explain", "interfaces", "filter", "schema", "completion"])
def test_every_command_has_help_with_examples_where_they_help(capsys: pytest.CaptureFixture[str], command: str) -> None:
    with pytest.raises(SystemExit) as leaving:
        parse([*command.split(), "--help"])
    assert leaving.value.code == 0
    text = capsys.readouterr().out
    assert text.startswith("usage: bootsniff")
    if command in ("", "read", "live"):
        assert "examples:" in text


def test_help_of_every_option() -> None:
    commands = next(action.choices for action in build()._actions if isinstance(action.choices, dict))
    assert "read" in commands
    for name, child in commands.items():
        assert [option.dest for option in child._actions if not option.help and option.dest != "shell"] == [], name
