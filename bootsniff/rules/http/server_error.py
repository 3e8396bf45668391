"""http-5xx; reads records, never changes them."""

from __future__ import annotations

from ...flow.records import HttpExchange
from ...model import NANOSECONDS, Fix
from .. import fixes, quoting
from ..case import Case
from .exchanges import HttpStatusRule, status_of, web_path

_SHORTLY = 5 * NANOSECONDS
"""Limits are counted in seconds (nginx ngx_http_limit_req_module)."""


class Http5xx(HttpStatusRule):
    """The web server fails.

    What happens
        The server, or one behind it, could not answer the request.
    On the wire
        GET or HEAD, status 500 to 599. 502 and 504 come from a proxy whose backend does not answer.
    Not to be confused with
        A wrong path (http-404) or denied access (http-403).
    Causes
        A script that crashes, a backend that is down, a full disk. 503 right after an answer: a limit of requests or
        connections of one address (nginx limit_req and limit_conn), which firmware meets with its HEAD and GET.
    Fix
        Read the server's error log at this time. No limits for boot files.
    Sources
        RFC 9110 section 15.6; iPXE httpcore.c.
    """

    code = "http-5xx"
    stage = "http"
    explains_away = ("chain-no-config-found",)
    summary = "{server} fails on {url}: status {status} {reason}{hint}"

    def applies(self, status: int) -> bool:
        return 500 <= status <= 599

    def hint(self, case: Case, flow: HttpExchange) -> str:
        return ", right after an answer: a limit of requests or connections?" if _limits(case, flow) else ""

    def mend(self, case: Case, flow: HttpExchange) -> tuple[Fix, ...]:
        return fixes.arrange(
            case,
            Fix("nginx", f"# no limit_req, no limit_conn in\nlocation = {web_path(flow)} {{ }}")
            if _limits(case, flow)
            else None,
            Fix(
                "shell", f"tail /var/log/nginx/error.log /var/log/apache2/error.log\ncurl -si {quoting.shell(flow.url)}"
            ),
        )


def _limits(case: Case, flow: HttpExchange) -> bool:
    """Whether the server, which is busy, had just answered this very machine."""
    if status_of(flow) != 503:
        return False
    others = (fetch.flow for fetch in case.stage.fetches if isinstance(fetch.flow, HttpExchange))
    return any(
        other.connection.server == flow.connection.server
        and other.request_at.time < flow.request_at.time <= other.request_at.time + _SHORTLY
        and (status_of(other) or 0) in (200, 206)
        for other in others
    )
