"""Questions that several TFTP rules ask of a transfer; reads records, never changes them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ...flow.records import IcmpNotice, TftpTransfer
from ...model import Evidence, Fix, FrameRef
from ...track.patience import SERVER_PATIENCE
from ...track.records import FetchRecord
from ...track.tftp_outcome import AT_ONCE, may_be_answered
from ...track.unheard import asks_behind_error
from .. import names, quoting
from ..case import Case
from ..evidence import evidence, maybe

_SMALL = 400_000
"""Bytes that every machine has room for: a BIOS has about 500 KB."""
SEEN_OFTEN = 3
"""Questions without an answer: what Linux asks before it gives up (neigh/default/mcast_solicit)."""
PORT_UNREACHABLE = {4: (3, 3), 6: (1, 4)}
"""ICMP type and code by IP version (RFC 792; RFC 4443 section 3.1)."""
_GUESSED = frozenset({"cbt", "0", "com", "c32", "img", "bss", "bin", "bs"})
"""Endings that PXELINUX puts behind a name that its configuration gives without one."""
_PLACE = re.compile(r"file (/\S+) not found|cannot (?:access|read) (/\S+): ")
"""dnsmasq tftp.c tells where it looked."""
_DNSMASQ = re.compile(r"file .+ not found|cannot (?:access|read) .+: ")
"""How dnsmasq's errors begin (tftp.c); others write "File not found", and no name."""
ROOT = re.compile(r"/(?:srv/tftp(?:boot)?|tftpboot|var/lib/tftp(?:boot)?|var/tftp|var/ftpd)/")
"""Where packages put the root of their TFTP server."""
STRIP_MAP = "# /etc/tftpd.map, with --map-file: no other byte at the end of a name\nrg ^(.*)[^!-~]$ \\1"
"""tftpd-hpa's rule for names that end in a byte of the padding or of a wrong length (tftpd/remap.c)."""
HELPER = """nft add table ip tftph
nft 'add ct helper ip tftph tftp-std { type "tftp" protocol udp; }'
nft 'add chain ip tftph pre { type filter hook prerouting priority 0; }'
nft 'add rule ip tftph pre udp dport 69 ct helper set "tftp-std"'"""
"""Has a Linux router expect the answers from the server's new port (nft(8), ct helper)."""
ROUTER_NFT = f"""modprobe nf_conntrack_tftp
{HELPER}
nft insert rule inet filter forward ct state established,related accept"""
"""Lets TFTP through the firewall of a router."""
ROUTER_IPTABLES = Fix(
    "iptables",
    "modprobe nf_conntrack_tftp\niptables -t raw -A PREROUTING -p udp --dport 69 -j CT --helper tftp\n"
    "iptables -I FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT",
)
"""The same in the older words."""
OWN_FIREWALL = f"""nft insert rule inet filter input udp dport 69 accept
nft insert rule inet filter input ct state established,related accept
nft insert rule inet filter output ct state established,related accept
modprobe nf_conntrack_tftp
{HELPER}"""
"""Lets TFTP through the firewall of its own server: without the helper an answer from a new port is a stranger to it."""


def views(fetch: FetchRecord, flow: TftpTransfer) -> list[TftpTransfer]:
    """The transfer at every capture point that saw it."""
    return [flow, *fetch.views]


def answered(flow: TftpTransfer) -> bool:
    """Whether anything of the server's arrived."""
    return bool(flow.oack or flow.oack_count or flow.body.packets or (flow.error and not flow.error_by_client))


def refusals(flow: TftpTransfer) -> list[IcmpNotice]:
    """ICMP port unreachable for the request, not sent by the client."""
    return [
        notice
        for notice in flow.icmp
        if notice.sender != flow.client
        and (notice.message.type, notice.message.code) == PORT_UNREACHABLE.get(notice.message.version)
        and (notice.message.quoted is None or notice.message.quoted.source == flow.client)
    ]


def by_client(flow: TftpTransfer) -> list[IcmpNotice]:
    """ICMP port unreachable that the client's side sent about the server's answer."""
    return [
        notice
        for notice in flow.icmp
        if (notice.message.type, notice.message.code) == PORT_UNREACHABLE.get(notice.message.version)
        and notice.message.quoted is not None
        and notice.message.quoted.target == flow.client
    ]


