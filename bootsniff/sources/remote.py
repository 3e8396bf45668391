"""Live capture on another host: the user's own ssh runs tcpdump there and brings its packets; no password passes here."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from ..errors import CaptureError, UsageError
from ..model import Block, CaptureInfo
from .boot_filter import ETHERNET, LINUX_COOKED, filter_text
from .live import Item
from .pipe import PipeSource, Wanted

_ADDRESS = re.compile(r"ssh://(?:([^@/:\s]+)@)?(\[[0-9A-Fa-f:.]+(?:%[\w.-]+)?\]|[^:/@\s]+)(?::(\d{1,5}))?/([^/\s]+)/?")
_UNSAFE_USER = re.compile(r"[^ -~]|['`\";&<>|(){}]")
_UNSAFE_HOST = re.compile(r"[^ -~]|['`\"$\\;&<>|(){},]")
"""ssh may hand names to a shell (ProxyCommand); these characters it refuses itself since OpenSSH 9.6."""


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
        if (
            match is None
            or any(part and part.startswith("-") for part in match.groups())
            or _UNSAFE_USER.search(match[1] or "")
            or _UNSAFE_HOST.search(match[2])
            or not 0 < int(match[3] or 22) < 65536
        ):
            raise UsageError(f"{text} is not ssh://user@host/interface")
        return cls(match[1], match[2].strip("[]"), match[3], match[4])

    @property
    def label(self) -> str:
        return f"{self.host}:{self.interface}"


_SCRIPT = (
    "PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin; export PATH; set -- $SSH_CONNECTION; "
    'if [ $# = 4 ]; then own="not (host ${1%%%*} and port $2 and port $4)"; else own="not tcp port 22"; fi; '
    'command -v tcpdump >/dev/null || { echo "tcpdump is not installed there" >&2; exit 127; }; '
    "exec 3<&0; (cat; kill $$) <&3 >/dev/null 2>&1 & exec 3<&- </dev/null; "
    'if [ "$(id -u)" = 0 ]; then exec TCPDUMP; else exec sudo -n TCPDUMP; fi'
)
"""What the far shell runs, in one line for the login shells that want it so. tcpdump ends when the connection does, and not with the next packet after that; only
sudo's tcpdump is out of reach."""


def ssh_words(remote: Remote, words: Sequence[str], *, everything: bool) -> list[str]:
    """The command line: tcpdump on the far side leaves out the connection that carries its own output."""
    text = filter_text(words, everything=everything, link_type=LINUX_COOKED if remote.interface == "any" else ETHERNET)
    # The far shell fills in its end of the connection; every other word stays literal.
    literal = re.sub(r'(["\\`$])', r"\\\1", text)
    quoted = f'"$own and ({literal})"' if text else '"$own"'
    tcpdump = f"tcpdump -U -n -s 0 -i {shlex.quote(remote.interface)} -w - {quoted}"
    script = _SCRIPT.replace("TCPDUMP", tcpdump)
    target = remote.host if remote.user is None else f"{remote.user}@{remote.host}"
    port = ["-p", remote.port] if remote.port else []
    return ["ssh", "-T", *port, "--", target, f"sh -c {shlex.quote(script)}"]


class RemoteSource:
    """What tcpdump on the other host captures."""

    def __init__(self, remote: Remote, words: Sequence[str], wanted: Wanted, *, everything: bool) -> None:
        """Raises CaptureError with what ssh or the far tcpdump said."""
        self._remote = remote
        command = ssh_words(remote, words, everything=everything)
        try:
            self._pipe = PipeSource(command, remote.label, wanted, interfaces=[remote.interface], ends_with_input=True)
        except CaptureError as error:
            if "sudo: " in str(error):
                raise CaptureError(f"{error}; log in as root, or let sudo start tcpdump without a password") from error
            raise

    def items(self) -> Iterator[Item]:
        name = self._remote.interface
        for item in self._pipe.items():
            if isinstance(item, Block):
                # pcap has no room for the interface's name; a recording has.
                item.interfaces = tuple(replace(known, name=known.name or name) for known in item.interfaces)
            yield item

    def stop(self) -> None:
        self._pipe.stop()

    def captures(self) -> tuple[CaptureInfo, ...]:
        (info,) = self._pipe.captures()
        return (replace(info, path=self._remote.label, format="live, by ssh", interfaces=(self._remote.interface,)),)

    def close(self) -> None:
        self._pipe.close()
