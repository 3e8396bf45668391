"""TLS as far as it can be read from outside: hellos, certificate, alerts, how many bytes follow (RFC 5246, RFC 8446)."""

from __future__ import annotations

from ..errors import Malformed
from ..model import FrameRef
from ..wire import tls
from .lanes import Region
from .ranges import Ranges
from .records import TcpConnection, TlsHandshake
from .segment import Reader, Segment

_FOREIGN = 64
"""Bytes that are kept of an answer that is no TLS."""
MAX_PREFIX = 65536
"""Bytes of each direction that are read; what follows is only counted."""


def is_client_hello(data: bytes) -> bool:
    return tls.begins_tls(data) and data[5] == 1


class Side:
    """One direction: records that can be read first, then bytes that can only be counted."""

    __slots__ = ("_alerts", "_reader", "_unread", "counted_from", "seen")

    def __init__(self, start: int) -> None:
        self._reader = Reader(start)
        self._alerts = 0
        self._unread = 0
        """Bytes of application data records that came before `counted_from`."""
        self.counted_from: int | None = None
        """From this offset on everything counts as application data."""
        self.seen = Ranges()

    @property
    def application_bytes(self) -> int:
        return self._unread + sum(self.seen.ends) - sum(self.seen.starts)

    def take(self, segment: Segment) -> tuple[bytes, bool] | None:
        """The beginning of this direction when a segment made it grow, and whether it can be read to its end."""
        if self.counted_from is not None:
            self.seen.add(max(segment.start, self.counted_from), segment.end)
            return None
        before = len(self._reader.gather()[0])
        self._reader.put(segment)
        data, cut = self._reader.gather()
        if cut or len(data) > MAX_PREFIX:
            self.count_from(self._reader.position + len(data), 0)
        return (data, cut) if len(data) > before else None

    def region(self) -> Region | None:
        """Where bytes are only counted."""
        if self.counted_from is None or not self.application_bytes:
            return None
        return Region(self.counted_from, None, max(self.seen.highest, self.counted_from))

    def read(self, stream: tls.TlsStream, size: int) -> None:
        """Note how far `size` bytes of prefix were readable."""
        if stream.encrypted and self.counted_from is None:
            ahead = self._record_end(stream, size) - size
            self.count_from(self._reader.position + size, stream.application_bytes - max(0, ahead))

    def _record_end(self, stream: tls.TlsStream, size: int) -> int:
        """Where the record ends that the prefix ends in; `size` when it ends with a whole record."""
        data = self._reader.gather()[0][stream.consumed : stream.consumed + 5]
        if len(data) < 5 or data[0] != tls.APPLICATION_DATA:
            return size
        return stream.consumed + 5 + (data[3] << 8 | data[4])

    def count_from(self, offset: int, unread: int) -> None:
        self.counted_from = offset
        self._unread = unread
        for segment in self._reader.pending:
            self.seen.add(max(segment.start, offset), segment.end)
        self._reader.pending.clear()

    def new_alerts(self, stream: tls.TlsStream) -> int:
        """Index of the first alert that was not seen before."""
        first = self._alerts
        self._alerts = len(stream.alerts)
        return first


class TlsSession:
    """Both directions of one connection. `from_…` tell whether something was learned that is worth an event."""

    __slots__ = ("client", "record", "server")

    def __init__(self, record: TcpConnection, client_start: int, server_start: int) -> None:
        self.record = record
        self.client = Side(client_start)
        self.server = Side(server_start)

    def from_client(self, segment: Segment) -> bool:
        return self._take(self.client, segment, by_client=True)

    def from_server(self, segment: Segment) -> bool:
        return self._take(self.server, segment, by_client=False)

    def client_region(self) -> Region | None:
        return self.client.region()

    def server_region(self) -> Region | None:
        return self.server.region()

    def client_run(self, start: int, end: int, *_run: object) -> None:
        self.client.seen.add(start, end)
        self.sync()

    def server_run(self, start: int, end: int, *_run: object) -> None:
        self.server.seen.add(start, end)
        self.sync()

    def sync(self) -> None:
        """Bring the counts of the record up to date."""
        handshake = self.record.tls
        if handshake is not None:
            handshake.application_bytes_from_client = self.client.application_bytes
            handshake.application_bytes_from_server = self.server.application_bytes

    def _take(self, side: Side, segment: Segment, *, by_client: bool) -> bool:
        had = side.application_bytes
        grown = side.take(segment)
        news = False
        if grown is not None:
            try:
                stream = tls.parse(grown[0])
            except Malformed:
                side.count_from(segment.end, 0)
                news = not by_client and self._keep_foreign(grown[0], segment.at)
            else:
                news = self._learn(side, stream, segment.at, by_client=by_client)
                side.read(stream, len(grown[0]))
        self.sync()
        return news or (not had and side.application_bytes > 0)

    def _keep_foreign(self, data: bytes, at: FrameRef) -> bool:
        """Keep what is no TLS, when it is the very first that the server sends; says whether it was."""
        handshake = self.record.tls
        if handshake is None or handshake.server_hello is not None or handshake.alerts or handshake.foreign:
            return False
        handshake.foreign, handshake.foreign_at = data[:_FOREIGN], at
        return True

    def _learn(self, side: Side, stream: tls.TlsStream, at: FrameRef, *, by_client: bool) -> bool:
        handshake = self.record.tls
        if handshake is None:
            if not by_client or stream.client_hello is None:
                return False
            handshake = self.record.tls = TlsHandshake(stream.client_hello, at)
            news = True
        else:
            news = False
        if not by_client and stream.server_hello is not None and handshake.server_hello is None:
            handshake.server_hello, handshake.server_hello_at = stream.server_hello, at
            news = True
        if not by_client and stream.certificate is not None and handshake.certificate is None:
            handshake.certificate, handshake.certificate_at = stream.certificate, at
            news = True
        handshake.went_on = handshake.went_on or (by_client and stream.encrypted)
        if not by_client and stream.wants_certificate and not handshake.wants_certificate:
            handshake.wants_certificate = news = True
        for alert in stream.alerts[side.new_alerts(stream) :][:8]:
            if len(handshake.alerts) < 8:
                handshake.alerts.append((alert, at, by_client))
            news = True
        return news
