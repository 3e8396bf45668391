"""The notable packets of a stage as arrows, for timelines and ladder diagrams; bounded, made when a view asks."""

from __future__ import annotations

from typing import Literal

from ..flow.records import DnsLookup, HttpExchange, TcpConnection, TftpTransfer
from ..model import Arrow, FrameRef
from ..wire import dhcp_options as options
from ..wire import ports
from ..wire.messages import DhcpMessage, Dhcpv6Message
from ..wire.numbers import dhcp_type_name, dhcpv6_type_name
from .exchanges import Dhcp4Exchange, Dhcp6Exchange, Heard
from .records import StageRecord

MAX_ARROWS = 512
Kind = Literal["request", "reply", "error", "data", "missing"]
Layer = Literal["arp", "dhcp", "dns", "icmp", "tcp", "tls", "tftp", "http"]


class _Ladder:
    """Collects arrows."""

    def __init__(self) -> None:
        self.arrows: list[Arrow] = []

    def add(
        self, at: FrameRef, source: str, target: str, label: str, kind: Kind, layer: Layer, *, from_client: bool
    ) -> None:
        self.arrows.append(Arrow(at.capture, at.frame, at.time, source, target, label, kind, layer, from_client))


def arrows_of(stage: StageRecord) -> tuple[Arrow, ...]:
    """Arrows of a stage in order of time, at most MAX_ARROWS."""
    ladder = _Ladder()
    exchange = stage.dhcp
    if isinstance(exchange, Dhcp4Exchange):
        _dhcp4(ladder, exchange)
    elif isinstance(exchange, Dhcp6Exchange):
        for heard in (*exchange.solicits, *exchange.requests, *exchange.information_requests):
            _dhcp6(ladder, heard, from_client=True)
        for heard in (*exchange.advertises, *exchange.replies):
            _dhcp6(ladder, heard, from_client=False)
    for question in stage.arps:
        for at in question.requests:
            ladder.add(at, "client", "broadcast", f"who has {question.target}", "request", "arp", from_client=True)
        for mac, at in question.answers:
            ladder.add(at, question.target, "client", f"is at {mac}", "reply", "arp", from_client=False)
    for question in stage.neighbors:
        for at in question.requests:
            ladder.add(at, "client", "neighbors", f"who has {question.target}", "request", "icmp", from_client=True)
        for mac, at in question.answers:
            ladder.add(at, question.target, "client", f"is at {mac}", "reply", "icmp", from_client=False)
    for lookup in stage.lookups:
        _lookup(ladder, lookup)
    for connection in stage.connections:
        _connection(ladder, connection)
    for fetch in stage.fetches[:128]:
        if isinstance(fetch.flow, TftpTransfer):
            _transfer(ladder, fetch.flow)
            for view in fetch.views:
                _transfer(ladder, view)
        else:
            _exchange(ladder, fetch.flow)
    ladder.arrows.sort(key=lambda arrow: (arrow.time, arrow.capture, arrow.frame))
    return tuple(ladder.arrows[:MAX_ARROWS])


def _dhcp4(ladder: _Ladder, exchange: Dhcp4Exchange) -> None:
    for heard in (
        *exchange.discovers,
        *exchange.requests,
        *exchange.informs,
        *exchange.declines,
        *exchange.pxe_requests,
    ):
        message = heard.message
        label = dhcp_type_name(message.message_type) if message.message_type is not None else "BOOTP request"
        if heard.target_port == ports.PXE:
            label += " to 4011"
        ladder.add(
            heard.at,
            message.client_mac if heard.source in ("", "0.0.0.0") else heard.source,  # noqa: S104  no address yet; nothing is bound
            heard.target,
            label,
            "request",
            "dhcp",
            from_client=True,
        )
    for heard in (*exchange.offers, *exchange.proxy_offers, *exchange.acks, *exchange.naks, *exchange.pxe_replies):
        _reply(ladder, heard)
    for notice in exchange.icmp:
        ladder.add(
            notice.at, notice.sender, "client", f"ICMP {notice.message.text}", "error", "icmp", from_client=False
        )


def _reply(ladder: _Ladder, heard: Heard[DhcpMessage]) -> None:
    message = heard.message
    label = dhcp_type_name(message.message_type) if message.message_type is not None else "BOOTP reply"
    if message.your_ip is not None:
        label += f" {message.your_ip}"
    file = options.boot_file(message)
    if file is not None:
        label += f" {file[0]}"
    ladder.add(
        heard.at,
        heard.source,
        heard.target,
        label,
        "error" if message.message_type == 6 else "reply",
        "dhcp",
        from_client=False,
    )


