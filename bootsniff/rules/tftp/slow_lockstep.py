"""tftp-slow-lockstep; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...flow.records import TftpTransfer
from ...model import NANOSECONDS, Finding
from ...track.records import StageRecord, World
from .. import fixes, names
from ..case import Case
from ..evidence import evidence, maybe
from ..rule import Rule

_LONG = 60 * NANOSECONDS
_ROUND_TRIP = 4_000_000
"""A shorter time for one block is that of a server or a flash chip, not of a line."""
_MOST_REPEATED = 50
"""One block in so many may have been lost: more, and loss is what makes it slow."""
_LARGE = 1428
"""Bytes of a block that fits into a packet on any usual line."""


class TftpSlowLockstep(Rule):
    """A file comes by TFTP one block at a time over a long line, and takes minutes.

    What happens
        TFTP waits for an ACK after each block. Over a line with a long round trip the speed is the size of a block divided
        by the round trip, whatever the line could carry. Nothing is lost; people believe that the boot hangs.
    On the wire
        A whole transfer without repetitions, a window of 1, the same few milliseconds between any two blocks.
    Not to be confused with
        Lost packets (tftp-timeout-mid-transfer), which are repeated after seconds.
    Causes
        A boot server at another site; small blocks: shim asks for 512 bytes, old ROMs too.
    Fix
        HTTP instead of TFTP, larger blocks, a window (RFC 7440), or a boot server nearby.
    Sources
        RFC 1350 section 2; RFC 7440; rhboot/shim issue 618; tianocore/edk2 issue 7264.
    """

    code = "tftp-slow-lockstep"
    stage = "tftp"
    severity = "note"
    needs = "fetches"
    always = True
    summary = "{file} took {duration}: {blocks} blocks of {size} bytes one by one, {trip} ms for each ({rate} KiB/s)"

    def may(self, stage: StageRecord, _world: World) -> bool:
        return any(isinstance(fetch.flow, TftpTransfer) and _is_slow(fetch.flow) for fetch in stage.fetches)

    def check(self, case: Case) -> Iterator[Finding]:
        for fetch, flow in case.tftp:
            if fetch.status != "complete" or not _is_slow(flow) or flow.body.first is None:
                continue
            duration = fetch.ended.time - flow.body.first.time
            trip = duration / max(1, flow.highest_block)
            yield self.finding(
                case,
                [evidence(flow.body.first, "first block"), *maybe(flow.body.newest, "last block")],
                subject=fetch.flow.url,
                file=flow.filename,
                duration=names.seconds(duration),
                blocks=flow.highest_block,
                size=flow.block_size,
                trip=f"{trip / 1e6:.0f}",
                rate=f"{flow.body.received / 1024 / (duration / NANOSECONDS):.0f}",
                expected=_expected(flow, duration),
                fixes=fixes.arrange(case, fixes.over_http(case, flow.filename)),
            )


def _is_slow(flow: TftpTransfer) -> bool:
    body = flow.body
    if flow.window_size > 1 or body.first is None or body.last is None or not flow.highest_block or not flow.complete:
        return False
    duration = (body.newest or body.last).time - body.first.time
    if duration < _LONG or duration < _ROUND_TRIP * flow.highest_block:
        return False
    # One long wait is no slow line: most of the blocks came after about the same time.
    return body.retransmissions * _MOST_REPEATED < flow.highest_block and body.longest_wait * 10 < duration


def _expected(flow: TftpTransfer, duration: int) -> str:
    if flow.block_size * 10 < _LARGE * 9:  # PXELINUX' 1408 bytes are as good
        return f"Blocks of {_LARGE} bytes: {names.seconds(duration * flow.block_size // _LARGE)} over the same line."
    return f"A window of 16 blocks: {names.seconds(duration // 16)} over the same line."
