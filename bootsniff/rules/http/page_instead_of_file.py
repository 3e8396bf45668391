"""http-page-instead-of-file; reads records, never changes them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ...flow.records import HttpExchange
from ...model import Confidence, Finding, Fix
from ...text import printable
from ...track.arrived import dead_end, is_web_page
from ...track.records import FetchRecord
from .. import fixes, names, quoting
from ..case import Case
from ..evidence import naming
from ..rule import Rule
from . import exchanges

_PROGRAM = re.compile(rb"""href=["']?(?:\./)?([\w.-]{1,100}\.efi)["'\s>]""", re.IGNORECASE)
"""A link of a listing to an EFI program in the same directory."""
_WANTED = {
    "script": "a script",
    "config-search": "a configuration",
    "kernel": "a kernel",
    "initrd": "an initial RAM disk",
    "image": "a disk image",
}


class HttpPageInsteadOfFile(Rule):
    """The web server sends a web page where a boot file should be.

    What happens
        The answer looks like a success, but its body is a page for people: a login form, an error text, the start page of a
        web application. Boot programs cannot use it: iPXE says "Exec format error" (2e008081), GRUB "invalid magic number"
        or it ends at its prompt, firmware drops it.
    On the wire
        Status 200, the whole body, and the body begins with HTML. Nothing that the wanted file would ask for follows.
    Not to be confused with
        A page that comes with an error status (http-404, http-403, http-5xx), which boot programs notice. A page that a
        script fetches to report something, and after which it goes on.
    Causes
        A login or a captive portal in front of the server; an application that answers every path with its start page; a
        directory index; a script on the server that fails and prints its error.
    Fix
        Let the web server send the file itself for that path, without login, and status 404 for paths that do not exist.
    Sources
        RFC 9110 section 15.3.1; iPXE image.c and error page 2e008081; GRUB grub-core/loader/i386/linux.c.
    """

    code = "http-page-instead-of-file"
    stage = "http"
    needs = "fetches"
    explains_away = (
        "arch-bios-file-to-efi",
        "chain-no-config-found",
        "http-content-type-not-boot",
        "http-lowercase-header",
        "http-no-length",
    )
    summary = "{url} brings a web page, not {wanted}{title}"

    def check(self, case: Case) -> Iterator[Finding]:
        if case.client == "os":
            return
        fetch = dead_end(case.stage)
        if fetch is None or not is_web_page(fetch) or not isinstance(fetch.flow, HttpExchange):
            return  # nothing of the kind, or something came after it: the program did without
        flow = fetch.flow
        confidence: Confidence = "likely" if fetch.role == "other" else "certain"
        yield self.finding(
            case,
            [*naming(case), *exchanges.proof(flow)],
            confidence=confidence,
            subject=flow.url,
            url=flow.url,
            wanted=_wanted(case, fetch),
            title=_title(flow),
            expected="Status 200 with the file itself, or status 404.",
            proof="" if confidence == "certain" else "The script that asked for it: can it do without?",
            fixes=fixes.arrange(
                case,
                *_inside(case, fetch, flow),
                Fix("shell", f"curl -s {quoting.shell(flow.url)} | head -n 5"),
                Fix(
                    "nginx",
                    f"location = {exchanges.web_path(flow)} {{\n  root /var/www/html;\n  try_files $uri =404;\n}}",
                ),
            ),
        )


def _inside(case: Case, fetch: FetchRecord, flow: HttpExchange) -> tuple[Fix, ...]:
    """For a boot URL that names a directory: the URL of a program in it, one that the listing has."""
    path = flow.url.split("?")[0]
    if not path.endswith("/") or not case.dhcp4 or not case.is_boot_file(fetch) or not case.is_http:
        return ()
    linked = _PROGRAM.search(flow.body.head)
    name = printable(linked[1]) if linked else names.loader_for(case.client)
    return fixes.http_boot(case, path + name)


def _wanted(case: Case, fetch: FetchRecord) -> str:
    if case.client in ("grub", "pxelinux") and fetch.role == "script":
        return "a configuration"
    if fetch.role == "boot-file":
        return "a boot program" if not case.is_ipxe else "a script or a boot program"
    return _WANTED.get(fetch.role, "a boot file")


def _title(flow: HttpExchange) -> str:
    """The page's own title, which often says what is wrong."""
    head = flow.body.head[:4096]
    start = head.lower().find(b"<title>")
    end = head.lower().find(b"</title>", start)
    if start < 0 or end < 0:
        return ""
    text = " ".join(printable(head[start + 7 : end], 80).split())
    return f" (“{text}”)" if text else ""
