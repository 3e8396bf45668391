"""http-redirect-not-followed; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...flow.records import HttpExchange
from ...model import Finding, Fix
from ...track.circles import REDIRECTS
from ...track.naming import joined, plain_path
from ...track.next_file import ipxe_features
from ...wire import urls
from ...wire.http import is_https
from .. import fixes, names, quoting
from ..case import Case
from ..evidence import evidence, naming
from ..rule import Rule
from . import exchanges


class HttpRedirectNotFollowed(Rule):
    """The server redirects and the boot program does not follow.

    What happens
        The web server sends the machine elsewhere. UEFI HTTP boot does not follow redirects ("HTTP ERROR: Resource
        Redirected"), and stops.
    On the wire
        Status 301, 302, 303, 307 or 308 with a Location field; no request or connection to that place.
    Not to be confused with
        iPXE, which follows redirects: a failure there lies in the new place, or they lead in a circle
        (http-redirect-loop). Only a build without https stops where it is led there.
    Causes
        A virtual host that redirects http to https, a missing trailing slash, a doubled slash in the path; a login page or
        a captive portal in front of the server.
    Fix
        Name the final URL where the file itself stands there; switch the redirect off for the boot files, the login too; or
        a build of iPXE that does https.
    Sources
        RFC 9110 section 15.4; edk2 NetworkPkg HttpBootImpl.c and tianocore/edk2 issue 9714; tinkerbell/smee pull request 229;
        siderolabs/talos issue 12717; FOGProject issue 978.
    """

    code = "http-redirect-not-followed"
    stage = "http"
    needs = "fetches"
    summary = "{url} is redirected to {location}, and {name} does not go there{why}"

    def check(self, case: Case) -> Iterator[Finding]:
        redirects = [(fetch, flow) for fetch, flow in case.http if exchanges.status_of(flow) in REDIRECTS]
        if not redirects:
            return
        asked, connected = _went_to(case)
        for fetch, flow in redirects:
            location = flow.response.get("location") if flow.response else None
            if not location or fetch.role == "optional":
                continue
            target = urls.split(location)
            since = fetch.start
            targets = asked.get(plain_path(target.path if target else location), {})
            if any(start > since and url != flow.url for url, start in targets.items()):
                continue
            if any(start > since for start in asked.get("", {}).values()):
                continue  # a response came whose request is not in the capture: perhaps this one
            if (
                target
                and target.scheme == "https"
                and any(port == target.tcp_port and start > since for port, start in connected.items())
            ):
                continue  # to where the capture cannot read
            final = joined(flow.url, location)
            told = ipxe_features(case.stage) if case.is_ipxe and is_https(final) else None
            without = case.is_ipxe and is_https(final) and (told is None or "https" not in told[1])
            yield self.finding(
                case,
                [
                    *naming(case),
                    *exchanges.proof(flow),
                    *([evidence(told[0], "iPXE lists its features: no https")] if told and without else ()),
                ],
                subject=flow.url,
                url=flow.url,
                location=location,
                name=case.stage.name or case.client,
                why=": this build does no https" if told and without else "",
                expected=f"A request for {location}, or status 200 at once.",
                fixes=fixes.arrange(
                    case,
                    *_final(case, flow.url, final),
                    Fix("nginx", exchanges.without_redirect(flow)),
                    fixes.IPXE_WITH_HTTPS if without else None,
                ),
            )


def _final(case: Case, url: str, final: str) -> tuple[Fix, ...]:
    """Lines that name the place itself, where the same file seems to stand there: a login page has another name."""
    if names.base(plain_path(url)) != names.base(plain_path(final)):
        look = "curl -sL -o /dev/null -w '%{http_code} %{content_type} %{size_download} bytes, %{url_effective}\\n'"
        return (Fix("shell", f"{look} {quoting.shell(url)}   # what stands there"),)
    return fixes.http_boot(case, final)[:2] if case.is_http and case.dhcp4 else ()


def _went_to(case: Case) -> tuple[dict[str, dict[str, int]], dict[int, int]]:
    """When the machine asked last for each file, by path and URL, and when it connected last to each port."""
    asked: dict[str, dict[str, int]] = {}
    connected: dict[int, int] = {}
    for stage in (case.stage, *case.followers):
        for fetch in stage.fetches:
            url = fetch.flow.url if isinstance(fetch.flow, HttpExchange) else ""
            asked.setdefault(plain_path(names.path_of(fetch)), {})[url] = fetch.start
        for connection in stage.connections:
            connected[connection.server_port] = connection.start
    return asked, connected
