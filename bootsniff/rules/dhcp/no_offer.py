"""dhcp-no-offer; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...model import Finding, Fix
from ...track.records import Dhcp4Exchange, StageRecord
from ...wire import dhcp_options
from .. import fixes, names
from ..case import Case
from ..evidence import evidence, first_and_last, maybe
from ..offers import Offer
from ..rule import Rule

_SNOOPING = (
    Fix("ios", "no ip dhcp snooping information option   # on the switch that snoops"),
    Fix("ios", "ip dhcp relay information trust-all   # on the one that relays or serves"),
)


class DhcpNoOffer(Rule):
    """Nobody answers the DHCP DISCOVERs.

    What happens
        The machine asks for an address several times and gets no answer at all, so nothing else can start. Firmware
        shows PXE-E51 (BIOS), PXE-E16 or PXE-E18 (UEFI); iPXE shows error 040ee119.
    On the wire
        Two or more DISCOVERs of one machine (edk2 waits 4, 8, 16 and 32 s between them, iPXE 1, 2, 4 and 8 s) and not
        one BOOTP reply for its hardware address, or only OFFERs with a transaction id (xid) that is not its own.
    Not to be confused with
        A server that answers but offers no boot file (dhcp-offer-without-boot-file), a relay that loses the way back
        (dhcp-relay-missing-or-one-way), a switch port that is not forwarding yet (link-stp-delay; without its BPDUs, a
        server that answered the firmware and not the program that it loaded is the only sign), and a capture point
        that sees broadcasts but not the replies to others. IPv6 solicitations without an answer are no fault.
    Causes
        The server is down or listens on another interface; no range or subnet is declared for this network, or for that
        of the relay (or of the link that its option 82 selects; Kea logs "failed to select a subnet", dhcpd "unknown network segment", dnsmasq "no address range
        available for DHCP request"); DHCP snooping that adds option 82 without a relay's address (giaddr 0.0.0.0), which a
        Cisco relay or server drops unless it trusts it; a reservation with a mistyped address; an exhausted pool; a firewall on the server;
        a server or relay that answers late, or with the xid of another exchange.
        Behind firmware that was answered: iPXE's own driver takes the link down, and the switch port does not forward
        for half a minute, or the server has a rule that leaves this program out.
    Fix
        See that the server runs, listens on this interface and has a range for this network. Behind firmware that was
        answered, make the switch port an edge port.
    Sources
        RFC 2131 sections 3.1 and 4.1; RFC 3527; edk2 NetworkPkg PxeBcDhcp4.c (timeouts); dnsmasq rfc2131.c; Kea message catalogue;
        iPXE issues 923 and 1337.
    """

    code = "dhcp-no-offer"
    stage = "dhcp"
    needs = "dhcp4"
    side_issue = True
    summary = "{count} DISCOVERs in {time} and no OFFER: {others}{blind}"

    def concerns(self, client: str) -> bool:
        return client != "os"

    def check(self, case: Case) -> Iterator[Finding]:
        dhcp = case.dhcp4
        if dhcp is None or dhcp.discover_count < 2 or not dhcp.discovers:
            return
        if dhcp.answered or any(heard.message.op == 2 for heard in dhcp.relayed):
            return
        if case.world.quality.only_requests or any(dhcp_options.server_id(heard.message) for heard in dhcp.requests):
            return  # this capture does not hold offers that were taken
        served = case.overview.dhcp_servers
        before = _answered_before(case)
        asking = (heard for heard in dhcp.misfits if heard.at.time < dhcp.discovers[-1].at.time)
        misfit = next((Offer.of(heard) for heard in asking), None)
        # What is asked for with the broadcast flag is answered by broadcast (RFC 2131 section 4.1): it would be seen.
        broadcast = any(heard.message.broadcast and not heard.message.relay for heard in dhcp.discovers)
        relayed = [heard for heard in (*dhcp.discovers, *dhcp.relayed) if heard.message.relay]
        told = dhcp_options.relay_information(relayed[0].message) if relayed else None
        link = told.link if told is not None else None
        alone = "only DHCPv6 is answered here" if case.overview.answers_dhcpv6 else "nobody answers anyone here"
        others = f"{names.joined(s.address for s in served)} serves others" if served else alone
        if misfit is not None:
            xid = f"{misfit.message.xid:#010x}"
            others = f"what {misfit.server} offers has transaction id {xid}, which is not the machine's"
        elif relayed:
            targets = names.joined(heard.target for heard in relayed)
            apart = f" for the network of {link}" if link else ""
            others = f"the relay {relayed[0].message.relay} hands them to {targets}{apart}, and no answer comes back"
        elif before is not None:
            others = f"{before[1].server} answered {before[0].name or before[0].client} before"
        # A switch that snoops adds option 82, and relays refuse it without an address of their kind (Cisco IOS by default).
        snooped = [heard for heard in dhcp.discovers if 82 in heard.message.options and not heard.message.relay]
        if snooped and not relayed and misfit is None:
            others += (
                "; a switch put option 82 into them without a relay's address, which relays and servers may refuse"
            )
        host = case.world.host
        name = host.libvirt_network if host else None
        restart = f"virsh net-destroy {name}; virsh net-start {name}\n" if name else ""
        listens = Fix("shell", f"{restart}ss -lunp 'sport = :67'   # is a server listening, and on which address?")
        ranges = fixes.address_range(case, link or relayed[0].message.relay if relayed else None)
        # A relay shows that there is a server to configure; where nothing does, the first question is whether one hears.
        first = (*ranges, listens, fixes.accept("udp", 67)) if relayed else (listens, fixes.accept("udp", 67), *ranges)
        lost = case.world.quality.dropped_frames or case.world.quality.one_sided
        yield self.finding(
            case,
            [
                *first_and_last(dhcp.discovers, "DISCOVER without an answer"),
                *maybe(next(iter(dhcp.relayed), None), "DISCOVER behind the relay"),
                *([evidence(misfit.heard, "OFFER with another transaction id")] if misfit else ()),
                *([evidence(before[1].heard, f"{before[1].server} answers {before[0].client}")] if before else ()),
            ],
            confidence="likely" if broadcast and not lost else case.silence(second_sign=bool(served)),
            count=dhcp.discover_count,
            time=names.seconds(dhcp.discovers[-1].at.time - dhcp.discovers[0].at.time),
            others=others,
            blind="" if broadcast and not lost else case.blind_spot(),
            expected="An OFFER from a DHCP server within a few seconds of the first DISCOVER.",
            proof=_proof(case, misfit, relayed=bool(relayed), served=bool(served)),
            fixes=(Fix("shell", f"tcpdump -vni any port 67   # on {misfit.server}: xid of what comes and what goes"),)
            if misfit is not None
            else _fixes_behind(case)
            if before is not None
            else fixes.arrange(
                case,
                *(_SNOOPING if snooped and not relayed else ()),
                *first,
                Fix(
                    "shell", f"ip route get {relayed[0].message.relay}   # on the server: how does it answer the relay?"
                )
                if relayed
                else None,
            ),
        )


def _answered_before(case: Case) -> tuple[StageRecord, Offer] | None:
    """The program of this machine that a server answered last in this boot, before this one, and the answer."""
    for stage in reversed(case.boot.stages[: case.stage_index]):
        if isinstance(stage.dhcp, Dhcp4Exchange):
            for heard in (*stage.dhcp.acks[-1:], *stage.dhcp.offers[-1:]):
                return stage, Offer.of(heard)
    return None


def _fixes_behind(case: Case) -> tuple[Fix, ...]:
    """Of a program that was loaded: its driver may have taken the link down. The server itself serves this machine."""
    if case.stage_index == case.option[0]:
        return ()
    return fixes.arrange(case, fixes.EDGE_PORT, fixes.BRIDGE_WITHOUT_STP)


def _proof(case: Case, misfit: Offer | None, *, relayed: bool, served: bool) -> str:
    if misfit is not None:
        return "A capture beside the machine and one beside the server: where do the transaction ids begin to differ?"
    if relayed:
        return (
            "The server's log: does it know a subnet for the relay's address? Its routes: is there a way back to that?"
        )
    if served:
        return f"The server's log: does the DISCOVER arrive, and does it serve known machines only, {case.machine.mac} too?"
    return "The server's log, or a capture on the server's own interface: does the DISCOVER arrive there?"
