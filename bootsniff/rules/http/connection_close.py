"""http-10-connection-close; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...flow.records import HttpExchange
from ...model import NANOSECONDS, Finding, Fix
from .. import fixes
from ..case import Case
from ..evidence import evidence, maybe
from ..rule import Rule
from . import exchanges


class Http10ConnectionClose(Rule):
    """The server closes the connection after one answer, and the firmware sends its next request on it.

    What happens
        The firmware asks for the size with HEAD and wants to fetch the file with GET on the same connection. The server
        has closed it by then: the GET gets no answer, and the firmware reports a network error.
    On the wire
        An answer in HTTP/1.0, or with “Connection: close”, and a FIN of the server; then a request on the same connection,
        answered by RST or by nothing. A server may close without a word before: then its FIN and RST come behind the
        request, which it did not read.
    Not to be confused with
        A server that closes in the middle of a body (tcp-reset-or-stall-mid-body). A client that opens a new connection
        for its GET: that works.
    Causes
        A simple server such as `python3 -m http.server`; a proxy without keep-alive; firmware that does not look at the
        closing before it asks again. On slow lines the FIN arrives in time, and the same boot works.
    Fix
        A server that speaks HTTP/1.1 with keep-alive; newer firmware.
    Sources
        RFC 9112 section 9.3 and 9.6; tianocore/edk2 issue 9920; edk2 NetworkPkg HttpDxe.
    """

    code = "http-10-connection-close"
    stage = "http"
    needs = "fetches"
    explains_away = ("http-no-response", "tcp-reset-or-stall-mid-body")
    summary = "{server} closes the connection after {first}; {request} comes on it all the same, and gets no answer"

    def check(self, case: Case) -> Iterator[Finding]:
        for _, flow in exchanges.failed(case):
            connection = flow.connection
            closed = connection.fin_from_server
            if flow.response is not None or flow.request is None or closed is None:
                continue
            earlier = [
                other
                for other in connection.exchanges
                if other is not flow and other.response is not None and other.request_at.time <= flow.request_at.time
            ]
            if not earlier or not (_closes(earlier[-1]) or _unread(flow)):
                continue
            before = earlier[-1]
            yield self.finding(
                case,
                [
                    *exchanges.proof(before),
                    evidence(closed, "FIN from the server"),
                    evidence(flow.request_at, f"{exchanges.request_line(flow)} on the same connection"),
                    *maybe(None if connection.reset_by_client else connection.reset, "RST from the server"),
                ],
                subject=flow.url,
                server=connection.server,
                first=f"its answer to {before.request.method}" if before.request else "one answer",
                request=exchanges.request_line(flow),
                expected="A connection that stays open, or a new one for the next request.",
                fixes=fixes.arrange(
                    case,
                    Fix("nginx", "keepalive_timeout 65s;"),
                    Fix("shell", "python3 -m http.server --protocol HTTP/1.1 80   # instead of HTTP/1.0"),
                ),
            )
            return


def _closes(flow: HttpExchange) -> bool:
    """Whether an answer says that no other will follow on its connection."""
    head = flow.response
    if head is None:
        return False
    said = (head.get("Connection") or "").lower()
    return "close" in said or (head.version == "1.0" and "keep-alive" not in said)


def _unread(flow: HttpExchange) -> bool:
    """Whether FIN and RST came at once after a request: who closes with data unread resets (RFC 2525 section 2.17)."""
    connection = flow.connection
    if connection.reset is None or connection.reset_by_client:
        return False
    return connection.reset.time - flow.request_at.time < NANOSECONDS
