"""PXELINUX and extlinux configurations, as SYSLINUX and U-Boot read them: labels, their files, prompt and default."""

from __future__ import annotations

import re

from msgspec import Struct, field
from msgspec.structs import replace

from ..text import printable
from .script_plan import MAX_FILES, MAX_LINES, Entry, Role, ScriptPlan, Variables, chained_role, plan

MAX_LABELS = 32
LABEL_LIMIT = 64
_TENTH = 100_000_000
_KERNELS = frozenset({"kernel", "linux", "boot", "bss", "pxe", "fdimage", "com32", "config"})
_MENU = re.compile(r"menu\.c32$|(^|/)(vesa)?menu$", re.IGNORECASE)
_TREES = frozenset({"fdt", "devicetree"})


class _State(Struct):
    labels: dict[str, Entry] = field(default_factory=dict)
    outside: Entry = field(default_factory=Entry)
    current: Entry | None = None
    current_label: str = ""
    default: str | None = None
    menu_default: str | None = None
    on_timeout: str | None = None
    prompt: bool = False
    menu: bool = False
    timeout: int = 0


def read(text: str) -> ScriptPlan:
    """Words are case-insensitive, the time-out counts tenths of a second, and 0 is for ever (SYSLINUX wiki, Config)."""
    state = _State()
    for line in text.splitlines()[:MAX_LINES]:
        words = line.split(None, 1)
        if words and not words[0].startswith("#"):
            _statement(state, words[0].lower(), words[1].strip() if len(words) > 1 else "")
    _menu_of_old(state)
    undecided = state.default is None and state.menu_default is None and len(state.labels) > 1
    waits = state.prompt or state.menu or undecided
    entries = list(state.labels.values()) if waits and not state.timeout else _chosen(state)
    return plan(entries, around=state.outside, waits=waits, timeout=state.timeout * _TENTH or None)


def _menu_of_old(state: _State) -> None:
    """`DEFAULT vesamenu.c32` starts a menu, as `UI` does since SYSLINUX 3.85; so does `DEFAULT menu` (Cobbler's).

    What is no label is tried with the endings of modules too (elflink/load.c).
    """
    command = (state.default or "").split(None, 1)[:1]
    if command and _MENU.search(command[0]) and state.default not in state.labels:
        state.menu = True
        state.default = None
        _add(state.outside, command[0] if command[0].endswith("32") else f"{command[0]}.c32", "module")


def _statement(state: _State, word: str, rest: str) -> None:
    entry = state.current or state.outside
    if word == "label":
        state.current_label = rest
        state.current = state.labels.setdefault(rest, Entry()) if len(state.labels) < MAX_FILES else Entry()
    elif word == "default":
        state.default = rest
    elif word == "ontimeout":
        state.on_timeout = rest
    elif word == "ui":
        state.menu = True
        _add(state.outside, rest, "module")
    elif word == "include":
        _add(state.outside, rest, "script")
    elif word == "menu":
        _menu(state, rest)
    elif word in ("timeout", "prompt"):
        number = int(rest) if rest.isascii() and rest.isdigit() and len(rest) < 10 else 0
        if word == "timeout":
            state.timeout = number
        else:
            state.prompt = number > 0
    elif word == "localboot":
        entry.local_boot = True
    else:
        _files(entry, word, rest)


def _menu(state: _State, rest: str) -> None:
    word, _, value = rest.partition(" ")
    if word.lower() == "default" and state.current is not None:
        state.menu_default = state.current_label
    elif word.lower() == "include":
        _add(state.outside, value, "script")


def _files(entry: Entry, word: str, rest: str) -> None:
    if word in _KERNELS:
        _add(entry, rest, _kernel_role(word, rest))
    elif word == "initrd":
        for name in rest.split(","):
            _add(entry, name, "initrd")
    elif word == "append":
        if "hd" in rest and any(file.name.endswith("chain.c32") for file in entry.files):
            entry.local_boot = True
        entry.tells(rest.split())
        for option in rest.split():
            if option.startswith("initrd="):
                for name in option[7:].split(","):
                    _add(entry, name, "initrd")
    elif word in _TREES:
        _add(entry, rest, "module")


def _kernel_role(word: str, rest: str) -> Role:
    name = rest.split(None, 1)[0].lower() if rest else ""
    if word == "com32" or name.endswith((".c32", ".cbt")):
        return "module"
    if word == "config":
        return "script"
    return "kernel" if chained_role(name) == "script" else chained_role(name)


def _add(entry: Entry, rest: str, role: Role) -> None:
    """Add the first word; `::` in front of it only means that the path prefix is left away."""
    words = rest.split(None, 1)
    if words and words[0] != "-" and len(entry.files) < MAX_FILES:
        entry.files.append(Variables().file(words[0].removeprefix("::"), role))


def _chosen(state: _State) -> list[Entry]:
    """The default label where it can be told, or the command that `DEFAULT` gives; else every label."""
    wanted = (state.on_timeout if state.menu or state.prompt else None) or state.menu_default or state.default
    if not wanted:
        return list(state.labels.values())
    for name in (wanted, wanted.split(None, 1)[0]):
        if name in state.labels:
            return [state.labels[name]]
    command = Entry()
    _files(command, "kernel", wanted)
    command.files = [replace(file, labels=_known(state)) for file in command.files]
    _files(command, "append", wanted)
    return [command]


def _known(state: _State) -> tuple[str, ...]:
    return tuple(printable(label, LABEL_LIMIT) for label in list(state.labels)[:MAX_LABELS])
