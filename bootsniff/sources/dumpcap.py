"""Live capture as an ordinary user, by Wireshark's dumpcap and its file capabilities; and how to get that far."""

from __future__ import annotations

import grp
import os
import re
import shlex
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from msgspec.structs import replace

from ..errors import CaptureError
from ..model import Block, CaptureInfo, Interface, Tick
from .interfaces import Watch
from .live import Item, News
from .pipe import PipeSource, Wanted
from .reorder import Reorder

BUFFER_MIB = 32
_QUEUE_PACKETS, _QUEUE_BYTES = 500_000, 64 << 20
"""dumpcap hands packets of several interfaces over through a queue; by default it holds 1,000 of them."""
_LOOK_SECONDS = 0.2
HOLD_NS = 300_000_000
"""dumpcap empties each interface every 250 ms (its CAP_READ_TIMEOUT), in no order; packets wait for earlier ones."""


class DumpcapSource:
    """Each interface captured twice: control packets through a buffer of their own, which bodies cannot fill.

    dumpcap ends when one of its interfaces is removed, and is started again for those that are there.
    """

    def __init__(self, names: Sequence[str], wanted: Wanted, *, control: str, bulk: str) -> None:
        """Start dumpcap with the two halves of the filter. Raises CaptureError with the way to get the right to."""
        program = shutil.which("dumpcap")
        if program is None:
            raise CaptureError(f"no right to capture: {advice()}")
        self._words = [program, "-q", "-B", str(BUFFER_MIB), "-N", str(_QUEUE_PACKETS), "-C", str(_QUEUE_BYTES)]
        self._filters = control, bulk
        self._names = tuple(names)
        self._label = ",".join(names)
        self._wanted = wanted
        self._stopped = False
        self._changed = False
        """An interface went or came back since dumpcap was started."""
        self._looked_at = 0.0
        self._order: Reorder | None = None
        self._past: list[CaptureInfo] = []
        """Of dumpcaps that have ended."""
        self._watches = [Watch(name) for name in names]
        try:
            self._pipe = self._start()
        except CaptureError as error:
            if re.search(r"permission|not permitted", str(error)):
                raise CaptureError(f"no right to capture on {self._label}: {advice()}") from error
            raise

    def _start(self) -> PipeSource:
        """Run dumpcap on the interfaces that are there, under the names that they have now."""
        self._changed = False
        there = [watch.name for watch in self._watches if watch.state != "gone"]
        words = [*self._words, "-w", "-"]
        for name in there:
            for text in self._filters:
                words += ["-i", name, "-f", text]
        self._place = {watch.name: number for number, watch in enumerate(self._watches)}
        return PipeSource(words, self._label, self._wanted, interfaces=there)

    def items(self) -> Iterator[Item]:
        for watch in self._watches:
            if watch.state != "up":
                yield News(time.time_ns(), f"{watch.name} is {watch.state}")
        while True:
            try:
                yield from self._captured()
            except CaptureError:
                yield from self._changes(now=True)
                if not self._changed:
                    raise
            if self._stopped or not self._wanted():
                break
            yield from self._start_again()
        yield from self._due(1 << 62)

    def _captured(self) -> Iterator[Item]:
        """What this dumpcap captures, until it ends."""
        for item in self._pipe.items():
            if not isinstance(item, Block):
                until = max(0, item.time - HOLD_NS)
                yield from self._due(until)
                yield item._replace(time=until)
            else:
                if self._order is None:
                    self._order = Reorder(self._devices(item.interfaces))
                self._order.add(item, np.array([self._place.get(known.name or "", 0) for known in item.interfaces]))
                yield from self._due(self._order.latest - HOLD_NS)
            yield from self._changes()

    def _changes(self, *, now: bool = False) -> Iterator[News]:
        """What became of the interfaces, looked at a few times a second. One that is back has to be opened anew."""
        if not now and time.monotonic() - self._looked_at < _LOOK_SECONDS:
            return
        self._looked_at = time.monotonic()
        for watch in self._watches:
            change = watch.check()
            if change is not None:
                yield News(time.time_ns(), change.text)
                self._changed = self._changed or change.rebind or change.state == "gone"
                if change.rebind:
                    self._pipe.stop()

    def _start_again(self) -> Iterator[Item]:
        """Wait for an interface to be there, and start dumpcap; tells what it says when it cannot be started."""
        self._pipe.close()
        told = ""
        while self._wanted() and not self._stopped:
            yield from self._changes()
            if any(watch.state != "gone" for watch in self._watches):
                try:
                    started = self._start()
                except CaptureError as error:
                    if str(error) != told:
                        told = str(error)
                        yield News(time.time_ns(), told)
                else:
                    self._past += self._pipe.captures()
                    self._pipe = started
                    return
            time.sleep(_LOOK_SECONDS)
            if self._order is not None:
                until = time.time_ns() - HOLD_NS
                yield from self._due(until)
                yield Tick(until)

    def _devices(self, known: tuple[Interface, ...]) -> tuple[Interface, ...]:
        """Each interface once, although it is captured twice."""
        first = {interface.name: interface for interface in reversed(known)}
        return tuple(first.get(name, replace(known[0], name=name)) for name in self._names)

    def _due(self, until: int) -> Iterator[Item]:
        block = None if self._order is None else self._order.take(until)
        if block is not None:
            yield block

    def stop(self) -> None:
        self._stopped = True
        self._pipe.stop()

    def captures(self) -> tuple[CaptureInfo, ...]:
        parts = [*self._past, *self._pipe.captures()]
        return (
            replace(
                parts[-1],
                path=self._label,
                format="live, by dumpcap",
                frames=sum(part.frames for part in parts),
                bytes=sum(part.bytes for part in parts),
                first=min((part.first for part in parts if part.first is not None), default=None),
                last=max((part.last for part in parts if part.last is not None), default=None),
                dropped_frames=sum(part.dropped_frames for part in parts),
                interfaces=self._names,
            ),
        )

    def close(self) -> None:
        self._pipe.close()


