"""What boot scripts and configurations come down to: files, a menu, a way out; values only, and how they are gathered."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal

from msgspec import Struct, field

from ..text import printable

Role = Literal["kernel", "initrd", "script", "image", "module", "boot-file"]
MAX_FILES = 256
MAX_LINES = 8192
MAX_VARIABLES = 512
NAME_LIMIT = 2048
SECOND = 1_000_000_000
_LONGEST_SLEEP = 3600 * SECOND
_DIGITS = 6

_LOADER = re.compile(r"\.(efi|0|k*pxe|pxe|lkrn|n12|com|bs)$", re.IGNORECASE)
_IMAGE = re.compile(r"\.(iso|img|ima|raw|vhd|vhdx|qcow2)$", re.IGNORECASE)
_PLACE = re.compile(r"(?:https?|tftp|ftp)://[^\s\"',;\\]+", re.IGNORECASE)
_NO_PLACE = re.compile(r"initrd=|[^=]*proxy[^=]*=", re.IGNORECASE)
"""Arguments that a loader reads, or that say the way and not the place."""
_VARIABLE = re.compile(r"\$\{([^${}]{0,64})\}|\$([A-Za-z_][A-Za-z0-9_]{0,63})")


class NamedFile(Struct, frozen=True):
    """A file that a script names."""

    name: str
    """URL or path as the script writes it, variables put in where their value is certain."""
    role: Role
    literal: bool
    """False when it contains a variable that only the running script knows."""
    labels: tuple[str, ...] = ()
    """The labels that there are, where the name may have been meant for one of them."""


class Entry(Struct):
    """A menu entry, a label, or the part outside of all of them."""

    files: list[NamedFile] = field(default_factory=list)
    local_boot: bool = False
    sleep: int = 0
    """How long it sleeps, ns: all its `sleep` commands together."""
    told: list[str] = field(default_factory=list)
    """URLs in the arguments of its kernel: what the system is told to fetch."""

    def tells(self, arguments: Iterable[str]) -> None:
        """Arguments of a kernel."""
        for argument in (argument[:NAME_LIMIT] for argument in arguments):
            place = None if _NO_PLACE.match(argument) else _PLACE.search(argument)
            if place is not None and len(self.told) < MAX_FILES:
                self.told.append(printable(place[0], NAME_LIMIT))

    def sleeps(self, seconds: str) -> None:
        """A command to sleep; a time that only the running script knows is none."""
        if seconds.isascii() and seconds.isdigit() and len(seconds) < _DIGITS:
            self.sleep += int(seconds) * SECOND


class LeftOut(Struct, frozen=True):
    """An initrd that a kernel of an iPXE script does not get: none is loaded, or, on UEFI, `initrd=` names another one."""

    kernel: str
    """As the script names it."""
    arguments: str
    asked: str
    """The file that the kernel's arguments name; empty where they name none."""
    loaded: str
    """The name by which the kernel would find the initrd; empty where the script loads none."""


class ScriptPlan(Struct, frozen=True):
    """What should follow a script."""

    files: tuple[NamedFile, ...] = ()
    """In order: of the default entry where it can be told, else of all."""
    waits_for_key: bool = False
    """A menu or a prompt stands before the files."""
    timeout: int | None = None
    """How long it waits, ns; None is for ever, or a time that only the running script knows."""
    local_boot: bool = False
    """It leaves for the disk (or for the firmware) in that entry, or in one of them."""
    leaves: bool = False
    """It does, and loads nothing there but modules."""
    sleep: int = 0
    """How long those entries sleep at most, ns."""
    starts: bool = True
    """Whether it may start something: an iPXE script that loads a kernel, and ends there or at `misspelt`, does not."""
    misspelt: tuple[str, str] | None = None
    """A command that there is not, at which the script ends, and the one that was probably meant."""
    told: tuple[str, ...] = ()
    """URLs in the arguments of their kernels; `$` begins a variable that only the running script knows."""
    left_out: tuple[LeftOut, ...] = ()
    """Of all entries of an iPXE script."""


def plan(
    entries: list[Entry], *, around: Entry | None = None, waits: bool = False, timeout: int | None = None
) -> ScriptPlan:
    """Put entries together, each file once; `around` is what stands outside of them, and makes their menu."""
    local = any(entry.local_boot for entry in entries)
    leaves = local and all(file.role == "module" for entry in entries for file in entry.files)
    entries = [around, *entries] if around is not None else entries
    files = dict.fromkeys(file for entry in entries for file in entry.files)
    sleep = min(sum(entry.sleep for entry in entries), _LONGEST_SLEEP)
    told = dict.fromkeys(url for entry in entries for url in entry.told)
    return ScriptPlan(
        tuple(files)[:MAX_FILES],
        waits,
        timeout if waits else None,
        local,
        leaves,
        sleep,
        told=tuple(told)[:MAX_FILES],
    )


def chained_role(name: str) -> Role:
    """What something that is chain-loaded is, by its name."""
    path = name.split("?", 1)[0]
    if _IMAGE.search(path):
        return "image"
    return "boot-file" if _LOADER.search(path) else "script"


class Variables:
    """Variables of a script that are set exactly once, to a certain value, and never under a condition."""

    __slots__ = ("_values",)

    def __init__(self) -> None:
        self._values: dict[str, str | None] = {}

    def set(self, name: str, value: str, *, certain: bool) -> None:
        if name in self._values or len(self._values) >= MAX_VARIABLES:
            certain = False
        self._values[name] = self.fill(value) if certain else None

    def fill(self, text: str) -> str:
        """The text with known variables put in, one level deep (values were filled when they were set)."""
        return _VARIABLE.sub(self._value, text[:NAME_LIMIT])[:NAME_LIMIT] if "$" in text else text[:NAME_LIMIT]

    def _value(self, match: re.Match[str]) -> str:
        value = self._values.get(match[1] or match[2] or "")
        return match[0] if value is None else value

    def file(self, name: str, role: Role) -> NamedFile:
        filled = self.fill(name)
        return NamedFile(printable(filled, NAME_LIMIT), role, literal="$" not in filled)
