"""tftp-timeout-mid-transfer; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations

from ...flow.records import IcmpNotice, TftpTransfer
from ...model import NANOSECONDS, Evidence, Finding, Fix
from ...track.patience import SERVER_PATIENCE
from ...track.tftp_outcome import gave_up_waiting
from ...track.unheard import ON_ITS_WAY, waits_for_its_end
from .. import fixes, on_the_way
from ..case import Case
from ..evidence import evidence, first_and_last, maybe, port_unreachable
from ..rule import Rule
from . import transfers

_NEITHER = "neither side is seen to go on, nor to repeat its last packet; the capture may have a gap there"
_REPEATED = 2 * NANOSECONDS
"""A server that sends a block this long after its ACK has not heard the ACK; one that was slow repeats it once, and sooner."""


class TftpTimeoutMidTransfer(Rule):
    """A TFTP transfer breaks off in the middle.

    What happens
        Blocks arrive, then nothing more: one side repeats its last packet until it gives up. dnsmasq logs "timeout sending
        FILE to IP".
    On the wire
        DATA and ACK up to block n; then the server repeats DATA n, or the client repeats ACK n-1, with growing waits, and
        then silence, or ICMP port unreachable from a server that is gone.
    Not to be confused with
        The end of block numbers at 65535 (tftp-block-rollover), a client that ends the transfer itself
        (tftp-client-aborts), a size probe, a tail of the file that the capture does not hold: who waits repeats its last
        packet, so where nobody does, packets are missing from the capture rather than from the line.
    Causes
        Loss on the line, a server that was stopped or restarted, an address or a link that changed, a machine that was
        switched off.
    Fix
        Look at which side fell silent first, or does not hear the other; then at its log, its cable or its power, or at what
        stands between the two.
    Sources
        RFC 1350 sections 2 and 7; dnsmasq tftp.c; danderson/netboot issue 50.
    """

    code = "tftp-timeout-mid-transfer"
    stage = "tftp"
    needs = "fetches"
    summary = "{file} from {server} stopped at block {block}{share}: {who}"

    def check(self, case: Case) -> Iterator[Finding]:
        for fetch, flow in transfers.failed(case):
            gave_up = gave_up_waiting(flow)
            if (
                not flow.body.received
                or (flow.complete and not waits_for_its_end(flow))
                or not (gave_up or (not flow.error and fetch.status == "stalled"))
            ):
                continue
            refused = _refusals_at_once(flow)
            if transfers.never_taken(flow) and not refused:
                continue  # nothing was ever acknowledged: large blocks do not get through
            between = None if refused else _lost_between(transfers.views(fetch, flow))
            who, proof, unheard = between or _silent_side(flow, gone=bool(refused))
            last = waits_for_its_end(flow)
            seeks = transfers.seeks_machine(case, flow, flow.last_from_server.time) if flow.last_from_server else []
            if seeks and not refused and not between:
                who = "the server looks for the machine's address and gets no answer"
            yield self.finding(
                case,
                [
                    *(evidence(ref, f"RRQ {flow.filename}") for ref in flow.requests[:1]),
                    *maybe(flow.body.newest, f"last new block {flow.highest_block}"),
                    *proof,
                    *first_and_last(seeks, "who has the machine's address?"),
                    *(maybe(flow.error_at, "the machine gives up waiting") if gave_up else ()),
                    *port_unreachable(refused[:1]),
                ],
                confidence="certain"
                if refused or between
                else "possible"
                if who is _NEITHER
                else case.silence(flow.server, second_sign=True),
                subject=fetch.flow.url,
                file=flow.filename or "a file whose request is not in the capture,",
                server=flow.server,
                block=flow.highest_block,
                share=f" of {flow.size // flow.block_size + 1}" if flow.size and flow.block_size else "",
                who=who,
                expected=f"ACK {flow.highest_block}, of the last block."
                if last
                else f"Block {flow.highest_block + 1}, or its ACK.",
                proof=""
                if refused or between
                else on_the_way.nearer("the question for its address")
                if seeks
                else on_the_way.nearer(f"block {flow.highest_block}")
                if unheard
                else f"The log of {flow.server}, and a capture on its side{' without gaps' if who is _NEITHER else ''}.",
                fixes=fixes.arrange(
                    case,
                    Fix(
                        "shell", "journalctl -u dnsmasq -u tftpd-hpa --since -10min\nip -s link show   # errors, drops"
                    ),
                    fixes.over_http(case, flow.filename),
                ),
            )


def _refusals_at_once(flow: TftpTransfer) -> list[IcmpNotice]:
    """ICMP port unreachable that ended the transfer; behind a server's own patience it only tells that this is over."""
    heard = flow.newest_ack.time if flow.newest_ack else flow.start
    return [notice for notice in transfers.refusals(flow) if notice.at.time - heard < SERVER_PATIENCE]


def _lost_between(views: list[TftpTransfer]) -> tuple[str, list[Evidence], bool] | None:
    """The block, or its ACK, that one capture point sees and another, which goes on, does not."""
    for one, other in permutations(views, 2):
        sent, acked = one.body.newest, one.newest_ack
        if sent is not None and one.highest_block > other.highest_block and other.last.time - sent.time > _REPEATED:
            block = other.highest_block + 1
            proof = [
                evidence(sent, f"block {one.highest_block}"),
                evidence(other.last, "the other capture point goes on"),
            ]
            return f"block {block} is seen at one capture point and does not get to the other", proof, True
        if acked is not None and one.acked_block > other.acked_block and other.last.time - acked.time > _REPEATED:
            proof = [evidence(acked, f"ACK {one.acked_block}"), evidence(other.last, "the other capture point goes on")]
            where = "is seen at one capture point and does not get to the other"
            return f"ACK {one.acked_block} {where}", proof, False
    return None


def _silent_side(flow: TftpTransfer, *, gone: bool) -> tuple[str, list[Evidence], bool]:
    """Who does not say or hear what, the packets that show it, and whether it is the machine that does not hear."""
    newest = flow.body.newest.time if flow.body.newest else 0
    server_last = flow.last_from_server.time if flow.last_from_server else 0
    client_last = flow.last_ack.time if flow.last_ack else 0
    proof = [
        *maybe(flow.last_ack, f"last ACK, block {flow.acked_block}"),
        *(
            maybe(flow.last_from_server, "last packet of the server")
            if flow.last_from_server != flow.body.newest
            else ()
        ),
    ]
    if gone:
        return "the server's port is closed", proof, False
    if flow.last in (flow.newest_ack, flow.body.newest):
        return _NEITHER, proof, False
    lockstep = flow.window_size == 1
    if lockstep and flow.acked_block < flow.highest_block and client_last - newest > ON_ITS_WAY:
        repeated = f"it goes on to acknowledge block {flow.acked_block}"
        return f"the machine does not hear block {flow.highest_block}: {repeated}", proof, True
    acked = flow.newest_ack if lockstep and flow.acked_block == flow.highest_block else None
    if acked is not None and server_last - acked.time > _REPEATED:
        return "the server goes on to send it: it does not hear the machine's ACK", proof, False
    if client_last > server_last:
        return "the server fell silent", proof, False
    if flow.acked_block < flow.highest_block:
        acknowledges = "stopped acknowledging" if flow.ack_count else "acknowledges nothing"
        return f"the machine {acknowledges}", proof, True
    return "nothing more came", proof, False
