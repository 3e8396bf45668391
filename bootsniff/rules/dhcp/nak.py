"""dhcp-nak; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...model import NANOSECONDS, Finding, Fix
from ...track.exchanges import Dhcp4Exchange, Heard
from ...track.records import StageRecord, World
from ...wire import dhcp_options
from ...wire.messages import DhcpMessage
from .. import fixes
from ..case import Case
from ..evidence import evidence
from ..offers import Offer
from ..rule import Rule

_WINDOW = 60 * NANOSECONDS


class DhcpNak(Rule):
    """A server refuses the address again and again.

    What happens
        The machine asks for an address it was offered, or had before, and a server answers DHCPNAK. The machine starts
        over; if that repeats it never gets an address.
    On the wire
        REQUEST, then DHCPNAK (option 53 = 6), often with a reason in option 56 ("wrong network", "address in use"): two
        or more within a minute, or one from another server than the one whose offer was taken.
    Not to be confused with
        One NAK at a change of boot program, followed by a clean DISCOVER, OFFER, REQUEST, ACK: the program tried its old
        address first (INIT-REBOOT), which is allowed.
    Causes
        Two authoritative servers on one network, stale leases, a machine that moved to another network, a reservation
        that contradicts a lease. Two servers with halves of one range: ISC dhcpd refuses what the other one gave, and iPXE of
        2021 and 2022 starts over at that. dnsmasq that offers one address to two machines at once ("address in use").
    Fix
        Leave only one server authoritative on a segment; clear the stale lease. Addresses in order of asking (dnsmasq:
        dhcp-sequential-ip) are not offered twice.
    Sources
        RFC 2131 sections 3.2 and 4.3.2; iPXE pull requests 798 and 879; metal3-io/ironic-image issue 195; lab captures with
        dnsmasq 2.90.
    """

    code = "dhcp-nak"
    stage = "dhcp"
    needs = "dhcp4"
    always = True
    summary = "{server} refuses the address: {count} NAK{plural}{reason}"

    def may(self, stage: StageRecord, _world: World) -> bool:
        return isinstance(stage.dhcp, Dhcp4Exchange) and bool(stage.dhcp.naks)

    def check(self, case: Case) -> Iterator[Finding]:
        dhcp = case.dhcp4
        if dhcp is None or not dhcp.naks:
            return
        naks = dhcp.naks
        repeated = dhcp.nak_count >= 2 and naks[-1].at.time - naks[0].at.time <= _WINDOW * max(1, dhcp.nak_count - 1)
        foreign = _foreign(case)
        final = (
            case.failed_here
            and not dhcp.acks
            and naks[-1].at.time >= max((h.at.time for h in dhcp.requests), default=0)
        )
        if not (repeated or foreign or final) or (dhcp.acks and not repeated and not foreign):
            return
        text = next((value for value in map(_reason, naks) if value), "")
        server = Offer.of(naks[0]).server
        harmless = bool(dhcp.acks) and not case.asked_nothing  # the machine went by the ACK
        yield self.finding(
            case,
            [
                *(evidence(request, "REQUEST that was refused") for request in dhcp.requests[:2]),
                *(evidence(nak, f"NAK from {Offer.of(nak).server}") for nak in naks[:4]),
            ],
            severity="note" if harmless else "error",
            subject=server,
            server=f"{server} (not the server whose offer was taken)" if foreign else server,
            count=dhcp.nak_count,
            plural="" if dhcp.nak_count == 1 else "s",
            reason=f", reason “{text}”" if text else "",
            expected="An ACK for the requested address.",
            fixes=fixes.arrange(
                case,
                *(fixes.dnsmasq("dhcp-sequential-ip") if "in use" in text else ()),
                Fix("dnsmasq", "# only one server of this segment may have this line:\ndhcp-authoritative"),
                Fix("isc-dhcpd", "# only one server of this segment:\nauthoritative;"),
                Fix("kea", '// only one server of this segment, in "Dhcp4":\n"authoritative": true'),
                _stale_lease(case),
            ),
        )


def _foreign(case: Case) -> bool:
    """A NAK came from a server that made no offer, while another one did, or that was not asked."""
    offering = {offer.server for offer in case.offers}
    naks, requests = (case.dhcp4.naks, case.dhcp4.requests) if case.dhcp4 else ((), ())
    asked = {dhcp_options.server_id(request.message) for request in requests} - {None}
    known = asked & offering or offering
    return bool(known) and any(Offer.of(nak).server not in known for nak in naks)


def _reason(nak: Heard[DhcpMessage]) -> str:
    return dhcp_options.text(nak.message, 56) or ""


def _stale_lease(case: Case) -> Fix | None:
    """Kea's command that ends the lease of the address that the machine asked for, with the lease_cmds hook."""
    requests = case.dhcp4.requests if case.dhcp4 else []
    asked = next(filter(None, (dhcp_options.requested_ip(request.message) for request in requests)), None)
    if asked is None:
        return None
    return Fix("shell", f'echo \'"ip-address": "{asked}"\' | kea-shell --service dhcp4 lease4-del')
