"""http-no-response; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...flow.records import HttpExchange
from ...model import Evidence, Finding, Fix
from ...track.lost_response import took_nothing
from ...track.unheard import ack_unheard
from .. import names, quoting
from ..case import Case
from ..evidence import evidence, maybe
from ..rule import Rule
from . import exchanges


class HttpNoResponse(Rule):
    """The web server takes the request and does not answer it.

    What happens
        The connection is there and the request goes out, but no response comes: the machine waits (iPXE for ever), or the
        server closes the connection instead.
    On the wire
        GET or HEAD, the server's ACK for it, and then nothing, or FIN or RST from the server, without a status line. Where
        the request is lost on its way, the server's SYN-ACK again and again.
    Not to be confused with
        A connection that never opens (tcp-filtered, tcp-refused). A request on a connection that the server had closed
        (http-10-connection-close), or was closing while the request was on its way: the client repeats it on a new one. An
        answer that breaks off (tcp-reset-or-stall-mid-body). A capture that has one direction only.
    Causes
        A web application or a proxy that hangs, or waits for a back end; all of a server's workers busy; a file on a
        network disk that is away; responses that are lost on the way because they are too large.
    Fix
        Ask for the same URL from another host; look into the server's log; start it again.
    Sources
        RFC 9112 sections 9.3 and 9.5; edk2 NetworkPkg HttpBootClient.c and PcdHttpIoTimeout; iPXE net/tcp/httpcore.c; lab
        captures.
    """

    code = "http-no-response"
    stage = "http"
    needs = "fetches"
    summary = "{server} {took} {request} and {then}"

    def check(self, case: Case) -> Iterator[Finding]:
        if case.client == "os":
            return  # os-config-fetch-failed knows which of an installer's fetches matter
        for _, flow in exchanges.failed(case):
            connection = flow.connection
            if flow.response is not None or took_nothing(flow) or exchanges.answered_later(case, flow):
                continue
            answer = connection.last_from_server
            if answer is None or any(other.request is None for other in connection.exchanges):
                continue  # this capture point does not see the server, or not every request: this one is a repetition
            deaf = ack_unheard(connection)
            if deaf is not None and deaf.time <= flow.request_at.time:
                deaf = None
            # Behind a RST of the machine a server answers as well: it acknowledges what it had heard until then.
            ended = connection.reset if connection.reset_by_client else None
            taken = answer.time >= flow.request_at.time and (ended is None or answer.time < ended.time) and deaf is None
            then, proof = ("does not hear it: it repeats its SYN-ACK", []) if deaf else _end(flow)
            yield self.finding(
                case,
                [
                    evidence(flow.request_at, exchanges.request_line(flow)),
                    *maybe(deaf, "SYN-ACK again, behind the request"),
                    *proof,
                ],
                confidence="certain" if proof else case.silence(connection.server, second_sign=True),
                subject=flow.url,
                server=connection.server,
                took="takes" if taken else "was sent",
                request=exchanges.request_line(flow),
                then=then + case.blind_spot(connection.server) if not proof else then,
                expected="A status line.",
                proof=""
                if proof
                else "A capture on the web server's side: does the request arrive there?"
                if deaf
                else "The web server's log, and a capture on its side: does it send what does not arrive here?",
                fixes=(Fix("shell", f"curl -sv -m 10 -o /dev/null {quoting.shell(flow.url)}   # from another host"),),
            )


def _end(flow: HttpExchange) -> tuple[str, list[Evidence]]:
    connection = flow.connection
    if connection.reset and not connection.reset_by_client:
        return "resets the connection", [evidence(connection.reset, "RST from the server")]
    if connection.closed_by_server is not None:
        return "closes the connection", [evidence(connection.closed_by_server, "FIN from the server")]
    if connection.reset:
        waited = names.seconds(connection.reset.time - flow.request_at.time)
        return f"answers nothing in {waited}, then the machine gives up", []
    return "answers nothing", []
