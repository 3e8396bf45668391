"""http-4xx; reads records, never changes them."""

from __future__ import annotations

from ...flow.records import HttpExchange
from ...model import Fix
from ...track.arrived import part_asked
from .. import fixes, quoting
from ..case import Case
from .exchanges import HttpStatusRule, bodies, status_of, web_path

_OWN_RULES = (401, 403, 404, 407, 410)
_TLS_PORT = b"plain HTTP request was sent to HTTPS port"
"""What nginx writes into the page of such a 400."""


class Http4xx(HttpStatusRule):
    """The web server does not take the request.

    What happens
        The server answers, but finds fault with the request itself, or with how often it comes. Boot programs do not try
        another way.
    On the wire
        GET or HEAD, status 400 to 499 other than 401, 403, 404, 407 and 410: 400 (bad request, also plain HTTP to a TLS
        port), 405 (method not allowed), 406 and 415 (media type), 421 (no such host here), 426 (TLS wanted), 429 (too many
        requests), 431 (fields too large).
    Not to be confused with
        A file that is not there (http-404) or that the machine may not have (http-403); a proxy that wants a login
        (http-proxy-in-the-way). A HEAD that is refused before a GET that is answered: the file arrives when it comes in
        chunks, else the firmware leaves (http-no-length).
    Causes
        400: a URL with blanks or unfilled variables, an https port addressed by http, a missing or unknown Host field. 405:
        a script or an API address that takes POST alone. 429: a limit of requests per address, met by many machines that
        start at once.
    Fix
        Serve the file as a static file for GET and HEAD, at the address and port that the URL names; no limit for boot files.
    Sources
        RFC 9110 section 15.5; RFC 6585 sections 4 and 5; iPXE httpcore.c; edk2 NetworkPkg HttpBootSupport.c.
    """

    code = "http-4xx"
    stage = "http"
    explains_away = ("chain-no-config-found", "http-no-length")
    summary = "{server} does not take the request for {url}: status {status} {reason}"

    def applies(self, status: int) -> bool:
        return 400 <= status <= 499 and status not in _OWN_RULES

    def leaves_out(self, case: Case, flow: HttpExchange) -> bool:
        """A refused HEAD stops shim and GRUB, which http-no-length knows; a refused range has a rule of its own."""
        head = flow.request is not None and flow.request.method == "HEAD"
        part = status_of(flow) == 416 and part_asked(flow) is not None
        return part or (status_of(flow) == 405 and head and case.client in ("shim", "grub"))

    def mend(self, case: Case, flow: HttpExchange) -> tuple[Fix, ...]:
        status = status_of(flow)
        first = None
        pages = bodies(case, flow.url) if status == 400 and flow.url.startswith("http://") else ()
        if any(_TLS_PORT in page for page in pages):
            first = Fix("url", "https://" + quoting.web(flow.url.removeprefix("http://")))
        elif status == 429:
            first = Fix("nginx", f"# no limit_req, no limit_conn in\nlocation = {web_path(flow)} {{ }}")
        return fixes.arrange(
            case,
            first,
            Fix(
                "shell", f"curl -si {quoting.shell(flow.url)}\ntail /var/log/nginx/error.log /var/log/apache2/error.log"
            ),
        )
