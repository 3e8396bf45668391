"""Whose boot a transfer or an HTTP exchange belongs to; decides nothing about its outcome, and knows no DHCP."""

from __future__ import annotations

from ..flow.records import Event, HttpExchange, TftpTransfer
from ..model import NANOSECONDS
from ..wire.addresses import is_for_many
from ..wire.messages import Envelope
from . import fetches
from .around import LATE_TRAFFIC
from .http_outcome import never_heard
from .machines import (
    current_stage,
    holder,
    is_its_own,
    is_known_by_dhcp,
    kept,
    learn_address,
    open_stage,
    passes_on,
    seen_at,
    touch,
)
from .naming import is_boot_agent, is_cross_certificate, is_device_config, looks_like_boot, same_file
from .records import FetchRecord, MachineRecord, World
from .roster import Attached, Roster
from .servers import recognise_tftp
from .tftp_outcome import shows_answers, went_on_unanswered
from .views import Views

_ROUTERS = ("00:00:0c:07:ac:", "00:00:0c:9f:f", "00:05:73:a0:", "00:07:b4:00:", "00:00:5e:00:01:", "00:00:5e:00:02:")
"""MACs that several routers share: HSRP, GLBP (Cisco), VRRP (RFC 9568). No machine boots with one."""

_MAX_DEVICES = 4096
_AT_WORK = 2 * NANOSECONDS
"""No machine has two addresses at a time: another one while the first is heard is another machine's."""


