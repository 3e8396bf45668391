"""How far a stage's DHCP came while it has no address yet; pure functions of the records."""

from __future__ import annotations

from ..model import NANOSECONDS
from .exchanges import Dhcp4Exchange, Dhcp6Exchange
from .kinds import is_firmware, is_http_client
from .offered import was_offered_what_suits
from .patience import Patience, patience_of
from .records import StageRecord
from .state import BOUND, DISCOVER, OFFERED, SUITED, StageState, in_seconds, is_over

_SILENCE6 = 60 * NANOSECONDS


def dhcp4_state(stage: StageRecord, exchange: Dhcp4Exchange, now: int, *, gone: bool, started: bool) -> StageState:
    """An exchange without ACK: unanswered, offered, refused. `gone`: the machine went on to another option."""
    patience = patience_of(stage.client)
    if started:
        return StageState(BOUND)
    last = stage.last.time
    rank = SUITED if was_offered_what_suits(stage) else DISCOVER
    if rank == DISCOVER and (exchange.offers or exchange.proxy_offers):
        rank = OFFERED
    if exchange.nak_count >= 2:
        return StageState(max(rank, OFFERED), failed=True, point="dhcp")
    if exchange.offers:
        first_offer = exchange.offers[0].time
        further = exchange.discover_count - sum(heard.time <= first_offer for heard in exchange.discovers)
        if further >= 2 and not exchange.requests:
            return StageState(rank, failed=True, point="dhcp")
    if gone or is_over(last, patience.dhcp_silence, now):
        return StageState(rank, failed=True, point="dhcp")
    if (
        not exchange.offers
        and exchange.discover_count >= patience.discovers
        and is_over(last, patience.last_answer, now)
    ):
        return StageState(rank, failed=True, point="dhcp")
    return StageState(rank, waiting_for=_dhcp_wait(exchange, patience, now), check_at=last + patience.dhcp_silence + 1)


def _dhcp_wait(exchange: Dhcp4Exchange, patience: Patience, now: int) -> str:
    if exchange.requests:
        return f"ACK, for {in_seconds(now - exchange.requests[-1].time)}"
    if exchange.offers:
        return f"REQUEST, for {in_seconds(now - exchange.offers[-1].time)}"
    if not exchange.discovers:
        return ""
    tries = max(0, patience.discovers - exchange.discover_count)
    asked = "DISCOVER" if exchange.discover_count == 1 else "DISCOVERs"
    text = f"OFFER, for {in_seconds(now - exchange.discovers[0].time)}, {exchange.discover_count} {asked} sent"
    return text + (f", {tries} more to come" if tries else "")


def dhcp6_state(stage: StageRecord, exchange: Dhcp6Exchange, now: int, *, gone: bool, started: bool) -> StageState:
    """The same for DHCPv6."""
    if started:
        return StageState(BOUND)
    rank, usable = DISCOVER, _usable6(stage, exchange)
    if exchange.advertises or exchange.requests:
        rank = SUITED if exchange.requests or usable else OFFERED
    limit, last = _patience6(stage, exchange, usable=usable), stage.last.time
    if gone or is_over(last, limit, now):
        return StageState(rank, failed=True, point="dhcp")
    return StageState(rank, waiting_for=_dhcp6_wait(stage, exchange, now), check_at=last + limit + 1)


def _patience6(stage: StageRecord, exchange: Dhcp6Exchange, *, usable: bool) -> int:
    """How long silence is no end. UEFI firmware sends four SOLICITs (edk2 PxeBcDhcp6.c, HttpBootDhcp6.c: Mrc 4, Mrd 60)."""
    patience = patience_of(stage.client)
    over = stage.client.startswith("efi-") and exchange.solicit_count >= patience.discovers
    return patience.last_answer if over and not exchange.requests and not usable else _SILENCE6


def _dhcp6_wait(stage: StageRecord, exchange: Dhcp6Exchange, now: int) -> str:
    if exchange.requests:
        return f"REPLY, for {in_seconds(now - exchange.requests[-1].time)}"
    if exchange.advertises:
        return f"REQUEST, for {in_seconds(now - exchange.advertises[-1].time)}"
    first = exchange.solicits[0].time if exchange.solicits else stage.start
    return f"ADVERTISE, for {in_seconds(now - first)}"


def has_lease(exchange: Dhcp6Exchange) -> bool:
    """Whether a DHCPv6 server gave an address or boot data for good."""
    return any(heard.message.addresses or heard.message.boot_file_url for heard in exchange.replies)


def _usable6(stage: StageRecord, exchange: Dhcp6Exchange) -> bool:
    """Whether firmware can boot from an ADVERTISE.

    Without a URL, an address, or `HTTPClient` for HTTP, edk2 asks no further.
    """
    answers = [
        heard.message
        for heard in exchange.advertises
        if heard.message.boot_file_url and (heard.message.addresses or not heard.message.says_no_addresses)
    ]
    if is_http_client(stage.client):
        return any((message.vendor_class or "").startswith("HTTPClient") for message in answers)
    return bool(answers) or not is_firmware(stage.client)
