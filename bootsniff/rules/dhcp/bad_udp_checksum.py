"""dhcp-bad-udp-checksum; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...model import Finding, Fix
from ...wire import ports
from .. import fixes, on_the_way
from ..case import Case
from ..evidence import evidence, first_and_last
from ..rule import Rule


class DhcpBadUdpChecksum(Rule):
    """The offers carry a wrong UDP checksum, and the machine drops them.

    What happens
        On a virtual network the checksum of a packet is often left to a network card that never comes; a strict client then
        drops the packet as damaged and hears no offer.
    On the wire
        OFFERs the machine could use, with a UDP checksum that does not fit, and DISCOVERs that go on as if nothing had come.
    Not to be confused with
        The same wrong checksum in a capture made on the sending host, where the machine goes on to its REQUEST: that is
        offloading and no fault. The offers may as well get lost on the way for another reason (dhcp-offer-not-taken). Offers that are ignored for what is in them (dhcp-offer-without-boot-file), or lost because
        they go to the offered address itself (dhcp-reply-unicast-not-delivered).
    Causes
        Checksum offloading on a tap, veth or virtio interface with a client that reads raw packets.
    Fix
        Switch transmit checksum offloading off, or fill the checksum in the firewall.
    Sources
        RFC 768; weaveworks/ignite issue 870; projectcalico/felix issue 40; kubevirt issue 1715.
    """

    code = "dhcp-bad-udp-checksum"
    stage = "dhcp"
    needs = "dhcp4"
    summary = "{server} offers {file}, in packets with a wrong UDP checksum; the machine seems to drop them"

    def check(self, case: Case) -> Iterator[Finding]:
        dhcp = case.dhcp4
        if dhcp is None or dhcp.requests or dhcp.acks or not dhcp.offers:
            return
        offers = [*case.offers, *case.proxy_offers]
        if not all(offer.heard.bad_checksum for offer in offers) or not any(case.would_take(offer) for offer in offers):
            return
        if len({offer.server for offer in offers}) > 1 or case.overview.bad_checksums_accepted:
            return
        if any(offer.heard.target_port == ports.DHCP_SERVER for offer in offers):
            return  # on the way to a relay, which builds a packet of its own for the machine
        again = case.asked_again(offers[0])
        if len(again) < 2:
            return
        yield self.finding(
            case,
            [evidence(offers[0].heard, "offer with a wrong UDP checksum"), *first_and_last(again, "DISCOVER again")],
            confidence="possible",
            server=offers[0].server,
            file=next((offer.boot_file for offer in offers if offer.boot_file), "an address"),
            expected="A REQUEST for the offered address.",
            proof="A capture on the machine's side of the bridge, or the same boot with offloading switched off.",
            fixes=fixes.arrange(
                case,
                Fix("shell", "ethtool -K vnet0 tx off"),
                Fix("iptables", "iptables -t mangle -A POSTROUTING -p udp --dport 68 -j CHECKSUM --checksum-fill"),
                on_the_way.BRIDGE[0],
                on_the_way.GUEST_FILTER,
            ),
        )
