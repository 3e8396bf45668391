"""dhcp-reply-unicast-not-delivered; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...model import Finding, Fix
from ...wire.addresses import BROADCAST
from .. import fixes, on_the_way
from ..case import Case
from ..evidence import evidence, first_and_last
from ..rule import Rule


class DhcpReplyUnicastNotDelivered(Rule):
    """The server sends its offers to the address that it offers, and the machine does not take them.

    What happens
        A machine without an address cannot hear what is sent to one, unless its firmware looks at every packet. The offer
        is good, but the machine asks again and again.
    On the wire
        OFFERs with a boot file whose destination is the offered address and not 255.255.255.255; the machine goes on with
        DISCOVER. When its DISCOVER carries the broadcast flag, the server breaks RFC 2131.
    Not to be confused with
        Offers that the machine must refuse: without a file (dhcp-offer-without-boot-file), without the vendor class
        (dhcp-http-vendor-class-not-echoed), with a wrong checksum (dhcp-bad-udp-checksum): a capture on the server's own
        host cannot tell that one apart, and both are named.
    Causes
        Firmware that cannot receive unicast yet and does not set the broadcast flag; a server or a relay that ignores the
        flag; a bridge (Wi-Fi above all) that does not know the machine.
    Fix
        Let the server broadcast its replies.
    Sources
        RFC 2131 section 4.1; raspberrypi/firmware issues 764 and 894.
    """

    code = "dhcp-reply-unicast-not-delivered"
    stage = "dhcp"
    needs = "dhcp4"
    summary = "{server} offers {file} to {address} itself, not to everybody{flag}: the machine does not hear it"

    def check(self, case: Case) -> Iterator[Finding]:
        dhcp = case.dhcp4
        if dhcp is None or dhcp.requests or dhcp.acks or case.proxy_offers or not case.offers or not case.over:
            return
        offers = case.offers
        if any(offer.heard.target == BROADCAST or offer.heard.target != offer.address for offer in offers):
            return
        if not all(case.would_take(offer) for offer in offers):
            return
        if len({offer.server for offer in offers}) > 1:
            return
        first = offers[0]
        again = case.asked_again(first)
        if len(again) < 2:
            return
        asked = any(heard.message.broadcast for heard in dhcp.discovers)
        damaged = any(offer.heard.bad_checksum for offer in offers)
        yield self.finding(
            case,
            [
                evidence(first.heard, f"offer sent to {first.address}"),
                *first_and_last(again, "DISCOVER again, the offer is ignored"),
            ],
            confidence="likely" if asked and not damaged else "possible",
            server=first.server,
            file=first.boot_file or "an address",
            address=first.address,
            flag=", although it asks for a broadcast" if asked else "",
            expected="A REQUEST for the offered address.",
            proof="The same boot with replies that are broadcast.",
            fixes=fixes.arrange(
                case,
                *fixes.dnsmasq("dhcp-broadcast"),
                Fix("isc-dhcpd", "always-broadcast on;"),
                on_the_way.BRIDGE[0],
                on_the_way.GUEST_FILTER,
                on_the_way.SNOOPING,
            ),
        )
