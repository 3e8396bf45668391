"""dns-reply-lost; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...model import Finding
from ...track.unheard import TWICE, queried_again
from .. import on_the_way
from ..case import Case
from ..evidence import first_and_last, maybe
from ..rule import Rule


class DnsReplyLost(Rule):
    """The name server knows the name, and the machine does not hear it.

    What happens
        The machine asks for the address of its server; the answer gets lost on the way, so that it asks again until it
        gives up.
    On the wire
        The same query again, answered with an address each time, and no connection behind it. UEFI asks twice, iPXE six times.
    Not to be confused with
        A name server that does not answer, or does not know the name (dns-lookup-failed); an answer that was lost once; a
        capture without TCP, which shows no connections; ARP for another host behind the answer
        (arp-next-server-unanswered).
    Causes
        A filter that drops UDP from port 53 towards machines; a resolver in between that answers from another address.
    Fix
        Let answers pass towards the machine, or name the server by its address.
    Sources
        RFC 1035 section 4.2.1; lab captures of OVMF and iPXE on a bridge that drops answers of port 53.
    """

    code = "dns-reply-lost"
    stage = "dns"
    needs = "lookups"
    summary = (
        "{server} says that {name} is {address}, and the machine asks on: it does not hear the answer, or refuses it"
    )

    def concerns(self, client: str) -> bool:
        return client != "os"  # services that look up a name again and again, and go on by UDP

    def check(self, case: Case) -> Iterator[Finding]:
        stage = case.stage
        others = [*(one.start for one in stage.connections), *(one.start for one in stage.fetches)]
        before = max(others, default=0)
        asked = [lookup for lookup in stage.lookups if lookup.queries and lookup.queries[0].time > before]
        found = queried_again(asked, stage.arps)
        if found is None or not case.over or not case.world.quality.sees_tcp:
            return
        lookup, again = found
        answer = lookup.answer
        if answer is None or answer.rcode or not answer.addresses:
            return
        yield self.finding(
            case,
            [*maybe(lookup.answer_at, "answer"), *first_and_last(again, f"DNS query for {lookup.name} again")],
            confidence="likely" if len(again) >= TWICE else "possible",
            subject=lookup.name,
            server=lookup.server,
            name=lookup.name,
            address=answer.addresses[0],
            expected=f"A connection to {answer.addresses[0]}.",
            proof=on_the_way.nearer("the answer"),
            fixes=on_the_way.remedies(case),
        )
