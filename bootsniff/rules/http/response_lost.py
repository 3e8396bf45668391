"""http-response-lost; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...flow.records import HttpExchange
from ...model import Evidence, Finding, Fix
from ...track.lost_response import SENT_IN_VAIN, has_hole, took_nothing
from .. import fixes
from ..case import Case
from ..evidence import evidence, maybe, too_big
from ..rule import Rule
from . import exchanges

_LARGE = 1000
"""Bytes: pieces of a response that fill their packets are longer than this on every network in use."""


class HttpResponseLost(Rule):
    """The web server answers, and the machine acknowledges nothing of it.

    What happens
        The connection opens and the request is taken, for those packets are small. The response comes in packets as large
        as both ends allow, and something on the way drops these; the machine waits, and the server repeats them for
        minutes.
    On the wire
        The first piece of the response again and again at growing intervals, while the number that the machine acknowledges
        stays where the response begins. Nearer to the machine: nothing behind the server's ACK of the request, or its short
        last piece alone, behind a hole that never closes. ICMP type 3 code 4 ("fragmentation needed") proves it.
    Not to be confused with
        A server that has nothing to say (http-no-response): then nothing is repeated. A download that breaks off after some
        of it was taken (tcp-reset-or-stall-mid-body). A machine that says nothing at all any more: iPXE starts a kernel, or
        stops at a script that it does not understand, without an ACK for the last bytes.
    Causes
        A tunnel, PPPoE or VLAN on the way with a smaller MTU, and a firewall that drops the ICMP messages that tell of it;
        jumbo frames on one side; a firewall that lets the machine's packets pass and not the answers.
    Fix
        Have the router limit the segment size to what passes (MSS clamping), let ICMP through, or repair the MTU.
    Sources
        RFC 1191; RFC 2923 section 2.1; RFC 4821; Linux ip-sysctl (tcp_mtu_probing); nft(8), tcp option maxseg; lab captures.
    """

    code = "http-response-lost"
    stage = "http"
    needs = "fetches"
    explains_away = ("http-no-response", "tcp-reset-or-stall-mid-body")
    summary = "{server} answers {request}, and the machine acknowledges nothing of it{sign}"

    def check(self, case: Case) -> Iterator[Finding]:
        for fetch, flow in exchanges.failed(case):
            seen = (flow, *fetch.elsewhere)
            lost = max(filter(took_nothing, seen), key=lambda one: one.body.retransmissions, default=None)
            if lost is None:
                continue
            again = lost.body.retransmissions
            told = too_big(notice for one in seen for notice in one.connection.icmp)
            nearer = again >= SENT_IN_VAIN and any(one.response is None for one in seen)
            large = bool(told) or has_hole(lost) or _is_large(lost)
            sure = bool(told) or nearer
            yield self.finding(
                case,
                [
                    evidence(lost.request_at, exchanges.request_line(lost)),
                    *maybe(lost.response_at or lost.piece_at, "the response"),
                    *_last(lost),
                    *(evidence(notice.at, f"ICMP packet too big from {notice.sender}") for notice in told[:1]),
                ],
                confidence="certain" if sure else "likely",
                subject=flow.url,
                server=flow.connection.server,
                request=exchanges.request_line(flow),
                sign=(f": it is sent {again + 1} times" if again >= SENT_IN_VAIN else ": its end alone arrives")
                + ("; large packets do not get through" if large else ""),
                expected="An ACK of the machine for the response.",
                proof=""
                if sure
                else "A capture at the machine: does the response arrive there? "
                "From the server: ping -M do -s 1472 to the machine's network.",
                fixes=fixes.arrange(case, *(fixes.SMALLER_SEGMENTS if large else _BLOCKED)),
            )


def _is_large(flow: HttpExchange) -> bool:
    """Whether its pieces fill their packets; how many there are tells how long each one is."""
    pieces = flow.body.packets - flow.body.retransmissions
    return flow.body.received >= _LARGE * pieces


def _last(flow: HttpExchange) -> Iterator[Evidence]:
    if flow.body.retransmissions:
        yield from maybe(flow.body.last, f"sent again, {flow.body.retransmissions} times in all")
    connection = flow.connection
    word = "RST from the machine" if connection.last_from_client == connection.reset else "the machine's latest ACK"
    yield from maybe(connection.last_from_client, f"{word}, of nothing of it")


_BLOCKED = (Fix("nft", "nft insert rule inet filter forward ct state established,related accept"),)
