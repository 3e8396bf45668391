"""arp-reply-lost; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...model import Finding, FrameRef
from ...track.unheard import asked_again
from .. import on_the_way
from ..case import Case
from ..evidence import first_and_last, maybe
from ..rule import Rule


class ArpReplyLost(Rule):
    """The boot server answers ARP, and the machine does not hear it.

    What happens
        The machine has its address and asks for the hardware address of the server, or of the router; the answer gets
        lost on the way. As without an answer, firmware shows PXE-E11 and U-Boot "ARP Retry count exceeded".
    On the wire
        ARP who-has again and again, each answered, and nothing that the machine asks of anybody behind the first answer;
        over IPv6 neighbor solicitations and advertisements.
    Not to be confused with
        A question for each file, each of which is asked for then; an answer that was lost once; questions for the machine's
        own address, and those of a started system, which forgets. A capture that shows no requests for files says nothing.
    Causes
        Dynamic ARP inspection on a switch; a filter of the hypervisor or of its bridge; a driver that hears no unicast.
    Fix
        Capture at the machine's own port. Where the answer does not arrive there, look for what drops it on the way.
    Sources
        RFC 826; RFC 4861; lab captures of OVMF, iPXE and U-Boot on a bridge that drops ARP replies or advertisements.
    """

    code = "arp-reply-lost"
    stage = "arp"
    needs = "arps"
    explains_away = ("http-plain-disabled", "tls-unsupported", "chain-uboot-no-serverip")
    summary = "{target} answers {how}, and the machine does not hear it: asked {count} times in all"

    def concerns(self, client: str) -> bool:
        return client != "os"  # a system forgets within a minute, and asks for who talks to it

    def check(self, case: Case) -> Iterator[Finding]:
        if not case.over or not case.world.quality.sees_fetches:
            return
        for arps in (*case.stage.arps, *case.stage.neighbors):
            again = asked_again(arps)
            if not again or arps.target in case.addresses or arps.reply is None or _went_on(case, arps.reply):
                continue
            six = arps in case.stage.neighbors
            reply = "neighbor advertisement" if six else "ARP reply"
            yield self.finding(
                case,
                [
                    *maybe(arps.reply, reply),
                    *first_and_last(
                        again, f"{'neighbor solicitation for' if six else 'ARP who-has'} {arps.target} again"
                    ),
                ],
                confidence="likely",
                subject=arps.target,
                target=arps.target,
                how="neighbor solicitations" if six else "ARP",
                count=arps.request_count,
                expected=f"A request to {arps.target}, or to a host behind it.",
                proof=on_the_way.nearer(f"the {reply}"),
                fixes=on_the_way.remedies(case, *(() if six else (on_the_way.INSPECTION,))),
            )


def _went_on(case: Case, reply: FrameRef) -> bool:
    """Whether the machine asked anybody for anything behind an answer."""
    stage = case.stage
    dhcp = case.dhcp4
    asked = [
        *(fetch.start for fetch in stage.fetches),
        *(connection.start for connection in stage.connections),
        *(lookup.queries[-1].time for lookup in stage.lookups if lookup.queries),
        *(lookup.queries[-1].time for lookup in stage.port_lookups if lookup.queries),
        *(heard.time for heard in (dhcp.pxe_requests[-1:] if dhcp else ())),
    ]
    return any(time > reply.time for time in asked)
