"""http-no-length; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...model import Finding, Fix
from ...track.records import FetchRecord
from .. import fixes
from ..case import Case
from ..rule import Rule
from . import exchanges


class HttpNoLength(Rule):
    """The response does not say how long the file is.

    What happens
        Boot programs want the size before they fetch. shim stops ("Failed to get Content-Length"); GRUB takes the file for
        empty or odd; edk2 falls back to a GET and usually manages.
    On the wire
        Status 200 without Content-Length, or Transfer-Encoding: chunked, or HEAD answered by 405.
    Not to be confused with
        A length field in lower case (http-lowercase-header). A boot that went on all the same.
    Causes
        Files made by a script, compression on the fly, a proxy that rewrites responses.
    Fix
        Serve boot files as static files, without compression.
    Sources
        RFC 9112 section 6; shim httpboot.c; GRUB grub-core/net/http.c; edk2 NetworkPkg HttpBootImpl.c.
    """

    code = "http-no-length"
    stage = "http"
    needs = "fetches"
    explains_away = ("chain-script-stops",)
    summary = "{url} comes without Content-Length{chunked}; {effect}"

    def check(self, case: Case) -> Iterator[Finding]:
        for fetch, flow in case.http:
            status = exchanges.status_of(flow)
            head = flow.response
            if head is None or fetch.role == "optional" or head.get("content-length") is not None:
                continue
            if head.cut:
                continue  # the field may stand in the part that is missing
            refused = status == 405 and flow.request is not None and flow.request.method == "HEAD"
            if not (status == 200 or refused) or case.came_later(fetch):
                continue
            fatal = case.client in ("shim", "grub")
            if fetch.status == "complete" and (not fatal or _was_of_use(case, fetch)):
                continue
            effect = {"shim": "shim stops there", "grub": "GRUB takes it for empty or cut off"}.get(
                case.client, "firmware may not take it"
            )
            yield self.finding(
                case,
                exchanges.proof(flow),
                confidence="certain" if case.client == "shim" else "likely" if fatal else "possible",
                severity="error" if fatal else "warning",
                subject=flow.url,
                url=flow.url,
                chunked=" (chunked)" if flow.chunked else " (HEAD is not allowed)" if refused else "",
                effect=effect,
                expected="A Content-Length field.",
                proof="" if case.client == "shim" else "The same file from a static web server.",
                fixes=fixes.arrange(
                    case, Fix("nginx", "gzip off;\nchunked_transfer_encoding off;"), Fix("apache", "SetEnv no-gzip 1")
                ),
            )


def _was_of_use(case: Case, fetch: FetchRecord) -> bool:
    """Whether the program went on to other files: GRUB reads a text that comes in chunks, but loads no kernel of that kind."""
    return any(other.useful and other.start > fetch.end and other.name != fetch.name for other in case.stage.fetches)
