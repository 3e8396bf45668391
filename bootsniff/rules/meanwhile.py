"""What a server does for other machines while one machine has trouble with it; reads records, never changes them.

A server that serves others is neither off nor closed: something treats this machine otherwise.
"""

from __future__ import annotations

from typing import NamedTuple

from ..model import NANOSECONDS, Evidence, Fix, FrameRef
from ..wire import ports
from .case import Case
from .evidence import evidence

_NEAR = 600 * NANOSECONDS
"""What was answered before and after counts as well, so near in time."""


class Served(NamedTuple):
    """Another machine that the server answered."""

    mac: str
    at: FrameRef

    @property
    def proof(self) -> Evidence:
        return evidence(self.at, f"answer to {self.mac}")


def served(case: Case, server: str, since: int, until: int, port: int = ports.TFTP) -> Served | None:
    """Whom the server answered at this port between two times, ns, or before and after both."""
    answers = [Served(mac, at) for mac, at in case.overview.served.get((server, port), ()) if mac != case.machine.mac]
    within = next((one for one in answers if since <= one.at.time <= until), None)
    if within is not None:
        return within
    before = any(since - _NEAR < one.at.time < since for one in answers)
    return next((one for one in answers if before and until < one.at.time < until + _NEAR), None)


def filtered(client: str, server: str) -> tuple[Fix, Fix]:
    """Where to look for what keeps one address out."""
    return (
        Fix("nft", f"nft list ruleset   # on {server}: which rule, or set, is about {client}?"),
        Fix("shell", f"grep -n . /etc/hosts.allow /etc/hosts.deny   # on {server}: is {client} in one of them?"),
    )
