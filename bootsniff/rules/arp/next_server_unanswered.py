"""arp-next-server-unanswered; reads records, never changes them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import IPv4Address

from ...flow.records import DnsLookup
from ...model import Confidence, Finding, Fix
from ...track.boot_file import next_hop
from ...track.exchanges import Arps
from ...track.next_file import ARP_TRIES
from ...track.records import Expectation, FetchRecord
from ...track.unheard import TWICE
from ...wire import urls
from ...wire.addresses import is_for_many
from ...wire.http import is_https
from ...wire.scripts import READABLE
from .. import fixes, names, quoting
from ..case import Case
from ..evidence import evidence, first_and_last, maybe, names_next
from ..rule import Rule
from ..v6.nearby import neighbour
from . import unnamed

_USUAL_MASK = IPv4Address("255.255.255.0")
_NAME_SERVER = "the name server"


class ArpNextServerUnanswered(Rule):
    """Nobody answers ARP for the boot server or the router.

    What happens
        The machine has its address and wants to reach the boot server; the hardware address of that server, or of the router
        on the way, cannot be found. Firmware shows PXE-E11; U-Boot "ARP Retry count exceeded".
    On the wire
        After the ACK: ARP who-has for the server or the router, usually four times, no reply, no request to the server.
        A capture without ARP (link type raw IP, a filter) shows the ACK and then nothing of either. Over IPv6: the REPLY with a
        URL on the machine's own network, neighbor solicitations for that host, and no request.
    Not to be confused with
        ARP for the machine's own address (conflict detection), which must stay without an answer; the DHCP server's own probe
        of the address before the OFFER.
    Causes
        The server is off or on another network; its firewall drops ICMPv6 neighbor solicitations; no option 3, or a wrong one, so that the client asks for a server off its
        subnet directly; a wrong subnet mask in option 1. An address that no reply names: a script of the program's own has it,
        or the program reads wrongly what DHCP names (Raspberry Pi 4 of 2019, option 66).
    Fix
        Give a router (option 3) and the right mask (option 1), or correct the server's address.
    Sources
        RFC 826; RFC 1122 section 3.3.1; PXE error codes of the PXE specification; facebook/openbmc pull request 2558;
        raspberrypi/rpi-eeprom issue 72.
    """

    code = "arp-next-server-unanswered"
    stage = "arp"
    explains_away = (
        "http-plain-disabled",
        "tls-unsupported",
        "tftp-no-reply",
        "tcp-filtered",
        "chain-uboot-no-serverip",
    )
    summary = "nobody answers {how} for {role} {target}{why}"

    def check(self, case: Case) -> Iterator[Finding]:
        yield from self._asked(case) if case.stage.arps else self._unasked(case)
        yield from self._silent6(case)

    def _asked(self, case: Case) -> Iterator[Finding]:
        own = case.addresses
        tries = 2 if case.world.quality.unicast_seen else ARP_TRIES  # another port of the switch shows no reply
        for arps in case.stage.arps:
            target = arps.target
            if target in own or arps.request_count < tries or arps.reply or arps.answers or not arps.requests:
                continue
            if target in case.world.arp and case.stage.fetches:
                continue  # known from other packets; the machine got on
            role, looked_up = _role(case, target), _looked_up(case, target)
            lost = role is None and unnamed.is_lost(case, target)
            if (role is None and not lost) or _reached(case, target):
                continue
            yield self.finding(
                case,
                [
                    *(evidence(case.lease.heard, f"lease of {case.lease.address}") for _ in range(1) if case.lease),
                    *(maybe(looked_up.answer_at, f"{looked_up.name} is {target}") if looked_up else ()),
                    *map(names_next, _named(case, target)[:1]),
                    *(
                        evidence(fetch.ended, f"{fetch.name} names {target}")
                        for fetch in ([] if _named(case, target) else _naming(case, target)[:1])
                    ),
                    *first_and_last(arps.requests, f"ARP who-has {target}"),
                ],
                confidence=_confidence(case, arps),
                subject=target,
                how="ARP",
                role=role or "the address",
                target=target,
                why=unnamed.instead(case) if lost else _why(case, target),
                expected=f"An ARP reply for {target}.",
                proof=f"arping {target} from another host of this network.",
                fixes=unnamed.mend(case, target) if lost else _fixes(case, target),
            )

    def _unasked(self, case: Case) -> Iterator[Finding]:
        """No ARP can be seen here: a lease, and then no request to a server of which nothing was ever seen."""
        quality = case.world.quality
        if quality.arp_seen or not quality.sees_fetches or not case.failed_here or not case.acks:
            return
        if case.client == "os" or case.stage.menu or not case.asked_nothing:
            return
        if case.is_http or is_https(case.boot_file or ""):
            return  # HTTP boot firmware may refuse plain HTTP, and many programs know no TLS
        ack, target = case.acks[-1], next_hop(case.stage)
        if target is None or target in case.overview.heard or target in case.addresses or _was_sent_to(case):
            return
        # Without a second sign it may be TFTP that the capture does not show.
        asks_here = quality.tftp_data_seen or case.option is not case.options[-1]
        yield self.finding(
            case,
            [evidence(ack.heard, f"lease of {ack.address}; no request follows")],
            confidence=case.silence(second_sign=True) if asks_here else "possible",
            subject=target,
            how="ARP",
            role=_role(case, target) or "the boot server",
            target=target,
            why=": nothing is asked of it after the lease, and nothing of it was seen (this capture has no ARP)",
            expected=f"A request to {target}, or to the server behind it.",
            proof=f"A capture with ARP in it, on the machine's own network; or arping {target} from another host there.",
            fixes=_fixes(case, target),
        )

    def _silent6(self, case: Case) -> Iterator[Finding]:
        """A lease of DHCPv6 with the URL of a neighbour, of which nothing is asked."""
        dhcp = case.dhcp6
        if dhcp is None or not case.over or not case.asked_nothing or not case.is_efi_pxe or not dhcp.replies:
            return
        message = dhcp.replies[-1].message
        target = neighbour(message)
        if target is None or message.boot_file_parameters or target in case.overview.heard:
            return
        asked = next((one for one in case.stage.neighbors if one.target == target), None)
        if asked is not None and asked.reply is not None:
            return
        yield self.finding(
            case,
            [
                evidence(dhcp.replies[-1], f"lease of {message.addresses[0]}; no request follows"),
                *first_and_last(asked.requests if asked else (), f"neighbor solicitation for {target}"),
            ],
            confidence="possible" if asked is None or asked.request_count < TWICE else _confidence(case, asked),
            subject=target,
            how="neighbor solicitations",
            role="the boot server",
            target=target,
            why="" if asked else ": nothing is asked of it after the lease",
            expected=f"A request to {target}.",
            proof=f"ping {target} from another host of this network.",
            fixes=fixes.arrange(
                case,
                Fix(
                    "shell",
                    f"ip -6 -brief address show   # on the boot server: does it have {target}?\nping -c 3 {target}",
                ),
                Fix(
                    "nft",
                    "nft insert rule inet filter input icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept",
                ),
            ),
        )


def _confidence(case: Case, arps: Arps) -> Confidence:
    """A client stops asking once it is answered, so that repeats show that no answer arrived."""
    return "likely" if arps.request_count >= ARP_TRIES and not case.world.quality.dropped_frames else case.silence()


def _role(case: Case, target: str) -> str | None:
    lease = case.lease
    if lease and target in lease.routers:
        return "the router"
    servers = {reply.next_server for reply in [*case.acks, *case.pxe_replies, *case.offers, *case.proxy_offers]}
    if lease:
        servers |= {lease.next_server, lease.server}
    if case.boot_file and f"//{target}" in case.boot_file:
        return "the boot server"
    if target in servers:
        return "the boot server"
    if lease and target in lease.dns_servers:
        return _NAME_SERVER
    if looked_up := _looked_up(case, target):
        return f"{looked_up.name},"
    if named := _named(case, target):
        return f"the server that {names.base(named[0].named_in)} names,"
    return next((f"the server that {names.base(names.path_of(fetch))} names," for fetch in _naming(case, target)), None)


def _named(case: Case, target: str) -> list[Expectation]:
    """What scripts want of a host."""
    return [wanted for wanted in case.stage.expectations if urls.host_of(wanted.url) == target]


def _looked_up(case: Case, target: str) -> DnsLookup | None:
    """What the name server gave an address for."""
    answered = (lookup for lookup in case.stage.lookups if lookup.answer and target in lookup.answer.addresses)
    return next(answered, None)


def _naming(case: Case, target: str) -> list[FetchRecord]:
    """The configurations in whose text an address stands, as in GRUB's `set root=(tftp,ADDRESS)`."""
    address = re.compile(rb"(?<![\d.])%b(?![\d.])" % re.escape(target.encode()))
    return [
        fetch
        for fetch in case.stage.fetches
        if fetch.content is not None and fetch.content.kind in READABLE and address.search(fetch.flow.body.head)
    ]


