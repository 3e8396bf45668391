"""Finds the dnsmasq, or the libvirt network, that serves an interface of this host, and what it was told."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from ..text import printable

MAX_OPTIONS = 128
_MAX_FILE = 1 << 20
_MAX_INCLUDES = 64
_TOLD = re.compile(r"(dhcp-|pxe-|tftp-|enable-tftp|bootp-|enable-ra|ra-param|port=|interface|except-interface|listen-)")
"""Options that concern DHCP, TFTP and where they are served (dnsmasq(8))."""
_LIBVIRT = "var/lib/libvirt/dnsmasq"


class Dnsmasq(NamedTuple):
    """The server of a bridge, all empty when none was found."""

    libvirt_network: str | None = None
    config: str | None = None
    options: tuple[str, ...] = ()


class _Candidate(NamedTuple):
    config: str | None
    lines: list[str]
    libvirt_network: str | None


def find_dnsmasq(root: Path, interfaces: Sequence[str], addresses: Sequence[str]) -> Dnsmasq:
    """The dnsmasq that serves one of these interfaces, or these addresses of theirs: libvirt's before any other."""
    candidates = sorted(_candidates(root), key=lambda candidate: candidate.libvirt_network is None)
    for named in (True, False):
        for candidate in candidates:
            if _serves(candidate.lines, interfaces, addresses, named=named):
                told = [printable(line) for line in candidate.lines if _TOLD.match(line)]
                config = None if candidate.config is None else printable(candidate.config)
                network = None if candidate.libvirt_network is None else printable(candidate.libvirt_network)
                return Dnsmasq(network, config, tuple(told[:MAX_OPTIONS]))
    return Dnsmasq()


def _serves(lines: list[str], interfaces: Sequence[str], addresses: Sequence[str], *, named: bool) -> bool:
    """By name or address, or (`named` false) because it was not told where to serve and so serves everywhere."""
    pairs = [line.partition("=")[::2] for line in lines]
    wanted = [value.split(",") for key, value in pairs if key in ("interface", "listen-address")]
    listed = {word.strip() for words in wanted for word in words}
    excluded = {word.strip() for key, value in pairs if key == "except-interface" for word in value.split(",")}
    serves_dhcp = any(line.startswith(("dhcp-range", "enable-tftp", "pxe-service")) for line in lines)
    if not serves_dhcp or all(interface in excluded for interface in interfaces):
        return False
    if named:
        return any(
            interface == word or (word.endswith("*") and interface.startswith(word[:-1]))
            for word in listed
            for interface in interfaces
        ) or bool(listed.intersection(addresses))
    return not listed


def _candidates(root: Path) -> Iterator[_Candidate]:
    """Configurations of libvirt's networks, and of all running dnsmasq that share our network namespace."""
    try:
        libvirt = sorted((root / _LIBVIRT).glob("*.conf"))
    except OSError:
        libvirt = []
    for path in libvirt:
        yield _Candidate("/" + str(path.relative_to(root)), list(_lines(path, root)), path.stem)
    for process in sorted((root / "proc").glob("[0-9]*")):
        words = _command_line(process)
        if not words or Path(words[0]).name != "dnsmasq" or not _same_network(process, root):
            continue
        config, lines = _arguments(words[1:], root)
        if config is None or f"/{_LIBVIRT}/" not in config:
            yield _Candidate(config, lines, None)


def _command_line(process: Path) -> list[str]:
    try:
        raw = (process / "cmdline").read_bytes()
    except OSError:
        return []
    return [word.decode("utf-8", "replace") for word in raw.split(b"\0") if word]


def _same_network(process: Path, root: Path) -> bool:
    try:
        return (process / "ns/net").readlink() == (root / "proc/self/ns/net").readlink()
    except OSError:
        return False


_SHORT = {"C": "conf-file", "7": "conf-dir", "i": "interface", "I": "except-interface", "a": "listen-address"}
_SHORT |= {"F": "dhcp-range", "M": "dhcp-boot", "O": "dhcp-option", "G": "dhcp-host", "p": "port"}


def _arguments(words: list[str], root: Path) -> tuple[str | None, list[str]]:
    """The main configuration file and all options, in the long form and without the two dashes."""
    lines = []
    config: str | None = None
    rest = iter(words)
    for word in rest:
        if word.startswith("--"):
            line = word[2:]
        elif len(word) >= 2 and word[0] == "-" and word[1] in _SHORT:
            line = f"{_SHORT[word[1]]}={word[2:] or next(rest, '')}"
        else:
            continue
        key, _, value = line.partition("=")
        if key == "conf-file":
            config = value
        lines.append(line)
    if config is None:
        config = "/etc/dnsmasq.conf"
    if not (root / config.lstrip("/")).is_file():
        return None, lines
    return config, lines + list(_lines(root / config.lstrip("/"), root))


def _lines(path: Path, root: Path) -> Iterator[str]:
    """Options of a file and of those it includes, in the order of reading."""
    waiting = [path]
    seen: set[Path] = set()
    while waiting and len(seen) < _MAX_INCLUDES:
        current = waiting.pop(0)
        if current in seen:
            continue
        seen.add(current)
        try:
            with current.open(encoding="utf-8", errors="replace") as file:
                text = file.read(_MAX_FILE)
        except OSError:
            continue
        for raw in text.splitlines():
            line = re.sub(r"(^|\s)#.*", "", raw).strip()
            key, equals, value = (part.strip() for part in line.partition("="))
            if not key:
                continue
            if key == "conf-file":
                waiting.append(root / value.lstrip("/"))
            elif key == "conf-dir":
                waiting += _folder(root, value)
            yield key + equals + value


def _folder(root: Path, value: str) -> list[Path]:
    """Files of `conf-dir=folder[,pattern…]`; patterns with a star choose, others exclude (dnsmasq(8))."""
    folder, *patterns = (part.strip() for part in value.split(","))
    wanted = [pattern.lstrip("*") for pattern in patterns if pattern.startswith("*")]
    excluded = tuple(pattern for pattern in patterns if not pattern.startswith("*"))
    try:
        files = sorted((root / folder.lstrip("/")).iterdir())
    except OSError:
        return []
    return [
        file
        for file in files
        if not file.name.startswith((".", "#"))
        and not file.name.endswith("~")
        and (not wanted or file.name.endswith(tuple(wanted)))
        and not (excluded and file.name.endswith(excluded))
    ]
