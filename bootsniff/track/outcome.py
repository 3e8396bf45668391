"""How far each boot option came, whether it failed, and so where a boot stands; pure functions of the records.

A boot option is a firmware's attempt (PXEv4, PXEv6, HTTPv4 …) with everything it loads. The boot is stalled once the
option that came furthest has failed; a later option that comes as far, and is answered, clears it.
"""

from __future__ import annotations

from typing import NamedTuple

from ..model import StallPoint, Status
from ..wire import dhcp_options as options
from .arrived import dropped_image
from .boot_file import (
    boot_file_of,
    boot_server_of,
    disk_of,
    has_something_to_load,
    server_behind_no_router,
)
from .circles import loops, script_rounds
from .exchanges import Dhcp4Exchange, Dhcp6Exchange
from .fetch_outcome import failed_before, was_broken_off
from .kinds import is_firmware, is_ipxe, is_pxe_firmware, is_u_boot
from .next_file import ARP_TRIES, goes_on_by_http
from .offered import takes_unseen_offer
from .patience import patience_of
from .quality import CaptureQuality
from .records import BootRecord, StageRecord, World
from .stage_outcome import led_to, stage_state
from .state import BOUND, DISCOVER, StageState
from .tftp_outcome import may_be_answered
from .vantage import speaks_past

NEVER = 1 << 62
_SEES_ALL = CaptureQuality(unicast_seen=True)


class BootState(NamedTuple):
    """Where a boot stands, and when silence alone may next change that."""

    status: Status
    stalled_at: StallPoint | None
    stalled_stage: int | None
    waiting_for: str
    check_at: int
    trying: bool = False


def refresh(boot: BootRecord, world: World, *, is_last: bool) -> int:
    """Bring the boot's own fields and its fetches up to date; returns when to look again if nothing comes."""
    state = boot_state(boot, world.now, is_last=is_last, quality=world.quality, settled=world.ended)
    boot.status, boot.stalled_at = state.status, state.stalled_at
    boot.stalled_stage, boot.waiting_for, boot.trying = state.stalled_stage, state.waiting_for, state.trying
    return state.check_at


def boot_state(
    boot: BootRecord, now: int, *, is_last: bool, quality: CaptureQuality = _SEES_ALL, settled: bool = True
) -> BootState:
    """Judge a boot at time `now`; `is_last` is False when the machine has begun another boot since.

    Of a capture that was filtered down to DHCP a lease is as far as it can show, of one without TCP the name of a URL.
    Unless it is `settled` that nothing follows, what failed a moment ago has not failed yet.
    """
    stages = boot.stages
    if not stages:
        return BootState("in-progress", None, None, "", NEVER)
    over = not is_last
    nothing_follows = settled and is_last
    following = [*stages[1:], None]
    if not settled and stages[-1].fetches:
        # A loop of DHCP and the same request: once more in vain is as before.
        settled = failed_before(stages[-1].fetches[-1], [one for stage in stages[-4:-1] for one in stage.fetches[-4:]])
    states = [
        stage_state(stage, after, now, boot_over=over, settled=settled)
        for stage, after in zip(stages, following, strict=True)
    ]
    last = states[-1]
    if nothing_follows and states[-1].rank == BOUND and _has_nothing_to_boot(stages):
        last = states[-1] = StageState(BOUND, failed=True, point="dhcp")
    if stages[-1].client == "os":
        unseen = _took_unseen_offer(stages[-1].dhcp) and not stages[-1].fetches
        if last.failed and not unseen and not _ipv6_alone(stages):
            return BootState("stalled", "os", len(stages) - 1, "", last.check_at)
        return BootState("handed-off", None, None, "", last.check_at)
    if True in [state.handed_off for state in states]:
        return BootState("handed-off", None, None, "", last.check_at)
    if is_last and (loops(stages) or script_rounds(stages)):
        return BootState("stalled", "chain", len(stages) - 1, "", last.check_at, trying=not last.failed)
    index = _furthest(stages, states)
    furthest = states[index]
    if boot.next_start is not None and furthest is last and was_broken_off(stages[-1], boot.next_start):
        return BootState("in-progress", None, None, "", NEVER)
    if furthest.failed:
        if any(_goes_on_unseen(stages, number, states[number], quality) for number in {index, len(stages) - 1}):
            return BootState("in-progress", None, None, "", NEVER)
        return BootState("stalled", furthest.point, index, "", last.check_at, trying=is_last and not last.failed)
    if is_last:
        return BootState("in-progress", None, None, last.waiting_for, last.check_at)
    # The machine began anew without this boot having come to an end that the capture shows; at a menu it may.
    unseen = not quality.sees_fetches or _goes_on_unseen(stages, index, furthest, quality)
    if furthest.point is None or unseen:
        return BootState("in-progress", None, None, "", NEVER)
    return BootState("stalled", furthest.point, index, "", NEVER)


