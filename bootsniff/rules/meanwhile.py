"""What a server does for other machines while one machine has trouble with it; reads records, never changes them.

A server that serves others is neither off nor closed: something treats this machine otherwise.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import NamedTuple

from ..model import NANOSECONDS, Evidence, Fix, FrameRef
from ..wire import ports
from . import names
from .case import Case
from .evidence import evidence

_NEAR = 600 * NANOSECONDS
"""What was answered before and after counts as well, so near in time."""


class Served(NamedTuple):
    """Machines that the server answered: one meanwhile, or one before and one after, which may be the same."""

    answers: tuple[tuple[str, FrameRef], ...]

    @property
    def meanwhile(self) -> bool:
        """Else the server may have been off in between, as one is that starts anew."""
        return len(self.answers) == 1

    @property
    def who(self) -> str:
        return names.joined(mac for mac, _ in self.answers)

    @property
    def when(self) -> str:
        return "meanwhile" if self.meanwhile else "before and after"

    @property
    def proof(self) -> list[Evidence]:
        return [evidence(at, f"answer to {mac}") for mac, at in self.answers]


def served(case: Case, server: str, since: int, until: int, port: int = ports.TFTP) -> Served | None:
    """Whom the server answered at this port between two times, ns, or before and after both."""
    answers, own = case.overview.served.get((server, port), []), case.machine.mac
    first = bisect_left(answers, since, key=lambda answer: answer[1].time)
    after = next((answers[n] for n in range(first, len(answers)) if answers[n][0] != own), None)
    if after is None or after[1].time >= until + _NEAR:
        return None
    if after[1].time <= until:
        return Served((after,))
    before = next((answers[n] for n in range(first - 1, -1, -1) if answers[n][0] != own), None)
    return Served((before, after)) if before is not None and before[1].time > since - _NEAR else None


def fixes(other: Served | None, client: str, server: str, usual: tuple[Fix, ...]) -> tuple[Fix, ...]:
    """Where to look for what keeps one address out, when others are served; the usual unless one was served meanwhile."""
    if other is None:
        return usual
    return (
        Fix("nft", f"nft list ruleset   # on {server}: which rule, or set, is about {client}?"),
        Fix("shell", f"grep -n . /etc/hosts.allow /etc/hosts.deny   # on {server}: is {client} in one of them?"),
        *(() if other.meanwhile else usual),
    )
