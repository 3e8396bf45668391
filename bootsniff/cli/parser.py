"""Words and options of the command line (argparse and nothing else: `--help` has to answer at once)."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from functools import partial
from typing import NoReturn

from ..version import __version__

DESCRIPTION = "Says where a network boot stalled and why, from the packets."
EXAMPLES = """\
examples:
  bootsniff read boot.pcap                  where each boot in a capture stalled, and why
  bootsniff read inside.pcap outside.pcap   the two sides of a NAT or a relay, together
  bootsniff live virbr0                     follow boots on an interface while they happen
  ssh server tcpdump -U -w - "$(bootsniff filter)" | bootsniff read --events -
  bootsniff explain tftp-nat-loss           what a finding means and how to fix it

exit status:
  0  boot clients seen, the last boot of none is stalled
  1  at least one machine's last boot is stalled
  2  wrong usage
  3  a capture cannot be read, an interface cannot be opened
  4  read well, but no boot client (or not the one --machine names) is in it
  5  --until was not reached in time
  130  interrupted twice (the first Ctrl-C ends reading, and reports)
"""
READ_EXAMPLES = """\
pcap and pcapng, also compressed (.gz .zst .xz), told by content; `-` is standard input.
Files whose times overlap are taken as capture points of one network, the others as parts of one capture.

examples:
  bootsniff read boot.pcapng
  bootsniff read --machine 52:54:00:89:32:47 -v boot.pcap.xz
  bootsniff read --json boot.pcap | jq '.machines[] | {mac, status}'
  bootsniff read --tui boot.pcap
"""
LIVE_EXAMPLES = """\
On a terminal this opens the TUI (--plain: text); in a pipe, or with --json, one JSON object a line.
BPF words narrow what is captured; `bootsniff interfaces` says what can be captured here.

examples:
  bootsniff live virbr0
  bootsniff live virbr0,eth0 -w boot.pcapng             two capture points, recorded
  bootsniff live virbr0 ether host 52:54:00:89:32:47
  bootsniff live virbr0 --json --duration 120 --until 52:54:00:89:32:47=handed-off
"""
SHELLS = ("bash", "zsh", "tcsh")
_MAC = r"(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}|[0-9a-f]{4}\.[0-9a-f]{4}\.[0-9a-f]{4}|[0-9a-f]{12}"


_checked = partial(argparse.RawDescriptionHelpFormatter, width=80)
"""For every argument that is added argparse makes a formatter, which would import shutil for the terminal's width."""


class Parser(argparse.ArgumentParser):
    """argparse with errors of one line."""

    def format_help(self) -> str:
        self.formatter_class = argparse.RawDescriptionHelpFormatter
        return super().format_help()

    def error(self, message: str) -> NoReturn:
        from . import complain

        complain(f"{message} ({self.prog} --help says more)")
        raise SystemExit(2)


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """The command line as a namespace; `module` is the module of `bootsniff.cli` that runs it.

    Raises SystemExit (status 0 or 2) after --help, --version and wrong usage.
    """
    parser = build()
    arguments, rest = parser.parse_known_args(argv)
    # argparse stops taking positional words at the first option behind them (`read a.pcap --json b.pcap`).
    words = {"live": "words", "read": "files"}.get(arguments.module)
    for word in rest:
        if words is None or (word.startswith("-") and word != "-"):
            parser.error(f"unrecognized argument: {word}")
        getattr(arguments, words).append(word)
    if arguments.module == "live":
        _settle_interface(parser, arguments)
    elif arguments.module == "read":
        arguments.files += arguments.read_files
        if not arguments.files:
            parser.error("read: name a capture file, or - for standard input")
    return arguments


def build() -> argparse.ArgumentParser:
    """The parser with all commands."""
    parser = Parser(
        prog="bootsniff",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=_checked,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"bootsniff {__version__}")
    # Without `prog`, argparse would set up its help formatter to find the name out, and import shutil for it.
    commands = parser.add_subparsers(prog="bootsniff", metavar="COMMAND", required=True, parser_class=Parser)
    _add_read(commands)
    _add_live(commands)
    _add_small(commands)
    return parser


def _add(
    commands: argparse._SubParsersAction[Parser], name: str, text: str, epilog: str | None = None
) -> argparse.ArgumentParser:
    parser = commands.add_parser(
        name,
        help=text,
        description=text[0].upper() + text[1:] + ".",
        epilog=epilog,
        formatter_class=_checked,
        allow_abbrev=False,
    )
    parser.set_defaults(module=name)
    return parser


def _add_read(commands: argparse._SubParsersAction[Parser]) -> None:
    parser = _add(commands, "read", "read captures and show every boot in them", READ_EXAMPLES)
    parser.add_argument("files", nargs="*", metavar="FILE", help="capture file, or - for standard input")
    parser.add_argument(
        "-r", dest="read_files", metavar="FILE", action="append", default=[], help="the same, as tcpdump"
    )
    parser.add_argument("--json", action="store_true", help="one JSON document (bootsniff schema describes it)")
    output = parser.add_mutually_exclusive_group()
    output.add_argument("--events", action="store_true", help="one JSON object a line as the packets tell it")
    output.add_argument("--tui", action="store_true", help="look at it in the TUI")
    output.add_argument("--plain", action="store_true", help="a log as the packets tell it, then the report")
    parser.add_argument(
        "--jobs",
        metavar="N",
        type=_positive,
        help="read large files with N processes (2, where it has processors for them)",
    )
    _add_web(output)
    _add_view_options(parser)


