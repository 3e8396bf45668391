"""How far a stage came that has an address and asked for nothing yet; pure functions of the records."""

from __future__ import annotations

from ..flow.records import DnsLookup
from ..model import NANOSECONDS, StallPoint
from ..wire import dns, urls
from ..wire.dhcp_options import server_name_option
from .arrived import network_disk
from .boot_file import (
    ENDLESS_PROMPT,
    boot_file_of,
    boot_server_of,
    disk_of,
    is_beside_ip,
    is_discovery,
    prompt_of,
    wait_beside_ip,
)
from .connection_outcome import asks_for_trust, connection_failure, unanswered
from .exchanges import Arps, Dhcp4Exchange
from .kinds import is_http_client, is_ipxe
from .next_file import ARP_ROUND
from .nfs_outcome import nfs_state
from .patience import NOTHING_TO_BOOT, patience_of
from .records import StageRecord
from .state import ASKED, BOUND, LOADED, StageState, in_seconds, is_over
from .switches import is_switch
from .unheard import asked_again, pxe_requests_behind_reply, queried_again


def bound_state(stage: StageRecord, now: int, *, gone: bool, started: bool, settled: bool) -> StageState:
    """An address, and no fetch so far; when it is `settled` that nothing follows, an answer that refuses is the last word."""
    if started:
        return StageState(LOADED)
    by_nfs = nfs_state(stage, stage.start, ASKED, now, gone=gone)
    if by_nfs is not None:
        return by_nfs
    patience = patience_of(stage.client)
    point = _obstacle(stage, now, gone=gone)
    last = stage.last.time
    rank = ASKED if stage.connections else BOUND
    if _declined(stage) and (gone or is_over(last, patience.last_answer, now)):
        return StageState(BOUND, failed=True, point="dhcp")
    if point == "proxydhcp" and _searched_twice(stage.dhcp) and is_over(last, patience.last_answer, now):
        return StageState(BOUND, failed=True, point=point)
    final = settled
    if point == "dns":
        final = _refused(stage) if stage.lookups[-1].answer is None else settled and not _asked_half(stage)
    if point == "arp" and settled and _asked_often(stage):
        return StageState(BOUND, failed=True, point=point)
    if point == "nbp" or (point in ("tcp", "tls", "dns") and (gone or final or _gave_up(stage, now))):
        return StageState(ASKED, failed=True, point=point)
    disk = disk_of(stage) if boot_file_of(stage) is None else None
    if disk is not None and not gone and is_beside_ip(disk):
        return StageState(ASKED, waiting_for=wait_beside_ip(disk))
    limit = patience.after_ack
    if is_ipxe(stage.client) and not is_over(last, limit, now):
        early = not is_over(last, NOTHING_TO_BOOT, now)  # whether a file was named does not matter yet
        if early or _next_step(stage) == "dhcp" or _has_nobody_to_ask(stage):
            limit = NOTHING_TO_BOOT
    if is_over(last, limit, now) and not gone and isinstance(stage.dhcp, Dhcp4Exchange) and not stage.connections:
        prompt = prompt_of(stage.dhcp)
        if prompt == ENDLESS_PROMPT:
            return StageState(rank, waiting_for="a key: menu of option 43")
        limit += (prompt or 0) * NANOSECONDS
    if is_switch(stage) and point is None and boot_file_of(stage) is None:
        return StageState(
            rank, waiting_for="a file to provision itself with, or for nothing: a switch that runs asks alike"
        )
    if gone or is_over(last, limit, now):
        return StageState(rank, failed=True, point=point or _next_step(stage))
    wait = unanswered(stage, stage.start, now) or f"the first request for a file, for {in_seconds(now - last)}"
    return StageState(rank, waiting_for=wait, check_at=last + limit + 1)


def _declined(stage: StageRecord) -> bool:
    """Whether the lease came to nothing: somebody else has the address, or another server refuses it after the ACK.

    The machine gives it back (RFC 2131 section 3.1), or starts over at any NAK (iPXE before its pull request 879).
    """
    exchange = stage.dhcp
    if not isinstance(exchange, Dhcp4Exchange) or not exchange.acks:
        return False
    refusals = exchange.naks[-1:] if prompt_of(exchange) is None else ()  # at a menu nothing is asked for
    against = (*exchange.declines[-1:], *refusals)
    return any(heard.time >= exchange.acks[-1].time for heard in against)


