"""tftp-server-down; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...model import Finding, Fix
from .. import fixes, meanwhile, names
from ..case import Case
from ..evidence import first_and_last, port_unreachable
from ..rule import Rule
from . import transfers


class TftpServerDown(Rule):
    """No TFTP server runs at the address the machine asks.

    What happens
        The host is there, but nothing listens on UDP port 69. UEFI shows PXE-E22; many ROMs ignore the ICMP message and
        wait for their timeout.
    On the wire
        RRQ, answered by ICMP type 3 code 3 (port unreachable) that quotes port 69.
    Not to be confused with
        Silence (tftp-no-reply); port unreachable that the *client's* side sends about the server's answer (tftp-nat-loss);
        a request that went to the wrong host although TFTP runs elsewhere (dhcp-wrong-next-server).
    Causes
        The service is not started or crashed, TFTP is not enabled in dnsmasq, the server listens on another address.
    Fix
        Start the TFTP server on that address, or point siaddr and option 66 to where it runs.
    Sources
        RFC 1122 section 4.1.3.1; edk2 NetworkPkg PxeBcBoot.c.
    """

    code = "tftp-server-down"
    stage = "tftp"
    needs = "fetches"
    explains_away = ("tftp-no-reply",)
    summary = "{server} {what}: port {port} unreachable for {file}"

    def check(self, case: Case) -> Iterator[Finding]:
        for fetch, flow in transfers.failed(case):
            refusals = transfers.refusals(flow)
            if not refusals or any(map(transfers.answered, transfers.views(fetch, flow))):
                continue
            other = meanwhile.served(case, flow.server, flow.requests[0].time, flow.requests[-1].time)
            yield self.finding(
                case,
                [
                    *first_and_last(flow.requests, f"RRQ for {names.base(flow.filename) or flow.filename}"),
                    *port_unreachable(refusals[:2]),
                    *(other.proof if other else ()),
                ],
                subject=flow.server,
                server=flow.server,
                port=flow.server_port,
                file=flow.filename,
                expected="An OACK or the first DATA block.",
                what=f"serves {other.who} {other.when}, and turns this machine away" if other else "has no TFTP server",
                fixes=meanwhile.fixes(other, flow.client, flow.server, _fixes(case, flow.server)),
            )


def _fixes(case: Case, server: str) -> tuple[Fix, ...]:
    return fixes.arrange(
        case,
        fixes.DNSMASQ_TFTP,
        Fix("libvirt", "<tftp root='/srv/tftp'/>"),
        Fix("tftpd-hpa", "systemctl enable --now tftpd-hpa"),
        Fix("shell", f"systemctl enable --now tftp.socket\nss -lunp 'sport = :69'   # on {server}"),
    )
