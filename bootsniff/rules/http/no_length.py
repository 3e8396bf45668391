"""http-no-length; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...flow.records import HttpExchange
from ...model import Finding, Fix
from ...track.records import FetchRecord
from .. import fixes, quoting
from ..case import Case
from ..evidence import maybe
from ..rule import Rule
from . import exchanges
from .stops_mid_body import left_at


class HttpNoLength(Rule):
    """The response does not say how long the file is.

    What happens
        Boot programs want the size before they fetch. shim stops ("Failed to get Content-Length"); GRUB takes the file for
        empty or odd; edk2 falls back to a GET, which it follows to its end only when the body comes in chunks: of a body
        with Content-Length it leaves the connection at once ("Could not retrieve NBP file size from HTTP server").
    On the wire
        Status 200 without Content-Length, or Transfer-Encoding: chunked. Or HEAD refused (405, 501, also 403 and 404) and
        GET of the same URL answered by 200, which the firmware resets after the first pieces.
    Not to be confused with
        A length field in lower case (http-lowercase-header). A boot that went on all the same. A download that the server
        or the line breaks off (tcp-reset-or-stall-mid-body). HEAD and GET both refused (http-404, http-4xx).
    Causes
        Files made by a script, compression on the fly, a proxy that rewrites responses; a provisioning server that
        routes GET alone, URLs that are signed for GET alone (object stores).
    Fix
        Serve boot files as static files, without compression; answer HEAD as GET, without the body.
    Sources
        RFC 9112 section 6; shim httpboot.c; GRUB grub-core/net/http.c; edk2 NetworkPkg HttpBootImpl.c
        (HttpBootGetBootFileCaller) and HttpBootClient.c (HttpBootGetBootFile, IdentityMode); tinkerbell/ipxedust pull
        request 26; lab captures.
    """

    code = "http-no-length"
    stage = "http"
    needs = "fetches"
    explains_away = ("chain-script-stops", "tcp-reset-or-stall-mid-body")
    summary = "{url} comes without Content-Length{chunked}; {effect}"

    def check(self, case: Case) -> Iterator[Finding]:
        yield from self._unsized(case)
        yield from self._head_refused(case)

    def _head_refused(self, case: Case) -> Iterator[Finding]:
        """The firmware asks for the size with HEAD, is refused, and has no use for a GET that says the size."""
        if not case.is_http:
            return
        for _, flow in exchanges.failed(case):
            if not _is_left(flow):
                continue
            refused = next((other for _, other in case.http if _refuses_size(other, flow)), None)
            if refused is None:
                continue
            yield self.finding(
                case,
                [*exchanges.proof(refused), *exchanges.proof(flow), *maybe(left_at(flow), "the machine leaves")],
                subject=flow.url,
                url=flow.url,
                chunked=f" for HEAD, which {flow.connection.server} answers with status {exchanges.status_of(refused)}",
                effect="the firmware learns the size from HEAD, and leaves GET after its first pieces",
                expected="HEAD answered as GET is: status 200 and Content-Length.",
                fixes=fixes.arrange(
                    case,
                    Fix("shell", f"curl -sI {quoting.shell(flow.url)}   # HEAD: has to say 200 and Content-Length"),
                    *exchanges.suited(flow, (_static(flow),)),
                ),
            )
            return

    def _unsized(self, case: Case) -> Iterator[Finding]:
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


def _is_left(flow: HttpExchange) -> bool:
    """Whether the machine itself left a response of known length that was on its way."""
    method = flow.request.method if flow.request is not None else None
    sized = flow.content_length is not None and flow.body.received < flow.content_length
    return method == "GET" and exchanges.status_of(flow) == 200 and sized and left_at(flow) is not None


def _refuses_size(head: HttpExchange, get: HttpExchange) -> bool:
    """Whether this is a HEAD for the same URL that came to nothing before."""
    asks = head.request is not None and head.request.method == "HEAD" and head.url == get.url
    return asks and head.request_at.time < get.request_at.time and (exchanges.status_of(head) or 0) >= 400


def _static(flow: HttpExchange) -> Fix:
    return Fix(
        "nginx", f"location = {exchanges.web_path(flow)} {{\n  root /var/www/html;\n}}   # a static file, no proxy_pass"
    )