def _refused(stage: StageRecord) -> bool:
    """Whether two tries of the last question met a closed port, or a network that nobody leads to."""
    asked = stage.lookups[-1]
    return sum(len(one.icmp) for one in stage.lookups if one.name == asked.name) >= 2


def _asked_half(stage: StageRecord) -> bool:
    """Whether only the IPv6 address of a name was asked for, by a machine with an IPv4 lease: the question for the other follows."""
    asked = stage.lookups[-1]
    if asked.query_type != dns.AAAA or not isinstance(stage.dhcp, Dhcp4Exchange):
        return False
    return not any(one.query_type == dns.A and one.name == asked.name for one in stage.lookups)


def _is_solved(stage: StageRecord, lookup: DnsLookup) -> bool:
    """Whether the answer holds an address; HTTP boot over IPv4 has no use for one of IPv6."""
    if lookup.answer is None or lookup.answer.rcode:
        return False
    four = is_http_client(stage.client) and isinstance(stage.dhcp, Dhcp4Exchange)
    return any(not (four and ":" in address) for address in lookup.answer.addresses)


def _gave_up(stage: StageRecord, now: int) -> bool:
    return now - stage.last.time > 10 * NANOSECONDS or len(stage.connections) >= 2


def _obstacle(stage: StageRecord, now: int, *, gone: bool) -> StallPoint | None:
    """What stands between the lease and the first fetch, as far as packets show it."""
    for connection in reversed(stage.connections):
        if asks_for_trust(connection):
            continue
        failure = connection_failure(connection, now, moved_on=gone)
        if failure is not None:
            return failure
        if connection.established:
            break
    asks = bool(stage.lookups) and not stage.connections
    if asks and (not _is_solved(stage, stage.lookups[-1]) or queried_again(stage.lookups, stage.arps)):
        return "dns"
    exchange = stage.dhcp
    own = stage.given
    for arp in stage.arps:
        if arp.target not in own and _in_vain(arp):
            return "arp"
    file = boot_file_of(stage) if stage.neighbors else None
    host = urls.host_of(file.name) if file is not None else None
    if any(_in_vain(neighbor) for neighbor in stage.neighbors if neighbor.target == host):
        return "arp"
    if isinstance(exchange, Dhcp4Exchange) and exchange.pxe_requests:
        answers = [reply.time for reply in exchange.pxe_replies]
        if not answers or answers[-1] < exchange.pxe_requests[-1].time or _is_deaf_at_4011(stage, exchange):
            return "proxydhcp"
    return None


def _is_deaf_at_4011(stage: StageRecord, exchange: Dhcp4Exchange) -> bool:
    """Whether a machine asks port 4011 again behind the answer; iPXE does so too where it cannot use the file named."""
    unusable = is_ipxe(stage.client) and boot_file_of(stage) is not None
    return not unusable and bool(pxe_requests_behind_reply(exchange))


def _in_vain(arps: Arps) -> bool:
    """Whether a host is asked for again: nobody answers, or the answer is not heard."""
    return (arps.request_count >= 2 and not arps.answers) or bool(asked_again(arps))


def _asked_often(stage: StageRecord) -> bool:
    """Whether a program asked for a host by ARP for more than a round of tries: who is answered stops asking."""
    own = stage.given
    return any(
        arp.request_count > ARP_ROUND and not (arp.answers or arp.reply) and arp.target not in own for arp in stage.arps
    )


def _searched_twice(exchange: object) -> bool:
    """Whether the machine looked for the boot server of a menu's item, and looked again: there is nothing else to ask."""
    if not isinstance(exchange, Dhcp4Exchange):
        return False
    return [is_discovery(heard) for heard in exchange.pxe_requests].count(True) >= 2


def _has_nobody_to_ask(stage: StageRecord) -> bool:
    """Whether a lease names a file that is no URL, and no server."""
    exchange, file = stage.dhcp, boot_file_of(stage)
    if not isinstance(exchange, Dhcp4Exchange) or file is None or urls.split(file.name) is not None:
        return False
    return boot_server_of(stage, file) is None and not any(server_name_option(heard.message) for heard in exchange.acks)


def _next_step(stage: StageRecord) -> StallPoint:
    file = boot_file_of(stage)
    if network_disk(stage) is not None or (file is None and disk_of(stage) is not None):
        return "nbp"
    if file is None:
        return "dhcp"
    if file.name.lower().startswith("https:"):
        return "tls"
    return "http" if file.name.lower().startswith("http:") or is_http_client(stage.client) else "tftp"
