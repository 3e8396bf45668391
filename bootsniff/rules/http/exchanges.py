"""Questions that several HTTP rules ask of an exchange; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from ...flow.records import HttpExchange
from ...model import Evidence, Finding, Fix
from ...track.records import FetchRecord
from ...track.switches import is_switch
from ...wire import urls
from .. import names, quoting, unset
from ..case import Case
from ..evidence import evidence, maybe, named_in_script
from ..rule import Rule


def status_of(flow: HttpExchange) -> int | None:
    return flow.response.status if flow.response else None


def request_line(flow: HttpExchange) -> str:
    """`GET /menu.ipxe`."""
    return f"{flow.request.method} {flow.request.target}" if flow.request else f"request for {urls.path_of(flow.url)}"


def proof(flow: HttpExchange) -> Iterator[Evidence]:
    """The request and the head of its response."""
    yield evidence(flow.request_at, request_line(flow))
    yield from maybe(
        flow.response_at, f"status {status_of(flow)} {flow.response.reason}".rstrip() if flow.response else "response"
    )


def bodies(case: Case, url: str) -> Iterator[bytes]:
    """The beginnings of what came for a URL in this stage: HEAD, which firmware sends first, brings none."""
    return (flow.body.head for flow in case.http_of.get(url, ()) if flow.body.head)


def failed(case: Case) -> Iterator[tuple[FetchRecord, HttpExchange]]:
    """Exchanges of this stage that did not end well and were not made good later in the same stage."""
    for fetch, flow in case.http:
        known = flow.request is not None and fetch.role != "optional"
        if known and fetch.in_vain and not case.came_later(fetch):
            yield fetch, flow


def answered_later(case: Case, flow: HttpExchange) -> bool:
    """Whether the same request, sent once more in this stage, was answered, whatever the answer (RFC 9112 section 9.3.1)."""
    return any(
        other.response is not None
        and other.url == flow.url
        and other.request_at.time > flow.request_at.time
        and flow.request is not None
        and other.request is not None
        and other.request.method == flow.request.method
        for _, other in case.http
    )


def without_redirect(flow: HttpExchange) -> str:
    """Lines of nginx that serve a directory as it is."""
    place = quoting.quoted(quoting.unescaped(names.directory(urls.path_of(flow.url)) or "/"))
    return f"location {place} {{\n  # no return 301, no rewrite\n  root /var/www/html;\n}}"


_PROXIES = ("squid", "tinyproxy", "privoxy", "mikrotik httpproxy", "zscaler", "bluecoat")
"""How proxies that networks put before their machines begin the Server field of their own answers."""
_WEB_SERVERS = ("nginx", "apache", "lighttpd")


def suited(flow: HttpExchange, known: tuple[Fix, ...]) -> tuple[Fix, ...]:
    """Fixes without the lines of other web servers than the one that calls itself something in its response."""
    said = (flow.response.get("server") or "").lower() if flow.response else ""
    return tuple(fix for fix in known if fix.target not in _WEB_SERVERS or not said or fix.target in said)


class HttpStatusRule(Rule):
    """A response status that ends the boot: what the rules for single statuses share."""

    needs = "fetches"
    of_proxy: ClassVar[bool] = False
    """Whether it is about answers that a proxy gives on its own account; the others are about the web server's."""

    def applies(self, status: int) -> bool:
        raise NotImplementedError

    def mend(self, case: Case, flow: HttpExchange) -> tuple[Fix, ...]:
        raise NotImplementedError

    def leaves_out(self, case: Case, flow: HttpExchange) -> bool:  # noqa: ARG002 - few rules do
        """Whether another rule knows better about this very exchange."""
        return False

    def hint(self, case: Case, flow: HttpExchange) -> str:  # noqa: ARG002 - few statuses have one
        """Why, as far as the capture shows it; stands behind the summary."""
        return ""

    def check(self, case: Case) -> Iterator[Finding]:
        if case.client == "os":
            return  # os-config-fetch-failed knows which of an installer's fetches matter
        for fetch, flow in failed(case):
            status = status_of(flow)
            if status is None or not self.applies(status) or self.leaves_out(case, flow) or _did_without(case, fetch):
                continue
            if _says_proxy(flow) != self.of_proxy:
                continue
            yield self.finding(
                case,
                [*named_in_script(case, flow.url), *unset.naming(case, flow.url), *proof(flow)],
                subject=flow.url,
                server=flow.connection.server,
                url=flow.url,
                status=status,
                reason=flow.response.reason if flow.response else "",
                hint=self.hint(case, flow),
                expected="Status 200 with the file.",
                fixes=suited(flow, self.mend(case, flow)),
            )
            if is_switch(case.stage):
                return  # the first of a list of names, of which one would do


def _says_proxy(flow: HttpExchange) -> bool:
    """Whether a proxy refuses a request by itself: what it only passes on bears the web server's name."""
    head = flow.response
    if head is None or not 400 <= (head.status or 0) <= 499:
        return False
    name = (head.get("server") or "").lower()
    return head.status == 407 or head.get("x-squid-error") is not None or name.startswith(_PROXIES)


def _did_without(case: Case, fetch: FetchRecord) -> bool:
    """A name of a search list, after which something else arrived."""
    return fetch.role == "config-search" and any(
        other.status == "complete" and other.start > fetch.start for other in case.stage.fetches
    )


def path_on_disk(flow: HttpExchange) -> str:
    """Where the file would lie below the usual document root."""
    return quoting.below("/var/www/html", quoting.unescaped(urls.path_of(flow.url)))


def web_path(flow: HttpExchange) -> str:
    """The path as nginx compares it with a `location`."""
    return quoting.quoted(quoting.unescaped(urls.path_of(flow.url)))
