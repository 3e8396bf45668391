"""dhcp-no-offer; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ...model import Finding, Fix
from ...track.exchanges import Dhcp4Exchange, Heard
from ...track.records import ServerRecord, StageRecord
from ...wire import dhcp_options
from ...wire.messages import DhcpMessage
from .. import fixes, names
from ..case import Case
from ..evidence import evidence, first_and_last, maybe
from ..offers import Offer
from ..rule import Rule

_RELAY_INFORMATION = 82
_SNOOPING = (
    Fix("ios", "no ip dhcp snooping information option   # on the switch that snoops"),
    Fix("ios", "ip dhcp relay information trust-all   # on the one that relays or serves"),
)


class DhcpNoOffer(Rule):
    """Nobody answers the DHCP DISCOVERs.

    What happens
        The machine asks for an address several times and gets no answer at all, so nothing else can start. Firmware
        shows PXE-E51 or, where ProxyDHCP answers, PXE-E52 (BIOS), PXE-E16 or PXE-E18 (UEFI); iPXE shows error 040ee119.
    On the wire
        Two or more DISCOVERs of one machine (edk2 waits 4, 8, 16 and 32 s between them, iPXE 1, 2, 4 and 8 s) and not
        one BOOTP reply for its hardware address, or only OFFERs with a transaction id (xid) that is not its own, or only
        ProxyDHCP OFFERs, whose address (yiaddr) is 0.0.0.0.
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
        if dhcp.addressed or any(heard.message.op == 2 for heard in dhcp.relayed):
            return
        quality = case.world.quality
        proxies = {Offer.of(heard).server for heard in dhcp.proxy_offers}
        asked = {dhcp_options.server_id(heard.message) for heard in dhcp.requests}
        if quality.only_requests or asked - proxies - {None}:
            return  # this capture does not hold offers that were taken
        signs = _signs(case, dhcp)
        misfit, before = signs.misfit, signs.before
        # What is asked for with the broadcast flag is answered by broadcast (RFC 2131 section 4.1): it would be seen.
        broadcast = any(heard.message.broadcast and not heard.message.relay for heard in dhcp.discovers)
        would_be_seen = broadcast and not (quality.dropped_frames or quality.one_sided)
        yield self.finding(
            case,
            [
                *first_and_last(dhcp.discovers, "DISCOVER without an answer"),
                *maybe(next(iter(dhcp.relayed), None), "DISCOVER behind the relay"),
                *([evidence(misfit.heard, "OFFER with another transaction id")] if misfit else ()),
                *maybe(next(iter(dhcp.proxy_offers), None), "ProxyDHCP OFFER, without an address"),
                *([evidence(before[1].heard, f"{before[1].server} answers {before[0].client}")] if before else ()),
            ],
            confidence="likely" if would_be_seen else case.silence(second_sign=bool(signs.served)),
            count=dhcp.discover_count,
            time=names.seconds(dhcp.discovers[-1].at.time - dhcp.discovers[0].at.time),
            others=_others(case, signs),
            blind="" if would_be_seen else case.blind_spot(),
            expected="An OFFER from a DHCP server within a few seconds of the first DISCOVER.",
            proof=_proof(case, signs),
            fixes=_fixes(case, signs),
        )


class _Signs(NamedTuple):
    """What else the capture holds beside DISCOVERs that nobody answers."""

    served: list[ServerRecord]
    """Servers that answer others."""
    before: tuple[StageRecord, Offer] | None
    """The program of this machine that a server answered before, and the answer."""
    misfit: Offer | None
    """An OFFER with a transaction id that is not the machine's."""
    relayed: list[Heard[DhcpMessage]]
    proxies: list[str]
    """ProxyDHCP servers, which do answer the machine."""
    snooped: bool
    """A switch added option 82, and no relay its address; relays refuse that (Cisco IOS by default)."""

    @property
    def link(self) -> str | None:
        """The network that the relay names (RFC 3527)."""
        told = dhcp_options.relay_information(self.relayed[0].message) if self.relayed else None
        return told.link if told is not None else None


