"""What a rule needs to know of all machines together, gathered once for many cases; reads records, never changes them."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import NamedTuple

from ..flow.records import HttpExchange, TcpConnection
from ..model import FrameRef
from ..track.boot_file import boot_file_of, chosen_offer
from ..track.exchanges import Dhcp4Exchange, Dhcp6Exchange, Heard
from ..track.naming import same_file
from ..track.outcome import boot_is_handed_off
from ..track.records import FetchRecord, MachineRecord, ServerRecord, StageRecord, World
from ..wire import dhcp_options
from ..wire.messages import DhcpMessage

_KEPT = 64
"""Distinct answers kept of one server, and machines counted for one fault."""


class Lease(NamedTuple):
    """An address that was acknowledged."""

    time: int
    address: str
    mac: str
    at: FrameRef


class Answer(NamedTuple):
    """What a server told a kind of client to load."""

    client: str
    arch: int
    file: str | None
    at: FrameRef


class Booted(NamedTuple):
    """A machine that booted with a file, and the answer that named it."""

    mac: str
    file: str
    at: FrameRef


class Overview:
    """One look at all machines; worked out piece by piece when a rule first asks."""

    def __init__(self, world: World) -> None:
        self.world = world

    @cached_property
    def leases(self) -> list[Lease]:
        """The latest lease of every stage of the machines' last two boots, by time."""
        found = [
            Lease(heard.at.time, heard.message.your_ip, machine.mac, heard.at)
            for machine, stage in self._recent()
            if isinstance(stage.dhcp, Dhcp4Exchange)
            for heard in stage.dhcp.acks[-1:]
            if heard.message.your_ip
        ]
        return sorted(found)

    @cached_property
    def served_vlans(self) -> dict[int | None, FrameRef]:
        """VLANs (None: untagged) of the machines that any DHCP server answered, and an answer of each."""
        found: dict[int | None, FrameRef] = {}
        for machine, stage in self._recent():
            if machine.vlan not in found and isinstance(stage.dhcp, Dhcp4Exchange):
                for heard in (*stage.dhcp.offers[:1], *stage.dhcp.proxy_offers[:1], *stage.dhcp.acks[:1]):
                    found.setdefault(machine.vlan, heard.at)
        return found

    @cached_property
    def answers_dhcpv6(self) -> bool:
        """Whether any machine was answered over IPv6."""
        return any(
            isinstance(stage.dhcp, Dhcp6Exchange) and (stage.dhcp.advertises or stage.dhcp.replies)
            for _, stage in self._recent()
        )

    def leases_until(self, time: int) -> list[Lease]:
        """At most the latest of them that were given up to `time`."""
        end = bisect_right(self.leases, time, key=lambda lease: lease.time)
        return self.leases[max(0, end - _KEPT) : end]

    @cached_property
    def dhcp_servers(self) -> list[ServerRecord]:
        """Servers that answered anybody's DHCP."""
        return [server for server in self.world.servers.values() if server.dhcp_replies]

    @cached_property
    def dialects(self) -> tuple[str, ...]:
        """The software of these servers, as far as it is recognised."""
        return tuple({server.dialect for server in self.dhcp_servers if server.dialect})

    @cached_property
    def speaks_from(self) -> Counter[str]:
        """How many addresses each MAC has by ARP."""
        return Counter(self.world.arp.values())

    @cached_property
    def answers(self) -> dict[str, list[Answer]]:
        """By server: the distinct answers it gave to clients that told their architecture."""
        found: dict[str, dict[tuple[str, int, str | None], Answer]] = {}
        for machine in self.world.machines.values():
            for boot in machine.boots[-2:]:
                for stage in boot.stages[:8]:
                    self._note(stage, found)
        return {server: list(answers.values()) for server, answers in found.items()}

    @staticmethod
    def _note(stage: StageRecord, found: dict[str, dict[tuple[str, int, str | None], Answer]]) -> None:
        if not stage.arch or not isinstance(stage.dhcp, Dhcp4Exchange):
            return
        offer = chosen_offer(stage.dhcp)
        if offer is None:
            return
        named = boot_file_of(stage)
        file = named.name if named else None
        answers = found.setdefault(dhcp_options.server_id(offer.message) or offer.source, {})
        if len(answers) < _KEPT:
            answers.setdefault((stage.client, stage.arch[0], file), Answer(stage.client, stage.arch[0], file, offer.at))

    @cached_property
    def bad_checksums_accepted(self) -> bool:
        """Whether any machine went on after an offer with a wrong UDP checksum: then offloading explains it."""
        return any(
            heard.bad_checksum
            for machine in self.world.machines.values()
            for boot in machine.boots
            for stage in boot.stages
            if isinstance(stage.dhcp, Dhcp4Exchange) and stage.dhcp.requests
            for heard in stage.dhcp.offers
        )

    @cached_property
    def heard(self) -> set[str]:
        """Addresses from which anything came: answers to anybody, ARP."""
        found = {*self.world.servers, *self.world.arp}
        for machine in self.world.machines.values():
            found.update(machine.addresses)
            for boot in machine.boots:
                for stage in boot.stages:
                    found.update(filter(None, map(_answering, stage.fetches)))
                    found.update(
                        connection.server
                        for connection in stage.connections
                        if connection.syn_ack is not None
                        or (connection.reset is not None and not connection.reset_by_client)
                    )
                    found.update(look.server for look in stage.lookups if look.answer is not None)
        return found

    @cached_property
    def booted_with(self) -> dict[tuple[str, str], list[Booted]]:
        """By server and kind of client: the files that it named to machines that fetched them whole, and booted."""
        found: dict[tuple[str, str], list[Booted]] = {}
        for machine in self.world.machines.values():
            for boot in machine.boots[-2:]:
                if not boot_is_handed_off(boot):
                    continue
                for stage in boot.stages:
                    named = boot_file_of(stage) if isinstance(stage.dhcp, Dhcp4Exchange) else None
                    if named is None or named.heard is None:
                        continue
                    server = dhcp_options.server_id(named.heard.message) or named.heard.source
                    if any(fetch.status == "complete" and same_file(fetch.name, named.name) for fetch in stage.fetches):
                        known = found.setdefault((server, stage.client), [])
                        if len(known) < _KEPT:
                            known.append(Booted(machine.mac, named.name, named.heard.at))
        return found

    @cached_property
    def served(self) -> dict[tuple[str, int], list[tuple[str, FrameRef]]]:
        """By server and port: the machines whose requests and connections were answered, and where, in order of time."""
        found: dict[tuple[str, int], list[tuple[str, FrameRef]]] = {}
        for machine, stage in self._recent():
            for key, at in (*map(_answer_of, stage.fetches), *map(_accepted, stage.connections)):
                if at is not None:
                    found.setdefault(key, []).append((machine.mac, at))
        for answers in found.values():
            answers.sort(key=lambda answer: answer[1].time)
        return found

    @cached_property
    def proxies(self) -> dict[str, Heard[DhcpMessage]]:
        """Servers that made ProxyDHCP offers to PXE clients, and one such offer."""
        return proxies_among(stage for _, stage in self._recent())

    def _recent(self) -> Iterator[tuple[MachineRecord, StageRecord]]:
        """The stages of the machines' last two boots."""
        for machine in self.world.machines.values():
            for boot in machine.boots[-2:]:
                for stage in boot.stages:
                    yield machine, stage


