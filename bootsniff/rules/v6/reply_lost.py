"""v6-reply-lost; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...model import Finding
from ...track.unheard import TWICE, has_not_heard_of_its_lease, requests_behind_reply
from .. import on_the_way
from ..case import Case
from ..evidence import evidence, first_and_last
from ..rule import Rule


class V6ReplyLost(Rule):
    """A DHCPv6 server answers, and the machine does not go on from there.

    What happens
        The server advertises what the machine needs, or gives it; the machine repeats its question until it gives up. Either
        the answer does not reach it, or its firmware refuses it without a word. A machine that falls silent behind an
        ADVERTISE has heard it: then it is its REQUEST that does not get here.
    On the wire
        ADVERTISEs with SOLICITs behind them, or REPLYs with REQUESTs of the same transaction behind them. Or an ADVERTISE and
        nothing more of the machine.
    Not to be confused with
        Answers with something missing from them (v6-no-bootfile-url, v6-stateless-not-supported): this rule is silent
        beside those. The wait for more ADVERTISEs, in which nothing is repeated (RFC 8415 section 18.2.1).
    Causes
        DHCPv6 guard on a switch that does not trust the server's port; a host firewall or a hypervisor's filter without a
        rule for UDP port 546.
    Fix
        Capture at the machine's own port. Where the answer does not arrive there, look for what drops it on the way.
    Sources
        RFC 8415 sections 15 and 18.2; RFC 7610 (DHCPv6-Shield); lab captures of OVMF on a bridge that drops answers.
    """

    code = "v6-reply-lost"
    stage = "dhcp"
    needs = "dhcp6"
    last_resort = True
    summary = "{server} answers the machine's {question}, and the machine {then}"

    def check(self, case: Case) -> Iterator[Finding]:
        dhcp = case.dhcp6
        if dhcp is None or not case.over:
            return
        question, reply, answers = "SOLICIT", "ADVERTISE", dhcp.advertises
        again = case.solicited_again(answers[0]) if answers and not dhcp.requests and not dhcp.replies else []
        if has_not_heard_of_its_lease(case.stage):
            question, reply, answers = "REQUEST", "REPLY", dhcp.replies
            again = requests_behind_reply(dhcp)
        silent = reply == "ADVERTISE" and bool(answers) and not again and not dhcp.requests and not dhcp.replies
        silent = silent and case.falls_silent(answers[-1].time)
        if len(again) < TWICE and not silent:
            return
        yield self.finding(
            case,
            [evidence(answers[0], reply), *first_and_last(again, f"{question} again")],
            confidence="possible" if silent and not case.went_on else "likely",
            server=answers[0].source,
            question=question,
            then="falls silent: its REQUEST does not get here" + ("" if case.went_on else ", or it stopped")
            if silent
            else f"asks on: it does not hear the {reply}, or refuses it",
            expected="A REQUEST." if reply == "ADVERTISE" else "A request for the boot file.",
            proof="A capture nearer to the machine, on its own tap or switch port: does it send a REQUEST?"
            if silent
            else on_the_way.nearer(f"the {reply}"),
            fixes=on_the_way.remedies(case),
        )
