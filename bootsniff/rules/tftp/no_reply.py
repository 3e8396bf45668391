"""tftp-no-reply; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...flow.records import IcmpNotice, TftpTransfer
from ...model import Finding, Fix
from ...track.exchanges import Heard
from ...wire.messages import DhcpMessage
from .. import fixes, meanwhile, names, on_the_way
from ..case import Case
from ..evidence import by_icmp, first_and_last, maybe
from ..rule import Rule
from . import transfers

_TRIES = 3
"""Requests after which no answer can have arrived: a client that is answered sends no further one."""

_FORBIDDEN = {(3, 9), (3, 10), (3, 13), (1, 1)}
"""ICMP and ICMPv6 type and code with which a firewall rejects (RFC 1812 section 5.2.7.1, RFC 4443 section 3.1)."""
_NO_WAY = {(3, 0), (3, 1), (1, 0), (1, 3)}
"""The same of a router that has no route, or whose neighbour does not answer (RFC 792; RFC 4443 section 3.1)."""
_SERVER = (
    Fix("tftpd-hpa", "systemctl enable --now tftpd-hpa\nss -lunp 'sport = :69'"),
    fixes.DNSMASQ_TFTP,
)


class TftpNoReply(Rule):
    """The TFTP server does not answer.

    What happens
        The machine asks for its boot file again and again and nothing comes back. Firmware shows PXE-E32 or PXE-E18, or
        "NBP filesize is 0 Bytes".
    On the wire
        The same RRQ from the same port (edk2 every 4 s, six times; U-Boot every 5 s; GRUB from 0.4 s on, growing; BIOS
        ROMs every 2 to 4 s), nothing from the server, no ICMP port unreachable. A firewall that rejects says so by ICMP
        (codes 9, 10 and 13).
    Not to be confused with
        An answer that was lost in a NAT (tftp-nat-loss) or came from another address (tftp-reply-from-other-ip); a server
        that is down and says so by ICMP (tftp-server-down); a server that answers the request but whose data get lost
        (tftp-mtu-blackhole); a capture point that does not see replies.
    Causes
        A firewall at the server or on the way, for everybody or for this machine alone (TFTP answers come from a new port, so UDP 69 alone is not enough), a wrong
        server address, a server in a container of which only port 69 is published, a route that is missing.
    Fix
        Let UDP 69 in, and the answers out as related traffic with the TFTP conntrack helper.
    Sources
        RFC 1350 section 4; edk2 NetworkPkg PxeBcImpl.h (timeouts); firehol issue 529.
    """

    code = "tftp-no-reply"
    stage = "tftp"
    needs = "fetches"
    summary = "{server} does not answer: {file} requested {times}{icmp}{blind}"

    def check(self, case: Case) -> Iterator[Finding]:
        for fetch, flow in transfers.failed(case):
            if case.is_deaf_to(flow.server):
                continue  # replies came, this capture does not hold them
            if any(map(transfers.answered, transfers.views(fetch, flow))) or flow.strangers or flow.partial:
                continue
            if not flow.requests or flow.reply_from or transfers.refusals(flow):
                continue
            if flow.request_count < 2 and not flow.icmp and not case.gave_up:
                continue
            icmp = [notice for notice in flow.icmp if notice.sender != flow.client]
            forbidden = next((n for n in icmp if (n.message.type, n.message.code) in _FORBIDDEN), None)
            others = (n for n in icmp if n.sender != flow.server)
            lost = next((n for n in others if (n.message.type, n.message.code) in _NO_WAY), None)
            told = f"; {icmp[0].sender} reports it unreachable" if icmp else ""
            if forbidden:
                told = f"; a firewall at {forbidden.sender} forbids it"
            seeks = transfers.seeks_machine(case, flow, flow.start)
            if seeks and not icmp:
                told = "; the server looks for the machine's address and gets no answer"
            other = meanwhile.served(case, flow.server, flow.requests[0].time, flow.requests[-1].time)
            if other and not (icmp or seeks):
                told = f"; it answers {other.who} {other.when}"
            beyond = None if icmp else _seen_beyond(case, transfers.views(fetch, flow))
            yield self.finding(
                case,
                [
                    *first_and_last(flow.requests, "RRQ without an answer"),
                    *maybe(beyond, f"{flow.server} at the other capture point, where no RRQ arrives"),
                    *by_icmp(icmp[:2]),
                    *(other.proof if other else ()),
                    *first_and_last(seeks, "who has the machine's address?"),
                ],
                confidence="certain" if icmp else case.silence(flow.server, second_sign=flow.request_count >= _TRIES),
                subject=flow.server,
                server=flow.server,
                file=flow.filename,
                times=_times(flow),
                icmp="; the requests are lost on the way" if beyond else told,
                blind=case.blind_spot(flow.server),
                expected="An OACK, the first DATA block or an ERROR from the server.",
                proof="The other capture, made without a filter that leaves out port 69."
                if beyond
                else f"A capture on {flow.server} itself: does the request arrive, and what goes out?",
                fixes=(_route(flow, lost),)
                if lost and not forbidden
                else meanwhile.fixes(
                    None if beyond else other,
                    flow.client,
                    flow.server,
                    _fixes(case, flow, forbidden=forbidden is not None, beyond=beyond),
                ),
            )


def _times(flow: TftpTransfer) -> str:
    if flow.request_count == 1:
        return "once"
    return f"{flow.request_count} times in {names.seconds(flow.requests[-1].time - flow.requests[0].time)}"


def _seen_beyond(case: Case, views: list[TftpTransfer]) -> Heard[DhcpMessage] | None:
    """What the same server said, to a relay or to the machine, or was told by a relay, where no request came to."""
    here, server = {(view.capture, view.point) for view in views}, views[0].server
    heard = (*case.dhcp4.relayed, *case.dhcp4.offers, *case.dhcp4.acks) if case.dhcp4 else ()
    return next((h for h in heard if server in (h.source, h.target) and (h.at.capture, h.point) not in here), None)


def _fixes(case: Case, flow: TftpTransfer, *, forbidden: bool, beyond: Heard[DhcpMessage] | None) -> tuple[Fix, ...]:
    if beyond is not None and not case.is_elsewhere(flow.server):
        return on_the_way.remedies(case)
    if beyond is not None:
        accept = "nft insert rule inet filter forward udp dport 69 accept   # on the router between the two\n"
        return (Fix("nft", accept + transfers.ROUTER_NFT), transfers.ROUTER_IPTABLES)
    if forbidden:
        return _firewall(case, flow.server)
    lease = case.lease
    host = case.world.host
    if host is not None and host.forwards is False and case.is_elsewhere(flow.server):
        return (Fix("shell", "sysctl -w net.ipv4.ip_forward=1   # this host forwards nothing"),)
    if lease is not None and lease.server != flow.server:
        # What software the DHCP server runs tells nothing of this one.
        back = Fix("iproute2", f"ip route get {flow.client}   # on {flow.server}: does it lead back to the machine?")
        return (*_firewall(case, flow.server), *([back] if case.is_elsewhere(flow.server) else []), *_SERVER)
    return fixes.arrange(case, *_firewall(case, flow.server), *_SERVER)


def _route(flow: TftpTransfer, lost: IcmpNotice) -> Fix:
    """Where a router gave up, its table and what it knows of its neighbours; a firewall would have said something else."""
    server = flow.server
    return Fix("iproute2", f"ip route get {server}   # on {lost.sender}, which knows no way\nip neigh show {server}")


def _firewall(case: Case, server: str) -> tuple[Fix, Fix]:
    return (
        fixes.firewalld(case, "--add-service=tftp", server),
        Fix("nft", f"# on {server}\n{transfers.OWN_FIREWALL}"),
    )
