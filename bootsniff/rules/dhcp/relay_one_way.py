"""dhcp-relay-missing-or-one-way; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...model import Finding, Fix
from ...track.exchanges import Dhcp4Exchange, Heard
from ...wire import ports
from ...wire.addresses import BROADCAST
from ...wire.messages import DhcpMessage, DhcpType
from .. import fixes
from ..case import Case
from ..evidence import evidence, first_and_last
from ..offers import Offer
from ..rule import Rule


class DhcpRelayOneWay(Rule):
    """The relay carries DISCOVERs to the server, but no OFFER comes back to the machine.

    What happens
        Between the machine and the DHCP server stands a router that relays DHCP. The server answers the relay, and the
        answer is lost on the way back.
    On the wire
        Behind the relay: DISCOVERs with giaddr set and hops of 1 or more, OFFERs to giaddr port 67. On the machine's own
        network: DISCOVERs only. From the server's side alone: one DISCOVER after the other although each was answered. Or the
        server sends its OFFERs to 255.255.255.255 port 68, on its own network, as if giaddr were empty.
    Not to be confused with
        No answer at all (dhcp-no-offer); a machine that ignores what arrives because no boot file is in it
        (dhcp-offer-without-boot-file), which from the server's side looks the same.
    Causes
        No route from the server back to the relay's address, a firewall that drops UDP 67 to 67, a relay address that the
        server cannot reach, a relay agent on the wrong interface. A DHCP server in a container, or one of few lines, that
        does not look at giaddr.
    Fix
        Make the relay's address (giaddr) reachable from the server; put helper addresses for the DHCP server and the PXE
        server on the machine's own VLAN interface.
    Sources
        RFC 2131 section 4.1; RFC 1542 section 4.1; dnsmasq manual page, dhcp-relay; tinkerbell/smee issue 382.
    """

    code = "dhcp-relay-missing-or-one-way"
    stage = "dhcp"
    needs = "dhcp4"
    explains_away = ("dhcp-no-offer", "dhcp-offer-lost")
    summary = "{server} {what}"

    def check(self, case: Case) -> Iterator[Finding]:
        dhcp = case.dhcp4
        if dhcp is not None and not dhcp.acks and not dhcp.requests:
            yield from self._past_the_relay(case)
        if dhcp is None or not dhcp.relayed or dhcp.acks or dhcp.requests:
            return
        offers = [h for h in dhcp.relayed if h.message.message_type == DhcpType.OFFER]
        if not offers or any(h.message.message_type in (DhcpType.REQUEST, DhcpType.ACK) for h in dhcp.relayed):
            return
        if any(_delivered(offer) for offer in dhcp.offers):
            return
        direct = [h for h in dhcp.discovers if not h.message.relay]
        after = [
            h
            for h in [*dhcp.discovers, *dhcp.relayed]
            if h.message.message_type == DhcpType.DISCOVER and h.at.time > offers[0].at.time
        ]
        if len(after) < 2:
            return
        relay = offers[0].message.relay or offers[0].target
        if not direct and (_carries_answers(case, relay) or not any(case.would_take(Offer.of(h)) for h in offers)):
            return  # from the server's side: the machine heard this relay before, or has a reason to ignore the offer
        yield self.finding(
            case,
            [
                *first_and_last(direct, "DISCOVER on the machine's own network"),
                evidence(offers[0], f"OFFER to the relay {relay}"),
                *first_and_last(after, "DISCOVER again"),
            ],
            confidence="certain" if direct else "likely",
            subject=relay,
            server=offers[0].source,
            what=f"answers the relay {relay}, but the OFFER does not reach the machine",
            expected="The relay hands the OFFER on to the machine, which answers with a REQUEST.",
            proof="" if direct else "A capture on the machine's own network: does the OFFER arrive there?",
            fixes=fixes.arrange(
                case,
                Fix("ios", f"interface Vlan10\n ip helper-address {offers[0].source}"),
                Fix("dnsmasq", f"dhcp-relay={relay},{offers[0].source}"),
                Fix("iproute2", f"ip route get {relay}   # on the DHCP server: does this lead to the relay?"),
                Fix(
                    "nft",
                    "nft insert rule inet filter input udp sport 67 udp dport 67 accept   # on the relay\n"
                    "nft insert rule inet filter forward udp sport 67 udp dport 67 accept   # on a router between the two",
                ),
            ),
        )

    def _past_the_relay(self, case: Case) -> Iterator[Finding]:
        """From the server's side: what the relay brings is answered by a broadcast there, which the relay does not hear."""
        offers = case.offers
        asked = case.dhcp4.discovers if case.dhcp4 else ()
        if not asked or not offers or any(heard.message.relay is None for heard in asked):
            return
        if any(offer.heard.target != BROADCAST or offer.heard.target_port != ports.DHCP_CLIENT for offer in offers):
            return
        relay, again = offers[0].message.relay, case.asked_again(offers[0])
        if relay is None or len(again) < 2 or any(offer.heard.source == offer.message.relay for offer in offers):
            return  # a relay hands it on: the machine's own network
        yield self.finding(
            case,
            [
                evidence(asked[0], f"DISCOVER of the relay {relay}"),
                evidence(offers[0].heard, f"OFFER to {BROADCAST} port {ports.DHCP_CLIENT}"),
                *first_and_last(again, "DISCOVER again"),
            ],
            subject=relay,
            server=offers[0].server,
            what=f"sends its OFFER to everybody on its own network, and not to the relay {relay}, port 67",
            expected=f"The OFFER goes to {relay} port 67, and the relay hands it on.",
            fixes=(Fix("docker", "docker run --network host …"),),
        )


def _delivered(reply: Heard[DhcpMessage]) -> bool:
    """Whether it goes to the machine. Relays leave giaddr in what they hand on; the port tells (RFC 2131 section 4.1)."""
    return not reply.message.relay or reply.target_port == ports.DHCP_CLIENT


def _carries_answers(case: Case, relay: str) -> bool:
    """Whether the machine took an offer that came through this relay."""
    return any(
        heard.message.relay == relay
        for stage in case.boot.stages
        if isinstance(stage.dhcp, Dhcp4Exchange)
        for heard in (*stage.dhcp.requests, *stage.dhcp.acks)
    )
