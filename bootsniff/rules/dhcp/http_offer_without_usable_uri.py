"""dhcp-http-offer-without-usable-uri; reads records, never changes them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ...model import Finding
from ...wire import urls
from ...wire.addresses import is_ipv4
from ...wire.http import is_web_url
from .. import fixes, names
from ..arch.machines import is_for_another
from ..case import Case
from ..evidence import evidence, first_and_last, maybe, naming
from ..offers import Offer
from ..rule import Rule


class DhcpHttpOfferWithoutUsableUri(Rule):
    """HTTP boot firmware was offered no URL, or PXE firmware was offered one.

    What happens
        Boot files come in two languages: HTTP boot firmware wants a whole URL, PXE firmware a path on a TFTP server. This
        machine got the other one's. HTTP boot ignores such an offer; PXE asks the TFTP server for a file called http://…
    On the wire
        Option 60 HTTPClient is echoed and the boot file is missing or no http(s) URL, or it is not echoed and the file is
        a path; no REQUEST follows. Reverse: an RRQ whose file name starts with http://.
    Not to be confused with
        A URL without the echo (dhcp-http-vendor-class-not-echoed). iPXE takes both and is never meant here.
    Causes
        One boot file for all clients; a rule for HTTP clients (architectures 15, 16, 18, 19) that is missing, so that the
        default's path is offered; an architecture written in the wrong base.
    Fix
        Give each kind its own tag: a path and next-server for PXE, a URL and option 60 for HTTP.
    Sources
        edk2 NetworkPkg HttpBootDhcp4.c and PxeBcBoot.c; lab captures with dnsmasq 2.90.
    """

    code = "dhcp-http-offer-without-usable-uri"
    stage = "dhcp"
    misses_options = True
    side_issue = True
    explains_away = ("tftp-file-not-found", "tftp-access-violation", "tftp-no-reply", "dhcp-offer-lost")
    summary = "{server} offers {name} {what}"

    def check(self, case: Case) -> Iterator[Finding]:
        if case.is_http and case.dhcp4:
            yield from self._path_for_http(case)
        elif case.is_firmware_pxe:
            yield from self._url_for_pxe(case)

    def _path_for_http(self, case: Case) -> Iterator[Finding]:
        replies = [*case.offers, *case.proxy_offers]
        if not replies or any(reply.is_url and not _has_blank(reply) for reply in replies):
            return
        wrong = [
            reply
            for reply in replies
            if (reply.echoes_http or reply.boot_file) and (reply.echoes_http or not reply.is_url)
        ]
        if not wrong or case.stage.fetches:
            return
        offer = wrong[0]
        again = case.asked_again(offer)
        yield self.finding(
            case,
            [
                evidence(offer.heard, f"offer with {offer.boot_file}" if offer.boot_file else "offer without a URL"),
                *first_and_last(again, "DISCOVER again, the offer is ignored"),
                *(evidence(ack.heard, "lease") for ack in case.acks[:1]),
            ],
            server=offer.server,
            name=case.stage.name or case.client,
            what=_what(offer),
            expected="An OFFER with option 60 HTTPClient and an http:// or https:// URL.",
            fixes=fixes.http_boot(case, _mended(offer) or fixes.example_url(case, _startable(case, offer.boot_file))),
        )

    def _url_for_pxe(self, case: Case) -> Iterator[Finding]:
        for fetch, flow in case.tftp:
            url = urls.split(flow.filename)
            if url is not None and url.scheme in ("http", "https", "tftp") and fetch.status != "complete":
                # A URL of TFTP, for iPXE, say: what it means can be said in two words.
                own = url.scheme == "tftp" and is_ipv4(url.host)
                name, host = (url.path.lstrip("/"), url.host) if own else (names.base(url.path), None)
                server = case.named.server if case.named else flow.server
                yield self.finding(
                    case,
                    [
                        *naming(case),
                        *first_and_last(flow.requests, f"RRQ for {flow.filename}"),
                        *maybe(flow.error_at, "TFTP error"),
                    ],
                    server=server,
                    name=case.stage.name or case.client,
                    what=f"the URL {flow.filename}, which PXE takes for a TFTP file name",
                    expected="A path on the TFTP server.",
                    fixes=fixes.boot_file(case, name or None, host),
                )
                return


def _has_blank(offer: Offer) -> bool:
    """A URL that edk2 takes for none: a blank in it has to be written %20 (HttpUtilitiesDxe, NetHttpParseUrl)."""
    return offer.is_url and " " in (offer.boot_file or "").strip()


def _what(offer: Offer) -> str:
    if not offer.boot_file:
        return "no URL, though it answers as HTTPClient"
    if _has_blank(offer):
        return f"the URL {offer.boot_file}, with a blank in it"
    if "://" in offer.boot_file:
        return f"{offer.boot_file}, which is no http or https URL"
    return f"the path {offer.boot_file}, not a URL"


def _mended(offer: Offer) -> str | None:
    """The offered URL as HTTP boot firmware could use it; None for a mere path. A URL may lack its scheme alone."""
    text = (offer.boot_file or "").strip().replace(" ", "%20")
    url = urls.split(text)
    if url is None:
        return f"http://{text}" if is_ipv4(re.split("[:/]", text)[0]) else None
    return url.text if is_web_url(text) else url._replace(scheme="http", port=None).text


def _startable(case: Case, path: str | None) -> str | None:
    """The offered file by its name, unless HTTP boot firmware cannot start it or it did no good when it was tried."""
    if not path or names.BIOS_NAME.search(path):
        return None
    name = names.base(path)
    tried = [fetch for stage in case.boot.stages for fetch in stage.fetches if names.base(names.path_of(fetch)) == name]
    return None if any(fetch.status == "failed" or is_for_another(case, fetch) for fetch in tried) else name
