"""tftp-acks-lost; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...flow.records import TftpTransfer
from ...model import NANOSECONDS, Evidence, Finding, Fix
from .. import fixes
from ..case import Case
from ..evidence import evidence, first_and_last, maybe, too_big
from ..rule import Rule
from . import transfers

_PORTS = "4096", "4159"
"""An example: 64 transfers at a time."""
_OFTEN = 3
"""OACKs without an ACK."""
ASKED_ANEW = 6 * NANOSECONDS
"""By now every program has repeated a request of which it heard nothing: U-Boot after 5 s, edk2 after 4, others sooner."""


class TftpAcksLost(Rule):
    """The TFTP server does not hear the machine's acknowledgements.

    What happens
        The server answers the request from a port of its own, and the machine acknowledges that to this port. The server
        repeats its first packet as if nothing had come, until both give up: something between this capture point and the
        server's program drops what goes to the new port.
    On the wire
        RRQ, OACK, ACK 0; then the same OACK again and again, and an ACK 0 for each. Where the server takes no options:
        the same with DATA 1 and ACK 1. Where the ACKs are lost before this capture point: the OACK again and again, no ACK,
        and no second request either, which a machine that has not heard the OACK would send.
    Not to be confused with
        Large blocks that get lost (tftp-mtu-blackhole): the server has heard ACK 0 then, and sends its OACK no more. Answers
        that the machine does not get, and so does not acknowledge (tftp-reply-lost). A request that the machine repeats,
        which is answered with another OACK.
    Causes
        A firewall on the server, or before it, that passes port 69 alone; a load balancer or a published port of a container
        that sends each port elsewhere.
    Fix
        Let established traffic in, or give the server a range of ports and let these in.
    Sources
        RFC 1350 section 4 (transfer identifiers); lab captures with tftpd-hpa 5.2 behind an nft input chain that accepts
        ports 67 and 69.
    """

    code = "tftp-acks-lost"
    stage = "tftp"
    needs = "fetches"
    explains_away = ("tftp-mtu-blackhole", "tftp-timeout-mid-transfer")
    summary = "{server} does not hear the machine: it repeats its {packet} {count} times{although}"

    def check(self, case: Case) -> Iterator[Finding]:
        for fetch, flow in transfers.failed(case):
            heard = next((found for view in transfers.views(fetch, flow) if (found := _repeated(view))), None)
            if heard is None or flow.error or too_big(flow.icmp) or flow.fragments_missing:
                continue
            packet, count, proof = heard
            acknowledged = any(view.ack_count for view in transfers.views(fetch, flow))
            yield self.finding(
                case,
                [*(evidence(ref, f"RRQ {flow.filename}") for ref in flow.requests[:1]), *proof],
                confidence="likely" if acknowledged or case.went_on else "possible",
                subject=flow.server,
                server=flow.server,
                packet=packet,
                count=count,
                although=" although it is acknowledged"
                if acknowledged
                else ", and the machine does not ask again: it heard it, and its ACK is lost"
                + ("" if case.went_on else ", or it stopped"),
                expected="The next block after the first ACK." if acknowledged else "ACK 0, or the request again.",
                proof=f"A capture on {flow.server} itself (do the ACKs arrive?), and its firewall's counters."
                if acknowledged
                else "A capture nearer to the machine, on its own tap or switch port: does it send ACKs?",
                fixes=_fixes(case, flow.server),
            )


def _repeated(flow: TftpTransfer) -> tuple[str, int, list[Evidence]] | None:
    """What the server sent twice and more after it was acknowledged, though nobody asked anew; None where it went on."""
    first = flow.newest_ack
    if first is None:
        return _never_acknowledged(flow)
    if flow.acked_block != flow.highest_block or flow.window_size != 1:
        return None
    since = max(first.time, *(ref.time for ref in flow.requests)) if flow.requests else first.time
    answered = list(maybe(first, f"ACK {flow.acked_block}, the first"))
    if flow.acked_block == 0 and not flow.body.packets:
        again = [ref for ref in flow.oacks if ref.time > since]
        if len(again) >= 2:
            return "OACK", flow.oack_count - 1, [*answered, *first_and_last(again, "OACK again")]
    last = flow.last_from_server
    if flow.acked_block == 1 and not flow.oack_count and last is not None and last.time > since:
        count = flow.body.retransmissions
        if count >= 2 and flow.ack_count > count:
            return "DATA 1", count, [*answered, *maybe(flow.body.first, "DATA 1"), evidence(last, "DATA 1 again")]
    return None


def _never_acknowledged(flow: TftpTransfer) -> tuple[str, int, list[Evidence]] | None:
    """An OACK that is repeated for longer than any program waits before it repeats a request of which it heard nothing."""
    last = flow.last_from_server
    if (
        flow.request_count != 1
        or flow.oack_count < _OFTEN
        or flow.body.packets
        or last is None
        or flow.strangers
        or flow.size == 0
    ):
        return None
    if last.time - flow.start < ASKED_ANEW:
        return None
    return "OACK", flow.oack_count - 1, [*first_and_last(flow.oacks, "OACK, not acknowledged")]


def _fixes(case: Case, server: str) -> tuple[Fix, ...]:
    low, high = _PORTS
    accept = f"# and in its firewall:\n# nft insert rule inet filter input udp dport {low}-{high} accept"
    return (
        Fix("nft", f"nft insert rule inet filter input ct state established,related accept   # on {server}"),
        fixes.firewalld(case, "--add-service=tftp", server),
        *fixes.arrange(
            case,
            Fix("tftpd-hpa", f'TFTP_OPTIONS="--secure --port-range {low}:{high}"\n{accept}'),
            Fix("dnsmasq", f"tftp-port-range={low},{high}\n{accept}"),
        ),
    )
