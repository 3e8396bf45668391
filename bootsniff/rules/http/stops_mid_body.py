"""tcp-reset-or-stall-mid-body; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...flow.records import HttpExchange
from ...model import NANOSECONDS, Evidence, Finding, Fix, FrameRef
from ...track.lost_response import SENT_IN_VAIN, took_nothing
from .. import names, quoting
from ..case import Case
from ..evidence import evidence, maybe
from ..rule import Rule
from . import exchanges

_PATIENCE = 4 * NANOSECONDS
"""Nearly edk2's time limit (PcdHttpIoTimeout, 5 s): a machine that resets after so long a silence waited for data."""
_LARGEST_PACKET = 65536
"""What a capture on a host may hold in one piece (segmentation offload)."""


class HttpStopsMidBody(Rule):
    """An HTTP download breaks off before the end.

    What happens
        The connection is reset, closed or silent before the whole file arrived. edk2 gives up after 5 s without data, tries
        again with a range request up to five times, and needs a proper 206 answer to it.
    On the wire
        RST or FIN before Content-Length bytes, a window of zero that stays, or no data for longer than the program waits;
        or the server sends the last of it again and again, and no ACK comes (iPXE's driver for the card hangs, issue 1545).
    Not to be confused with
        The RST with which edk2 closes after the last byte; a tail that iPXE no longer acknowledges because it already
        started the kernel; a range request that brings the rest. A response of which the machine got nothing
        (http-response-lost). A capture of the first bytes of each packet, which does not show where the body begins.
    Causes
        A server or proxy with a time limit, a full disk, a restart; loss on the line. Where the machine itself leaves while
        data comes: it has no room for the file (GRUB: "out of memory"), or no use for it.
    Fix
        Where the machine leaves: look at its screen, give it more memory. Else look into the server's log at this time; raise its send timeout.
    Sources
        edk2 NetworkPkg HttpBootClient.c and NetworkPkg.dec (PcdHttpIoTimeout); GRUB grub-core/net/http.c; iPXE issue 130.
    """

    code = "tcp-reset-or-stall-mid-body"
    stage = "http"
    needs = "fetches"
    summary = "{url} stopped after {bytes} of {length} bytes: {how}"

    def check(self, case: Case) -> Iterator[Finding]:
        for fetch, flow in exchanges.failed(case):
            status = exchanges.status_of(flow)
            if status not in (200, 206) or flow.complete or (flow.request and flow.request.method == "HEAD"):
                continue
            length = flow.content_length
            if length is None or flow.body.received >= length or took_nothing(flow):
                continue
            if flow.response is not None and flow.response.cut and length - flow.body.received < _LARGEST_PACKET:
                continue  # what follows the head in its own packet is part of the body, and nobody knows how much
            how, proof, sure = _end(flow)
            patient = left_at(flow) is not None or is_repeated(flow)
            yield self.finding(
                case,
                [*exchanges.proof(flow), *maybe(flow.body.last, "last piece of the body"), *proof],
                confidence="certain" if sure else case.silence(flow.connection.server, second_sign=True),
                subject=flow.url,
                url=flow.url,
                bytes=flow.body.received,
                length=length,
                how=how,
                expected=f"{length} bytes." if fetch.status == "failed" else f"More of the {length} bytes.",
                proof="" if sure else "The web server's log, and a capture on its side.",
                fixes=exchanges.suited(
                    flow,
                    (
                        Fix(
                            "shell",
                            f"curl -o /dev/null {quoting.shell(flow.url)}   # from another host of this network",
                        ),
                        *(() if patient else (Fix("nginx", "send_timeout 300s;"),)),
                    ),
                ),
            )


def left_at(flow: HttpExchange) -> FrameRef | None:
    """Where the machine left a response that was on its way, too soon to have waited for more of it in vain."""
    connection = flow.connection
    left = connection.reset if connection.reset_by_client else connection.fin_from_client
    newest = flow.body.last or flow.response_at
    if left is None or newest is None or left.time - newest.time > _PATIENCE:
        return None
    return left if connection.closed_by_server is None else None


def is_repeated(flow: HttpExchange) -> bool:
    """Whether the server sent what came last again and again: it waits for the machine, not the machine for it."""
    last, newest = flow.body.last, flow.body.newest
    again = last is not None and newest is not None and last.time > newest.time
    return again and flow.body.retransmissions >= SENT_IN_VAIN and flow.sent > 0


def _end(flow: HttpExchange) -> tuple[str, list[Evidence], bool]:
    connection = flow.connection
    if connection.closed_by_server is not None:
        return "the server closes the connection", [evidence(connection.closed_by_server, "FIN from the server")], True
    if connection.reset:
        who = "the machine" if connection.reset_by_client else "the server"
        last = flow.body.last or flow.response_at
        silence = connection.reset.time - last.time if connection.reset_by_client and last is not None else 0
        if silence > _PATIENCE:
            how = f"no data for {names.seconds(silence)}, then the machine gives up"
            return how, [evidence(connection.reset, "RST from the machine")], True
        own = " while data comes: has it room for the file?" if left_at(flow) is not None else ""
        return f"{who} resets the connection{own}", [evidence(connection.reset, f"RST from {who}")], True
    if connection.fin_from_client:
        return "the machine closes the connection", [evidence(connection.fin_from_client, "FIN from the machine")], True
    newest = flow.body.newest
    if is_repeated(flow) and connection.acknowledged >= flow.sent:
        how = "the server repeats what the machine has acknowledged: it does not hear the machine"
        return how, [evidence(flow.last, "sent again")], False
    if is_repeated(flow) and connection.acknowledged:
        how = "the server repeats the last of it, and the machine acknowledges no more"
        return how, [evidence(flow.last, "sent again")], False
    if connection.zero_window and (newest is None or connection.zero_window.time >= newest.time):
        return "the machine takes no more (window 0)", [evidence(connection.zero_window, "window 0")], False
    return "no more data", [], False
