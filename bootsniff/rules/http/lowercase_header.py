"""http-lowercase-header; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...flow.records import HttpExchange
from ...model import NANOSECONDS, Finding, Fix
from ...track.records import FetchRecord
from .. import fixes
from ..case import Case
from ..rule import Rule
from . import exchanges

_WAIT = 20 * NANOSECONDS
"""GRUB gives up waiting for the rest of a body after 34 s (grub-core/net/net.c)."""
_PROPER = "Content-Length"


class HttpLowercaseHeader(Rule):
    """The server writes content-length in lower case, which older GRUB and shim do not read.

    What happens
        Field names mean the same in upper and lower case, but GRUB and shim of some years compared them letter by letter.
        GRUB then takes the file for empty, without a word; shim stops.
    On the wire
        All looks perfect: status 200, the whole file; only the field is spelled content-length. Afterwards nothing is done
        with the file. After an answer 404 such a GRUB waits for more than half a minute before it asks for the next name.
    Not to be confused with
        A length that is missing (http-no-length). A program that asks for the kernel behind such a file: it reads the field.
    Causes
        Servers and proxies that write HTTP/2 style names (HAProxy, Node.js programs, some Go and Rust servers, cloud proxies).
    Fix
        A newer GRUB or shim, or a server that writes Content-Length.
    Sources
        RFC 9110 section 5.1; rhboot/grub2 pull request 216; rhboot/shim pull request 403; HAProxy
        configuration manual, h1-case-adjust; lab captures of GRUB 2.06.
    """

    code = "http-lowercase-header"
    stage = "http"
    needs = "fetches"
    always = True
    explains_away = ("chain-script-stops", "chain-no-config-found")
    summary = "{server} writes “{field}” for {url}; {name} may take the file for empty"

    def concerns(self, client: str) -> bool:
        return client in ("shim", "grub")

    def check(self, case: Case) -> Iterator[Finding]:
        if _reads_it(case):
            return
        used: list[tuple[HttpExchange, str]] = []
        refused: list[tuple[HttpExchange, str]] = []
        for fetch, flow in case.http:
            spelled = _spelled(flow)
            if spelled == _PROPER:
                continue
            if case.client == "shim" and fetch.status == "complete":
                continue  # one that does not read the field leaves at the head of the response
            if exchanges.status_of(flow) == 200 and fetch.role != "optional" and case.failed_here:
                used.append((flow, spelled))
            elif _waited_in_vain(case, fetch, flow):
                refused.append((flow, spelled))
        for flow, spelled in [*used, *refused][:1]:
            yield self.finding(
                case,
                exchanges.proof(flow),
                confidence="likely",
                subject=flow.connection.server,
                server=flow.connection.server,
                field=spelled,
                url=flow.url,
                name=case.stage.name or case.client,
                expected="Content-Length, spelled so.",
                proof="The same file from a server that writes Content-Length (nginx, Apache).",
                fixes=fixes.arrange(
                    case,
                    Fix(
                        "nginx", "location / {\n  root /var/www/html;   # static files: Content-Length is spelled so\n}"
                    ),
                    Fix(
                        "haproxy",
                        "global\n  h1-case-adjust content-length Content-Length\n"
                        "defaults\n  option h1-case-adjust-bogus-client",
                    ),
                ),
            )


def _spelled(flow: HttpExchange) -> str:
    fields = flow.response.fields if flow.response else ()
    return next((key for key, _ in fields if key.lower() == "content-length"), _PROPER)


def _reads_it(case: Case) -> bool:
    """Whether a kernel or initrd was asked for after a file with such a length: a program that takes it for empty cannot."""
    first = min((fetch.end for fetch, flow in case.http if _spelled(flow) != _PROPER and _is_file(flow)), default=None)
    return first is not None and any(
        fetch.role in ("kernel", "initrd") and fetch.start >= first for fetch in case.stage.fetches
    )


def _is_file(flow: HttpExchange) -> bool:
    return exchanges.status_of(flow) == 200 and flow.complete


def _waited_in_vain(case: Case, fetch: FetchRecord, flow: HttpExchange) -> bool:
    """Whether an answer that says no was whole, and the program went on long after it only: it had not seen the end."""
    status, after = exchanges.status_of(flow), case.next_step(fetch.start)
    return (
        status is not None and status >= 400 and flow.complete and after is not None and after - flow.last.time > _WAIT
    )
