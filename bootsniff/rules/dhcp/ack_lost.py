"""dhcp-ack-lost; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...model import Finding
from ...track.exchanges import Heard
from ...track.unheard import has_not_heard_of_its_lease, pxe_requests_behind_reply, requests_behind_ack
from ...wire.messages import DhcpMessage
from .. import on_the_way
from ..case import Case
from ..evidence import evidence, first_and_last
from ..offers import Offer
from ..rule import Rule

_AT_4011 = "answers on port 4011"


class DhcpAckLost(Rule):
    """The server gives the machine its lease, and the machine does not hear of it.

    What happens
        The machine takes the offer and asks for the address; the server's ACK gets lost on the way, so that it asks again,
        and gives up in the end. The server's log has nothing but leases that were given.
    On the wire
        REQUESTs again and again with the same transaction identifier, each answered by an ACK; nothing else of the machine.
        Or the same at port 4011, of a boot server.
    Not to be confused with
        An ACK that was merely late, or lost once: the machine goes on then. A lease that is taken, with nothing in it to
        boot (dhcp-offer-without-boot-file). A renewal, which names the address that the machine has.
    Causes
        Something on the way that lets OFFERs pass and not ACKs: DHCP snooping with a full or stale binding table, a filter
        that follows the addresses of guests, a rate limit.
    Fix
        Capture at the machine's own port. Where the ACK does not arrive there, look for what drops it on the way.
    Sources
        RFC 2131 sections 3.1 and 4.4.1; lab captures of OVMF and iPXE on a bridge that drops ACKs.
    """

    code = "dhcp-ack-lost"
    stage = "dhcp"
    needs = "dhcp4"
    summary = "{server} {gives} {count} times, and the machine asks again: it does not hear the ACK"

    def check(self, case: Case) -> Iterator[Finding]:
        dhcp = case.dhcp4
        if dhcp is None:
            return
        asked = pxe_requests_behind_reply(dhcp)
        if asked and case.failed_here and case.asked_nothing:
            reply = dhcp.pxe_replies[0]
            yield self._told(case, reply, asked, reply.source, _AT_4011, len(dhcp.pxe_replies))
        if not has_not_heard_of_its_lease(case.stage):
            return
        ack = Offer.of(dhcp.acks[0])
        gives = f"gives {ack.address or 'an address'} to the machine"
        yield self._told(case, ack.heard, requests_behind_ack(dhcp), ack.server, gives, dhcp.ack_count)

    def _told(self, case: Case, ack: Heard[DhcpMessage], again: list[Heard[DhcpMessage]], server: str, gives: str, count: int) -> Finding:  # fmt: skip
        return self.finding(
            case,
            [evidence(ack, "ACK"), *first_and_last(again, "REQUEST again")],
            confidence="likely",
            server=server,
            gives=gives,
            count=count,
            expected="ARP, or a request for the boot file, from the address that it was given.",
            proof=on_the_way.nearer("the ACK")
            + (" If it does, the machine has no use for it." if gives == _AT_4011 else ""),
            fixes=on_the_way.remedies(case, on_the_way.SNOOPING),
        )
