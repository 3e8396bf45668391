"""How far one stage came and whether it came to nothing, whatever it did. Pure functions."""

from __future__ import annotations

from ..flow.records import TcpConnection, TftpTransfer
from .arrived import is_open, network_disk, over_tls
from .dhcp_outcome import dhcp4_state, dhcp6_state, has_lease
from .exchanges import Dhcp4Exchange, Dhcp6Exchange
from .fetch_outcome import failed_before, refresh_fetches
from .kinds import is_firmware, is_u_boot
from .lease_outcome import bound_state
from .loading_outcome import loading_state, secure_state
from .naming import plain_path
from .os_outcome import os_state
from .patience import KERNEL_SILENCE, REACTION
from .records import StageRecord
from .state import BOUND, DISCOVER, DONE, LOADED, SUITED, StageState, is_over
from .switches import is_switch, switch_state
from .tftp_outcome import gave_up_waiting
from .unheard import has_not_heard_of_its_lease


def stage_state(
    stage: StageRecord, following: StageRecord | None, now: int, *, boot_over: bool, settled: bool = True
) -> StageState:
    """Judge a stage at `now`, given the stage after it (None: it is the last one) and whether the boot is over.

    Unless it is `settled` that nothing follows, a program whose fetch failed has a moment to go on.
    """
    gone = boot_over if following is None else is_firmware(following.client) and not led_to(stage, following)
    started = following is not None and not gone
    if stage.fetches:
        refresh_fetches(stage, now, moved_on=following is not None or boot_over)
    unheard = has_not_heard_of_its_lease(stage)
    if stage.client == "os" and not unheard and (stage.fetches or _is_bound(stage)):
        return os_state(stage, now, settled=settled or following is not None or boot_over)
    if following is not None and _next_command(stage, following):
        return StageState(DISCOVER)
    disk = network_disk(stage) if stage.client != "os" and not gone and not started else None
    if disk is not None and is_open(disk):
        return _disk_state(disk, now)
    if stage.fetches:
        if following is None and is_switch(stage) and (switching := switch_state(stage, now)) is not None:
            return switching
        state = loading_state(stage, following, now, gone=gone, started=started, settled=settled)
        return state if settled or following is not None or boot_over else _not_yet(stage, state, now)
    exchange = stage.dhcp
    secure = over_tls(stage) if stage.connections and stage.client != "os" else None
    if secure is not None and not started:
        return secure_state(secure, refused=gone and following is not None, now=now)
    if exchange is not None and unheard:
        rank = SUITED if exchange.requests else DISCOVER
        return StageState(BOUND) if started else StageState(rank, failed=True, point="dhcp")
    if isinstance(exchange, Dhcp4Exchange) and not (
        exchange.acks or exchange.informs or stage.connections or stage.lookups
    ):
        return dhcp4_state(stage, exchange, now, gone=gone, started=started)
    if isinstance(exchange, Dhcp6Exchange) and not has_lease(exchange):
        return dhcp6_state(stage, exchange, now, gone=gone, started=started)
    return bound_state(stage, now, gone=gone, started=started, settled=settled)


def _is_bound(stage: StageRecord) -> bool:
    """Whether a server of either version gave an address, or what a machine with an address asked for."""
    exchange = stage.dhcp
    if isinstance(exchange, Dhcp4Exchange):
        return bool(exchange.acks or exchange.informs)
    return exchange is None or has_lease(exchange)


def _not_yet(stage: StageRecord, state: StageState, now: int) -> StageState:
    """A program that goes on after an answer that is no file (GET after HEAD, a script's next line) does so at once."""
    tail = stage.fetches[-1]
    if failed_before(tail, stage.fetches[-4:-1]):
        return state
    refused = True
    if isinstance(tail.flow, TftpTransfer):
        refused = tail.flow.error_at is not None and not gave_up_waiting(tail.flow)
    if not state.failed or not refused or is_over(tail.end, REACTION, now):
        return state
    return StageState(state.rank, waiting_for="what it does now", check_at=tail.end + REACTION + 1)


def _next_command(stage: StageRecord, following: StageRecord) -> bool:
    """Whether U-Boot itself goes on to its next boot command: only the last of them fails its boot."""
    return is_u_boot(stage.client) and is_u_boot(following.client) and not led_to(stage, following)


def led_to(stage: StageRecord, following: StageRecord) -> bool:
    """Whether what U-Boot loaded, a script, made it do DHCP once more; otherwise that is its next boot command.

    On a Raspberry Pi 3 bootcode.bin, which the ROM loads, does DHCP as the ROM did.
    """
    if stage.client == following.client == "raspberry-pi":
        return any(
            fetch.status == "complete" and plain_path(fetch.name).endswith("bootcode.bin") for fetch in stage.fetches
        )
    return (
        is_u_boot(stage.client)
        and is_u_boot(following.client)
        and any(fetch.status == "complete" and fetch.role != "optional" for fetch in stage.fetches)
    )


def _disk_state(disk: TcpConnection, now: int) -> StageState:
    """An iSCSI disk: iPXE closes the connection at once when it cannot start from it."""
    if is_over(disk.start, KERNEL_SILENCE, now):
        return StageState(DONE, handed_off=True)
    return StageState(LOADED, waiting_for="its disk, by iSCSI", check_at=disk.start + KERNEL_SILENCE + 1)
