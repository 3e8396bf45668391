"""chain-grub-thinks-tftp; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...model import Finding, Fix
from ...track.kinds import is_http_client
from .. import fixes, names
from ..case import Case
from ..evidence import first_and_last
from ..recognise import dnsmasq_match
from ..rule import Rule


class ChainGrubThinksTftp(Rule):
    """GRUB came over HTTP and asks for its configuration over TFTP.

    What happens
        The firmware loaded GRUB from a web server, but GRUB looks for grub.cfg on a TFTP server, which is not there.
    On the wire
        The boot program over HTTP, then RRQs of GRUB.
    Not to be confused with
        GRUB that was loaded by TFTP.
    Causes
        GRUB switches to HTTP only when option 60 of the DHCP reply is exactly HTTPClient; anything behind it does not count.
    Fix
        Echo exactly HTTPClient, or build the prefix into GRUB.
    Sources
        GRUB grub-core/net/bootp.c; xcp-ng-org pull request 84.
    """

    code = "chain-grub-thinks-tftp"
    stage = "chain"
    needs = "fetches"
    explains_away = ("tftp-file-not-found", "tftp-server-down", "tftp-no-reply", "chain-no-config-found")
    summary = "GRUB came over HTTP, but asks {server} for {file} over TFTP"

    def concerns(self, client: str) -> bool:
        return client == "grub"

    def check(self, case: Case) -> Iterator[Finding]:
        if not is_http_client(case.firmware):
            return
        bad = [flow for fetch, flow in case.tftp if fetch.status in ("failed", "stalled", "optional")]
        if not bad or any(fetch.status == "complete" for fetch, _ in case.tftp):
            return
        if any(wanted.url.startswith("tftp://") for wanted in case.stage.expectations):
            return  # its configuration, which it found over HTTP, says so
        flow = bad[0]
        match, tags = dnsmasq_match(case)
        yield self.finding(
            case,
            first_and_last([f.requests[0] for f in bad if f.requests], f"RRQ {flow.filename}"),
            subject=flow.server,
            server=flow.server,
            file=flow.filename,
            expected=f"GET for {names.base(flow.filename)} from the web server.",
            fixes=fixes.arrange(
                case,
                *fixes.dnsmasq(*match, f"dhcp-option-force={tags},60,HTTPClient"),
                Fix("grub", f"set prefix=(http,{flow.server})/grub   # grub-mkimage -p"),
            ),
        )
