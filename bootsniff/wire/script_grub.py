"""GRUB 2 configurations: menu entries and the files they load; conditions and functions are never run."""

from __future__ import annotations

import re

from msgspec import Struct, field

from .script_plan import MAX_FILES, SECOND, Entry, NamedFile, Role, ScriptPlan, Variables, chained_role, plan

_MAX_WORDS = 65536
_MAX_DEPTH = 64
_WORD = re.compile(
    r"""(?:\$\{[^}\n]{0,64}\}|'[^']*'|"(?:\\.|[^"\\])*"|\\.|[^\s;{}'"\\])+|[;{}\n]""",
    re.DOTALL,
)
_QUOTES = re.compile(r"""'([^']*)'|"((?:\\.|[^"\\])*)"|\\(.)""", re.DOTALL)
_COMMENT = re.compile(r"(?m)^[ \t]*#.*$|\\\n")
"""Comments, and line ends that a backslash hides."""
_DEVICE = re.compile(r"\((tftp|http|https)(?:,([^()\s]+))?\)(/?.*)", re.DOTALL)
_LOCAL_DEVICE = re.compile(r"\((?:hd|fd|cd|ahci|nvme|ata|lvm|md|memdisk|proc|loop)")
_LOADS: dict[str, Role] = {
    "linux": "kernel", "linuxefi": "kernel", "linux16": "kernel", "kernel": "kernel", "multiboot": "kernel",
    "multiboot2": "kernel", "xen_hypervisor": "kernel", "knetbsd": "kernel", "initrd": "initrd",
    "initrdefi": "initrd", "initrd16": "initrd", "module": "initrd", "module2": "initrd", "xen_module": "initrd",
    "configfile": "script", "source": "script", ".": "script", "normal": "script", "devicetree": "module",
    "loopback": "image",
}  # fmt: skip
_CONDITIONS = frozenset({"if", "elif", "while", "until", "for"})
_ALL_WORDS = frozenset({"initrd", "initrdefi", "initrd16"})
"""Commands whose every word is a file."""


class _State(Struct):
    entries: list[tuple[tuple[str, ...], Entry]] = field(default_factory=list)
    """Top-level menu entries: what they may be called by, and what they load."""
    outside: Entry = field(default_factory=Entry)
    variables: Variables = field(default_factory=Variables)
    stack: list[tuple[Entry | None, bool]] = field(default_factory=list)
    """One per open brace: the entry that it belongs to, if any, and `searched` before it."""
    conditions: int = 0
    timeout: str | None = None
    default: str | None = None
    searched: bool = False
    """`search` has picked a root that nobody here knows."""
    reads: bool = False


def read(text: str) -> ScriptPlan:
    """A configuration without `timeout` shows its menu for ever; an index, a title or an id names the default."""
    state = _State()
    words: list[str] = []
    for count, match in enumerate(_WORD.finditer(_COMMENT.sub(" ", text))):
        if count >= _MAX_WORDS:
            break
        word = match[0]
        if word == "{":
            _open(state, words)
            words = []
        elif word in (";", "\n", "}"):
            _command(state, words)
            words = []
            if word == "}" and state.stack:
                state.searched = state.stack.pop()[1]
        elif len(words) < MAX_FILES:
            words.append(word)
    _command(state, words)
    seconds = _timeout(state)
    waits = state.reads or (bool(state.entries) and seconds != 0)
    return plan([state.outside, *_chosen(state)], waits=waits, timeout=seconds * SECOND if seconds else None)


def _open(state: _State, words: list[str]) -> None:
    entry = _entry(state)
    if words and words[0] in ("menuentry", "submenu") and len(state.entries) < MAX_FILES:
        plain = [_unquote(word) for word in words[1:]]
        names = (
            [plain[0]] if plain and not plain[0].startswith("--") else [word for word in plain if word[:2] != "--"][:1]
        )
        for index, word in enumerate(plain):
            if word.startswith("--id="):
                names.append(word[5:])
            elif word in ("--id", "$menuentry_id_option") and index + 1 < len(plain):
                names.append(plain[index + 1])
        if entry is None:
            entry = Entry()
            state.entries.append((tuple(names), entry))
    if len(state.stack) < _MAX_DEPTH:
        state.stack.append((entry, state.searched))


def _entry(state: _State) -> Entry | None:
    """The top-level entry that the reader stands in."""
    return state.stack[-1][0] if state.stack else None


def _command(state: _State, words: list[str]) -> None:
    while words and words[0] in ("then", "else", "do", "!"):
        words = words[1:]
    if not words:
        return
    name = words[0]
    entry = _entry(state) or state.outside
    if name in _CONDITIONS:
        state.conditions += name != "elif"
    elif name in ("fi", "done"):
        state.conditions = max(0, state.conditions - 1)
    elif name in ("set", "export") or "=" in name:
        for word in words[name in ("set", "export") :]:
            _assign(state, word)
    elif name == "search":
        state.searched = True
    elif name == "sleep" and not state.conditions:
        entry.sleeps(state.variables.fill(_unquote(words[-1])))
    elif name == "read":
        state.reads = True
    elif name == "exit":
        entry.local_boot = True
    elif name == "chainloader" or name in _LOADS:
        _load(state, entry, name, [_unquote(word) for word in words[1:]])


def _assign(state: _State, word: str) -> None:
    name, equals, value = word.partition("=")
    if not equals:
        return
    value = _unquote(value)
    state.variables.set(name, value, certain=not state.conditions and not state.searched)
    if name == "timeout":
        state.timeout = state.variables.fill(value)
    elif name == "default":
        state.default = state.variables.fill(value)


def _load(state: _State, entry: Entry, name: str, words: list[str]) -> None:
    places = [word for word in words if not word.startswith("--")]
    if name not in _ALL_WORDS:
        entry.tells(map(state.variables.fill, places[1:]))
    if name == "loopback":
        places = places[1:]
    for place in places if name in _ALL_WORDS else places[:1]:
        if name == "chainloader" and (place.startswith("+") or place.endswith(")+1")):
            entry.local_boot = True
        elif _LOCAL_DEVICE.match(place):
            entry.local_boot = entry.local_boot or name in ("chainloader", "configfile")
        elif len(entry.files) < MAX_FILES:
            role = _LOADS.get(name) or chained_role(place)
            file = state.variables.file(_url(state.variables.fill(place)), role)
            entry.files.append(NamedFile(file.name, file.role, literal=False) if state.searched else file)


def _url(place: str) -> str:
    """`(http,10.0.0.1:8080)/x` as a URL; `(tftp)/x` as a path on the server that GRUB came from."""
    match = _DEVICE.match(place)
    if not match:
        return place.removeprefix("(pxe)")
    scheme, host, path = match.groups()
    return f"{scheme}://{host}/{path.lstrip('/')}" if host else path


def _unquote(word: str) -> str:
    return _QUOTES.sub(lambda match: match[1] or match[2] or match[3] or "", word)


def _timeout(state: _State) -> int | None:
    """Seconds; None for ever."""
    text = state.timeout
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 7 else None


def _chosen(state: _State) -> list[Entry]:
    """The default entry, where a time-out leads to it; else all."""
    every = [entry for _, entry in state.entries]
    if _timeout(state) is None:
        return every
    default = state.default or "0"
    if default.isascii() and default.isdigit() and len(default) < 6:
        return every[int(default) : int(default) + 1] or every
    return next(([entry] for names, entry in state.entries if default in names), every)
