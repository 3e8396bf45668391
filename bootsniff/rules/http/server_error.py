"""http-5xx; reads records, never changes them."""

from __future__ import annotations

from bisect import bisect_left

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
            Fix("nginx", f"# none of limit_req, limit_conn here, nor around it\nlocation = {web_path(flow)} {{ }}")
            if _limits(case, flow)
            else None,
            Fix(
                "shell", f"tail /var/log/nginx/error.log /var/log/apache2/error.log\ncurl -si {quoting.shell(flow.url)}"
            ),
        )


def _limits(case: Case, flow: HttpExchange) -> bool:
    """Whether the server, which is busy, had just answered this very machine, and is not busy at other times too."""
    if status_of(flow) != 503:
        return False
    latest = next(one for one in reversed(case.http_of[flow.url]) if status_of(one) == 503)
    answered = case.http_answered.get(flow.connection.server, [])
    return all(_just_before(answered, one.request_at.time) for one in (flow, latest))


def _just_before(times: list[int], time: int) -> bool:
    before = bisect_left(times, time)
    return before > 0 and time - times[before - 1] <= _SHORTLY