def _reached(case: Case, target: str) -> bool:
    return any(fetch.server == target for fetch in case.stage.fetches)


def _was_sent_to(case: Case) -> bool:
    """Whether the machine sent anything to one host after its lease, port 4011: then it knows a MAC to send to."""
    dhcp = case.dhcp4
    return dhcp is not None and any(not is_for_many(heard.target) for heard in dhcp.pxe_requests)


def _why(case: Case, target: str) -> str:
    if case.is_elsewhere(target):
        routers = case.lease.routers if case.lease else ()
        return (
            ", which is off the subnet, and no router (option 3) was given"
            if not routers
            else ", which is off the subnet"
        )
    mask = _wide_mask(case, target)
    return f", which only the lease's mask {mask} puts on the machine's own network" if mask else ""


def _wide_mask(case: Case, target: str) -> str | None:
    """The mask of the lease where a usual one, of 24 bits, would make the machine ask a router for this address."""
    lease = case.lease
    mask = lease.subnet_mask if lease and lease.routers else None
    if lease is None or mask is None or lease.address is None or IPv4Address(mask) >= _USUAL_MASK:
        return None
    return mask if lease.address.rpartition(".")[0] != target.rpartition(".")[0] else None


def _fixes(case: Case, target: str) -> tuple[Fix, ...]:
    lease = case.lease
    if case.is_elsewhere(target) and lease:
        return fixes.router(case, lease)
    if lease and target in lease.routers:
        up = Fix("shell", f"arping -I eth0 {target}   # is the router up, and is this its address?")
        return (up, *fixes.router(case, lease))
    if lease and _role(case, target) == _NAME_SERVER:
        another = _another(case, target)
        return (
            Fix("shell", f"arping -I eth0 {target}   # is the name server up, and is this its address?"),
            *fixes.option(case, 6, another, "domain-name-servers", "domain-name-servers"),
        )
    if _wide_mask(case, target):
        look = "ip -brief address show   # on a host of this network: what is its mask? It belongs into option 1"
        return (Fix("shell", look),)
    looked_up = _looked_up(case, target)
    if looked_up is not None:
        return (
            Fix("shell", f"dig {quoting.shell(looked_up.name)} @{looked_up.server}   # is {target} still its address?"),
            Fix("shell", f"arping -I eth0 {target}"),
        )
    return fixes.arrange(
        case,
        Fix("shell", f"ip -brief address show   # on the boot server: does it have {target}?\narping -I eth0 {target}"),
        *(
            fixes.boot_file(case, case.boot_file, _another(case, target))[:1]
            if case.dhcp4 and not case.is_http and not (_named(case, target) or _naming(case, target))
            else ()
        ),
    )


def _another(case: Case, target: str) -> str:
    """A server that is there, to be named instead."""
    return case.lease.server if case.lease and case.lease.server != target else fixes.EXAMPLE_SERVER
