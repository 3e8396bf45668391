"""tftp-mtu-blackhole; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...flow.records import TftpTransfer
from ...model import Confidence, Evidence, Finding, Fix
from ...track.records import FetchRecord
from .. import fixes
from ..case import Case
from ..evidence import evidence, first_and_last, maybe, too_big
from ..rule import Rule
from . import transfers

_HEADERS = 4 + 8 + 20
"""TFTP, UDP and IPv4 headers around a block."""
_SAFE = 1280 - _HEADERS
"""Blocks that fit the smallest MTU of tunnels in use."""
_TUNNEL = 1420
"""What tunnels in use leave (WireGuard over IPv6), where nothing tells the size on the way."""
_LEAST = 576
"""IPv4 packets of this size pass everywhere (RFC 791 section 3.1)."""
_MANY = 3
"""Blocks and acknowledgements that pass each other: as often as that is no accident."""


class TftpMtuBlackhole(Rule):
    """Large TFTP blocks do not get through.

    What happens
        Small packets pass, so the request and the options are agreed on; the first block, which fills a whole Ethernet
        packet or more, never arrives.
    On the wire
        OACK with a block size, ACK 0, then no DATA 1, or only fragments of it with the rest lost; the OACK and the request
        repeat. ICMP type 3 code 4 ("fragmentation needed") proves it. Before the place where they are lost the capture
        shows the blocks whole: the server sends DATA 1 again and again, and the machine answers none of them but repeats
        its ACK 0, or begins anew each time (the Windows boot manager).
    Not to be confused with
        No OACK at all (tftp-no-reply). A size probe, which the client ends itself after the OACK. A machine that was
        switched off after the OACK, or a server that stops (tftp-timeout-mid-transfer): one of them is silent then. An error
        of the server behind its OACK (tftp-error), which PXELINUX does not heed: it repeats its ACK 0.
    Causes
        A tunnel on the way (VPN, VXLAN, WireGuard) with a smaller MTU; jumbo frames on one side; a firewall that drops
        fragments or ICMP. dnsmasq sends without the DF bit, so that fragments are typical.
    Fix
        Limit the block size at the server, or where the client's configuration names it (ramdisktftpblocksize in a BCD); or
        repair the MTU on the way.
    Sources
        RFC 2348; RFC 1191; dnsmasq tftp.c (IP_PMTUDISC_DONT); FOGProject pull request 455; tinkerbell/smee pull request 70.
    """

    code = "tftp-mtu-blackhole"
    stage = "tftp"
    needs = "fetches"
    explains_away = ("tftp-timeout-mid-transfer",)
    summary = "{server} agreed to blocks of {block} bytes for {file}, but none arrives{sign}"

    def check(self, case: Case) -> Iterator[Finding]:
        for fetch, flow in transfers.failed(case):
            verdict = _verdict(fetch, flow) or _in_pieces(case, flow)
            if verdict is None or flow.complete or _ended(flow):
                continue
            confidence, sign, proof = verdict
            told = too_big(flow.icmp)
            mtu = next((n.message.next_hop_mtu for n in told if n.message.next_hop_mtu), None) or _narrow(flow)
            yield self.finding(
                case,
                [
                    *first_and_last(flow.requests, f"RRQ {flow.filename}"),
                    *first_and_last(flow.oacks, f"OACK blksize {flow.block_size}"),
                    *maybe(flow.last_ack, "ACK, no block follows"),
                    *proof,
                ],
                confidence=confidence,
                subject=flow.server,
                server=flow.server,
                block=flow.block_size,
                file=flow.filename,
                sign=sign,
                expected=f"DATA 1 in a packet of {flow.block_size + _HEADERS} bytes.",
                proof=""
                if confidence == "certain"
                else f"ping -M do -s {flow.block_size + 4} from the server to the machine's network.",
                fixes=fixes.arrange(
                    case,
                    Fix("dnsmasq", f"tftp-mtu={mtu}"),
                    Fix("tftpd-hpa", f'TFTP_OPTIONS="--secure --blocksize {mtu - _HEADERS}"'),
                    _windows(flow, mtu),
                    Fix("nft", "nft insert rule inet filter forward icmp type destination-unreachable accept"),
                ),
            )


def _ended(flow: TftpTransfer) -> bool:
    """Whether an error says why it ended: the server's, or the machine's, which it also sends when fragments are lost."""
    return flow.error is not None and not (flow.error_by_client and flow.fragments_missing)


def _narrow(flow: TftpTransfer) -> int:
    """A size that passes wherever it can be expected: that of fragments made on the way, or what tunnels leave."""
    return min(_TUNNEL, flow.longest_fragment) if flow.longest_fragment >= _LEAST else _TUNNEL


def _windows(flow: TftpTransfer, mtu: int) -> Fix | None:
    """The Windows boot manager asks for blocks of the size that its BCD names."""
    if not flow.filename.lower().endswith((".sdi", ".wim")):
        return None
    size = mtu - _HEADERS
    return Fix(
        "windows", f"bcdedit /store BCD /set {{ramdiskoptions}} ramdisktftpblocksize {size}   # the BCD it fetched"
    )


def _in_pieces(case: Case, flow: TftpTransfer) -> tuple[Confidence, str, list[Evidence]] | None:
    """DATA 1 goes out in fragments, try after try, and the machine, which had the OACK each time, takes none."""

    def untaken(one: TftpTransfer) -> bool:
        sent = one.body.packets
        return (
            one.longest_fragment > 0 and one.acked_block == 0 and one.ack_count > 0 and sent >= 2 and one.error is None
        )

    if not untaken(flow):
        return None
    tries = [one for _, one in case.tftp if one.filename == flow.filename and untaken(one)]
    if len(tries) < 2:
        return None  # a machine that was switched off takes nothing either
    whole = any(one.complete and not one.longest_fragment and one.server == flow.server for _, one in case.tftp)
    sign = f": DATA 1 is sent in fragments at {len(tries)} tries" + ("; what fits one packet arrives" if whole else "")
    sure = whole or len(tries) > _MANY
    return "likely" if sure else "possible", sign, list(maybe(flow.body.last, "DATA 1, in fragments"))


def _verdict(fetch: FetchRecord, flow: TftpTransfer) -> tuple[Confidence, str, list[Evidence]] | None:
    told = too_big(flow.icmp)
    if told:
        notice = told[0]
        mtu = f", MTU {notice.message.next_hop_mtu}" if notice.message.next_hop_mtu else ""
        role = f"ICMP packet too big from {notice.sender}{mtu}"
        return "certain", f" ({notice.sender} reports it too big{mtu})", [evidence(notice.at, role)]
    if transfers.never_taken(flow) and flow.block_size > _SAFE:
        sent = flow.body.packets
        confidence: Confidence = "likely" if sent >= _MANY and flow.ack_count >= _MANY else "possible"
        role = f"DATA 1, sent {sent} times"
        return confidence, f": DATA 1 is sent {sent} times, and ACK 0 comes back", list(maybe(flow.body.last, role))
    if flow.body.received:
        return None
    for view in fetch.views:
        if view.body.first and not flow.body.packets:
            return (
                "certain",
                ", although the server sends them",
                [evidence(view.body.first, "DATA 1 at the other capture point")],
            )
    if flow.fragments_missing:
        return "likely", ": fragments are lost", []
    patient = flow.oack_count >= 2 or flow.ack_count >= 2 or flow.request_count >= 2
    if flow.oack is not None and flow.acked_block == 0 and flow.block_size > _SAFE and patient:
        return "possible", "", []
    return None
