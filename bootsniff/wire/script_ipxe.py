"""iPXE scripts (https://ipxe.org/scripting): which files they name and where they wait; loops are never followed."""

from __future__ import annotations

import re
from difflib import get_close_matches

from msgspec.structs import replace

from .ipxe_initrd import Loads, left_out_of
from .script_plan import MAX_FILES, MAX_LINES, Entry, Role, ScriptPlan, Variables, chained_role, plan

_MILLISECOND = 1_000_000
_FETCHES: dict[str, Role | None] = {
    "kernel": "kernel", "imgselect": "kernel", "initrd": "initrd", "module": "initrd", "imgfetch": "initrd",
    "chain": None, "imgexec": None, "boot": None, "sanboot": "image", "sanhook": "image",
}  # fmt: skip
_WITH_VALUE = frozenset(
    {"-n", "--name", "-t", "--timeout", "-d", "--default", "-k", "--key", "--drive", "-f", "--filename", "-e", "--extra",
     "--label", "-l", "--uuid", "-u", "--menu", "-m"}
)  # fmt: skip
"""Options whose value is the next word."""
_COMMANDS = re.compile(r"\s(?:\|\||&&)(?:\s|$)")
_WAITING = frozenset({"choose", "prompt", "login", "read", "shell", "config"})
_ENTRY_ENDS = frozenset({"goto", "exit", "boot", "shell", "reboot", "poweroff", "chain", "sanboot"})


_STARTERS = frozenset(
    [
        "autoboot",
        "boot",
        "chain",
        "config",
        "exit",
        "ifboot",
        "imgexec",
        "login",
        "pxebs",
        "poweroff",
        "prompt",
        "reboot",
        "sanboot",
        "shell",
        "startpxe",
        "choose",
    ]
)
"""Commands that start something, leave, or have somebody type further ones."""
_OTHERS = frozenset(
    [
        "certfree",
        "certstat",
        "certstore",
        "clear",
        "colour",
        "console",
        "cpair",
        "cpuid",
        "dhcp",
        "digest",
        "echo",
        "fcels",
        "fcstat",
        "fdt",
        "form",
        "gdbstub",
        "goto",
        "help",
        "ibmgmt",
        "ibstat",
        "ifclose",
        "ifconf",
        "ifconf6",
        "iflinkwait",
        "ifopen",
        "ifstat",
        "imgargs",
        "imgdecrypt",
        "imgextract",
        "imgfetch",
        "imgfree",
        "imgload",
        "imgmem",
        "imgselect",
        "imgset",
        "imgstat",
        "imgtrust",
        "imgverify",
        "inc",
        "initrd",
        "ipstat",
        "iseq",
        "isset",
        "item",
        "iwlist",
        "iwstat",
        "kernel",
        "lotest",
        "md5sum",
        "menu",
        "module",
        "neighbour",
        "nslookup",
        "nstat",
        "ntp",
        "param",
        "params",
        "pciscan",
        "ping",
        "present",
        "profstat",
        "read",
        "route",
        "sanhook",
        "sanunhook",
        "set",
        "sha1sum",
        "sha256sum",
        "sha512sum",
        "shim",
        "show",
        "sleep",
        "stoppxe",
        "sync",
        "time",
        "usbscan",
        "vcreate",
        "vdestroy",
    ]
)
"""The other ones (https://ipxe.org/cmd, and src/hci/commands)."""
_KNOWN = _STARTERS | _OTHERS
_WORD = re.compile(r"[a-z]{3,16}")
_ALIKE = 0.75
"""`intrd` and `initrd`, `kernal` and `kernel`; what is less alike may be a command of a newer iPXE."""


