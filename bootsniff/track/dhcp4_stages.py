"""Whose a DHCPv4 message is: the stage and the boot that it belongs to, or that begin with it."""

from __future__ import annotations

from ..model import FrameRef
from ..wire import dhcp_options as options
from ..wire.messages import DhcpMessage, DhcpType
from .arrived import loaded_system
from .boot_file import SERVER_IDENTIFIER
from .exchanges import Dhcp4Exchange, Heard
from .kinds import Kind, is_ipxe, is_open_firmware, is_u_boot, told_with_the_request
from .machines import NEW_BOOT_GAP, begin_boot, begin_stage, retell_stage
from .outcome import boot_is_handed_off, goes_on_unseen, stage_has_failed
from .power_on import SAME_EXCHANGE, begins_boot
from .records import BootRecord, MachineRecord, StageRecord, World

REQUESTED_ADDRESS = 50
_WINDOWS = "MSFT "


def stage_for_discover(
    world: World, machine: MachineRecord, kind: Kind | None, heard: Heard[DhcpMessage]
) -> StageRecord | None:
    """The stage that a DISCOVER goes on with, or begins; None when it is of no boot."""
    at, message = heard.at, heard.message
    boot = machine.boots[-1] if machine.boots else None
    if kind is not None and kind.vendor_class == options.PXE_CLASS and not kind.arch and _was_told_more(machine):
        kind = None
    if kind is None:
        return _stage_for_plain_client(world, machine, message, at)
    machine.boot_client = True
    if boot is None or not boot.stages:
        return begin_stage(begin_boot(machine, at), kind, at)
    if told_with_the_request(kind):
        kind = _as_it_said_before(boot) or kind
        if heard.source in machine.addresses:
            # SLOF does DHCP anew for every try, and speaks from the address that it was given: nobody reset it.
            return boot.stages[-1] if boot.stages[-1].client == kind.client else begin_stage(boot, kind, at)
    current = _continued_exchange(boot, kind, message, at)
    if current is not None:
        boot.left = None
        return current
    if begins_boot(boot, kind, at):
        boot = begin_boot(machine, at)
    return begin_stage(boot, kind, at)


def _was_told_more(machine: MachineRecord) -> bool:
    """Whether the firmware of this boot named its architecture behind the class: it does so every time.

    What says the class alone is a program that it loaded (FreeBSD's pxeboot: stand/libsa/bootp.c).
    """
    stages = machine.boots[-1].stages if machine.boots else []
    return any(
        stage.vendor_class is not None and stage.vendor_class.startswith(f"{options.PXE_CLASS}:") for stage in stages
    )


def _as_it_said_before(boot: BootRecord) -> Kind | None:
    """What a program called itself in the REQUESTs of this boot that says nothing of itself in a DISCOVER."""
    for stage in boot.stages:
        if is_open_firmware(stage.client):
            return Kind(stage.client, stage.name, stage.arch, None, None)
    return None


def _continued_exchange(boot: BootRecord, kind: Kind, message: DhcpMessage, at: FrameRef) -> StageRecord | None:
    """The stage whose exchange this DISCOVER goes on with, if there is one."""
    stage = boot.stages[-1]
    exchange = stage.dhcp
    if stage.client != kind.client or not isinstance(exchange, Dhcp4Exchange) or stage.fetches:
        return None
    if not exchange.discovers:
        return stage if at.time - stage.last.time < SAME_EXCHANGE and not exchange.acks else None
    latest = exchange.discovers[-1]
    gap = at.time - latest.time
    if not -SAME_EXCHANGE < gap < NEW_BOOT_GAP:
        return None
    if exchange.nak_count and not exchange.acks:
        return stage
    if (
        latest.message.xid == message.xid
        and (message.secs >= latest.message.secs or gap < SAME_EXCHANGE)
        and not exchange.acks
    ):
        return stage
    if exchange.acks:
        return None
    if is_u_boot(kind.client) or is_ipxe(kind.client) or kind.client == "raspberry-pi":
        # A new xid for every DISCOVER (U-Boot), or a script that starts DHCP again (iPXE).
        return stage if gap < SAME_EXCHANGE else None
    return stage if message.secs > latest.message.secs and gap < SAME_EXCHANGE else None


