"""http-content-type-not-boot; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...flow.records import HttpExchange
from ...model import Finding, Fix
from ...track.arrived import is_no_boot_type
from ...track.kinds import is_http_client
from .. import fixes, names
from ..case import Case
from ..evidence import naming
from ..rule import Rule
from . import exchanges


class HttpContentTypeNotBoot(Rule):
    """UEFI HTTP boot cannot tell that the file is a boot image.

    What happens
        The firmware looks at the media type, then at the end of the URL. When neither says EFI program or disk image, it
        drops the file (NOT_FOUND), though it arrived whole.
    On the wire
        Status 200; the URL does not end in .efi, .iso or .img; Content-Type is none of application/efi,
        application/vnd.efi-iso, application/vnd.efi-img. Nothing follows, sometimes not even the GET after the HEAD.
    Not to be confused with
        A file that arrived and was refused for another reason (arch-wrong-efi-machine, nbp-secure-boot-refused).
    Causes
        Boot programs made by PHP or CGI scripts, URLs without a file name, disk images without an ending.
    Fix
        Let the URL end in .efi, .iso or .img, or set the media type that fits.
    Sources
        edk2 NetworkPkg HttpBootSupport.c (HttpBootCheckImageType); UEFI specification section 24.7.3.1.
    """

    code = "http-content-type-not-boot"
    stage = "http"
    needs = "fetches"
    explains_away = ("nbp-secure-boot-refused", "nbp-stalls-after-download", "tcp-reset-or-stall-mid-body")
    summary = "{url} is {type}: the firmware does not take it for a boot image"

    def concerns(self, client: str) -> bool:
        return is_http_client(client)

    def check(self, case: Case) -> Iterator[Finding]:
        for fetch, flow in case.http:
            if not case.is_boot_file(fetch) or not is_no_boot_type(case.stage, fetch) or flow.response is None:
                continue
            path = flow.url.split("?")[0]
            listing = path.endswith("/") and (flow.response.media_type or "") == "text/html"
            kind, media_type = _kind(case, flow)
            final = path + names.loader_for(case.client) if listing else path.rstrip("/") + kind
            yield self.finding(
                case,
                [*naming(case), *exchanges.proof(flow)],
                subject=flow.url,
                url=flow.url,
                type=flow.response.media_type or "without a Content-Type",
                expected=f"A URL that ends in .efi, .iso or .img, or Content-Type: {media_type}.",
                fixes=fixes.http_boot(case, final)
                if listing  # the page of a directory
                else (
                    Fix(
                        "nginx",
                        f"location = {exchanges.web_path(flow)} {{\n  types {{ }}\n  default_type {media_type};\n}}",
                    ),
                    Fix("apache", f"ForceType {media_type}"),
                    *fixes.http_boot(case, final)[:1],
                ),
            )
            return


def _kind(case: Case, flow: HttpExchange) -> tuple[str, str]:
    """Ending and media type of what stands there, as far as a body was seen: an image of a disk is no program."""
    begins = next(exchanges.bodies(case, flow.url), b"MZ")
    return (".efi", "application/efi") if begins.startswith(b"MZ") else (".iso", "application/vnd.efi-iso")
