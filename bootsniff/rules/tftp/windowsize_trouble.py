"""tftp-windowsize-trouble; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...flow.records import TftpTransfer
from ...model import NANOSECONDS, Finding, Fix
from ...track.records import StageRecord, World
from .. import fixes, names
from ..case import Case
from ..evidence import evidence, maybe
from ..rule import Rule

_FEWEST = 8
"""Fewer blocks than this tell no pace."""
_PACE = NANOSECONDS // 2
"""Blocks that are sent as they should be do not take so long each."""
_MANY = 200
_SHARE = 4
"""One block in so many was sent twice: a window does not get through."""


class TftpWindowsizeTrouble(Rule):
    """Server and machine agreed on windows of several blocks, and it does not work.

    What happens
        The server confirms a window (windowsize) but sends one block and waits for its ACK; the machine waits for the rest
        of the window, until its timer ends. The file comes at one block in several seconds. Or packets are lost in every
        window, and each time the rest of it is sent again.
    On the wire
        OACK with windowsize above 1. Then the same long pause before every block; or a quarter of all blocks twice.
    Not to be confused with
        A server that leaves windowsize out of its OACK: that means one block at a time and is fine. A long line
        (tftp-slow-lockstep). Single lost packets.
    Causes
        A server that answers options it does not implement; a link or a buffer that drops bursts; windows above 64.
    Fix
        Switch windowsize off at the server, or mend the loss.
    Sources
        RFC 7440; tianocore/edk2 issue 7264; u-root/u-root pull request 1966.
    """

    code = "tftp-windowsize-trouble"
    stage = "tftp"
    severity = "warning"
    needs = "fetches"
    always = True
    summary = "{file} with windows of {window} blocks: {what}"

    def may(self, stage: StageRecord, _world: World) -> bool:
        return any(isinstance(fetch.flow, TftpTransfer) and fetch.flow.window_size > 1 for fetch in stage.fetches)

    def check(self, case: Case) -> Iterator[Finding]:
        for fetch, flow in case.tftp:
            what = _waits(flow) or _loses(flow)
            if what is None:
                continue
            yield self.finding(
                case,
                [
                    *(evidence(at, f"OACK with windowsize {flow.window_size}") for at in flow.oacks[:1]),
                    *maybe(flow.body.first, "first block"),
                    *maybe(flow.body.newest, f"block {flow.highest_block}"),
                ],
                confidence="likely",
                subject=fetch.flow.url,
                file=flow.filename,
                window=flow.window_size,
                what=what,
                expected=f"{flow.window_size} blocks in a row, then one ACK.",
                proof="The same boot with a server that does not confirm windowsize.",
                fixes=fixes.arrange(
                    case,
                    Fix(
                        "tftpd-hpa",
                        "systemctl enable --now tftpd-hpa   # it knows no windowsize, and leaves it out of its OACK",
                    ),
                    fixes.over_http(case, flow.filename),
                ),
            )


def _waits(flow: TftpTransfer) -> str | None:
    """One block at a time, each after the machine's timer."""
    body = flow.body
    if flow.window_size < 2 or flow.highest_block < _FEWEST or body.first is None or body.newest is None:
        return None
    duration = body.newest.time - body.first.time
    if duration < _PACE * flow.highest_block or body.longest_wait * 3 > duration:
        return None
    return f"the server sends one and waits, {names.seconds(duration // flow.highest_block)} for each block"


def _loses(flow: TftpTransfer) -> str | None:
    """Much of every window is sent again."""
    repeated = flow.body.retransmissions
    if flow.window_size < 2 or flow.highest_block < _MANY or repeated * _SHARE < flow.highest_block:
        return None
    return f"{repeated} of {flow.highest_block} blocks had to be sent again"
