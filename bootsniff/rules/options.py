"""Boot options inside a boot: which stages belong to one attempt of the firmware, and how far each came.

A boot option starts with a program of the firmware (or a ROM's iPXE, or whatever the capture shows first); what it
loads belongs to it until the firmware tries the next one.
"""

from __future__ import annotations

from ..track.exchanges import Dhcp4Exchange, Dhcp6Exchange
from ..track.kinds import is_firmware
from ..track.offered import was_offered_what_suits
from ..track.records import BootRecord, StageRecord
from ..track.unheard import has_not_heard_of_its_lease


def split(boot: BootRecord) -> list[range]:
    """Stage indexes of each boot option, in order of time."""
    stages = boot.stages
    found: list[range] = []
    start = 0
    for index in range(1, len(stages)):
        if is_firmware(stages[index].client) and not _goes_on(stages[index - 1], stages[index]):
            found.append(range(start, index))
            start = index
    if stages:
        found.append(range(start, len(stages)))
    return found


def _goes_on(before: StageRecord, stage: StageRecord) -> bool:
    """The same program of the same firmware, only in another record (PXE over DHCPv6 after DHCPv4 is another option)."""
    return before.client == stage.client and stage.dhcp is None


def reach(boot: BootRecord, option: range) -> int:
    """How far a boot option came.

    1 asked for an address, 2 was offered one with what it can use, 3 got one, 4 looked for a server, 5 fetched, 6 and up
    loaded.
    """
    loaded = len(option) - 1
    best = max(_stage_reach(boot.stages[index]) for index in option)
    return max(best, 6 + loaded) if loaded else best


def _stage_reach(stage: StageRecord) -> int:
    if any(fetch.status == "complete" for fetch in stage.fetches):
        return 6
    if stage.fetches:
        return 5
    if stage.connections or stage.lookups:
        return 4
    dhcp = stage.dhcp
    if isinstance(dhcp, Dhcp4Exchange):
        if dhcp.acks and not has_not_heard_of_its_lease(stage):
            return 3
        return 2 if was_offered_what_suits(stage) else 1
    if isinstance(dhcp, Dhcp6Exchange):
        if any(reply.message.addresses for reply in dhcp.replies):
            return 3
        # That DHCPv6 answers tells nothing of DHCPv4, unless it is there for booting.
        return 2 if any(offer.message.boot_file_url for offer in dhcp.advertises) else 1
    return 1