def _dhcp6(ladder: _Ladder, heard: Heard[Dhcpv6Message], *, from_client: bool) -> None:
    label = dhcpv6_type_name(heard.message.type)
    if heard.message.boot_file_url:
        label += f" {heard.message.boot_file_url}"
    ladder.add(
        heard.at,
        heard.source,
        heard.target,
        label,
        "request" if from_client else "reply",
        "dhcp",
        from_client=from_client,
    )


def _lookup(ladder: _Ladder, lookup: DnsLookup) -> None:
    kind = {1: "A", 28: "AAAA"}.get(lookup.query_type, f"type {lookup.query_type}")
    for at in lookup.queries:
        ladder.add(at, lookup.client, lookup.server, f"{kind} {lookup.name}?", "request", "dns", from_client=True)
    if lookup.answer is not None and lookup.answer_at is not None:
        bad = bool(lookup.answer.rcode) or not lookup.answer.addresses
        label = (
            f"rcode {lookup.answer.rcode}"
            if lookup.answer.rcode
            else ", ".join(lookup.answer.addresses) or "no address"
        )
        ladder.add(
            lookup.answer_at,
            lookup.server,
            lookup.client,
            label,
            "error" if bad else "reply",
            "dns",
            from_client=False,
        )


def _connection(ladder: _Ladder, connection: TcpConnection) -> None:
    client, server = connection.client, connection.server
    for at in connection.syns:
        ladder.add(at, client, server, f"SYN {connection.server_port}", "request", "tcp", from_client=True)
    if connection.syn_ack is not None:
        ladder.add(connection.syn_ack, server, client, "SYN-ACK", "reply", "tcp", from_client=False)
    if connection.reset is not None:
        source, target = (client, server) if connection.reset_by_client else (server, client)
        colour: Kind = "request" if connection.reset_by_client else "error"
        ladder.add(connection.reset, source, target, "RST", colour, "tcp", from_client=connection.reset_by_client)
    for notice in connection.icmp:
        ladder.add(notice.at, notice.sender, client, f"ICMP {notice.message.text}", "error", "icmp", from_client=False)
    tls = connection.tls
    if tls is not None:
        ladder.add(
            tls.client_hello_at,
            client,
            server,
            f"ClientHello {tls.client_hello.server_name or ''}".strip(),
            "request",
            "tls",
            from_client=True,
        )
        if tls.server_hello_at is not None and tls.server_hello is not None:
            ladder.add(
                tls.server_hello_at,
                server,
                client,
                f"ServerHello {tls.server_hello.version}",
                "reply",
                "tls",
                from_client=False,
            )
        for alert, at, by_client in tls.alerts:
            source, target = (client, server) if by_client else (server, client)
            ladder.add(at, source, target, f"Alert {alert.name}", "error", "tls", from_client=by_client)


def _transfer(ladder: _Ladder, flow: TftpTransfer) -> None:
    client, server = flow.client, flow.reply_from[0] if flow.reply_from is not None else flow.server
    for at in flow.requests:
        ladder.add(
            at,
            client,
            flow.server,
            f"{'WRQ' if flow.write else 'RRQ'} {flow.filename}",
            "request",
            "tftp",
            from_client=True,
        )
    for at in flow.oacks:
        ladder.add(at, server, client, "OACK", "reply", "tftp", from_client=False)
    body = flow.body
    if body.first is not None and body.last is not None:
        ladder.add(body.first, server, client, f"DATA 1 … ({body.received} bytes)", "data", "tftp", from_client=False)
        if flow.highest_block > 1:
            ladder.add(body.last, server, client, f"DATA {flow.highest_block}", "data", "tftp", from_client=False)
    if flow.error is not None and flow.error_at is not None:
        source, target = (client, server) if flow.error_by_client else (server, client)
        ladder.add(
            flow.error_at,
            source,
            target,
            f"ERROR {flow.error.code} {flow.error.text}".rstrip(),
            "error",
            "tftp",
            from_client=flow.error_by_client,
        )
    for notice in flow.icmp:
        ladder.add(
            notice.at,
            notice.sender,
            "",
            f"ICMP {notice.message.text}",
            "error",
            "icmp",
            from_client=notice.sender == client,
        )


def _exchange(ladder: _Ladder, flow: HttpExchange) -> None:
    client, server = flow.connection.client, flow.connection.server
    if flow.request is not None:
        ladder.add(
            flow.request_at,
            client,
            server,
            f"{flow.request.method} {flow.request.target}",
            "request",
            "http",
            from_client=True,
        )
    if flow.response is not None and flow.response_at is not None and flow.response.status is not None:
        bad = flow.response.status >= 400
        ladder.add(
            flow.response_at,
            server,
            client,
            f"{flow.response.status} {flow.response.reason}".strip(),
            "error" if bad else "reply",
            "http",
            from_client=False,
        )
    if flow.body.last is not None and flow.body.received:
        ladder.add(flow.body.last, server, client, f"{flow.body.received} bytes", "data", "http", from_client=False)
