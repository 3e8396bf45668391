"""Records to the immutable values of a report; draws no conclusions that `outcome` has not drawn."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ..flow.records import HttpExchange, TftpTransfer
from ..model import Boot, Dhcp, DhcpStatus, Fetch, Finding, Machine, Proxy, Secure, Stage, Status
from ..wire import dhcp_options as options
from ..wire.addresses import in_url
from ..wire.numbers import tftp_error_name, vendor_of_mac
from .arrows import arrows_of
from .boot_file import boot_file_of, boot_server_of, chosen_offer
from .exchanges import Dhcp4Exchange, Dhcp6Exchange
from .kinds import is_http_client, is_ipxe
from .outcome import refresh
from .records import BootRecord, FetchRecord, MachineRecord, StageRecord, World
from .unheard import has_not_heard_of_its_lease


def machine_value(
    record: MachineRecord,
    world: World,
    judge: Callable[[MachineRecord, Mapping[int, int]], tuple[Finding, ...]],
    *,
    arrows: bool = True,
    before: Machine | None = None,
) -> Machine:
    """The machine as it stands at `world.now`, with what `judge` finds; `arrows=False` leaves the packet list out.

    Of `before`, its value a moment ago, boots are taken over that were not its latest and had no packet since; `judge`
    is told their indices, now and in `before`.
    """
    latest = record.boots[-1] if record.boots else None
    over = () if before is None else before.boots[:-1]
    ended = {(boot.start, boot.end): index for index, boot in enumerate(over)}
    boots = []
    taken: dict[int, int] = {}
    for number, boot in enumerate(record.boots):
        index = None if boot is latest else ended.get((boot.start, boot.last.time))
        if index is not None:
            boots.append(over[index])
            taken[number] = index
            continue
        refresh(boot, world, is_last=boot is latest)
        boots.append(_boot(boot, arrows=arrows))
    status: Status = boots[-1].status if boots else "not-booting"
    return Machine(
        mac=record.mac,
        uuid=record.uuid,
        hostname=record.hostname,
        vlan=record.vlan,
        vendor=vendor_of_mac(record.mac),
        addresses=tuple(record.addresses),
        status=status,
        boots=tuple(boots),
        findings=judge(record, taken),
        last_seen=record.last.time,
    )


def _boot(record: BootRecord, *, arrows: bool) -> Boot:
    return Boot(
        start=record.start,
        end=record.last.time,
        status=record.status,
        stalled_at=record.stalled_at,
        stages=tuple([_stage(stage, arrows=arrows) for stage in record.stages]),
        stalled_stage=record.stalled_stage,
        waiting_for=record.waiting_for,
    )


def _stage(record: StageRecord, *, arrows: bool) -> Stage:
    exchange = record.dhcp
    dhcp = None
    if isinstance(exchange, Dhcp4Exchange):
        dhcp = _dhcp4(record, exchange)
    elif isinstance(exchange, Dhcp6Exchange):
        dhcp = _dhcp6(record, exchange)
    return Stage(
        client=record.client,
        name=record.name,
        arch=record.arch,
        vendor_class=record.vendor_class,
        user_class=record.user_class,
        dhcp=dhcp,
        fetches=tuple(map(fetch_value, record.fetches)) if record.fetches else (),
        start=record.start,
        end=record.last.time,
        arrows=arrows_of(record) if arrows else (),
        secure=_secure(record) if record.connections else (),
    )


def _secure(record: StageRecord) -> tuple[Secure, ...]:
    """What came over TLS, a value for each host, in the order of their first connections."""
    came: dict[str, Secure] = {}
    for connection in record.connections:
        tls = connection.tls
        if tls is None or tls.refused or not tls.application_bytes_from_server:
            continue
        if tls.application_bytes_from_client and not tls.asked:
            continue  # the rest of the handshake
        host = tls.client_hello.server_name or in_url(connection.server)
        before = sum(fetch.start < connection.start for fetch in record.fetches)
        known = came.get(host) or Secure(host, 0, before)
        came[host] = Secure(host, known.size + tls.application_bytes_from_server, known.before)
    return tuple(came.values())


def _dhcp4(stage: StageRecord, exchange: Dhcp4Exchange) -> Dhcp:
    offer = chosen_offer(exchange)
    status = _dhcp4_status(stage, exchange)
    ack = exchange.acks[-1] if exchange.acks and status != "offered" else None
    answer = ack or offer
    file = boot_file_of(stage)
    echoed: bool | None = None
    if is_http_client(stage.client):
        answers = [item.message for item in (*exchange.acks, *exchange.offers, *exchange.proxy_offers)]
        echoed = any(options.is_of_class(message, options.HTTP_CLASS) for message in answers) if answers else None
    return Dhcp(
        version=4,
        status=status,
        discovers=exchange.discover_count,
        requests=exchange.request_count,
        acks=exchange.ack_count,
        offers=exchange.offer_count + len(exchange.proxy_offers),
        server=(options.server_id(answer.message) or answer.source) if answer is not None else None,
        offered_address=offer.message.your_ip
        if offer is not None
        else (ack.message.your_ip if ack is not None else None),
        address=(ack.message.your_ip or ack.message.client_ip) if ack is not None else None,
        boot_file=file.name if file is not None else None,
        boot_file_from=file.origin if file is not None else None,
        next_server=boot_server_of(stage, file),
        vendor_class_echoed=echoed,
        proxy=_proxy(exchange) if exchange.pxe_replies or exchange.proxy_offers else None,
        start=exchange.discovers[0].time if exchange.discovers else stage.start,
        end=_end(exchange) or stage.start,
    )


def _end(exchange: Dhcp4Exchange) -> int:
    """When its last message was seen, ns; 0 without any."""
    end = 0
    for heard in (
        exchange.discovers,
        exchange.offers,
        exchange.proxy_offers,
        exchange.requests,
        exchange.acks,
        exchange.naks,
    ):
        if heard and heard[-1].at.time > end:
            end = heard[-1].at.time
    return end


def _dhcp4_status(stage: StageRecord, exchange: Dhcp4Exchange) -> DhcpStatus:
    if exchange.declines and (not exchange.acks or exchange.declines[-1].time > exchange.acks[-1].time):
        return "declined"
    if has_not_heard_of_its_lease(stage):
        return "offered"
    if exchange.acks:
        return "informed" if exchange.informs and not exchange.requests else "bound"
    if exchange.naks:
        return "nak"
    if exchange.offers or exchange.proxy_offers:
        first = min(item.time for item in (*exchange.offers, *exchange.proxy_offers))
        further = exchange.discover_count - sum(item.time <= first for item in exchange.discovers)
        # iPXE repeats its DISCOVER once while it waits for a ProxyDHCP offer (config/dhcp.h).
        waits = 1 if is_ipxe(stage.client) else 0
        # The ROM of a Raspberry Pi takes an offer without a word, as its fetches tell.
        taken = exchange.requests or stage.fetches
        return "ignored-offer" if further > waits and not taken else "offered"
    return "informed" if exchange.informs else "unanswered"


def _proxy(exchange: Dhcp4Exchange) -> Proxy | None:
    for via, items in (("4011", exchange.pxe_replies), ("offer", exchange.proxy_offers)):
        for item in items:
            file = options.boot_file(item.message)
            server = options.server_id(item.message) or item.source
            if via == "4011":
                return Proxy(server, file[0] if file is not None else None, "4011")
            return Proxy(server, file[0] if file is not None else None, "offer")
    return None


def _dhcp6(stage: StageRecord, exchange: Dhcp6Exchange) -> Dhcp:
    reply = exchange.replies[-1] if exchange.replies and not has_not_heard_of_its_lease(stage) else None
    advertise = exchange.advertises[0] if exchange.advertises else None
    answer = reply or advertise
    file = boot_file_of(stage)
    heard = [
        item
        for items in (exchange.solicits, exchange.advertises, exchange.requests, exchange.replies)
        for item in items
    ]
    status: DhcpStatus = "unanswered"
    if reply is not None:
        status = "bound" if reply.message.addresses else "informed" if exchange.information_requests else "offered"
    elif advertise is not None:
        status = "offered" if exchange.requests or exchange.solicit_count <= 2 else "ignored-offer"
    return Dhcp(
        version=6,
        status=status,
        discovers=exchange.solicit_count,
        requests=exchange.request_count,
        acks=exchange.reply_count,
        offers=exchange.advertise_count,
        server=answer.source if answer is not None else None,
        offered_address=next(iter(advertise.message.addresses), None) if advertise is not None else None,
        address=next(iter(reply.message.addresses), None) if reply is not None else None,
        boot_file=file.name if file is not None else None,
        boot_file_from=file.origin if file is not None else None,
        next_server=None,
        vendor_class_echoed=(
            any(
                (item.message.vendor_class or "").startswith("HTTPClient")
                for item in (*exchange.replies, *exchange.advertises)
            )
            if answer is not None
            else None
        )
        if is_http_client(stage.client)
        else None,
        proxy=None,
        start=min((item.time for item in heard), default=stage.start),
        end=max((item.time for item in heard), default=stage.start),
    )


def fetch_value(record: FetchRecord) -> Fetch:
    """A fetch as the report shows it."""
    flow = record.flow
    return _tftp(record, flow) if isinstance(flow, TftpTransfer) else _http(record, flow)


def _tftp(record: FetchRecord, flow: TftpTransfer) -> Fetch:
    error = None
    if flow.error is not None:
        by = "client: " if flow.error_by_client else ""
        error = f"{by}ERROR {flow.error.code} {tftp_error_name(flow.error.code)}" + (
            f": {flow.error.text}" if flow.error.text else ""
        )
    elif flow.icmp:
        error = f"ICMP {flow.icmp[0].message.text} from {flow.icmp[0].sender}"
    first = flow.requests[0] if flow.requests else flow.body.first or flow.last
    return Fetch(
        protocol="tftp",
        url=flow.url,
        method="WRQ" if flow.write else "RRQ",
        status=record.status,
        bytes=flow.body.received,
        size=flow.size,
        start=record.start,
        end=record.ended.time,
        retransmissions=flow.body.retransmissions + max(0, flow.request_count - 1),
        gaps=flow.body.gaps,
        error=error,
        content=record.content.text if record.content is not None else None,
        options=flow.oack or (),
        capture=first.capture,
        first_frame=first.frame,
        last_frame=record.ended.frame,
    )


def _http(record: FetchRecord, flow: HttpExchange) -> Fetch:
    head = flow.response
    error = None
    if head is not None and head.status is not None and head.status >= 300:
        error = f"{head.status} {head.reason}".strip()
    elif record.status == "failed":
        if flow.connection.closed_by_server is not None:
            error = "connection closed by the server"
        elif flow.connection.reset is not None:
            error = f"connection reset by the {'client' if flow.connection.reset_by_client else 'server'}"
        elif flow.connection.fin_from_client is not None:
            error = "connection closed by the client"
    shown = []
    if head is not None and head.status is not None:
        shown.append(("status", str(head.status)))
        shown.extend(
            (name.lower(), value)
            for name in ("Content-Type", "Content-Range", "Location", "Server")
            if (value := head.get(name)) is not None
        )
    return Fetch(
        protocol="https" if flow.url.startswith("https:") else "http",
        # Of a request that the capture does not hold, the server alone.
        url=flow.url or f"http://{in_url(flow.connection.server)}/",
        method=(flow.request.method or "") if flow.request is not None else "",
        status=record.status,
        bytes=flow.body.received,
        size=flow.size,
        start=record.start,
        end=record.ended.time,
        retransmissions=flow.body.retransmissions,
        gaps=flow.body.gaps,
        error=error,
        content=record.content.text if record.content is not None else None,
        options=tuple(shown),
        capture=flow.request_at.capture,
        first_frame=flow.request_at.frame,
        last_frame=record.ended.frame,
    )
