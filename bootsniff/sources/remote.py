"""Live capture on another host: the user's own ssh runs tcpdump there and brings its packets; no password passes here."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from ..errors import UsageError
from ..model import CaptureInfo
from .boot_filter import ETHERNET, LINUX_COOKED, filter_text
from .live import Item
from .pipe import PipeSource

_ADDRESS = re.compile(r"ssh://(?:([^@/\s]+)@)?(\[[0-9A-Fa-f:.]+(?:%[\w.-]+)?\]|[^:/@\s]+)(?::(\d{1,5}))?/([^/\s]+)/?")


class Remote(NamedTuple):
    """`ssh://user@host:port/interface`."""

    user: str | None
    host: str
    port: str | None
    interface: str

    @classmethod
    def parse(cls, text: str) -> Remote:
        """Raises UsageError; a name that ssh would take for an option is refused."""
        match = _ADDRESS.fullmatch(text)
        if match is None or any(part and part.startswith("-") for part in match.groups()):
            raise UsageError(f"{text} is not ssh://user@host/interface")
        return cls(match[1], match[2].strip("[]"), match[3], match[4])

    @property
    def label(self) -> str:
        return f"{self.host}:{self.interface}"


def ssh_words(remote: Remote, words: Sequence[str], *, everything: bool) -> list[str]:
    """The command line: tcpdump on the far side leaves out the connection that carries its own output."""
    text = filter_text(words, everything=everything, link_type=LINUX_COOKED if remote.interface == "any" else ETHERNET)
    # The far shell fills in its end of the connection; every other word stays literal.
    literal = re.sub(r'(["\\`$])', r"\\\1", text)
    quoted = '"not (host $1 and port $2 and port $4)' + (f' and ({literal})"' if text else '"')
    tcpdump = f"tcpdump -U -n -s 0 -i {shlex.quote(remote.interface)} -w - {quoted}"
    script = f'set -- $SSH_CONNECTION; if [ "$(id -u)" = 0 ]; then exec {tcpdump}; else exec sudo -n {tcpdump}; fi'
    target = remote.host if remote.user is None else f"{remote.user}@{remote.host}"
    port = ["-p", remote.port] if remote.port else []
    return ["ssh", "-T", *port, "--", target, f"sh -c {shlex.quote(script)}"]


class RemoteSource:
    """What tcpdump on the other host captures."""

    def __init__(self, remote: Remote, words: Sequence[str], *, everything: bool) -> None:
        """Raises CaptureError with what ssh or the far tcpdump said."""
        self._remote = remote
        # In the terminal's own process group: ssh may have to ask for a password.
        self._pipe = PipeSource(ssh_words(remote, words, everything=everything), remote.label, background=False)

    def items(self) -> Iterator[Item]:
        return self._pipe.items()

    def stop(self) -> None:
        self._pipe.stop()

    def captures(self) -> tuple[CaptureInfo, ...]:
        (info,) = self._pipe.captures()
        return (replace(info, path=self._remote.label, format="live, by ssh", interfaces=(self._remote.interface,)),)

    def close(self) -> None:
        self._pipe.close()