def _has_nothing_to_boot(stages: list[StageRecord]) -> bool:
    """Whether the last program is firmware whose lease names neither file nor disk: it has nothing to wait for.

    Not HTTP firmware, whose URL may be typed into its setup, nor an iPXE that was loaded, which may have a script inside.
    """
    stage = stages[-1]
    if not (is_pxe_firmware(stage.client) or (is_ipxe(stage.client) and len(stages) == 1)):
        return False
    exchange = stage.dhcp
    asked = stage.fetches or stage.connections or stage.lookups or stage.arps
    if not isinstance(exchange, Dhcp4Exchange) or not exchange.acks or asked or boot_file_of(stage) is not None:
        return False
    return disk_of(stage) is None and not _leads_to_4011(exchange)


def _goes_on_unseen(stages: list[StageRecord], index: int, state: StageState, quality: CaptureQuality) -> bool:
    """Whether what a stage does next is nothing that this capture can show."""
    stage, is_last = stages[index], stages[index] is stages[-1]
    if stage.fetches:
        if quality.one_sided and may_be_answered(stage.fetches[-1].flow):
            return True
        return not quality.sees_tcp and goes_on_by_http(stage)
    if state.rank < BOUND:
        unseen = _took_unseen_offer(stage.dhcp) or _asks_no_server(stage, quality)
        return is_last and (quality.only_requests or unseen)
    u_boot = any(is_u_boot(one.client) for one in stages)  # also where it poses as UEFI firmware
    if _ends_in_dhcp(stage, quality, is_first=index == 0 or is_firmware(stage.client), u_boot=u_boot):
        return False
    if not quality.sees_fetches or (not quality.sees_tcp and goes_on_by_http(stage)) or _behind_relay(stage):
        return True
    if is_last and speaks_past(stage, quality):
        return True
    if quality.unicast_seen or not is_last:
        return False
    # Every port of a switch shows ARP's questions. edk2, unlike U-Boot, also learns from what others ask (ArpImpl.c).
    learns = stage.client.startswith("efi-") and not u_boot
    return learns or bool(stage.arps) or not quality.arp_seen


def _took_unseen_offer(exchange: Dhcp4Exchange | Dhcp6Exchange | None) -> bool:
    """Whether a machine asked once for what a server had offered, and this capture holds no answer of that server's."""
    if isinstance(exchange, Dhcp6Exchange):
        return bool(exchange.requests) and not exchange.advertises and len(exchange.requests) == 1
    if not isinstance(exchange, Dhcp4Exchange) or exchange.acks or exchange.naks or exchange.request_count != 1:
        return False
    return takes_unseen_offer(exchange, exchange.requests[0].message)


def _asks_no_server(stage: StageRecord, quality: CaptureQuality) -> bool:
    """Whether a Raspberry Pi may have taken an offer: some ask for their files without a word to the DHCP server."""
    exchange = stage.dhcp
    if stage.client != "raspberry-pi" or not isinstance(exchange, Dhcp4Exchange) or not exchange.offers:
        return False
    if (quality.sees_fetches and quality.unicast_seen) or exchange.discover_count >= patience_of(
        stage.client
    ).discovers:
        return False  # such a fetch would be seen; or it asked to the end of its patience
    offers = (*exchange.offers, *exchange.proxy_offers)
    return bool(stage.arps) or any(options.invites_raspberry_pi(heard.message) for heard in offers)


def _behind_relay(stage: StageRecord) -> bool:
    """Whether nothing of its DHCP was seen but what a relay and a server said to each other: fetches may go past them."""
    exchange = stage.dhcp
    if not isinstance(exchange, Dhcp4Exchange):
        return False
    asked = (*exchange.discovers, *exchange.requests)
    return bool(asked) and all(heard.message.relay for heard in asked)


