"""chain-grub-thinks-tftp; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...model import Finding, Fix
from ...track.kinds import is_http_client
from .. import fixes, names, quoting
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
        A prefix built into GRUB that says (tftp). GRUB without one goes by option 60 of the DHCP reply: in some versions it
        has to be exactly HTTPClient, with nothing behind it.
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
        prefix = f"(http,{flow.server})/{names.directory(flow.filename).strip('/')}"
        build = Fix("grub", f"grub-mkimage -p {quoting.shell(prefix)} …   # or in its script: set prefix={prefix}")
        lease = case.lease
        exact = lease is not None and lease.vendor_class == "HTTPClient"  # then its own prefix says TFTP
        match, tags = dnsmasq_match(case)
        echo = () if exact else fixes.dnsmasq(*match, f"dhcp-option-force={tags},60,HTTPClient")
        yield self.finding(
            case,
            first_and_last([f.requests[0] for f in bad if f.requests], f"RRQ {flow.filename}"),
            subject=flow.server,
            server=flow.server,
            file=flow.filename,
            expected=f"GET for {names.base(flow.filename)} from the web server.",
            fixes=fixes.arrange(case, *echo, build),
        )
