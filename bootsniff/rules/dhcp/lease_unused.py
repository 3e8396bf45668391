"""dhcp-lease-unused; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...flow.records import TcpConnection
from ...model import Finding, FrameRef
from ...track.exchanges import Arps, Dhcp4Exchange, Dhcp6Exchange
from ...track.unheard import TWICE
from ...wire.http import is_web_url
from .. import on_the_way
from ..case import Case
from ..evidence import evidence, maybe
from ..rule import Rule


class DhcpLeaseUnused(Rule):
    """The machine has an address and knows its boot file, and its request for that is not seen.

    What happens
        The lease names a boot file, and the machine finds its server, by ARP, a neighbor solicitation or a name server. Then
        nothing more is heard of it: what it asks the server does not get as far as this capture point, or it has stopped.
    On the wire
        ACK or REPLY with a boot file, the server's answer to the machine's ARP or solicitation or the answer for its name,
        and then no request, no SYN. Or a connection to a web server that opens, and nothing on it. Or nothing at all
        behind the lease, where the capture shows unicast packets and ARP.
    Not to be confused with
        A server that nobody finds (arp-next-server-unanswered, dns-lookup-failed); an ARP answer that the machine does not
        hear (arp-reply-lost). A capture of DHCP alone, which cannot hold the request. A machine that was switched off.
    Causes
        A firewall, a filter of the hypervisor or of its bridge, an access list of a switch, that lets DHCP and ARP pass and
        not TFTP or HTTP. A capture filter that leaves the boot file's protocol out.
    Fix
        Capture at the machine's own port. Where it asks there, look for what drops the request on the way.
    Sources
        RFC 1350 section 4; RFC 9293 section 3.5; lab captures behind a bridge that drops RRQs, and SYNs.
    """

    code = "dhcp-lease-unused"
    stage = "dhcp"
    last_resort = True
    summary = "{file} is named{known}, and then nothing is asked: {unheard}the request does not get here{stopped}"

    def check(self, case: Case) -> Iterator[Finding]:
        lease, file = _lease(case), case.boot_file
        if lease is None or file is None or not case.failed_here or case.stage.fetches:
            return
        if case.stage.connections and not (is_web_url(file) and all(map(_is_idle, case.stage.connections))):
            return
        found = _found(case, lease)
        if found is None and not _would_show(case):
            return
        server, answer, role = found or ("", None, "")
        sought = [] if found else _sought(case)
        known = (
            f" and {server} is found" if found else "".join(f" and {one.target} is looked for" for one in sought[-1:])
        )
        unheard = "" if found else f"the machine does not hear the {'answer' if sought else 'ACK'}, or "
        yield self.finding(
            case,
            [
                evidence(lease, f"lease, names {file}"),
                *maybe(answer, role),
                *(evidence(one.requests[-1], f"ARP who-has {one.target}") for one in sought[-1:]),
            ],
            confidence="possible",
            subject=file,
            file=file,
            known=known,
            unheard=unheard,
            stopped="" if case.went_on else ", or the machine stopped",
            expected=f"A request for {file}.",
            proof="A capture nearer to the machine, on its own tap or switch port, made without a filter: does it ask there?",
            fixes=on_the_way.remedies(case),
        )


def _would_show(case: Case) -> bool:
    """Whether the machine has been silent for long, and this capture holds what else machines send and hear."""
    if case.gave_up or case.boot.stalled_at not in ("tftp", "http", "tls"):
        return False
    quality, stage = case.world.quality, case.stage
    silent = not (stage.connections or stage.lookups or stage.port_lookups)
    silent &= all(arps.request_count < TWICE for arps in _sought(case))  # else arp-next-server-unanswered
    return silent and quality.sees_fetches and quality.arp_seen and quality.unicast_seen


def _sought(case: Case) -> list[Arps]:
    """Hosts that the machine asked for by ARP."""
    return [one for one in case.stage.arps if one.target not in case.stage.given]


def _is_idle(connection: TcpConnection) -> bool:
    """Whether a connection opened, nothing was asked on it, and the server did not end it for a reason of its own."""
    refused = connection.reset is not None and not connection.reset_by_client
    return connection.established and not (connection.exchanges or connection.tls or refused)


def _lease(case: Case) -> FrameRef | None:
    """The packet that gave the machine its address."""
    dhcp = case.stage.dhcp
    if isinstance(dhcp, Dhcp4Exchange):
        return dhcp.acks[-1].at if dhcp.acks else None
    if isinstance(dhcp, Dhcp6Exchange):
        return dhcp.replies[-1].at if dhcp.replies else None
    return None


def _found(case: Case, lease: FrameRef) -> tuple[str, FrameRef, str] | None:
    """The last host that the machine looked for behind its lease, and found."""
    arps = [*case.stage.arps, *case.stage.neighbors]
    found = [
        (one.target, one.reply, "answer for its address")
        for one in arps
        if one.reply and one.target not in case.addresses
    ]
    found += [
        (one.name, one.answer_at, "answer for its name")
        for one in case.stage.lookups
        if one.answer_at is not None and one.answer is not None and one.answer.addresses
    ]
    found += [
        (one.server, one.syn_ack, "SYN-ACK, and no request behind the ACK of it")
        for one in case.stage.connections
        if one.syn_ack is not None
    ]
    return max((one for one in found if one[1].time > lease.time), key=lambda one: one[1].time, default=None)
