"""One packet or flow seen at several capture points counts once: matching by payload and time, across NAT too."""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import TypeVar

from ..flow.records import HttpExchange, TcpConnection, TftpTransfer
from ..model import NANOSECONDS
from ..wire.messages import DhcpMessage, Dhcpv6Message, Envelope
from .exchanges import Point
from .records import FetchRecord

MATCH_TIME = 2 * NANOSECONDS
"""Two capture points of one network agree on the time within this."""
SAME_POINT_TIME = NANOSECONDS // 20
"""Captures of both sides of a NAT that were merged, or taken without interface numbers: the router needs less."""
PORT_KEPT = 60 * NANOSECONDS
"""A transfer that is quiet for less may go on, or be one whose later packets are not counted yet."""
REMEMBERED = 4096

T = TypeVar("T")


class Views:
    """Remembers, for a short time and within bounds, what was seen where."""

    def __init__(self) -> None:
        self._parts: dict[int, int] = {}
        """The first part of a capture that goes on in further files, by each of those."""
        self._messages: dict[object, tuple[int, Point, bool]] = {}
        self._latest: deque[tuple[Envelope, DhcpMessage | Dhcpv6Message]] = deque(maxlen=REMEMBERED // 2)
        """What a capture has shown that has had one point so far: it is put into `_messages` once there is another."""
        self._point: Point | None = None
        """The only point so far."""
        self._several = False
        self._requests: OrderedDict[str, list[tuple[int, Point, FetchRecord]]] = OrderedDict()
        self._ports: OrderedDict[tuple[str, int], FetchRecord] = OrderedDict()
        """The latest transfer of each client's port."""
        self._views: OrderedDict[int, FetchRecord] = OrderedDict()
        self._exchanges: dict[object, tuple[int, Point, HttpExchange]] = {}
        self._connections: dict[object, tuple[int, Point, bool]] = {}
        self._ignored: OrderedDict[int, HttpExchange] = OrderedDict()

    def continues(self, capture: int, earlier: int) -> None:
        """A capture is the next part of an earlier one (rotation): the two are one capture point."""
        self._parts[capture] = self._parts.get(earlier, earlier)

    def point(self, capture: int, point: int = 0) -> Point:
        """Where something was seen; the same for all parts of a capture."""
        return self._parts.get(capture, capture), point

    def seen_elsewhere(self, envelope: Envelope, message: DhcpMessage | Dhcpv6Message) -> bool:
        """Whether this very message was seen a moment ago at another point (a bridge and its tap)."""
        if not self._several:
            point = self.point(envelope.capture, envelope.point)
            if self._point is None:
                self._point = point
            if point == self._point:
                self._latest.append((envelope, message))
                return False
            self._several = True
            for known in self._latest:
                self._message_repeats(*known)
            self._latest.clear()
        return self._message_repeats(envelope, message)

    def _message_repeats(self, envelope: Envelope, message: DhcpMessage | Dhcpv6Message) -> bool:
        if isinstance(message, DhcpMessage):
            key: object = (
                message.xid,
                message.secs,
                message.client_mac,
                message.message_type,
                message.relay,
                envelope.source,
            )
        else:
            key = (message.xid, message.type, message.client_duid, len(message.relays), envelope.source)
        point = self.point(envelope.capture, envelope.point)
        return _earlier(self._messages, key, envelope.time, point, seen=True) is not None

    def connection_seen_elsewhere(self, connection: TcpConnection) -> bool:
        """Whether the same connection was opened a moment ago at another point."""
        key = (connection.client, connection.client_port, connection.server, connection.server_port)
        point = self.point(connection.capture, connection.point)
        return _earlier(self._connections, key, connection.start, point, seen=True) is not None

    def exchange_elsewhere(self, exchange: HttpExchange) -> HttpExchange | None:
        """The same request as it was seen a moment ago at another point, translated by a NAT or not."""
        connection, request = exchange.connection, exchange.request
        if request is None:
            return None
        key = (connection.server, connection.server_port, request.method, request.target, request.fields)
        point = self.point(connection.capture, connection.point)
        return _earlier(self._exchanges, key, exchange.request_at.time, point, seen=exchange)

    def ignore(self, exchange: HttpExchange) -> None:
        """Remember an exchange that is nobody's boot, so that its later events cost nothing."""
        self._ignored[id(exchange)] = exchange
        if len(self._ignored) > REMEMBERED:
            self._ignored.popitem(last=False)

    def heed(self, exchange: HttpExchange) -> None:
        """Take an exchange back from those that are ignored."""
        self._ignored.pop(id(exchange), None)

    def is_ignored(self, exchange: HttpExchange) -> bool:
        return id(exchange) in self._ignored

    def remember(self, flow: TftpTransfer | HttpExchange, fetch: FetchRecord) -> None:
        """Keep a transfer findable by its request for a while."""
        if not isinstance(flow, TftpTransfer):
            return
        key = flow.filename
        entries = self._requests.setdefault(key, [])
        entries[:] = [entry for entry in entries if abs(flow.start - entry[0]) <= MATCH_TIME]
        entries.append((flow.start, self.point(flow.capture, flow.point), fetch))
        self._requests.move_to_end(key)
        if len(self._requests) > REMEMBERED:
            self._requests.popitem(last=False)
        port = (flow.client, flow.client_port)
        self._ports[port] = fetch
        self._ports.move_to_end(port)
        if len(self._ports) > REMEMBERED:
            self._ports.popitem(last=False)

    def twin_of(self, transfer: TftpTransfer) -> FetchRecord | None:
        """The fetch that asked the same a moment ago at another point, if there is one."""
        if transfer.partial:
            return self._continued_in(transfer)
        here = self.point(transfer.capture, transfer.point)
        best: tuple[bool, int, FetchRecord] | None = None
        for start, point, fetch in self._requests.get(transfer.filename, ()):
            distance = abs(transfer.start - start)
            asked = fetch.flow.request_payload if isinstance(fetch.flow, TftpTransfer) else b""
            exact = asked == transfer.request_payload
            if distance > MATCH_TIME or any(self.point(view.capture, view.point) == here for view in fetch.views):
                continue
            if point == here and (distance > SAME_POINT_TIME or _same_client(fetch, transfer) or not exact):
                continue
            if not exact and not _is_cut_from(asked, transfer.request_payload):
                continue
            if best is None or (not exact, distance) < best[:2]:
                best = not exact, distance, fetch
        return best[2] if best is not None else None

    def _continued_in(self, transfer: TftpTransfer) -> FetchRecord | None:
        """The fetch of the same port that is on its way at another point, where its request was captured as well."""
        fetch = self._ports.get((transfer.client, transfer.client_port))
        if fetch is None or not isinstance(fetch.flow, TftpTransfer):
            return None
        seen = [fetch.flow, *fetch.views]
        here = self.point(transfer.capture, transfer.point)
        if any(self.point(one.capture, one.point) == here for one in seen):
            return None
        until = max(one.last.time for one in seen) + PORT_KEPT
        return fetch if fetch.flow.start - MATCH_TIME <= transfer.start <= until else None

    def at_one_point(self, fetch: FetchRecord, transfer: TftpTransfer) -> bool:
        flow = fetch.flow
        here = self.point(transfer.capture, transfer.point)
        return isinstance(flow, TftpTransfer) and self.point(flow.capture, flow.point) == here

    def add_view(self, fetch: FetchRecord, transfer: TftpTransfer) -> None:
        """Note that a transfer is the same as a fetch's, seen elsewhere."""
        fetch.views.append(transfer)
        self._views[id(transfer)] = fetch
        if len(self._views) > REMEMBERED:
            self._views.popitem(last=False)

    def prefer(self, fetch: FetchRecord, transfer: TftpTransfer) -> None:
        """Make a view of a fetch its flow, and its flow a view."""
        flow = fetch.flow
        self._views.pop(id(transfer), None)
        fetch.views.remove(transfer)
        fetch.flow = transfer
        if isinstance(flow, TftpTransfer):
            self.add_view(fetch, flow)

    def is_view(self, transfer: TftpTransfer) -> bool:
        return id(transfer) in self._views

    def fetch_of(self, transfer: TftpTransfer) -> FetchRecord | None:
        return self._views.get(id(transfer))


def _same_client(fetch: FetchRecord, transfer: TftpTransfer) -> bool:
    flow = fetch.flow
    return isinstance(flow, TftpTransfer) and flow.client == transfer.client


def _is_cut_from(one: bytes, other: bytes) -> bool:
    """Whether a snap length cut one of two requests, which are the same as far as it goes."""
    short, long = sorted((one, other), key=len)
    whole = short.endswith(b"\0") and short.count(b"\0") % 2 == 0  # name and mode, options and values (RFC 2347)
    return long.startswith(short) and not whole


def _earlier(known: dict[object, tuple[int, Point, T]], key: object, time: int, point: Point, *, seen: T) -> T | None:
    """What is known of the same at another point; None when this is the first sight, of which `seen` is remembered."""
    earlier = known.get(key)
    if earlier is not None and earlier[1] != point and abs(time - earlier[0]) <= MATCH_TIME:
        return earlier[2]
    if len(known) >= REMEMBERED:
        for old in list(known)[: REMEMBERED // 2]:
            del known[old]
    known[key] = time, point, seen
    return None
