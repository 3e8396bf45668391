"""What DHCPv4 messages tell of a machine, noted in the exchange of the stage that they belong to."""

from __future__ import annotations

from ..model import FrameRef
from ..wire import dhcp_options as options
from ..wire import ports
from ..wire.messages import DhcpMessage, DhcpType, Envelope
from . import vantage
from .dhcp4_stages import REQUESTED_ADDRESS, runs_already, stage_for_discover, stage_for_request, stage_of_reply
from .exchanges import Dhcp4Exchange, Heard, Point
from .kinds import kind_of
from .machines import ask_for, kept, learn_address, touch
from .offered import asks_for_unseen_offer
from .records import MachineRecord, StageRecord, World

HOST_NAME, PXE_OPTIONS = 12, 43


def client_message(
    world: World, machine: MachineRecord, envelope: Envelope, message: DhcpMessage, point: Point
) -> None:
    """A packet a client sent (op 1): moves the machine's exchange, or begins a stage or a boot."""
    at = machine.last = FrameRef(envelope.capture, envelope.frame, envelope.time)
    kind = kind_of(message)
    message.client_mac = machine.mac  # one text for all of a machine's messages
    heard = _heard(envelope, message, at)
    if machine.uuid is None:
        machine.uuid = options.uuid(message)
    if HOST_NAME in message.options.codes:
        machine.hostname = options.hostname(message) or machine.hostname
    if message.message_type in (None, DhcpType.DISCOVER):
        stage = stage_for_discover(world, machine, kind, heard)
        if stage is not None and _take_discover(_exchange(stage), heard):
            vantage.note_point(_exchange(stage), envelope, message, point)
            touch(machine, stage, at)
        return
    if kind is not None and runs_already(kind, message):
        learn_address(world, machine, message.client_ip)
        return
    stage = stage_for_request(world, machine, kind, message, at)
    if stage is not None and _take_request(world, machine, _exchange(stage), heard):
        touch(machine, stage, at)


def _take_discover(exchange: Dhcp4Exchange, heard: Heard[DhcpMessage]) -> bool:
    """Note a DISCOVER; False when it is only the relay's copy of one."""
    if heard.message.relay is not None and exchange.discovers and exchange.discovers[-1].message.relay is None:
        exchange.relayed = kept(exchange.relayed, heard)
        return False
    exchange.discover_count += 1
    exchange.discovers = kept(exchange.discovers, heard)
    return True


def _take_request(world: World, machine: MachineRecord, exchange: Dhcp4Exchange, heard: Heard[DhcpMessage]) -> bool:
    """Note what a client sends beside DISCOVERs; False when it moves nothing: a relay's copy, or no part of a boot."""
    message = heard.message
    if message.relay is not None and exchange.requests and exchange.requests[-1].message.relay is None:
        exchange.relayed = kept(exchange.relayed, heard)
        return False
    if heard.target_port == ports.PXE or _is_about_boot_server(message):
        exchange.pxe_request_count += 1
        exchange.pxe_requests = kept(exchange.pxe_requests, heard)
    elif message.message_type == DhcpType.REQUEST:
        if exchange.discovers and asks_for_unseen_offer(exchange, message):
            world.quality.offers_missing = True  # it takes an offer that this capture does not hold
        exchange.request_count += 1
        exchange.requests = kept(exchange.requests, heard)
        if not exchange.acks:
            ask_for(world, machine, options.address(message, REQUESTED_ADDRESS))
    elif message.message_type == DhcpType.DECLINE:
        exchange.declines = kept(exchange.declines, heard)
    elif message.message_type == DhcpType.INFORM:
        exchange.informs = kept(exchange.informs, heard)
        if message.client_ip:
            learn_address(world, machine, message.client_ip)
    elif message.message_type == DhcpType.RELEASE:
        exchange.released = heard.at
    else:
        return False  # what the registry added later says nothing about a boot
    return True