def _ipv6_alone(stages: list[StageRecord]) -> bool:
    """Whether a system that DHCPv4 does not answer was booted where nothing answered DHCPv4 before, and DHCPv6 did."""
    before = [stage.dhcp for stage in stages[:-1]]
    if stages[-1].fetches or any(
        isinstance(dhcp, Dhcp4Exchange) and dhcp.offers for dhcp in (*before, stages[-1].dhcp)
    ):
        return False
    return any(isinstance(dhcp, Dhcp6Exchange) and dhcp.replies for dhcp in before)


def _ends_in_dhcp(stage: StageRecord, quality: CaptureQuality, *, is_first: bool, u_boot: bool) -> bool:
    """Whether DHCP and ARP alone show that no fetch could follow the lease.

    No file was named (an iPXE that was loaded may have a script inside), port 4011 or ARP for the server stayed
    without an answer, the server is behind a router that nobody named, or U-Boot was given no server.
    """
    exchange = stage.dhcp
    if not isinstance(exchange, Dhcp4Exchange):
        return False
    own = exchange.given
    tries = max((arps.request_count for arps in stage.arps if not arps.reply and arps.target not in own), default=0)
    if tries >= ARP_TRIES or (tries >= 2 and quality.unicast_seen and not speaks_past(stage, quality)):
        return True
    if exchange.pxe_requests and not exchange.pxe_replies:
        return True
    if (stage.client.startswith("efi-") or is_ipxe(stage.client)) and server_behind_no_router(stage):
        return True  # others may ask for the server itself by ARP, and a router may answer for it
    if u_boot:
        return boot_server_of(stage, boot_file_of(stage)) is None
    return is_first and not has_something_to_load(stage) and not _leads_to_4011(exchange)


def _leads_to_4011(exchange: Dhcp4Exchange) -> bool:
    """Whether an answer calls itself PXEClient: the file may be named on port 4011, which a filter leaves out."""
    answers = (*exchange.proxy_offers, *exchange.offers, *exchange.acks)
    return any(options.is_of_class(heard.message, options.PXE_CLASS) for heard in answers)


def _furthest(stages: list[StageRecord], states: list[StageState]) -> int:
    """Index of the last stage of the boot option that came furthest, the latest of several.

    One that nobody has answered yet is not as far as one that nobody answered.
    """
    furthest = depth = 0
    best = reached = (-1, -1)
    for index, (stage, state) in enumerate(zip(stages, states, strict=True)):
        if index and (not is_firmware(stage.client) or led_to(stages[index - 1], stage)):
            depth += 1
        else:
            best, depth = max(best, reached), 0
        reached = depth, state.rank
        if reached > best or (reached == best and (state.failed or state.rank > DISCOVER)):
            furthest = index
    return furthest


def goes_on_unseen(boot: BootRecord, quality: CaptureQuality) -> bool:
    """Whether what the latest program of a boot does next is nothing that this capture can show."""
    last = boot.stages[-1]
    state = stage_state(last, None, last.last.time, boot_over=True)
    return _goes_on_unseen(boot.stages, len(boot.stages) - 1, state, quality)


def boot_is_handed_off(boot: BootRecord) -> bool:
    """Whether control went to an operating system, as far as its latest packet tells."""
    if not any(stage.fetches or stage.client == "os" for stage in boot.stages):
        return False  # a boot that fetched nothing has nothing to hand over to
    return boot_state(boot, boot.last.time, is_last=True).status == "handed-off"


def has_booted(boot: BootRecord, time: int) -> bool:
    """Whether firmware that is heard again at `time` had handed over before: then this is the next boot.

    Firmware that fetched a disk image itself, found nothing to start in it and tries its next option is back at once.
    """
    return boot_is_handed_off(boot) and dropped_image(boot.stages[-1], time) is None


def stage_has_failed(stage: StageRecord, *, moved_on: bool = False) -> bool:
    """Whether a stage came to nothing at the time of its latest packet, or when the machine moved on from it."""
    return stage_state(stage, None, stage.last.time, boot_over=moved_on).failed


__all__ = [
    "NEVER",
    "BootState",
    "boot_is_handed_off",
    "boot_state",
    "goes_on_unseen",
    "has_booted",
    "refresh",
    "stage_has_failed",
]
