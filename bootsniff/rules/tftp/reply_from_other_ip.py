"""tftp-reply-from-other-ip; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...model import Finding, Fix
from .. import fixes, names
from ..case import Case
from ..evidence import evidence, first_and_last
from ..rule import Rule
from . import transfers


class TftpReplyFromOtherIp(Rule):
    """The TFTP server answers from another address than the one that was asked.

    What happens
        A server with several addresses gets the request on one and answers from another. The machine takes the answer for
        a stranger's and drops it.
    On the wire
        RRQ to A port 69; OACK or DATA to the same client port from B. The client goes on asking A, or sends ICMP port
        unreachable or TFTP error 5 to B.
    Not to be confused with
        A new *port* of the same address: that is how TFTP works. A client that accepts the answer and goes on.
    Causes
        A server that listens on all addresses and lets the route choose the source; virtual and loopback service
        addresses; load balancers; containers.
    Fix
        Bind the server to the address that is asked, or set the source address of the route to the clients.
    Sources
        RFC 1350 section 4; RFC 1123 section 4.2.3; danderson/netboot issue 122.
    """

    code = "tftp-reply-from-other-ip"
    stage = "tftp"
    needs = "fetches"
    explains_away = ("tftp-no-reply", "tftp-nat-loss", "tftp-client-aborts")
    summary = "{asked} was asked for {file}, {other} answered; the machine ignores it"

    def check(self, case: Case) -> Iterator[Finding]:
        for _, flow in transfers.failed(case):
            others = [(address, at) for address, _, at in flow.strangers if address not in (flow.server, flow.client)]
            if not others and flow.reply_from and flow.reply_from[0] != flow.server:
                answer = flow.oacks[:1] or ([flow.body.first] if flow.body.first else [])
                others = [(flow.reply_from[0], at) for at in answer]
            if not others or flow.acked_block > 0 or flow.complete:
                continue
            other = others[0][0]
            yield self.finding(
                case,
                [
                    *first_and_last(flow.requests, f"RRQ to {flow.server}"),
                    *(evidence(at, f"answer from {address}") for address, at in others[:3]),
                ],
                subject=flow.server,
                asked=flow.server,
                file=flow.filename,
                other=names.joined(address for address, _ in others),
                expected=f"The answer comes from {flow.server}.",
                fixes=fixes.arrange(
                    case,
                    Fix("dnsmasq", f"listen-address={flow.server}\nbind-interfaces"),
                    Fix("tftpd-hpa", f'TFTP_ADDRESS="{flow.server}:69"'),
                    Fix("iproute2", f"ip route replace {_network(flow.client)} dev eth0 src {flow.server}"),
                    *fixes.boot_file(case, case.first_boot_file or flow.filename, other)[:1],
                ),
            )


def _network(address: str) -> str:
    return address.rsplit(".", 1)[0] + ".0/24" if "." in address else address
