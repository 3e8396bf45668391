"""http-plain-disabled; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...model import Finding
from ...track.kinds import is_http_client
from .. import fixes
from ..case import Case
from ..evidence import evidence, naming
from ..rule import Rule


class HttpPlainDisabled(Rule):
    """The firmware may allow https only.

    What happens
        The firmware takes the offer, gets its address and then does nothing: plain http is switched off in it. It shows
        "Access forbidden, only HTTPS connection is allowed".
    On the wire
        The whole DHCP exchange with an http URL, then no DNS query, no ARP for the server, no SYN.
    Not to be confused with
        A Secure Boot refusal (nbp-secure-boot-refused): there the file is fetched whole first. A server whose hardware
        address is not found (arp-next-server-unanswered). A capture of the ports of DHCP and TFTP only, or one
        at another port of the switch, which have no TCP.
    Causes
        Firmware built with PcdAllowHttpConnections off, or a setup option of the vendor.
    Fix
        An https URL and an enrolled certificate authority, or the setup option.
    Sources
        edk2 NetworkPkg HttpBootSupport.c and NetworkPkg.dec (PcdAllowHttpConnections).
    """

    code = "http-plain-disabled"
    stage = "http"
    needs = "dhcp4"
    summary = "{name} was given {url} and its address, and asks nobody for it"

    def concerns(self, client: str) -> bool:
        return is_http_client(client)

    def check(self, case: Case) -> Iterator[Finding]:
        url = case.boot_file or ""
        if not case.acks or not url.lower().startswith("http://") or not case.asked_nothing:
            return
        quality = case.world.quality
        if not (quality.sees_replies and quality.arp_seen and quality.unicast_seen):
            return  # it may ask where this capture cannot show it
        if any(arps.target not in case.stage.given for arps in case.stage.arps):
            return  # it looks for the server, or for the way to it
        secure = "https://" + url[len("http://") :]
        yield self.finding(
            case,
            [*naming(case), evidence(case.acks[-1].heard, "lease, nothing follows")],
            confidence="likely" if quality.tcp_seen and case.gave_up else "possible",
            subject=url,
            name=case.stage.name or case.client,
            url=url,
            expected="A DNS query or a SYN to the server.",
            proof="The firmware's screen, or the same boot with an https URL.",
            fixes=fixes.http_boot(case, secure),
        )
