"""tftp-block-rollover; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...flow.records import TftpTransfer
from ...model import Confidence, Finding, Fix, Severity
from .. import fixes
from ..case import Case
from ..evidence import evidence, maybe
from ..rule import Rule

_LIMITS = (65535, 32767)
_SLACK = 64
"""Blocks of a window that may have been sent beyond the last good one."""


class TftpBlockRollover(Rule):
    """A large file stops where TFTP's 16-bit block number runs out.

    What happens
        Block numbers end at 65535. What comes next is not in the standard: most programs go on with 0, some with 1, some
        stop. The transfer ends at 32 MB (blocks of 512 bytes), 64 MB (1024) or about 91 MB (1432, 1468).
    On the wire
        The last good block is 65535 (32767 for programs that count signed), then DATA 65535 and ACK 65535 repeat, or a TFTP
        error, or silence. The OACK's tsize above 65535 blocks foretells it.
    Not to be confused with
        A transfer that breaks off anywhere else (tftp-timeout-mid-transfer).
    Causes
        A server or loader without roll-over, or one of each kind; Raspberry Pi boot ROMs cut the file at 65535 blocks.
    Fix
        A larger block size, or HTTP.
    Sources
        RFC 1350 section 2 (16-bit block numbers); RFC 7440; edk2 Mtftp4Support.c; U-Boot net/tftp.c; raspberrypi/rpi-eeprom
        issues 375 and 720.
    """

    code = "tftp-block-rollover"
    stage = "tftp"
    needs = "fetches"
    always = True
    explains_away = ("tftp-timeout-mid-transfer", "tftp-client-aborts")
    summary = "{file} {what} block {limit}, where TFTP's block number ends ({size})"

    def check(self, case: Case) -> Iterator[Finding]:
        for fetch, flow in case.tftp:
            verdict = _stopped(case, fetch.status, flow) or _foretold(fetch.status, flow)
            if verdict is None or case.came_later(fetch):
                continue
            limit, severity, confidence, what = verdict
            need = (flow.size or flow.body.received) // 65535 + 1
            block = next((b for b in (1024, 1428, 1468, 8192, 65464) if b >= need), 65464)
            yield self.finding(
                case,
                [
                    *(evidence(ref, f"RRQ {flow.filename}") for ref in flow.requests[:1]),
                    *(evidence(ref, f"OACK blksize {flow.block_size}, tsize {flow.size}") for ref in flow.oacks[:1]),
                    *maybe(flow.body.last, f"last new block {flow.highest_block}"),
                    *maybe(flow.error_at, "TFTP error"),
                ],
                confidence=confidence,
                severity=severity,
                subject=fetch.flow.url,
                file=flow.filename,
                what=what,
                limit=limit,
                size=f"{limit} blocks of {flow.block_size} bytes = {limit * flow.block_size / 1e6:.0f} MB",
                expected="The next block, numbered 0 (or 1).",
                proof="" if confidence == "certain" else "Watch the transfer pass this block.",
                fixes=fixes.arrange(
                    case,
                    Fix("tftpd-hpa", f'TFTP_OPTIONS="--secure --blocksize {block}"'),
                    Fix("dnsmasq", f"# leave the block size to the client (no tftp-no-blocksize); needed: {block}"),
                    fixes.over_http(case, flow.filename),
                ),
            )


_Verdict = tuple[int, Severity, Confidence, str]


def _stopped(case: Case, status: str, flow: TftpTransfer) -> _Verdict | None:
    if status not in ("failed", "stalled") or flow.complete or not case.over:
        return None
    for limit in _LIMITS:
        if limit - _SLACK <= flow.highest_block <= limit + flow.window_size:
            exact = limit <= flow.highest_block <= limit + 1
            return limit, "error", "certain" if exact and limit == _LIMITS[0] else "likely", "stopped at"
    return None


def _foretold(status: str, flow: TftpTransfer) -> _Verdict | None:
    """Still running, and larger than block numbers reach: most programs manage, so no more than a note."""
    if status == "in-progress" and flow.body.received and (flow.size or 0) >= 65535 * flow.block_size > 0:
        return (_LIMITS[0], "note", "possible", "will pass") if flow.highest_block < _LIMITS[0] else None
    return None
