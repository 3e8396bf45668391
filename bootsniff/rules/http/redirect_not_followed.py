"""http-redirect-not-followed; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...model import Finding, Fix
from ...track.arrived import REDIRECTS
from ...track.naming import same_file
from .. import fixes, names
from ..case import Case
from ..evidence import naming
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
        (http-redirect-loop).
    Causes
        A virtual host that redirects http to https, a missing trailing slash, a doubled slash in the path.
    Fix
        Name the final URL, and switch the redirect off for the boot files.
    Sources
        RFC 9110 section 15.4; edk2 NetworkPkg HttpBootImpl.c and tianocore/edk2 issue 9714; tinkerbell/smee pull request 229.
    """

    code = "http-redirect-not-followed"
    stage = "http"
    needs = "fetches"
    summary = "{url} is redirected to {location}, and {name} does not go there"

    def check(self, case: Case) -> Iterator[Finding]:
        for fetch, flow in case.http:
            status = exchanges.status_of(flow)
            location = flow.response.get("location") if flow.response else None
            if status not in REDIRECTS or not location or fetch.role == "optional":
                continue
            if _followed(case, flow.url, location, fetch.start):
                continue
            final = location if names.parts(location) else _joined(flow.url, location)
            yield self.finding(
                case,
                [*naming(case), *exchanges.proof(flow)],
                subject=flow.url,
                url=flow.url,
                location=location,
                name=case.stage.name or case.client,
                expected=f"A request for {location}, or status 200 at once.",
                fixes=fixes.arrange(
                    case,
                    *(fixes.http_boot(case, final)[:2] if case.is_http and case.dhcp4 else ()),
                    Fix("nginx", exchanges.without_redirect(flow)),
                ),
            )


def _followed(case: Case, url: str, location: str, since: int) -> bool:
    stages = [case.stage, *case.followers]
    split = names.parts(location)
    for stage in stages:
        for fetch in stage.fetches:
            if fetch.start > since and same_file(names.path_of(fetch), names.url_path(location)):
                target = getattr(fetch.flow, "url", "")
                if target != url:
                    return True
        for connection in stage.connections:
            port = split[2] or {"http": 80, "https": 443}.get(split[0]) if split else None
            if connection.start > since and port and connection.server_port == port and split and split[0] == "https":
                return True
    return False


def _joined(url: str, location: str) -> str:
    split = names.parts(url)
    if split is None:
        return location
    port = f":{split[2]}" if split[2] else ""
    path = location if location.startswith("/") else names.directory(split[3]) + location
    return f"{split[0]}://{split[1]}{port}{path}"