# --- how to get the right to capture ------------------------------------------------------------------------

_INSTALL = {
    "debian": "sudo apt install wireshark-common && sudo dpkg-reconfigure wireshark-common (answer yes)",
    "fedora": "sudo dnf install wireshark-cli",
    "rhel": "sudo dnf install wireshark-cli",
    "arch": "sudo pacman -S wireshark-cli",
    "suse": "sudo zypper install wireshark",
    "alpine": "sudo apk add wireshark-common",
}
"""By ID or ID_LIKE of os-release(5). All but Debian's packages give dumpcap its capabilities right away."""


def advice(release: str | None = None, words: Sequence[str] | None = None) -> str:
    """One line: what this user has to do to capture on this host. `words` are those of the call, without its name."""
    as_root = f"or as root: {sudo_line(sys.argv[1:] if words is None else words)}"
    family = distribution(_os_release() if release is None else release)
    program = shutil.which("dumpcap", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/bin:/usr/local/bin")
    if program is None:
        install = _INSTALL.get(family, "install dumpcap (it comes with Wireshark)")
        return f"{install}, then {_JOIN}; {as_root}"
    group = _group_of(program)
    if group is not None and group not in _own_groups():
        return f"{_JOIN.replace('wireshark', group, 1)}; {as_root}"
    if family == "debian":
        return f"sudo dpkg-reconfigure wireshark-common (answer yes), then {_JOIN}; {as_root}"
    return f"sudo setcap cap_net_raw,cap_net_admin+eip {program}; {as_root}"


_JOIN = 'sudo usermod -aG wireshark "$USER" and log in again'


def sudo_line(words: Sequence[str]) -> str:
    """How to make a call through sudo; by its whole path, because sudo does not look into virtual environments."""
    script = Path(sys.argv[0])
    if script.name == "__main__.py":
        return f"sudo {shlex.join([sys.executable, '-m', 'bootsniff', *words])}"
    found = shutil.which(script.name, path="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
    try:
        here = script.resolve()
        program = script.name if found is not None and Path(found).resolve() == here else str(here)
    except OSError:
        program = str(script)
    return f"sudo {shlex.join([program, *words])}"


def distribution(release: str) -> str:
    """`debian`, `fedora`, `rhel`, `arch`, `suse`, `alpine` or empty, from the text of os-release(5)."""
    fields = dict(line.split("=", 1) for line in release.splitlines() if "=" in line)
    names = f"{fields.get('ID', '')} {fields.get('ID_LIKE', '')}".replace('"', " ").replace("'", " ").split()
    aliases = {"ubuntu": "debian", "opensuse": "suse", "sles": "suse", "centos": "rhel"}
    for name in names:
        known = aliases.get(name, name.partition("-")[0])
        if known in _INSTALL:
            return known
    return ""


def _os_release() -> str:
    for path in ("/etc/os-release", "/usr/lib/os-release"):
        try:
            return Path(path).read_text("utf-8", "replace")
        except OSError:
            continue
    return ""


def _group_of(program: str) -> str | None:
    """The group that may run a dumpcap which others may not."""
    try:
        status = Path(program).stat()
        if status.st_mode & 0o001 or status.st_gid == 0:
            return None
        return grp.getgrgid(status.st_gid).gr_name
    except (OSError, KeyError):
        return None


def _own_groups() -> set[str]:
    names = set()
    for number in os.getgroups():
        try:
            names.add(grp.getgrgid(number).gr_name)
        except KeyError:
            continue
    return names