def _signs(case: Case, dhcp: Dhcp4Exchange) -> _Signs:
    asking = (heard for heard in dhcp.misfits if heard.at.time < dhcp.discovers[-1].at.time)
    relayed = [heard for heard in (*dhcp.discovers, *dhcp.relayed) if heard.message.relay]
    snooped = any(_RELAY_INFORMATION in heard.message.options for heard in dhcp.discovers)
    return _Signs(
        case.overview.dhcp_servers,
        _answered_before(case),
        next((Offer.of(heard) for heard in asking), None),
        relayed,
        sorted({Offer.of(heard).server for heard in dhcp.proxy_offers}),
        snooped and not relayed,
    )


def _others(case: Case, signs: _Signs) -> str:
    """What the capture shows of servers all the same."""
    if signs.misfit is not None:
        xid = f"{signs.misfit.message.xid:#010x}"
        return f"what {signs.misfit.server} offers has transaction id {xid}, which is not the machine's"
    if signs.proxies:
        return f"{names.joined(signs.proxies)} alone answers, by ProxyDHCP, which gives no address"
    if signs.relayed:
        targets = names.joined(heard.target for heard in signs.relayed)
        apart = f" for the network of {signs.link}" if signs.link else ""
        return f"the relay {signs.relayed[0].message.relay} hands them to {targets}{apart}, and no answer comes back"
    if signs.before is not None:
        program, answer = signs.before
        others = f"{answer.server} answered {program.name or program.client} before"
    elif signs.served:
        others = f"{names.joined(server.address for server in signs.served)} serves others"
    else:
        others = "only DHCPv6 is answered here" if case.overview.answers_dhcpv6 else "nobody answers anyone here"
    if signs.snooped:
        others += "; a switch put option 82 into them without a relay's address, which relays and servers may refuse"
    return others


def _fixes(case: Case, signs: _Signs) -> tuple[Fix, ...]:
    if signs.misfit is not None:
        look = f"tcpdump -vni any port 67   # on {signs.misfit.server}: xid of what comes and what goes"
        return (Fix("shell", look),)
    if signs.before is not None:
        return _fixes_behind(case)
    relay = signs.relayed[0].message.relay if signs.relayed else None
    host = case.world.host
    name = host.libvirt_network if host else None
    restart = f"virsh net-destroy {name}; virsh net-start {name}\n" if name else ""
    listens = Fix("shell", f"{restart}ss -lunp 'sport = :67'   # is a server listening, and on which address?")
    ranges = fixes.address_range(case, signs.link or relay)
    accept = fixes.accept("udp", 67)
    if signs.served and relay is None and not signs.snooped:  # so one listens, and has a reason
        server = signs.served[0].address
        units = "-u dnsmasq -u libvirtd -u isc-dhcp-server -u kea-dhcp4-server"
        say = f"# on {server}: what does its log say of this machine?\njournalctl {units} --since -10min | grep -i {case.machine.mac}"
        return (Fix("shell", say), *fixes.arrange(case, *ranges))
    if relay is None:  # nothing shows that there is a server to configure: the first question is whether one hears
        return fixes.arrange(case, *(_SNOOPING if signs.snooped else ()), listens, accept, *ranges)
    back = Fix("shell", f"ip route get {relay}   # on the server: how does it answer the relay?")
    return fixes.arrange(case, *ranges, listens, accept, back)


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


def _proof(case: Case, signs: _Signs) -> str:
    if signs.misfit is not None:
        return "A capture beside the machine and one beside the server: where do the transaction ids begin to differ?"
    if signs.relayed:
        return (
            "The server's log: does it know a subnet for the relay's address? Its routes: is there a way back to that?"
        )
    if signs.served:
        return f"The server's log: does the DISCOVER arrive, and does it serve known machines only, {case.machine.mac} too?"
    return "The server's log, or a capture on the server's own interface: does the DISCOVER arrive there?"