class Owners:
    """Gives the fetches of a world to its machines."""

    def __init__(self, world: World, roster: Roster, views: Views) -> None:
        self._world = world
        self._roster = roster
        self._views = views
        self._devices: dict[str, None] = {}
        """Addresses without DHCP in the capture that ask as phones, switches and people do."""

    def transfer(self, event: Event, transfer: TftpTransfer) -> None:
        """Something happened to a TFTP transfer."""
        world, envelope = self._world, event.envelope
        attached = self._roster.attached.get(id(transfer))
        if attached is None:
            if event.change != "opened" and self._views.is_view(transfer):
                self._view_changed(transfer)
                return
            attached = self._open_transfer(envelope, transfer)
            if attached is None:
                return
        machine, stage, fetch = attached
        if transfer.error is not None and not transfer.error_by_client:
            recognise_tftp(world, transfer)
        if transfer.ack_count and transfer.reply_from is None and not transfer.partial:
            world.quality.answers_missing = True
        fetches.update(stage, fetch)
        touch(machine, stage, seen_at(envelope))
        self._roster.moved(machine)

    def _view_changed(self, transfer: TftpTransfer) -> None:
        fetch = self._views.fetch_of(transfer)
        attached = self._roster.attached.get(id(fetch.flow)) if fetch is not None else None
        if fetch is None or attached is None:
            return
        if transfer.ack_count and transfer.reply_from is not None and not _shows_transfer(fetch):
            # The capture point that came first, a filter such as `port 69`, does not show what the machine got.
            del self._roster.attached[id(fetch.flow)]
            self._roster.attached[id(transfer)] = attached
            self._views.prefer(fetch, transfer)
            fetches.update(attached[1], fetch)
        self._roster.moved(attached[0])

    def _open_transfer(self, envelope: Envelope, transfer: TftpTransfer) -> Attached | None:
        if transfer.write:
            return None
        machine = self._holder(transfer, envelope.time)
        if is_device_config(transfer.filename) or _is_a_persons(transfer):
            self._is_device(transfer.client, machine)
            return None
        device = machine or self._unleased(transfer.client_mac)
        if device is not None and open_stage(device) is None and not looks_like_boot(transfer.filename):
            return None  # a phone or a printer, which does DHCP like any other device, or a system on a disk
        if machine is None and transfer.client in self._devices and not looks_like_boot(transfer.filename):
            return None
        twin = self._views.twin_of(transfer)
        known = self._roster.attached.get(id(twin.flow)) if twin is not None else None
        if (
            twin is not None
            and known is not None
            and not (self._views.at_one_point(twin, transfer) and _strangers(known[0], machine))
        ):
            owner = known[0]
            if machine is None or machine is owner or not machine.boots or _only_unknown(machine):
                self._views.add_view(twin, transfer)
                self._roster.moved(owner)
                return None
            if _only_unknown(owner):
                # The far side of a NAT was seen first: what stood there as a machine of its own is this one's view.
                self._roster.forget(owner.mac)
                result = self._attach(machine, transfer, envelope)
                if result is not None and isinstance(twin.flow, TftpTransfer):
                    self._views.add_view(result[2], twin.flow)
                return result
        if machine is None:
            if is_for_many(transfer.server) and transfer.reply_from is None:
                return None  # a switch or router that looks for its configuration; boot programs ask one server
            machine = self._unknown(envelope, transfer.client, transfer.client_mac)
            if machine is None:
                return None
        return self._attach(machine, transfer, envelope)

    def _is_device(self, address: str, machine: MachineRecord | None) -> None:
        """Note a device; what it asked for before, when the capture began in its middle, was no boot either."""
        if machine is None:
            self._devices[address] = None
            if len(self._devices) > _MAX_DEVICES:
                del self._devices[next(iter(self._devices))]
        elif _only_unknown(machine) and not any(
            looks_like_boot(fetch.name) for boot in machine.boots for stage in boot.stages for fetch in stage.fetches
        ):
            self._roster.forget(machine.mac)
            self._is_device(address, None)

    def _attach(self, machine: MachineRecord, flow: TftpTransfer | HttpExchange, envelope: Envelope) -> Attached | None:
        before, quality = current_stage(machine), self._world.quality
        if not quality.answers_missing and before is not None and before.fetches:
            # Where other answers show, this one was lost by the capture: that says nothing of other machines.
            quality.answers_missing = went_on_unanswered(before.fetches[-1].flow, flow) and not shows_answers(
                machine.boots[-1]
            )
        learn_address(self._world, machine, flow.client if isinstance(flow, TftpTransfer) else flow.connection.client)
        result = fetches.attach(machine, flow, seen_at(envelope))
        if result is None:
            return None
        quality.unicast_seen = True
        attached = (machine, *result)
        self._roster.attached[id(flow)] = attached
        self._views.remember(flow, attached[2])
        self._roster.moved(machine)
        return attached

    def _holder(self, flow: TftpTransfer | HttpExchange, time: int) -> MachineRecord | None:
        """Who asks; None for somebody behind the same router as a machine that is known by the router's MAC alone."""
        end = flow if isinstance(flow, TftpTransfer) else flow.connection
        machine = holder(self._world, end.client, end.client_mac)
        if machine is None or not machine.addresses or not machine.boots:
            return machine
        if is_its_own(self._world, machine.mac, end.client, machine):
            return machine
        fetched = [fetch for stage in machine.boots[-1].stages for fetch in stage.fetches]
        busy = any(fetch.status == "in-progress" and time - fetch.end < _AT_WORK for fetch in fetched[-2:])
        again = bool(fetched) and same_file(fetched[0].name, flow.url)
        return None if busy or again else machine

    def _unleased(self, mac: str | None) -> MachineRecord | None:
        """The DHCP client with this MAC, when the capture lacks what it was given: the address may be its own."""
        known = self._world.machines.get(mac) if mac is not None else None
        return known if known is not None and not known.addresses else None

    def _unknown(self, envelope: Envelope, client: str, mac: str | None) -> MachineRecord | None:
        """A machine without DHCP in the capture: keyed by its MAC, or by address behind a router."""
        known = self._world.machines.get(mac) if mac is not None else None
        another = known is not None and known.boots and known.addresses and client not in known.addresses
        behind = mac is None or mac.startswith(_ROUTERS) or another or passes_on(self._world, mac, client, known)
        key = self._world.asked.get(client, client) if mac is None or behind else mac
        if mac is not None and any(server.mac == mac for server in self._world.servers.values()) and known is None:
            key = client if client not in self._world.servers else mac
        return self._roster.machine(key, envelope)

    def exchange(self, event: Event, exchange: HttpExchange) -> None:
        """Something happened to an HTTP exchange."""
        attached = self._roster.attached.get(id(exchange))
        if event.change == "opened":
            self._let_go(exchange, attached)
            attached = None
        if attached is None:
            if self._views.is_ignored(exchange):
                return
            attached = self._open_exchange(event.envelope, exchange)
            if attached is None:
                self._views.ignore(exchange)
                return
        machine, stage, fetch = attached
        if never_heard(exchange.connection):
            self._world.quality.answers_missing = True
        fetches.update(stage, fetch)
        if fetch.role != "os" or stage is current_stage(machine):
            touch(machine, stage, seen_at(event.envelope))
        self._roster.moved(machine)

    def _let_go(self, exchange: HttpExchange, attached: Attached | None) -> None:
        """Forget what was made of a response whose request the capture has behind it: now it tells more."""
        self._views.heed(exchange)
        if attached is not None:
            del self._roster.attached[id(exchange)]
            attached[1].fetches.remove(attached[2])

    def _open_exchange(self, envelope: Envelope, exchange: HttpExchange) -> Attached | None:
        twin = self._views.exchange_elsewhere(exchange)
        if twin is not None:
            known = self._roster.attached.get(id(twin))
            if known is not None:
                known[2].elsewhere = kept(known[2].elsewhere, exchange)
            return None
        if is_cross_certificate(exchange.url):
            return None  # part of a TLS handshake of iPXE, and no file
        connection = exchange.connection
        agent = exchange.request.get("User-Agent") if exchange.request is not None else None
        boot_like = is_boot_agent(agent) or (agent is None and looks_like_boot(exchange.url))
        machine = self._holder(exchange, envelope.time)
        if machine is None or not machine.boots:
            if not boot_like:
                return None
            machine = machine or self._unknown(envelope, connection.client, connection.client_mac)
        elif not boot_like:
            late = agent is not None and envelope.time - machine.boots[-1].last.time > LATE_TRAFFIC
            if late or open_stage(machine) is None:
                return None
        return None if machine is None else self._attach(machine, exchange, envelope)


def _shows_transfer(fetch: FetchRecord) -> bool:
    """Whether the point where a transfer was seen first shows more of it than requests."""
    flow = fetch.flow
    return not isinstance(flow, TftpTransfer) or flow.reply_from is not None or flow.ack_count > 0


def _strangers(owner: MachineRecord, machine: MachineRecord | None) -> bool:
    """Two machines of which no DHCP was seen, or two of which it was: at one capture point they may well be two."""
    return _only_unknown(owner) == (machine is None or not machine.boots or _only_unknown(machine))


def _is_a_persons(transfer: TftpTransfer) -> bool:
    """Whether a request converts text, as the clients of people do unless they are told otherwise.

    netascii is what tftp-hpa, the client of macOS and that of Windows begin with (tftp(1)); firmware asks for octets.
    """
    return transfer.mode.lower() == "netascii"


def _only_unknown(machine: MachineRecord) -> bool:
    return bool(machine.boots) and not is_known_by_dhcp(machine)
