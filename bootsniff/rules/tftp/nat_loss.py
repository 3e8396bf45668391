"""tftp-nat-loss; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...flow.records import TftpTransfer
from ...model import Confidence, Evidence, Finding, Fix
from ...track.records import FetchRecord
from .. import fixes, names
from ..case import Case
from ..evidence import evidence, first_and_last, port_unreachable
from ..rule import Rule
from . import transfers


class TftpNatLoss(Rule):
    """The TFTP server's answers are lost in a NAT.

    What happens
        The machine sits behind a NAT (libvirt's, a container host's). Its request gets out to port 69; the server answers
        from a new port, which belongs to no connection the NAT knows, and the answer is thrown away.
    On the wire
        Inside: RRQ again and again, nothing back. Outside: the translated RRQ, OACK or DATA from a new server port to the
        NAT's address, then ICMP port unreachable from the NAT, or nothing. HTTP to the same server works.
    Not to be confused with
        A server that does not answer (tftp-no-reply): from the inside both look the same, so from there it is said only
        when the server is outside the machine's network and the NAT's host gave the address. A server that is down says so
        by ICMP (tftp-server-down). A server whose answers to other requests came through. A host that captures, and translates nothing, forwards nothing or assigns the helper
        already, is asked itself.
    Causes
        No rule assigns the TFTP conntrack helper to the request. Loading nf_nat_tftp is not enough on current kernels: the
        automatic assignment (nf_conntrack_helper) is gone since Linux 6.0.
    Fix
        Assign the helper on the NAT's host, or fetch by HTTP, or put the TFTP server on the inside.
    Sources
        RFC 1350 section 4 (transfer identifiers); wiki.nftables.org, Conntrack helpers; lab captures with Linux 6.18.
    """

    code = "tftp-nat-loss"
    stage = "tftp"
    needs = "fetches"
    explains_away = ("tftp-no-reply", "tftp-reply-lost")
    summary = "answers of TFTP server {server} are lost in the NAT {gateway}: {file} requested {count} times inside"

    def check(self, case: Case) -> Iterator[Finding]:
        for fetch, flow in transfers.failed(case):
            verdict = _both_sides(fetch, flow) or _outside(flow) or _inside(case, fetch, flow)
            if verdict is None:
                continue
            confidence, gateway, proof = verdict
            yield self.finding(
                case,
                [*first_and_last(flow.requests, "RRQ"), *proof],
                confidence=confidence,
                subject=flow.server,
                server=flow.server,
                gateway=gateway,
                file=flow.filename,
                count=flow.request_count,
                expected="An OACK or DATA block inside, from the port the server chose.",
                proof=""
                if confidence == "certain"
                else "A second capture on the far side of the NAT: bootsniff read INSIDE OUTSIDE. "
                f"Is {flow.server} the TFTP server at all?",
                fixes=_fixes(case, flow, gateway),
            )
            return


_Verdict = tuple[Confidence, str, list[Evidence]]


def _both_sides(fetch: FetchRecord, flow: TftpTransfer) -> _Verdict | None:
    """One flow seen inside without an answer and outside, translated, with one."""
    seen = transfers.views(fetch, flow)
    inside = [view for view in seen if not transfers.answered(view)]
    outside = [view for view in seen if transfers.answered(view)]
    for out in outside:
        if any(view.client != out.client for view in inside):
            proof = [evidence(ref, f"RRQ outside, as {out.client}") for ref in out.requests[:1]]
            proof += [evidence(ref, "answer outside") for ref in out.oacks[:1]]
            if out.body.first:
                proof.append(evidence(out.body.first, "data outside"))
            if out.error_at and out.error:
                proof.append(evidence(out.error_at, f"TFTP error {out.error.code} outside"))
            proof += [evidence(n.at, "ICMP port unreachable from the NAT") for n in transfers.by_client(out)[:1]]
            return "certain", out.client, proof
    return None


def _outside(flow: TftpTransfer) -> _Verdict | None:
    """The far side alone: the first answer already draws port unreachable, and no block is ever acknowledged."""
    refused = transfers.by_client(flow)
    if not refused or flow.acked_block >= 0 or flow.error_by_client or not transfers.answered(flow):
        return None
    answer = flow.oacks[:1] or ([flow.body.first] if flow.body.first else [])
    proof = [evidence(ref, "answer from a new port") for ref in answer]
    return (
        "likely",
        flow.client,
        [*proof, *port_unreachable(refused[:2])],
    )


def _inside(case: Case, fetch: FetchRecord, flow: TftpTransfer) -> _Verdict | None:
    """The inside alone: the server is elsewhere, and the router is the one that gave the address, or captures."""
    lease = case.lease
    if fetch.views:
        return None  # the other side is there, and does not show an answer either
    if transfers.answered(flow) or flow.icmp or flow.reply_from or flow.strangers or lease is None:
        return None
    if flow.request_count < 2 and not case.gave_up:
        return None
    if not case.is_elsewhere(flow.server) or names.no_host(flow.server):
        return None
    host = case.world.host
    if host and host.masquerades == ():
        return None  # the capturing host is asked, and translates nothing
    here = set(host.addresses) if host else set()
    gateway = next((router for router in lease.routers if router == lease.server or router in here), None)
    if gateway is None or not case.world.quality.sees_replies:
        return None
    if host and gateway in here and (host.forwards is False or (host.tftp_helper_assigned and host.tftp_helper_loaded)):
        return None  # the capturing host lets nothing through, or helps already: silence is the server's
    if flow.server in case.answers_tftp:
        return None  # what is behind the NAT answers other requests of this boot: they come through
    return "likely", gateway, [evidence(lease.heard, f"router {gateway} is the DHCP server, {flow.server} is outside")]


def _fixes(case: Case, flow: TftpTransfer, gateway: str) -> tuple[Fix, ...]:
    there = f"# on {gateway}\nmodprobe nf_nat_tftp"
    return fixes.arrange(
        case,
        Fix("nft", f"{there}\n{transfers.HELPER}"),
        Fix("iptables", f"{there}\niptables -t raw -A PREROUTING -p udp --dport 69 -j CT --helper tftp"),
        Fix("http", f"# fetch over HTTP, which a NAT carries without help:\n{fixes.example_url(case, flow.filename)}"),
    )
