"""http-5xx; reads records, never changes them."""

from __future__ import annotations

from ...flow.records import HttpExchange
from ...model import Fix
from .. import fixes, quoting
from ..case import Case
from .exchanges import HttpStatusRule


class Http5xx(HttpStatusRule):
    """The web server fails.

    What happens
        The server, or one behind it, could not answer the request.
    On the wire
        GET or HEAD, status 500 to 599. 502 and 504 come from a proxy whose backend does not answer.
    Not to be confused with
        A wrong path (http-404) or denied access (http-403).
    Causes
        A script that crashes, a backend that is down, a full disk.
    Fix
        Read the server's error log at this time.
    Sources
        RFC 9110 section 15.6; iPXE httpcore.c.
    """

    code = "http-5xx"
    stage = "http"
    explains_away = ("chain-no-config-found",)
    summary = "{server} fails on {url}: status {status} {reason}"

    def applies(self, status: int) -> bool:
        return 500 <= status <= 599

    def mend(self, case: Case, flow: HttpExchange) -> tuple[Fix, ...]:
        return fixes.arrange(
            case,
            Fix(
                "shell", f"tail /var/log/nginx/error.log /var/log/apache2/error.log\ncurl -si {quoting.shell(flow.url)}"
            ),
        )