def proof(flow: TftpTransfer, words: str = "") -> Iterator[Evidence]:
    """The request, and the error that answered it, with `words` behind its number."""
    yield from (evidence(ref, f"RRQ {names.visible(flow.filename)}") for ref in flow.requests[:1])
    if flow.error is not None:
        yield from maybe(flow.error_at, f"TFTP error {flow.error.code}{words}")


def size_only(flow: TftpTransfer) -> bool:
    """Whether the machine took the size from the OACK and ended the transfer: it has no quarrel with the options."""
    error = flow.error
    ends = error is not None and flow.error_by_client and error.code in (0, 8) and "abort" in error.text.lower()
    return ends and (flow.size or 0) > _SMALL and bool(flow.oack) and not flow.body.packets


def failed(case: Case) -> Iterator[tuple[FetchRecord, TftpTransfer]]:
    """Downloads of this stage that did not end well and were not made good later in the same stage.

    Without those whose ERROR the machine does not hear.
    """
    for fetch, flow in case.tftp:
        ended = fetch.in_vain and not flow.write and not is_deaf(fetch, flow)
        if ended and not case.came_later(fetch) and not _answer_was_missed(case, flow):
            yield fetch, flow


def is_deaf(fetch: FetchRecord, flow: TftpTransfer) -> bool:
    """Whether the machine asks on behind the server's ERROR, as if it had not come."""
    return fetch.status == "stalled" and bool(asks_behind_error(flow))


def _answer_was_missed(case: Case, flow: TftpTransfer) -> bool:
    """Whether the machine asked once and went on at once: it had its answer, which the capture does not hold.

    Without one every program waits, and asks again.
    """
    went_on = case.next_step(flow.start) if may_be_answered(flow) else None
    return went_on is not None and went_on - flow.start < AT_ONCE


def is_guess(case: Case, name: str) -> bool:
    """Whether PXELINUX only tries what a kernel or label may be called: it asks for the bare name as well (elflink/load.c)."""
    stem, _, ending = name.rpartition(".")
    return case.client == "pxelinux" and ending in _GUESSED and stem in case.tftp_names


def never_taken(flow: TftpTransfer) -> bool:
    """The first block is sent again and again, and the receiver, which is alive, keeps acknowledging the OACK alone."""
    data, acked = flow.body, flow.last_ack
    if not flow.oack_count or flow.acked_block != 0 or flow.error is not None or data.first is None or acked is None:
        return False
    return data.packets >= 2 and data.retransmissions >= 1 and flow.ack_count >= 2 and acked.time > data.first.time


def is_served(flow: TftpTransfer) -> bool:
    """Whether a file lies where boot files do: others may have been asked for by a stranger, and be secret for a reason."""
    path = place(flow)
    return (path.startswith("/srv/") or ROOT.match(path) is not None) and "/../" not in path


def seeks_machine(case: Case, flow: TftpTransfer, since: int) -> list[FrameRef]:
    """What the server, or the router before it, asked behind `since`, ns, in vain: who has the machine's address.

    As long as the machine was heard, or a little longer: later it may be off.
    """
    for one in case.stage.sought:
        asked = [ref for ref in one.requests if since < ref.time < flow.last.time + SERVER_PATIENCE]
        if one.target == flow.server_mac and len(asked) >= SEEN_OFTEN:
            return asked
    return []


def for_software(flow: TftpTransfer, *fixes: Fix | None) -> tuple[Fix | None, ...]:
    """The fixes without those for a TFTP server that has other words than its error does."""
    text = flow.error.text if flow.error else ""
    other = ("tftpd-hpa" if _DNSMASQ.match(text) else "dnsmasq") if text else ""
    return tuple(fix for fix in fixes if fix is None or fix.target != other)


def place(flow: TftpTransfer) -> str:
    """Where the file is, or should be, on the server: as its error tells, else below the usual root."""
    told = _PLACE.search(flow.error.text) if flow.error else None
    path = (told[1] or told[2]) if told else ""
    if path and names.base(path) == names.base(flow.filename):
        return path
    return quoting.below("/srv/tftp", flow.filename)