def _is_about_boot_server(message: DhcpMessage) -> bool:
    """Whether a message asks a boot server for an item of the menu, or answers that (option 43.71, PXE 2.1)."""
    pxe = options.pxe(message) if PXE_OPTIONS in message.options.codes else None
    return pxe is not None and pxe.boot_item is not None


def server_message(
    world: World, machine: MachineRecord, envelope: Envelope, message: DhcpMessage, point: Point
) -> None:
    """A reply (op 2) to a machine that is known."""
    boot = machine.boots[-1] if machine.boots else None
    stage = stage_of_reply(boot, message) if boot is not None else None
    if stage is None and (boot is None or not boot.stages or boot.left is not None):
        if message.message_type == DhcpType.ACK:
            learn_address(world, machine, message.your_ip or message.client_ip)
        return
    at = FrameRef(envelope.capture, envelope.frame, envelope.time)
    message.client_mac = machine.mac
    heard = _heard(envelope, message, at)
    message_type = message.message_type
    if stage is None:
        latest = machine.boots[-1].stages[-1].dhcp
        if isinstance(latest, Dhcp4Exchange) and message_type == DhcpType.OFFER:
            latest.misfits = kept(latest.misfits, heard)
        return
    exchange = _exchange(stage)
    if message.relay is not None and envelope.target_port == ports.DHCP_SERVER and envelope.target == message.relay:
        # On its way from the server to the relay: the client has not seen it yet.
        exchange.relayed = kept(exchange.relayed, heard)
        if exchange.discovers and exchange.discovers[-1].message.relay is None:
            return
    if message_type in (None, DhcpType.OFFER):
        vantage.note_point(exchange, envelope, message, point)
        if message.your_ip is None and message_type == DhcpType.OFFER:
            exchange.proxy_offers = kept(exchange.proxy_offers, heard)
        else:
            exchange.offer_count += 1
            exchange.offers = kept(exchange.offers, heard)
            if stage.client in ("raspberry-pi", "unknown") or message_type is None:
                learn_address(world, machine, message.your_ip)
    elif message_type == DhcpType.ACK:
        # ProxyDHCP gives no address: what it acknowledges is no lease, beside one or alone.
        beside_lease = message.your_ip is None and (exchange.acks or (exchange.proxy_offers and not exchange.offers))
        if envelope.source_port == ports.PXE or beside_lease or _is_about_boot_server(message):
            exchange.pxe_replies = kept(exchange.pxe_replies, heard)
        else:
            exchange.ack_count += 1
            exchange.acks = kept(exchange.acks, heard)
            world.quality.lease_seen |= machine.boot_client
            learn_address(world, machine, message.your_ip or message.client_ip)
    elif message_type == DhcpType.NAK:
        exchange.nak_count += 1
        exchange.naks = kept(exchange.naks, heard)
    touch(machine, stage, at)


def copy(machine: MachineRecord, envelope: Envelope, message: DhcpMessage, point: Point) -> None:
    """A message of the machine's that was seen at another capture point a moment ago."""
    stage = stage_of_reply(machine.boots[-1], message) if machine.boots else None
    if stage is not None and isinstance(stage.dhcp, Dhcp4Exchange):
        vantage.note_point(stage.dhcp, envelope, message, point)


def _heard(envelope: Envelope, message: DhcpMessage, at: FrameRef) -> Heard[DhcpMessage]:
    source_mac = message.client_mac if envelope.source_mac == message.client_mac else envelope.source_mac
    return Heard(at, message, envelope.source, source_mac, envelope.target, envelope.source_port,
                 envelope.target_port, envelope.bad_checksum, envelope.point, envelope.cut and bool(message.problems))  # fmt: skip


def _exchange(stage: StageRecord) -> Dhcp4Exchange:
    if not isinstance(stage.dhcp, Dhcp4Exchange):
        stage.dhcp = Dhcp4Exchange()
    return stage.dhcp
