"""v6-no-reply; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...model import Finding, Fix
from ...track.unheard import uses_an_address
from .. import fixes, names
from ..case import Case
from ..evidence import evidence, first_and_last
from ..rule import Rule


class V6NoReply(Rule):
    """The machine takes what a DHCPv6 server advertises, and the server does not answer any more.

    What happens
        SOLICIT and ADVERTISE go well; the REQUEST that follows gets no REPLY. The machine repeats it and gives up.
    On the wire
        Two or more REQUESTs behind an ADVERTISE, and no REPLY.
    Not to be confused with
        REPLYs that the capture shows and the machine does not hear (v6-reply-lost); a server that says no in its REPLY
        (v6-no-bootfile-url). A capture that holds no answers at all. One REQUEST at the end of a capture, which says nothing.
    Causes
        The server stopped, or its lease file cannot be written; DHCPv6 guard or a filter that lets SOLICITs pass and not
        REQUESTs; a pair of servers that wait for each other.
    Fix
        Read the server's log for this machine: it says why it ignores the REQUEST, or that none arrives.
    Sources
        RFC 8415 sections 18.2.2 and 18.3.2; edk2 NetworkPkg Dhcp6Io.c; a lab capture on a bridge that drops REQUESTs.
    """

    code = "v6-no-reply"
    stage = "dhcp"
    needs = "dhcp6"
    summary = "{server} advertises {what} and does not answer the REQUEST for it: {count} REQUESTs in {time}{blind}"

    def check(self, case: Case) -> Iterator[Finding]:
        dhcp = case.dhcp6
        if dhcp is None or not case.over or not dhcp.advertises or dhcp.replies or dhcp.request_count < 2:
            return
        if case.world.quality.only_requests or uses_an_address(case.stage):
            return
        advertise = dhcp.advertises[0]
        server = advertise.source
        yield self.finding(
            case,
            [evidence(advertise, "ADVERTISE"), *first_and_last(dhcp.requests, "REQUEST without an answer")],
            confidence=case.silence(server),
            subject=server,
            server=server,
            what=next(iter(advertise.message.addresses), "an address"),
            count=dhcp.request_count,
            time=names.seconds(dhcp.requests[-1].time - dhcp.requests[0].time),
            blind=case.blind_spot(server),
            expected=f"A REPLY from {server}.",
            proof=f"The log of {server}: does the REQUEST arrive, and why is it ignored?",
            fixes=fixes.arrange(case, Fix("shell", f"journalctl --since -10min | grep -i dhcp6   # on {server}")),
        )
