"""http-lowercase-header; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...model import Finding, Fix
from .. import fixes
from ..case import Case
from ..rule import Rule
from . import exchanges


class HttpLowercaseHeader(Rule):
    """The server writes content-length in lower case, which older GRUB and shim do not read.

    What happens
        Field names mean the same in upper and lower case, but GRUB and shim of some years compared them letter by letter.
        GRUB then takes the file for empty, without a word; shim stops.
    On the wire
        All looks perfect: status 200, the whole file; only the field is spelled content-length. Afterwards nothing is done
        with the file.
    Not to be confused with
        A length that is missing (http-no-length).
    Causes
        Servers and proxies that write HTTP/2 style names (Node.js programs, some Go and Rust servers, cloud proxies).
    Fix
        A newer GRUB or shim, or a server that writes Content-Length.
    Sources
        RFC 9110 section 5.1; rhboot/grub2 pull request 216; rhboot/shim pull request 403.
    """

    code = "http-lowercase-header"
    stage = "http"
    needs = "fetches"
    summary = "{server} writes “{field}” for {url}; {name} may take the file for empty"

    def concerns(self, client: str) -> bool:
        return client in ("shim", "grub")

    def check(self, case: Case) -> Iterator[Finding]:
        for fetch, flow in case.http:
            if flow.response is None or exchanges.status_of(flow) != 200 or fetch.role == "optional":
                continue
            spelled = next((key for key, _ in flow.response.fields if key.lower() == "content-length"), None)
            if spelled in (None, "Content-Length"):
                continue
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
                    Fix("nginx", "location / {\n  root /srv/http;   # static files: Content-Length is spelled so\n}"),
                ),
            )
            return