def _add_live(commands: argparse._SubParsersAction[Parser]) -> None:
    parser = _add(commands, "live", "capture on an interface and follow boots as they happen", LIVE_EXAMPLES)
    parser.add_argument(
        "interface", nargs="?", metavar="IFACE", help="virbr0, or several: virbr0,eth0; ssh://host/virbr0"
    )
    parser.add_argument("words", nargs="*", metavar="BPF", help="narrows the capture, as with tcpdump")
    parser.add_argument("-i", dest="interface_option", metavar="IFACE", help="the same as IFACE, as tcpdump")
    parser.add_argument("--no-filter", action="store_true", help="capture everything, not only what boots need")
    output = parser.add_mutually_exclusive_group()
    output.add_argument("--json", action="store_true", help="one JSON object a line as things happen")
    output.add_argument("--plain", action="store_true", help="a text view instead of the TUI")
    _add_web(output)
    record = parser.add_argument_group("recording")
    record.add_argument("-w", dest="write", metavar="FILE", help="also write the packets to FILE (pcapng)")
    record.add_argument(
        "-C", dest="rotate_size", metavar="MB", type=_positive, help="begin the next file after MB million bytes"
    )
    record.add_argument(
        "-G", dest="rotate_seconds", metavar="S", type=_positive, help="begin the next file after S seconds"
    )
    record.add_argument("-W", dest="rotate_keep", metavar="N", type=_positive, help="keep the latest N files")
    end = parser.add_argument_group("when to end")
    end.add_argument("--duration", metavar="S", type=_seconds, help="after S seconds")
    end.add_argument("--count", metavar="N", type=_positive, help="after N packets")
    end.add_argument(
        "--until",
        metavar="MAC=STATE",
        type=_until,
        help="when that machine is handed-off or stalled (status 5 when --duration or --count comes first)",
    )
    parser.add_argument(
        "-Z",
        dest="user",
        metavar="USER",
        help="as root: the user to become once the capture is open (default: who called sudo, else nobody)",
    )
    parser.add_argument(
        "--host-facts",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="look at this host's NAT, listeners and bridges too (reads only)",
    )
    _add_view_options(parser)


def _add_web(output: argparse._MutuallyExclusiveGroup) -> None:
    output.add_argument(
        "--web",
        metavar="HOST:PORT",
        nargs="?",
        const="127.0.0.1:8000",
        help="the TUI in a browser (needs the extra `web`; 127.0.0.1:8000 unless told otherwise)",
    )


def _add_small(commands: argparse._SubParsersAction[Parser]) -> None:
    parser = _add(commands, "explain", "say what a finding means, how it looks on the wire and how to fix it")
    parser.add_argument("code", nargs="?", metavar="CODE", help="a finding's code; without one: the list")
    _add_color(parser)
    parser = _add(commands, "interfaces", "list what can be captured here, and what stands in the way")
    parser.add_argument("--json", action="store_true", help="as one JSON document")
    _add_color(parser)
    parser = _add(commands, "filter", "print the BPF text to give to a remote tcpdump")
    parser.add_argument("interface", nargs="?", metavar="IFACE", help="its interface: `any` takes no word of VLAN tags")
    _add(commands, "schema", "print the JSON Schema of the report")
    parser = _add(commands, "completion", "print completions for a shell")
    parser.add_argument("shell", choices=SHELLS)


def _add_view_options(parser: argparse.ArgumentParser) -> None:
    view = parser.add_argument_group("what is shown")
    view.add_argument(
        "--machine",
        metavar="MAC",
        type=machine_name,
        action="append",
        default=[],
        help="only this machine (may be given again; an address works too)",
    )
    amount = view.add_mutually_exclusive_group()
    amount.add_argument("-q", "--quiet", action="store_true", help="only the verdict of each machine")
    amount.add_argument("-v", "--verbose", action="store_true", help="also every stage, fetch and packet of note")
    view.add_argument("--utc", action="store_true", help="show times in UTC instead of local time")
    _add_color(view)


def _add_color(parser: argparse._ActionsContainer) -> None:
    parser.add_argument(
        "--color",
        choices=("auto", "always", "never"),
        default="auto",
        help="auto: on a terminal, unless NO_COLOR is set",
    )


def _settle_interface(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> None:
    if arguments.interface_option is not None:
        if arguments.interface is not None:
            arguments.words.insert(0, arguments.interface)
        arguments.interface = arguments.interface_option
    if not arguments.interface:
        parser.error("live: name an interface (bootsniff interfaces lists them)")
    if (arguments.rotate_size or arguments.rotate_seconds or arguments.rotate_keep) and not arguments.write:
        parser.error("live: -C, -G and -W go with -w FILE")


def machine_name(text: str) -> str:
    """A hardware address as reports write it (`52:54:00:89:32:47`), or an IP address as it is.

    Raises ArgumentTypeError for anything else.
    """
    if re.fullmatch(_MAC, text, re.IGNORECASE):
        digits = re.sub("[:.-]", "", text).lower()
        return ":".join(digits[n : n + 2] for n in range(0, 12, 2))
    from ipaddress import ip_address

    try:
        return str(ip_address(text))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no hardware address such as 52:54:00:89:32:47") from None


def _until(text: str) -> tuple[str, str]:
    name, separator, state = text.rpartition("=")
    if not separator or state not in ("handed-off", "stalled"):
        raise argparse.ArgumentTypeError(f"{text!r} is not MAC=handed-off or MAC=stalled")
    return machine_name(name), state


def _positive(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1 on")
    return int(text)


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1e9:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds")
    return value
