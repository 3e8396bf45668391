"""Variables of scripts that nothing sets, and what was asked for because they are empty; reads records, never changes them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..flow.records import HEAD_BYTES, Body
from ..model import Evidence
from ..track.naming import joined, same_file
from ..track.records import Expectation
from ..wire.scripts import READABLE
from . import names
from .case import Case
from .evidence import names_next

_VARIABLE = re.compile(r"\$\{([A-Za-z][\w-]{0,63})\}", re.ASCII)
_NO_DOLLAR = re.compile(r"(?<!\$)(\{[A-Za-z][\w-]{0,63}\})", re.ASCII)
"""Asked for as it stands in the script."""
_SETTINGS = frozenset(
    [
        "ip",
        "netmask",
        "gateway",
        "dns",
        "domain",
        "filename",
        "next-server",
        "root-path",
        "hostname",
        "mac",
        "busid",
        "busloc",
        "bustype",
        "bus",
        "chip",
        "ifname",
        "ssid",
        "uuid",
        "serial",
        "product",
        "manufacturer",
        "asset",
        "board-serial",
        "user-class",
        "platform",
        "buildarch",
        "version",
        "builtin",
        "cwuri",
        "cwduri",
        "unixtime",
        "memsize",
        "last-ip",
        "initiator-iqn",
        "username",
        "password",
        "reverse-username",
        "reverse-password",
        "vendor",
    ]
)
"""What iPXE itself, or the lease, sets (ipxe.org/cfg); GRUB's names begin with net_."""


def empty_variables(case: Case, name: str) -> tuple[Expectation, str] | None:
    """The line of a script that asked for `name`, and its variables, when no script of this program sets any of them.

    iPXE and GRUB put nothing in the place of a variable that is not set.
    """
    scripts = [fetch.flow.body for fetch in case.stage.fetches if fetch.content and fetch.content.kind in READABLE]
    if any(len(body.head) < min(body.received, HEAD_BYTES) for body in scripts):
        return None  # the capture lacks a part of them
    for wanted in case.stage.expectations:
        variables = _VARIABLE.findall(wanted.url)
        plain = _VARIABLE.sub("", wanted.url)
        if wanted.pieces is None or not variables or "$" in plain or not plain.strip("/"):
            continue
        if not same_file(joined(wanted.named_in, plain), name):
            continue
        if any(one in _SETTINGS or one.startswith("net") or _is_named(one, scripts) for one in variables):
            continue
        return wanted, names.joined(f"${{{one}}}" for one in variables)
    return None


def hint(case: Case, name: str) -> str:
    braces = _NO_DOLLAR.search(name)
    if braces is not None:
        return f": {braces[1]} is no variable without a $ before it"
    found = empty_variables(case, name)
    return "" if found is None else f": no script seen here sets {found[1]}, which may be empty"


def naming(case: Case, name: str) -> Iterator[Evidence]:
    """The line of the script, where no other names the file as it was asked for."""
    found = empty_variables(case, name)
    if found is not None:
        yield names_next(found[0])


def _is_named(variable: str, scripts: list[Body]) -> bool:
    """Whether a script says the name anywhere but where it puts the value: `set`, `read`, `choose`, a comment even."""
    said = re.compile(rb"(?<!\$\{)\b" + re.escape(variable.encode()) + rb"\b")
    return any(said.search(body.head) for body in scripts)