class _Reader:
    """One pass over the lines; entries are the parts between labels."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        self.variables = Variables()
        self.entries: dict[str, Entry] = {"": Entry()}
        self.loads: dict[str, Loads] = {"": Loads()}
        self.ended: set[str] = set()
        """Labels whose part does not fall through to the next."""
        self.waits = False
        self.timeout: int | None = None
        self.default: str | None = None
        self.label = ""
        self.before_menu: list[str] = []
        """Labels passed on the way to the first menu."""
        self.used: set[str] = set()
        self.misspelt: tuple[str, str] | None = None

    def read(self) -> ScriptPlan:
        for line in self.lines:
            text = line.strip()
            if text.startswith(":"):
                self._begin(text[1:].split()[0] if len(text) > 1 and text[1:].split() else "")
            elif text and not text.startswith("#"):
                commands = [command.split() for command in _COMMANDS.split(text)]
                self._look_up(commands)
                for index, command in enumerate(commands):
                    self._command(command, certain=index == 0)
        read = plan(self._chosen(), waits=self.waits, timeout=self.timeout)
        left_out = left_out_of(self.loads.values()) if self.misspelt is None and self.used <= _KNOWN else ()
        return replace(read, starts=self._starts(), misspelt=self.misspelt, left_out=left_out)

    def _look_up(self, commands: list[list[str]]) -> None:
        """Note the commands of a line, and the first one that there is not, where the script is bound to come to it.

        A script ends at a command that fails (core/exec.c), unless another one stands behind `||`.
        """
        name = commands[0][0] if len(commands) == 1 and commands[0] else ""
        bound = self.label == "" and not self.waits and self.used.isdisjoint(("goto", "exit", *_STARTERS))
        if bound and self.misspelt is None and name not in _KNOWN and _WORD.fullmatch(name):
            meant = get_close_matches(name, sorted(_KNOWN), 1, _ALIKE)
            self.misspelt = (name, meant[0]) if meant else None
        if self.misspelt is None:
            self.used.update(words[0].lower() for words in commands if words)

    def _starts(self) -> bool:
        if self.misspelt is None and not self.used <= _KNOWN:
            return True  # whatever they are
        return "kernel" not in self.used or not self.used.isdisjoint(_STARTERS)

    def _begin(self, label: str) -> None:
        self.label = label
        self.entries.setdefault(label, Entry())
        self.loads.setdefault(label, Loads())
        if not self.waits:
            self.before_menu.append(label)

    def _command(self, words: list[str], *, certain: bool) -> None:
        """One command; `certain` unless it stands behind `||` or `&&`."""
        if not words:
            return
        name = words[0].lower()
        entry = self.entries[self.label]
        options, places = _split(words[1:])
        self.loads[self.label].command(name, options, places, self.variables, certain=certain)
        if name == "set" and len(words) > 2:
            self.variables.set(words[1], " ".join(words[2:]), certain=certain)
        elif name == "clear" and len(words) > 1:
            self.variables.set(words[1], "", certain=False)
        elif name in _WAITING and not self.waits and (certain or name in ("choose", "prompt", "login")):
            self._wait(name, options)
        elif name == "sleep" and len(words) > 1:
            entry.sleeps(self.variables.fill(words[1]))
        elif name == "imgargs":
            entry.tells(map(self.variables.fill, words[2:]))
        elif name in _FETCHES:
            self._fetch(name, options, places, entry)
        elif name == "exit" and certain:
            entry.local_boot = True
        if certain and name in _ENTRY_ENDS:
            self.ended.add(self.label)

    def _wait(self, name: str, options: dict[str, str]) -> None:
        timeout = self.variables.fill(options.get("--timeout") or options.get("-t") or "0")
        self.waits = True
        # 0 is how iPXE says "for ever".
        self.timeout = int(timeout) * _MILLISECOND or None if timeout.isascii() and timeout.isdigit() else None
        default = options.get("--default") or options.get("-d")
        if name == "choose" and default is not None:
            self.default = self.variables.fill(default)

    def _fetch(self, name: str, options: dict[str, str], places: list[str], entry: Entry) -> None:
        if places and len(entry.files) < MAX_FILES:
            role = _FETCHES[name] or chained_role(places[0])
            if name in ("imgexec", "imgselect", "boot") and not _looks_like_place(places[0]):
                return  # the name of an image that is there already
            entry.files.append(self.variables.file(places[0], role))
            entry.tells(map(self.variables.fill, places[1:]))
        elif name == "sanboot" and ("--drive" in options or "-d" in options or not (options or places)):
            entry.local_boot = True

    def _chosen(self) -> list[Entry]:
        """The part before the menu and its default label, where the choice can be told; else everything."""
        default = self.default
        if not self.waits or self.timeout is None or default is None or default not in self.entries:
            return list(self.entries.values())
        labels = list(self.entries)
        chosen = ["", *self.before_menu]
        for label in labels[labels.index(default) :]:
            chosen.append(label)
            if label in self.ended:
                break
        return [self.entries[label] for label in dict.fromkeys(chosen)]


def _looks_like_place(word: str) -> bool:
    return "/" in word or "://" in word or "." in word


def _split(words: list[str]) -> tuple[dict[str, str], list[str]]:
    """Options with their values, and the other words."""
    options: dict[str, str] = {}
    places: list[str] = []
    index = 0
    while index < len(words) and len(places) < MAX_FILES:
        word = words[index]
        if word.startswith("-") and len(word) > 1 and not places:
            name, equals, value = word.partition("=")
            if not equals and name in _WITH_VALUE and index + 1 < len(words):
                index += 1
                value = words[index]
            options[name] = value
        else:
            places.append(word)
        index += 1
    return options, places


def read(text: str) -> ScriptPlan:
    return _Reader(text.splitlines()[:MAX_LINES]).read()
