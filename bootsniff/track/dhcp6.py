"""DHCPv6 messages to stages: the firmware's PXEv6 and HTTPv6 attempts, and the operating system's own DHCPv6."""

from __future__ import annotations

from ..model import FrameRef
from ..wire.messages import Dhcpv6Message, Dhcpv6Type, Envelope
from .exchanges import Dhcp6Exchange, Heard
from .kinds import Kind, kind_of_v6
from .machines import begin_boot, begin_stage, kept, learn_address, touch
from .outcome import boot_is_handed_off
from .power_on import SAME_EXCHANGE_V6, begins_boot_v6
from .records import BootRecord, MachineRecord, StageRecord, World


def client_message(world: World, machine: MachineRecord, envelope: Envelope, message: Dhcpv6Message) -> None:
    """A message a client sent: moves the machine's DHCPv6 exchange, or begins a stage or a boot."""
    at = FrameRef(envelope.capture, envelope.frame, envelope.time)
    if machine.uuid is None:
        machine.uuid = message.uuid
    kind = kind_of_v6(message)
    stage = _stage(machine, kind, message, at)
    if stage is None or not isinstance(stage.dhcp, Dhcp6Exchange):
        if message.type == Dhcpv6Type.REQUEST and _asked_unanswered(machine):
            world.quality.offers_missing = True  # edk2 also takes an address without a word about booting
        return
    exchange, heard = stage.dhcp, _heard(envelope, message, at)
    if message.type == Dhcpv6Type.SOLICIT:
        exchange.solicit_count += 1
        exchange.solicits = kept(exchange.solicits, heard)
    elif message.type == Dhcpv6Type.INFORMATION_REQUEST:
        exchange.information_requests = kept(exchange.information_requests, heard)
    else:
        if exchange.solicits and not exchange.advertises and message.type == Dhcpv6Type.REQUEST:
            world.quality.offers_missing = True  # it takes an offer that this capture does not hold
        exchange.request_count += 1
        exchange.requests = kept(exchange.requests, heard)
    touch(machine, stage, at)
    address = message.peer or envelope.source  # a relay sends from its own
    if not address.startswith("fe80:"):
        learn_address(world, machine, address)
    else:
        if machine.link_local is not None and machine.link_local != address:
            world.holders.pop(machine.link_local, None)
        machine.link_local = address
        world.holders[address] = machine


def _asked_unanswered(machine: MachineRecord) -> bool:
    """Whether the capture holds SOLICITs of the machine's boot, and no answer to anything it asked by DHCPv6."""
    found = _exchanges(machine)
    answered = any(one.advertises or one.replies or one.answered_besides for one in found)
    return any(one.solicits for one in found) and not answered


def _exchanges(machine: MachineRecord) -> list[Dhcp6Exchange]:
    stages = machine.boots[-1].stages if machine.boots else []
    return [stage.dhcp for stage in stages if isinstance(stage.dhcp, Dhcp6Exchange)]


def server_message(world: World, machine: MachineRecord, envelope: Envelope, message: Dhcpv6Message) -> None:
    """An answer to a machine that is known."""
    if not machine.boots:
        return
    at = FrameRef(envelope.capture, envelope.frame, envelope.time)
    for stage in reversed(machine.boots[-1].stages):
        exchange = stage.dhcp
        if not isinstance(exchange, Dhcp6Exchange) or not _shares_xid(exchange, message):
            continue
        heard = _heard(envelope, message, at)
        if message.type == Dhcpv6Type.ADVERTISE:
            exchange.advertise_count += 1
            exchange.advertises = kept(exchange.advertises, heard)
        else:
            exchange.reply_count += 1
            exchange.replies = kept(exchange.replies, heard)
            for address in message.addresses:
                learn_address(world, machine, address)
        touch(machine, stage, at)
        return
    for exchange in _exchanges(machine):
        exchange.answered_besides = True


def _heard(envelope: Envelope, message: Dhcpv6Message, at: FrameRef) -> Heard[Dhcpv6Message]:
    return Heard(at, message, envelope.source, envelope.source_mac, envelope.target, envelope.source_port,
                 envelope.target_port, envelope.bad_checksum, envelope.point, envelope.cut and bool(message.problems))  # fmt: skip


def _stage(machine: MachineRecord, kind: Kind | None, message: Dhcpv6Message, at: FrameRef) -> StageRecord | None:
    boot = machine.boots[-1] if machine.boots else None
    if kind is None:
        return _plain(boot, at)
    machine.boot_client = True
    if boot is not None:
        for stage in reversed(boot.stages[-3:]):
            exchange = stage.dhcp
            if not isinstance(exchange, Dhcp6Exchange) or stage.client != kind.client:
                continue
            if _shares_xid(exchange, message):
                return stage
            # REQUEST after ADVERTISE has an xid of its own (RFC 8415 section 16.1).
            if message.type != Dhcpv6Type.SOLICIT and at.time - stage.last.time < SAME_EXCHANGE_V6:
                return stage
            if (
                message.type == Dhcpv6Type.SOLICIT
                and stage is boot.stages[-1]
                and not stage.fetches
                and not exchange.replies
                and at.time - stage.last.time < SAME_EXCHANGE_V6
            ):
                return stage
    if boot is None or begins_boot_v6(boot, kind, at):
        boot = begin_boot(machine, at)
    stage = begin_stage(boot, kind, at)
    stage.dhcp = Dhcp6Exchange()
    return stage


def _plain(boot: BootRecord | None, at: FrameRef) -> StageRecord | None:
    """An ordinary DHCPv6 client: the operating system, once a kernel was fetched."""
    if boot is None or not boot.stages:
        return None
    latest = boot.stages[-1]
    if latest.client == "os":
        if latest.dhcp is None:
            latest.dhcp = Dhcp6Exchange()
        return latest if isinstance(latest.dhcp, Dhcp6Exchange) else None
    if not boot_is_handed_off(boot):
        return None
    stage = begin_stage(boot, Kind("os", "operating system", (), None, None), at)
    stage.dhcp = Dhcp6Exchange()
    return stage


def _shares_xid(exchange: Dhcp6Exchange, message: Dhcpv6Message) -> bool:
    known = (*exchange.solicits, *exchange.requests, *exchange.information_requests)
    return any(heard.message.xid == message.xid for heard in known)
