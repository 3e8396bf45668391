"""All that findings advise: of every rule's own scene, of the boots made of packets, and of these with hostile names."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from bootsniff.model import Finding

from .packets import Wire, read
from .scene import SERVER
from .test_from_packets import FAULTS as WIRE_FAULTS
from .test_rules import FAULTS as SCENES

MARK = "PWNED"
HOSTILE = (
    f"\"';$({MARK})`{MARK}`\\,#{MARK}<!--{MARK}&lt;{{{MARK}}}]]>|{MARK}",
    f'\' " \\" #{MARK} ; touch {MARK} , tag:{MARK} -- {MARK}\\',
)
"""What somebody could write into a file's name to have a pasted line do something else; the second one with blanks."""

USER_NETWORK_MAC = "52:55:c0:a8:7a:01"
"""What libslirp gives a host with the address of SERVER."""


class Advice(NamedTuple):
    """One fix of one finding."""

    code: str
    target: str
    text: str


def of_findings(findings: tuple[Finding, ...]) -> Iterator[Advice]:
    for finding in findings:
        yield from (Advice(finding.code, fix.target, fix.text) for fix in finding.fixes)


def of_scenes() -> Iterator[Advice]:
    for build in SCENES.values():
        yield from of_findings(build().findings())


def of_packets(directory: Path) -> Iterator[Advice]:
    builds = [case.build for name, case in WIRE_FAULTS.items() if name != "tftp-block-rollover"]
    # That one is tens of thousands of packets, and the same advice as of its scene.
    for build in (*builds, user_network):
        report = read(build().save(directory / "x.pcap"))
        for machine in report.machines:
            yield from of_findings(machine.findings)


def user_network() -> Wire:
    """QEMU's user network, whose directory has no such file."""
    wire = Wire()
    wire.hosts[SERVER] = USER_NETWORK_MAC
    wire.lease(file="boot,disk/grubx64.efi")
    wire.rrq(1, "boot,disk/grubx64.efi")
    wire.error(1.01, 1, "File not found")
    return wire


def spoiled(name: str, hostile: str) -> str:
    """A file name or URL with hostile text before its last suffix; names that start or end the same are left so."""
    directory, slash, base = name.rpartition("/")
    stem, dot, suffix = base.rpartition(".")
    return f"{directory}{slash}{stem}{hostile}{dot}{suffix}" if dot else f"{directory}{slash}{base}{hostile}"


def of_hostile_packets(directory: Path, hostile: str) -> Iterator[Advice]:
    """The boots made of packets, every file of which has a hostile name."""
    with pytest.MonkeyPatch.context() as patch:
        for method in ("dhcp", "rrq", "exchange"):
            patch.setattr(Wire, method, _spoiling(getattr(Wire, method), method, hostile))
        yield from of_packets(directory)


def _spoiling(method: Callable[..., object], name: str, hostile: str) -> Callable[..., object]:
    def dhcp(self: Wire, *words: object, **options: object) -> object:
        for key in ("file", "option67"):
            value = options.get(key)
            if isinstance(value, str) and value:
                options[key] = spoiled(value, hostile)
        return method(self, *words, **options)

    def rrq(self: Wire, time: float, file: str, **options: object) -> object:
        return method(self, time, spoiled(file, hostile), **options)

    def exchange(self: Wire, time: float, request: str, *words: object, **options: object) -> object:
        verb, path, rest = request.split(" ", 2)
        return method(self, time, f"{verb} {spoiled(path, hostile.replace(' ', '%20'))} {rest}", *words, **options)

    made: dict[str, Callable[..., object]] = {"dhcp": dhcp, "rrq": rrq, "exchange": exchange}
    return made[name]
