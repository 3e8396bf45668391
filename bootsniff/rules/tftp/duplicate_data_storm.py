"""tftp-duplicate-data-storm; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...flow.records import TftpTransfer
from ...model import NANOSECONDS, Finding
from ...track.records import StageRecord, World
from .. import fixes
from ..case import Case
from ..evidence import evidence, maybe
from ..rule import Rule

_FEWEST = 200
"""Blocks; in a shorter file a few lost packets look the same."""
_TIMER = NANOSECONDS // 2
"""Repetitions after a timer come later than this: then packets were lost."""


class TftpDuplicateDataStorm(Rule):
    """Every block and every ACK is sent twice to the end of the file.

    What happens
        One packet was delayed and repeated, and from then on both sides answer each copy with a copy of their own (the
        “Sorcerer's Apprentice”). The file comes at half the speed; on a busy line more copies join.
    On the wire
        DATA and ACK of the same number twice each, right after each other, without any pause that a timer would make.
    Not to be confused with
        A capture that holds each packet twice (a mirror of both directions): such copies are the same packet, and are not
        counted. Repetitions after a pause (tftp-timeout-mid-transfer).
    Causes
        A client or a server that answers an ACK that it had before with the next block again.
    Fix
        Newer firmware or another TFTP server; HTTP has no such mechanism.
    Sources
        RFC 1350 sections 2 and 5; RFC 1123 section 4.2.3.1.
    """

    code = "tftp-duplicate-data-storm"
    stage = "tftp"
    severity = "note"
    needs = "fetches"
    always = True
    summary = "{file}: {repeated} of {blocks} blocks came twice, and {acks} ACKs, with no pause between"

    def may(self, stage: StageRecord, _world: World) -> bool:
        return any(isinstance(fetch.flow, TftpTransfer) and _storms(fetch.flow) for fetch in stage.fetches)

    def check(self, case: Case) -> Iterator[Finding]:
        for fetch, flow in case.tftp:
            if not _storms(flow):
                continue
            yield self.finding(
                case,
                [*maybe(flow.body.first, "first block"), evidence(flow.last, "last packet")],
                subject=fetch.flow.url,
                file=flow.filename,
                repeated=flow.body.retransmissions,
                blocks=flow.highest_block,
                acks=flow.ack_count,
                expected="Each block once, each ACK once.",
                fixes=fixes.arrange(case, fixes.over_http(case, flow.filename)),
            )


def _storms(flow: TftpTransfer) -> bool:
    blocks, body = flow.highest_block, flow.body
    if body.newest is None or flow.last.time - body.newest.time > _TIMER:
        return False  # one block alone is sent again and again
    return (
        flow.window_size == 1
        and blocks >= _FEWEST
        and body.retransmissions * 2 >= blocks
        and flow.ack_count * 2 >= blocks * 3
        and body.longest_wait < _TIMER
    )