def runs_already(kind: Kind, message: DhcpMessage) -> bool:
    """Whether a switch or a Mac that runs keeps its lease, or asks what it may boot next time: boot programs do neither.

    Their systems say the same vendor class as their boot programs.
    """
    if kind.client != "other-boot-client" or kind.arch or message.client_ip is None:
        return False
    # A request for a renewal names neither server nor address (RFC 2131 section 4.3.2).
    renews = SERVER_IDENTIFIER not in message.options and REQUESTED_ADDRESS not in message.options
    return message.message_type == DhcpType.INFORM or (message.message_type == DhcpType.REQUEST and renews)


def _stage_for_plain_client(
    world: World, machine: MachineRecord, message: DhcpMessage, at: FrameRef
) -> StageRecord | None:
    """An ordinary DHCP client: the operating system of a boot, or a machine that does not boot at all."""
    if not machine.boots:
        return None
    boot = machine.boots[-1]
    latest = boot.stages[-1] if boot.stages else None
    if latest is not None and latest.client == "os":
        return latest
    if latest is None:
        return None
    if not (_may_hand_over(boot) or goes_on_unseen(boot, world.quality)):
        if boot.left is None and _is_from_disk(boot, message):
            boot.left = at
        return None
    return begin_stage(boot, Kind("os", "operating system", (), None, None), at)


def _is_from_disk(boot: BootRecord, message: DhcpMessage) -> bool:
    """Whether what asks for an address behind a boot that failed is no program of that boot: it brought none.

    Windows, of which none was loaded, is not what a loader asks as either.
    """
    brought = any(fetch.status == "complete" for stage in boot.stages for fetch in stage.fetches)
    return not brought or (options.vendor_class(message) or "").startswith(_WINDOWS)


def _may_hand_over(boot: BootRecord) -> bool:
    """Whether an operating system may have come from this boot: not when every option of it has failed."""
    if boot_is_handed_off(boot):
        return True
    latest = boot.stages[-1]
    return not stage_has_failed(latest, moved_on=True) or loaded_system(latest)


def stage_for_request(
    world: World, machine: MachineRecord, kind: Kind | None, message: DhcpMessage, at: FrameRef
) -> StageRecord | None:
    """The stage a REQUEST, INFORM or DECLINE belongs to: the latest of that kind that can be waiting for it."""
    boot = machine.boots[-1] if machine.boots else None
    if boot is not None:
        for stage in reversed(boot.stages[-4:]):
            exchange = stage.dhcp
            # 0 is nobody's: iPXE has drawn none when it looks for boot servers (dhcp.c, start_pxebs).
            if message.xid and isinstance(exchange, Dhcp4Exchange) and _shares_xid(exchange, message):
                if kind is not None and is_open_firmware(kind.client):
                    retell_stage(stage, kind)
                return stage
        for stage in reversed(boot.stages[-4:]):
            if kind is not None and stage.client == kind.client and isinstance(stage.dhcp, Dhcp4Exchange):
                return stage
            # Some ROMs leave options 60 and 93 out of the REQUEST (Raspberry Pi 4), or change them for port 4011.
            if (
                kind is None
                and stage is boot.stages[-1]
                and isinstance(stage.dhcp, Dhcp4Exchange)
                and stage.client == "os"
            ):
                return stage
    if kind is None:
        return _stage_for_plain_client(world, machine, message, at)
    machine.boot_client = True
    latest = boot.stages[-1] if boot is not None and boot.stages else None
    if latest is not None and latest.client == "unknown" and latest.dhcp is None and message.client_ip is not None:
        # It has an address and asks for more (port 4011): the program whose DHCP the capture did not hold tells its name.
        retell_stage(latest, kind)
        return latest
    if boot is None or begins_boot(boot, kind, at):
        boot = begin_boot(machine, at)
    return begin_stage(boot, kind, at)


def _shares_xid(exchange: Dhcp4Exchange, message: DhcpMessage) -> bool:
    xid = message.xid
    if exchange.discovers and exchange.discovers[-1].message.xid == xid:
        return True
    for messages in (exchange.discovers, exchange.requests, exchange.pxe_requests, exchange.informs):
        for heard in messages:
            if heard.message.xid == xid:
                return True
    return False


def stage_of_reply(boot: BootRecord, message: DhcpMessage) -> StageRecord | None:
    """Xid joins a reply to its request; the latest stage that used it (EFI iPXE uses one xid in every boot)."""
    for stage in reversed(boot.stages):
        if isinstance(stage.dhcp, Dhcp4Exchange) and _shares_xid(stage.dhcp, message):
            return stage
    return None