def proxies_among(stages: Iterable[StageRecord]) -> dict[str, Heard[DhcpMessage]]:
    """Servers that made ProxyDHCP offers to PXE clients in these stages, and one such offer."""
    found: dict[str, Heard[DhcpMessage]] = {}
    for stage in stages:
        if isinstance(stage.dhcp, Dhcp4Exchange) and (stage.vendor_class or "").startswith(dhcp_options.PXE_CLASS):
            for heard in stage.dhcp.proxy_offers[:2]:
                found.setdefault(dhcp_options.server_id(heard.message) or heard.source, heard)
    return found


def _answer_of(fetch: FetchRecord) -> tuple[tuple[str, int], FrameRef | None]:
    """Where a request was answered, from the address and port that it went to; None where it was not."""
    flow = fetch.flow
    if isinstance(flow, HttpExchange):
        return _accepted(flow.connection)
    told = None if flow.error_by_client else flow.error_at
    heard = flow.reply_from is not None and flow.reply_from[0] == flow.server
    return (flow.server, flow.server_port), (next(iter(flow.oacks), None) or flow.body.first or told) if heard else None


def _accepted(connection: TcpConnection) -> tuple[tuple[str, int], FrameRef | None]:
    return (connection.server, connection.server_port), connection.syn_ack


def _answering(fetch: FetchRecord) -> str | None:
    """The address that a fetch was answered from."""
    flow = fetch.flow
    if isinstance(flow, HttpExchange):
        return flow.connection.server if flow.response is not None else None
    return flow.reply_from[0] if flow.reply_from is not None else None
