"""How far a program comes by NFS over UDP, of which only its questions to portmappers are read; pure functions of the records.

FreeBSD's pxeboot and U-Boot's nfs command fetch so. What comes over TCP is a connection like others.
"""

from __future__ import annotations

from ..flow.records import PortLookup
from ..wire.portmap import PROGRAMS
from .patience import TRIED_AGAIN
from .records import StageRecord
from .state import StageState, is_over

TRIES = 3
"""Questions without an answer that make it no accident."""


def nfs_state(stage: StageRecord, since: int, rank: int, now: int, *, gone: bool) -> StageState | None:
    """Where a program stands that looked for NFS after `since`, ns; None when it did not, or went on without a fault."""
    asked = _asked(stage, since)
    if not asked:
        return None
    vain = _in_vain(asked)
    server = asked[-1].server
    if vain:
        first = vain[0].queries[0].time
        if gone or is_over(first, TRIED_AGAIN, now):
            return StageState(rank, failed=True, point="chain")
        return StageState(rank, waiting_for=f"NFS of {server}", check_at=first + TRIED_AGAIN + 1)
    if gone or not any(lookup.registered for lookup in asked):
        return None
    return StageState(rank, waiting_for=f"what {server} sends by NFS")


def nfs_in_vain(stage: StageRecord, since: int) -> list[PortLookup]:
    """The latest questions after `since`, ns, all to one server, that were refused or left without an answer too often."""
    return _in_vain(_asked(stage, since))


def _in_vain(asked: list[PortLookup]) -> list[PortLookup]:
    vain: list[PortLookup] = []
    for lookup in reversed(asked):
        if lookup.registered or lookup.server != asked[-1].server:
            break
        vain.insert(0, lookup)
    told = any(lookup.reply is not None or lookup.icmp for lookup in vain)
    return vain if told or sum(lookup.query_count for lookup in vain) >= TRIES else []


def _asked(stage: StageRecord, since: int) -> list[PortLookup]:
    return [lookup for lookup in stage.port_lookups if lookup.program in PROGRAMS and lookup.queries[0].time >= since]
