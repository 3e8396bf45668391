"""tftp-reply-lost; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...flow.records import TftpTransfer
from ...model import Finding, Fix, FrameRef
from ...track.naming import plain_path
from ...track.tftp_outcome import LOST_REPLIES, asked_anew
from ...track.unheard import asks_behind_error
from .. import fixes, names, on_the_way
from ..case import Case
from ..evidence import evidence, first_and_last, maybe
from ..rule import Rule
from . import transfers


class TftpReplyLost(Rule):
    """The TFTP server answers, and nothing of it arrives at the machine.

    What happens
        The machine asks for its boot file again and again as if nobody answered; the server does answer, from a port of its
        own, and something between this capture point and the machine drops that.
    On the wire
        The same RRQ several times, from one port or each from a new one; to each one an OACK or DATA 1, repeated by the
        server; not one ACK. Or an ERROR to each one.
    Not to be confused with
        A server that does not answer (tftp-no-reply). Large blocks alone that get lost, after an OACK that arrived
        (tftp-mtu-blackhole). An answer from another address (tftp-reply-from-other-ip). A NAT that both its sides show
        (tftp-nat-loss).
    Causes
        A firewall, on a router, a bridge or a switch, that lets port 69 pass and knows nothing of the server's new port; a
        NAT without the TFTP helper, captured on the server's side; a checksum that the sender's card should have filled in.
    Fix
        Let the answers pass as related traffic, with the TFTP conntrack helper; capture on the machine's own port.
    Sources
        RFC 1350 section 4; Linux nf_conntrack_tftp; lab captures with nft on a bridge.
    """

    code = "tftp-reply-lost"
    stage = "tftp"
    needs = "fetches"
    explains_away = ("tftp-timeout-mid-transfer",)
    summary = (
        "{server} answers, but nothing arrives at the machine: {file} requested {count} times in {time}, "
        "answered {answered}"
    )

    def check(self, case: Case) -> Iterator[Finding]:
        deaf = [(fetch, flow) for fetch, flow in case.tftp if transfers.is_deaf(fetch, flow)]
        vain = [(flow, transfers.views(fetch, flow)) for fetch, flow in (*transfers.failed(case), *deaf)]
        answered = [(flow, seen) for flow, seen in vain if any(view.reply_from is not None for view in seen)]
        tries = _tries(case) if answered else {}
        for flow, seen in answered:
            requests, count = tries.get((flow.server, flow.filename), (flow.requests, flow.request_count))
            heard = next((view for view in seen if _answered_in_vain(view, count)), None)
            if heard is None or flow.error_by_client or any(view.ack_count for view in seen):
                continue
            nearer = next((view for view in seen if view.client == heard.client and _unheard(view)), None)
            yield self.finding(
                case,
                [
                    *first_and_last(requests, f"RRQ {flow.filename}"),
                    *(evidence(ref, "OACK, not acknowledged") for ref in heard.oacks[:1]),
                    *maybe(None if heard.oacks else heard.body.first, "DATA 1, not acknowledged"),
                    *maybe(heard.error_at, "ERROR, and the next request behind it"),
                ],
                confidence="certain" if nearer else "likely",
                subject=flow.server,
                server=flow.server,
                file=flow.filename,
                count=count,
                time=names.seconds(requests[-1].time - requests[0].time),
                answered="each time with an ERROR" if heard.error else "again and again, never acknowledged",
                expected="No further request." if heard.error else "An ACK of the machine.",
                proof="" if nearer else on_the_way.nearer("the answer"),
                fixes=fixes.arrange(case, *(_ROUTER if case.is_elsewhere(flow.server) else on_the_way.BRIDGE)),
            )


def _tries(case: Case) -> dict[tuple[str, str], tuple[list[FrameRef], int]]:
    """Requests, and how many there were, for each file (server, name) that was asked for anew from other ports in vain."""
    starts: dict[str, list[int]] = {}
    same: dict[tuple[str, str], list[TftpTransfer]] = {}
    for fetch, flow in case.tftp:
        starts.setdefault(plain_path(flow.filename), []).append(fetch.start)
        if fetch.in_vain and not flow.ack_count and not flow.error:
            same.setdefault((flow.server, flow.filename), []).append(flow)
    for times in starts.values():
        times.sort()
    return {
        file: (
            sorted((ref for flow in flows for ref in flow.requests), key=lambda ref: ref.time),
            sum(flow.request_count for flow in flows),
        )
        for file, flows in same.items()
        if any(asked_anew(flow, starts[plain_path(flow.filename)]) for flow in flows)
    }


def _answered_in_vain(flow: TftpTransfer, requests: int) -> bool:
    """Requests that are answered each time, and repeated all the same. Some servers answer each from a port of its own."""
    if asks_behind_error(flow):
        return True
    answers = flow.oack_count + flow.body.packets + len(flow.strangers)
    if requests < (LOST_REPLIES if requests == flow.request_count else 2) or answers < LOST_REPLIES or flow.error:
        return False
    return flow.reply_from is not None and all(address == flow.server for address, _, _ in flow.strangers)


def _unheard(flow: TftpTransfer) -> bool:
    """The same requests at a capture point that none of the answers reached."""
    return flow.request_count >= LOST_REPLIES and not transfers.answered(flow) and not flow.strangers


_ROUTER = (Fix("nft", transfers.ROUTER_NFT), transfers.ROUTER_IPTABLES)
