"""Between a file that was fetched and the one that a script names next: which it is, and what stands in its way."""

from __future__ import annotations

from ..model import StallPoint
from ..wire import dhcp_options
from ..wire.http import is_https, is_web_url
from ..wire.messages import DhcpMessage
from .arrived import is_image, is_kernel
from .boot_file import boot_file_of
from .connection_outcome import asks_for_trust, connection_failure
from .exchanges import Dhcp4Exchange, Heard
from .kinds import is_ipxe
from .naming import same_file
from .patience import KERNEL_SILENCE
from .records import Expectation, FetchRecord, StageRecord
from .state import is_over

ARP_TRIES = 3
"""Questions after which it is no accident that no answer came."""
ARP_ROUND = 5
"""Questions of one round of iPXE (net/neighbour.c, net/retry.c); U-Boot has asked its last (net/arp.c) after as many."""
Features = tuple[Heard[DhcpMessage], tuple[str, ...]]
"""Where an iPXE lists what it was built with, and the list."""


def next_named(stage: StageRecord) -> Expectation | None:
    """What a script names behind the file that was fetched last, or first of all when that is the script itself."""
    if not stage.fetches or not stage.expectations:
        return None
    name, expected = stage.fetches[-1].name, stage.expectations
    known = [number for number, wanted in enumerate(expected) if same_file(wanted.url, name)]
    script = expected[known[-1]].named_in if known else name
    first = next((number for number, wanted in enumerate(expected) if wanted.named_in == script), len(expected))
    number = known[-1] + 1 if known else first
    return expected[number] if number < len(expected) and expected[number].named_in == script else None


def leaves_initrd_out(stage: StageRecord) -> bool:
    """Whether a kernel is what came last, and the initrd that its script names behind it was not asked for."""
    if not stage.fetches or stage.fetches[-1].role != "kernel" or stage.fetches[-1].status != "complete":
        return False
    wanted = next_named(stage)
    return wanted is not None and wanted.role == "initrd" and wanted.pieces is None


def ipxe_features(stage: StageRecord) -> Features | None:
    """What an iPXE says it was built with (option 175); None when it says nothing."""
    if not is_ipxe(stage.client) or not isinstance(stage.dhcp, Dhcp4Exchange):
        return None
    for heard in stage.dhcp.discovers:
        options = dhcp_options.ipxe(heard.message)
        if options and options.features:
            return heard, options.features
    return None


def next_without_tls(stage: StageRecord) -> tuple[Expectation, Features | None] | None:
    """What a script names next by https to a program that does not say it can do TLS, and what it says instead.

    None for anything else, and where a key is waited for before it.
    """
    wanted = next_named(stage) if stage.menu is None else None
    if wanted is None or not is_https(wanted.url):
        return None
    told = ipxe_features(stage)
    return None if told is not None and "https" in told[1] else (wanted, told)


def goes_on_by_http(stage: StageRecord) -> bool:
    """Whether what should be fetched next is named by an http or https URL, by a script or, first of all, by DHCP."""
    wanted, file = next_named(stage), boot_file_of(stage)
    url = wanted.url if wanted is not None else file.name if file is not None and not stage.fetches else ""
    return is_web_url(url)


def _is_the_systems(stage: StageRecord, host: str) -> bool:
    """Whether a kernel is there, and nothing names this host: a system that does no DHCP asks for it of its own accord."""
    if not any(is_kernel(fetch) or is_image(fetch) for fetch in stage.fetches):
        return False
    named = {*stage.hosts, *(fetch.server for fetch in stage.fetches)}
    if isinstance(stage.dhcp, Dhcp4Exchange):
        named.update(router for ack in stage.dhcp.acks for router in dhcp_options.routers(ack.message))
    names = [host]
    names += [one.name.lower() for one in stage.lookups if one.answer is not None and host in one.answer.addresses]
    return not any(f"{name}.".startswith(f"{other}.") for name in names for other in named)  # or with a search domain


def _asked_in_vain(stage: StageRecord, last: FetchRecord) -> bool:
    """Whether nobody answers ARP for a host that was not needed before `last` was fetched."""
    own = stage.given
    return any(
        arps.request_count >= ARP_TRIES
        and not (arps.reply or arps.answers)
        and arps.requests[0].time >= last.start
        and arps.target not in own
        and not _is_the_systems(stage, arps.target)
        for arps in stage.arps
    )


def _unresolved(stage: StageRecord, last: FetchRecord) -> bool:
    """Whether what was asked of a name server after `last` was fetched was answered, and never with an address.

    At a menu a script may have looked up what it can do without.
    """
    asked = [one for one in stage.lookups if one.queries and one.queries[0].time >= last.end]
    answers = [one.answer for one in asked if one.answer is not None]
    if not answers or len(answers) != len(asked) or any(answer.addresses for answer in answers):
        return False
    return stage.menu is None and not all(_is_the_systems(stage, one.name.lower()) for one in asked)


def in_the_way(stage: StageRecord, last: FetchRecord, now: int, *, gone: bool) -> StallPoint | None:
    """Why the file behind `last` is not asked for, as far as packets show it."""
    for connection in reversed(stage.connections):
        if connection.start < last.start:
            break
        if _is_the_systems(stage, connection.server) or asks_for_trust(connection):
            continue
        failure = connection_failure(connection, now, moved_on=gone)
        if failure is not None:
            return failure
        if connection.established:
            return None
    if _asked_in_vain(stage, last):
        return "arp"
    if _unresolved(stage, last):
        return "dns"
    wanted = next_without_tls(stage)
    sure = wanted is not None and wanted[1] is not None
    return "tls" if sure and (gone or is_over(last.end, KERNEL_SILENCE, now)) else None
