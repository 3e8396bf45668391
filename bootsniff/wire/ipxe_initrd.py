"""Whether a kernel that an iPXE script starts finds the initrd that the script loads; values only, nothing is run.

On BIOS iPXE hands all initrds to the kernel. On UEFI the kernel opens the files that its `initrd=` arguments name, of those
that iPXE shows it (interface/efi/efi_file.c); without one it starts without an initrd, unless both sides are newer than
Linux 5.7 and iPXE of February 2023 (commit 6a004be), which look for each other by themselves.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from .script_plan import MAX_FILES, LeftOut, Variables

_SETTING = re.compile(r"\$\{[^${}]*/[^${}]*\}")
_ALL = "initrd.magic"
"""All of them as one file (efi_file.c)."""
_UNCERTAIN = frozenset({"imgselect", "imgexec", "imgset", "chain"})
"""Commands after which a kernel has other arguments, or another program loads more."""


class Loads:
    """What one part of a script loads, between two labels."""

    __slots__ = ("arguments", "initrds", "kernel", "sure")

    def __init__(self) -> None:
        self.kernel = ""
        self.arguments: list[str] = []
        self.initrds: list[str] = []
        self.sure = True

    def command(
        self, name: str, options: dict[str, str], words: list[str], variables: Variables, *, certain: bool
    ) -> None:
        """Take a command with its options and words; `certain` unless it is done under a condition."""
        if name == "kernel" and words:
            self.sure = self.sure and certain and not self.kernel
            self.kernel = variables.fill(words[0])
            self.arguments = [variables.fill(word) for word in words[1:]]
        elif name in ("initrd", "module", "imgfetch") and words and len(self.initrds) < MAX_FILES:
            self.sure = self.sure and certain
            given = options.get("--name") or options.get("-n")
            self.initrds.append(variables.fill(given) if given else _base(variables.fill(words[0])))
        elif name == "imgargs":
            self.sure = self.sure and certain
            self.arguments = [variables.fill(word) for word in words[1:]]
        elif name in _UNCERTAIN or (name == "imgfree" and (self.kernel or self.initrds)):
            self.sure = False

    def left_out(self) -> LeftOut | None:
        """What the kernel does not find, where the script leaves no doubt of it.

        A variable may stand for several arguments; one inside a URL, or a setting such as `${net0/mac}`, does not.
        """
        if not self.sure or not self.kernel or any("$" in name for name in self.initrds):
            return None
        if any("$" in _SETTING.sub("", word) and "://" not in word for word in self.arguments):
            return None
        asked = [word[len("initrd=") :] for word in self.arguments if word.startswith("initrd=")]
        if any("$" in name for name in asked):
            return None
        there = {*((_ALL,) if self.initrds else ()), *(name.casefold() for name in self.initrds)}
        missing = [name for name in asked if name.replace("\\", "/").lstrip("/").casefold() not in there]
        if not missing and (asked or not self.initrds):
            return None
        loaded = self.initrds[0] if self.initrds else ""
        return LeftOut(self.kernel, " ".join(self.arguments), missing[0] if missing else "", loaded)


def left_out_of(parts: Collection[Loads]) -> tuple[LeftOut, ...]:
    """What the kernels of all parts do not find; none where one part may give the kernel of another its arguments."""
    if any(part.arguments and not part.kernel for part in parts):
        return ()
    found = (part.left_out() for part in parts)
    return tuple(one for one in found if one is not None)[:MAX_FILES]


def _base(url: str) -> str:
    """The name that iPXE gives a file: the last part of its path (core/image.c, image_set_uri)."""
    return url.split("?", 1)[0].split("#", 1)[0].rpartition("/")[2]
