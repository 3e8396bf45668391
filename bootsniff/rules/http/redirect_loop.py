"""http-redirect-loop; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...model import Finding, Fix
from ...track.circles import redirect_circle
from .. import names, quoting
from ..case import Case
from ..evidence import evidence, naming
from ..rule import Rule
from . import exchanges


class HttpRedirectLoop(Rule):
    """The server redirects the boot program in a circle.

    What happens
        The web server answers with a redirect, and what it redirects to leads back. iPXE follows for ever and shows nothing
        but dots: it neither counts redirects nor notices that it was there before.
    On the wire
        One 301, 302, 303, 307 or 308 after the other for the same one or two URLs, as fast as the line allows.
    Not to be confused with
        A redirect that is not followed (http-redirect-not-followed), one that leads to the file after a few steps, and a
        script that asks again and again by itself (chain-script-loop).
    Causes
        A rule that adds or takes away a slash or a host name and is undone by another one; http to https and, behind a proxy
        that ends TLS, back again; a login page that redirects to itself without its cookie.
    Fix
        Serve the boot files without redirects, or name the final URL.
    Sources
        RFC 9110 section 15.4; iPXE net/tcp/httpcore.c (http_open_uri, no limit); lab captures.
    """

    code = "http-redirect-loop"
    stage = "http"
    needs = "fetches"
    explains_away = ("http-redirect-not-followed",)
    summary = "{url} is redirected in a circle: {turns} redirects, always to {places}"

    def check(self, case: Case) -> Iterator[Finding]:
        run = redirect_circle(case.stage)
        if run is None:
            return
        first, last = run[0], run[-1]
        places = dict.fromkeys((flow.response.get("location") or "") if flow.response else "" for flow in run)
        yield self.finding(
            case,
            [
                *naming(case),
                *exchanges.proof(first),
                evidence(last.request_at, f"{exchanges.request_line(last)}, still"),
            ],
            subject=first.url,
            url=first.url,
            turns=len(run),
            places=names.joined(places),
            expected="Status 200 with the file.",
            fixes=exchanges.suited(
                first,
                (
                    Fix("shell", f"curl -sIL --max-redirs 5 {quoting.shell(first.url)}"),
                    Fix("nginx", exchanges.without_redirect(first)),
                ),
            ),
        )
