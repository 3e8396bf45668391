"""http-range-unsupported; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...model import Finding, Fix
from ...track.arrived import part_asked
from .. import fixes
from ..case import Case
from ..rule import Rule
from . import exchanges


class HttpRangeUnsupported(Rule):
    """The server does not answer range requests.

    What happens
        The program asks for the rest of a file, or for a piece of it, and gets the whole file or an error. edk2 gives up;
        GRUB reads from the wrong place; iPXE's sanboot closes the connection, tries again, and shows 3c202003.
    On the wire
        A request with Range, answered by 200, by 416, or by 206 without Content-Range.
    Not to be confused with
        The break that made the program ask for the rest (tcp-reset-or-stall-mid-body).
    Causes
        A server or proxy without range support (python3 -m http.server); files made by a script.
    Fix
        Serve boot files as static files.
    Sources
        RFC 9110 section 14.2; edk2 NetworkPkg HttpBootClient.c and pull request 6227; GRUB grub-core/net/http.c.
    """

    code = "http-range-unsupported"
    stage = "http"
    needs = "fetches"
    explains_away = ("tcp-reset-or-stall-mid-body", "nbp-stalls-after-download", "nbp-secure-boot-refused")
    summary = "{server} answers a range request for {url} with status {status}{field}"

    def check(self, case: Case) -> Iterator[Finding]:
        for _, flow in case.http:
            status = exchanges.status_of(flow)
            if part_asked(flow) is None or flow.response is None:
                continue
            if status == 206 and flow.response.get("content-range") is not None:
                continue
            if status not in (200, 206, 416) or (status == 206 and flow.response.cut):
                continue
            yield self.finding(
                case,
                exchanges.proof(flow),
                subject=flow.connection.server,
                server=flow.connection.server,
                url=flow.url,
                status=status,
                field=" and no Content-Range" if status == 206 else "",
                expected="Status 206 with Content-Range.",
                fixes=fixes.arrange(
                    case, Fix("nginx", "location / {\n  root /var/www/html;   # static files answer ranges\n}")
                ),
            )
            return
