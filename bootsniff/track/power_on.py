"""Where a machine's next boot begins, as its DHCP tells; draws no conclusions about how a boot ended."""

from __future__ import annotations

from ..model import NANOSECONDS, FrameRef
from .arrived import dead_end
from .exchanges import Dhcp4Exchange, Dhcp6Exchange
from .kinds import LOADERS, Kind, is_firmware, is_ipxe, is_u_boot
from .machines import NEW_BOOT_GAP, stands_apart
from .naming import is_ipxe_binary
from .outcome import boot_is_handed_off, has_booted, stage_has_failed
from .records import BootRecord

SAME_EXCHANGE = 60 * NANOSECONDS
"""Longest gap between two DISCOVERs of one exchange: edk2 and BIOS ROMs wait up to 32 s, some switches forward late."""
SAME_EXCHANGE_V6 = 130 * NANOSECONDS
"""RFC 8415 section 18.2.1: SOLICITs grow apart up to 120 s; firmware gives up before."""
CHAIN_GAP = 90 * NANOSECONDS
"""A program that was just fetched does its DHCP within this time."""


def begins_boot(boot: BootRecord, kind: Kind, at: FrameRef) -> bool:
    """Whether a firmware's or iPXE's new exchange is the next power-on (design: "Next boot")."""
    latest = boot.stages[-1]
    if _ran_from_disk(boot, at) or stands_apart(boot, kind, at, SAME_EXCHANGE):
        return True
    gap = at.time - boot.last.time
    if is_ipxe(kind.client):
        return _ipxe_after_reset(boot, gap)
    if is_u_boot(kind.client) or kind.client == "raspberry-pi":
        same = [stage for stage in boot.stages if stage.client == kind.client]
        # U-Boot's boot scripts run DHCP again and again within seconds; a reset takes longer than that.
        return bool(same) and (
            gap > 30 * NANOSECONDS or any(stage.client == "os" for stage in boot.stages) or has_booted(boot, at.time)
        )
    if latest.client == "os" or has_booted(boot, at.time):
        return True
    tried = [stage for stage in boot.stages if stage.client == kind.client and isinstance(stage.dhcp, Dhcp4Exchange)]
    if not tried:
        return False  # the firmware's next boot option, or hand-back from a loader that failed
    if any(is_u_boot(stage.client) for stage in boot.stages):
        return gap > 30 * NANOSECONDS  # U-Boot poses as PXEClient for its EFI attempt, once per device
    return True


def _ran_from_disk(boot: BootRecord, at: FrameRef) -> bool:
    """Whether what spoke when every option had failed was a system, which nothing leads back from but a reset.

    A firmware's own network stack asks for an address just so, without a class (edk2, Ip4Config2Impl.c), between two options.
    """
    return boot.left is not None and at.time - boot.left.time > SAME_EXCHANGE


def _ipxe_after_reset(boot: BootRecord, gap: int) -> bool:
    """Whether an iPXE exchange is the ROM's of a new power-on rather than that of an iPXE just loaded."""
    if any(stage.client == "os" for stage in boot.stages):
        return True
    latest = boot.stages[-1]
    if is_firmware(boot.stages[0].client) and not is_ipxe(latest.client):
        return boot_is_handed_off(boot) or gap > NEW_BOOT_GAP
    if is_ipxe(latest.client) and not latest.fetches:
        # The same iPXE runs DHCP once more (a script's loop, another NIC), unless it had long given up.
        return gap > CHAIN_GAP and not is_firmware(boot.stages[0].client)
    if boot_is_handed_off(boot):
        return True
    failed = stage_has_failed(latest)  # which also brings the status of its fetches up to date
    loaded = [fetch for stage in boot.stages[-2:] for fetch in stage.fetches if fetch.status != "failed"]
    chained = any((fetch.content is not None and fetch.content.ipxe) or is_ipxe_binary(fetch.name) for fetch in loaded)
    if chained:
        return gap > CHAIN_GAP
    if is_firmware(boot.stages[0].client):
        return False
    # A ROM's own stage that failed is followed by a reset; a script that loads another program is not.
    return failed or dead_end(latest) is not None or latest.client in LOADERS or gap > CHAIN_GAP


def begins_boot_v6(boot: BootRecord, kind: Kind, at: FrameRef) -> bool:
    """The same of an exchange over DHCPv6; iPXE goes on there with what it began over IPv4."""
    if _ran_from_disk(boot, at) or stands_apart(boot, kind, at, SAME_EXCHANGE_V6):
        return True
    if not is_firmware(kind.client):
        return False
    if boot.stages[-1].client == "os" or has_booted(boot, at.time):
        return True
    return any(stage.client == kind.client and isinstance(stage.dhcp, Dhcp6Exchange) for stage in boot.stages)
