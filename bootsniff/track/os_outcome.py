"""Whether a started system that fetched nothing reaches nothing of what it was told to; pure functions of the records.

Systems ask for much that they do without (clocks, updates, the vendor's servers): only hosts that a script of the boot
names count.
"""

from __future__ import annotations

from ..flow.records import DnsLookup, TcpConnection
from ..model import NANOSECONDS
from .records import StageRecord

TRIES = 3
"""Attempts that make it no accident: installers try every few seconds."""
_SYNS = 5
"""SYNs that nobody answers, of all attempts: the fifth comes after 15 s."""
_APART = NANOSECONDS


def unreached(stage: StageRecord) -> list[TcpConnection]:
    """The attempts at the one server that a system without any connection tried last, when they are enough to tell."""
    if stage.fetches or not stage.connections or any(one.syn_ack or one.established for one in stage.connections):
        return []
    last = stage.connections[-1]
    if not _is_named(stage, last.server):
        return []
    tries = [one for one in stage.connections if (one.server, one.server_port) == (last.server, last.server_port)]
    refused = [one for one in tries if one.reset is not None]
    return tries if len(refused) >= TRIES or sum(one.syn_count for one in tries) >= _SYNS else []


def unnamed(stage: StageRecord) -> list[DnsLookup]:
    """The lookups of the one name that a system without any address but its own asked for last, when they are enough to tell."""
    if stage.fetches or stage.connections or not stage.lookups:
        return []
    if any(one.answer is not None and one.answer.addresses for one in stage.lookups):
        return []
    name = stage.lookups[-1].name.lower()
    if name not in stage.hosts:
        return []
    tries = [one for one in stage.lookups if one.name.lower() == name]
    moments = 0
    since = -_APART
    for one in tries:
        for query in one.queries:
            if query.time - since >= _APART:
                moments, since = moments + 1, query.time
    return tries if moments >= TRIES else []


def _is_named(stage: StageRecord, address: str) -> bool:
    """Whether a script named this server, by its address or by a name that has it."""
    return address in stage.hosts or any(
        look.answer is not None and address in look.answer.addresses
        for look in stage.lookups
        if look.name.lower() in stage.hosts
    )
