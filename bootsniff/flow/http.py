"""The HTTP exchanges of one connection: which request belongs to which response, and where bodies lie (RFC 9112).

Pieces may come in any order, twice, or never; a message whose beginning is missing is given up as soon as a segment
begins with another one.
"""

from __future__ import annotations

from collections import deque

from ..errors import Malformed
from ..model import FrameRef
from ..wire import http
from ..wire.transfers import HttpHead
from .http_words import is_request, is_response, read_head, resource_size, url_of
from .lanes import Region
from .message import Message, Span
from .records import MAX_FRAMES, Change, HttpExchange, TcpConnection
from .segment import Reader, Segment

MAX_WAITING = 64
"""Requests of one connection that wait for their responses."""
MAX_MESSAGES = 4
"""Responses whose holes may still be filled."""

Step = tuple[HttpExchange, Change]


class HttpSession:
    """Both directions of one connection. Methods append what happened to `steps`."""

    __slots__ = (
        "_asked",
        "_chunk_offset",
        "_chunked",
        "_lost",
        "connection",
        "messages",
        "requests",
        "responses",
        "waiting",
    )

    def __init__(self, connection: TcpConnection, request_at: int, response_at: int) -> None:
        self.connection = connection
        self.requests = Reader(request_at)
        self.responses = Reader(response_at)
        self.waiting: deque[Message] = deque()
        """Requests without a response, oldest first."""
        self.messages: list[Message] = []
        """The latest responses."""
        self._asked = False
        """The client's side is out of step: go on where a segment begins with a request."""
        self._lost = False
        """The server's side is: nobody told where this body ends, or it is no HTTP."""
        self._chunked = False
        """`responses.position` is where a chunk's size stands, not a head."""
        self._chunk_offset = 0

    # --- the client's side ----------------------------------------------------------------------------------

    def from_client(self, segment: Segment, steps: list[Step]) -> None:
        reader = self.requests
        for message in self.waiting:
            message.exchange.last = segment.at
        if (self._asked or segment.start > reader.position) and is_request(segment.data):
            reader.advance(segment.start)
            self._asked = False
        if not self._asked:
            reader.put(segment)
            while self._next_request(steps):
                pass

    def _next_request(self, steps: list[Step]) -> bool:
        reader = self.requests
        data, cut = reader.gather()
        if not data:
            return False
        at = reader.pending[0].at
        try:
            head = read_head(data, cut=cut)
        except Malformed:
            head = None
            self._asked = True
        if head is None or head.method is None:
            self._asked |= head is not None
            return False
        url = url_of(head, self.connection)
        overtaken = self._answered_ahead()
        if overtaken is None:
            self._open(HttpExchange(self.connection, head, at, url, last=at), steps)
        else:
            overtaken.request, overtaken.request_at, overtaken.url = head, at, url
            steps.append((overtaken, "opened"))
        if not head.length or http.chunked(head):
            self._asked = True
            return False
        reader.advance(reader.position + head.length + (http.content_length(head) or 0))
        return True

    def _answered_ahead(self) -> HttpExchange | None:
        """The response that the capture has before its request, which does not acknowledge a byte of it."""
        message = self.messages[-1] if self.messages else None
        if (
            message is None
            or message.exchange.request is not None
            or self.connection.acknowledged > message.exchange.begin
        ):
            return None
        return message.exchange

    def _open(self, exchange: HttpExchange, steps: list[Step]) -> None:
        connection = self.connection
        # Who asks again has the response before, wherever that ends.
        exchange.begin = connection.acknowledged if self._lost else self.responses.position
        connection.exchange_count += 1
        connection.exchanges.append(exchange)
        del connection.exchanges[:-MAX_FRAMES]
        steps.append((exchange, "opened"))
        self.waiting.append(Message(exchange))
        if len(self.waiting) > MAX_WAITING:
            _end(self.waiting.popleft(), steps)

    def acknowledged(self) -> None:
        """The client has what its connection says that it acknowledges."""
        offset = self.connection.acknowledged
        self._answered_before(offset)
        for message in self.messages:
            message.acknowledge(offset)

    def _answered_before(self, offset: int, at: FrameRef | None = None) -> None:
        """The server's bytes reach up to `offset`, seen or acknowledged: behind where the next head should begin."""
        if not self.waiting:
            return
        exchange = self.waiting[0].exchange
        begin = exchange.begin if self._lost else self.responses.position
        if offset > begin:
            exchange.answered = True
            exchange.piece_at = at or exchange.piece_at
            exchange.begin, exchange.sent = begin, max(exchange.sent, offset)

    # --- the server's side ----------------------------------------------------------------------------------

    def from_server(self, segment: Segment, steps: list[Step]) -> None:
        if is_response(segment.data) and self._resumes_at(segment.start):
            self._resume(segment.start, steps)
        for message in self.messages:
            self._take(message, segment, steps)
        if not self._lost:
            self.responses.put(segment)
            while self._next_response(steps):
                pass
            if self.responses.pending and self.responses.pending[0].start > self.responses.position:
                self._answered_before(segment.end, segment.at)
            if self._chunked:
                self.messages[-1].exchange.framed = self.responses.readable

    def _resumes_at(self, start: int) -> bool:
        """Whether a segment that begins with a status line begins a response although it was not expected there."""
        if self._lost:
            return bool(self.waiting)
        if self.messages and self._asked_for_the_head(self.messages[-1], start):
            return True
        if start <= self.responses.position or any(message.holds(start) for message in self.messages):
            return False
        return bool(self.waiting) or not self._chunked

    @staticmethod
    def _asked_for_the_head(message: Message, start: int) -> bool:
        """Whether the request that was not captured, or later, was HEAD: the next response stands where the body would."""
        exchange = message.exchange
        return (
            (exchange.request is None or exchange.request.method == "HEAD")
            and not exchange.body.packets
            and any(span.start == start for span in message.spans)
        )

    def _resume(self, position: int, steps: list[Step]) -> None:
        """What came before and has no end yet ends here."""
        for message in self.messages:
            if self._asked_for_the_head(message, position):
                message.exchange.content_length = 0
                message.spans.clear()
                self.settle(message, steps)
            for span in message.spans:
                if span.end is None:
                    span.end = position
            message.holed |= message.open
            message.open = False
        self.responses.advance(position)
        self._lost = self._chunked = False
        while len(self.waiting) > 1:  # their responses were not captured
            self.waiting[0].exchange.answered = True
            _end(self.waiting.popleft(), steps)

    def _take(self, message: Message, segment: Segment, steps: list[Step], span: Span | None = None) -> None:
        had = message.exchange.body.packets
        if span is None:
            message.take(segment)
        else:
            message.take_span(span, segment)
        if not had and message.exchange.body.packets:
            steps.append((message.exchange, "changed"))
        self.settle(message, steps)

    @staticmethod
    def settle(message: Message, steps: list[Step]) -> None:
        """Say so when a response has become whole."""
        if not message.exchange.complete and message.whole:
            message.exchange.complete = True
            _end(message, steps)

    def _next_response(self, steps: list[Step]) -> bool:
        reader = self.responses
        data, cut = reader.gather()
        if not data:
            return False
        if self._chunked:
            return self._next_chunk(data, steps)
        try:
            head = read_head(data, cut=cut)
        except Malformed:
            self._lost = True
            return False
        if head is None or head.status is None:
            self._lost |= head is not None
            return False
        return self._response(head, reader.pending[0].at, steps)

    def _response(self, head: HttpHead, at: FrameRef, steps: list[Step]) -> bool:
        reader = self.responses
        status = head.status or 0
        if 100 <= status < 200 and status != 101 and head.length:
            reader.advance(reader.position + head.length)
            return True
        if not self.waiting:
            self._open(HttpExchange(self.connection, None, at, "", last=at), steps)
        message = self.waiting.popleft()
        exchange = message.exchange
        exchange.begin, exchange.sent = reader.position, reader.position + head.length
        exchange.response, exchange.response_at, exchange.last = head, at, at
        self.messages.append(message)
        for old in self.messages[:-MAX_MESSAGES]:
            _end(old, steps)
        del self.messages[:-MAX_MESSAGES]
        method = exchange.request.method if exchange.request else None
        tunnel = status == 101 or (method == "CONNECT" and 200 <= status < 300)
        bodiless = method == "HEAD" or status in (204, 304) or tunnel
        exchange.chunked = http.chunked(head)
        declared = 0 if bodiless else None if exchange.chunked else http.content_length(head)
        exchange.content_length = declared
        exchange.size = resource_size(head)
        steps.append((exchange, "changed"))
        # Where the capture cut the head, the body is what later segments bring: nobody knows where it begins and ends.
        start = reader.position + head.length if head.length else reader.pending[0].end
        if exchange.chunked and not bodiless and head.length:
            self._chunked, self._chunk_offset, message.open = True, 0, True
            reader.advance(start)
            return True
        if declared == 0:
            reader.advance(start)
            self._lost = tunnel
            self.settle(message, steps)
            return not self._lost
        return self._body(message, Span(start, start + declared if declared and head.length else None, 0), steps)

    def _body(self, message: Message, span: Span, steps: list[Step]) -> bool:
        """A body, or a chunk of it, lies at `span`: count what is there of it already and go on behind it."""
        message.begin(span)
        ahead = [segment for segment in self.responses.pending if segment.end > span.start]
        self._lost = span.end is None
        self.responses.advance(span.start if span.end is None else span.end)
        for segment in ahead:
            self._take(message, segment, steps, span)
        return not self._lost

    def _next_chunk(self, data: bytes, steps: list[Step]) -> bool:
        """The size of a chunk, and the line end before it (RFC 9112 section 7.1)."""
        reader = self.responses
        message = self.messages[-1]
        skip = 2 if self._chunk_offset and data.startswith(b"\r\n") else 0
        try:
            line = http.chunk_size(data[skip:])
        except Malformed:
            self._lost = True
            return False
        if line is None:
            return False
        length, begin = line[0], reader.position + skip + line[1]
        if length:
            span = Span(begin, begin + length, self._chunk_offset)
            self._chunk_offset += length
            return self._body(message, span, steps)
        end = http.end_of_trailers(data, skip + line[1])
        if end is None:
            self._lost = len(data) > http.MAX_HEAD
            return False
        reader.advance(reader.position + end)
        self._chunked = message.open = False
        message.exchange.framed = None
        self.settle(message, steps)
        return True

    # --- bulk ------------------------------------------------------------------------------------------------

    def client_region(self) -> Region | None:
        """Requests are looked at one by one."""
        return None

    def client_run(self, *run: object) -> None:
        """There are none, as there is no region."""

    def server_region(self) -> Region | None:
        """The part of the latest body in which nothing can happen but bytes coming in."""
        message = self.messages[-1] if self.messages else None
        if message is None or message.ended or not message.spans or not message.exchange.body.packets:
            return None
        span = message.spans[-1]
        highest = span.seen.highest or span.start
        if span.end is not None and (highest >= span.end or self.responses.position != span.end):
            return None  # the last bytes are there: what comes now fills holes
        head = message.tally.head
        low = span.start if head.full else max(span.start, span.start - span.offset + head.limit)
        return Region(low, span.end, highest)

    def server_run(self, start: int, end: int, packets: int, first: FrameRef, last: FrameRef, wait: int) -> None:
        message = self.messages[-1]
        span = message.spans[-1]
        if end - start > 1 or start != span.seen.highest - 1:  # no keep-alive probe
            message.run(span, start, end, packets, first, last, wait)

    def seen_from(self, offset: int) -> int:
        """How many bytes of the latest body from this offset on were seen, without a hole."""
        return self.messages[-1].spans[-1].seen.reach(offset)

    # --- the end --------------------------------------------------------------------------------------------

    def server_closed(self, end: int, steps: list[Step]) -> None:
        """The server's side ends at `end` (FIN); what it has not sent by then will not come."""
        self._answered_before(end, self.connection.fin_from_server)
        for message in self.messages:
            for span in message.spans:
                if span.end is None and not self._chunked:
                    span.end = end
                    self.settle(message, steps)
            if message.open or any(span.end is not None and span.end > end for span in message.spans):
                _end(message, steps)
        if self._lost or self.responses.position >= end:
            while self.waiting:
                _end(self.waiting.popleft(), steps)

    def closed(self, steps: list[Step]) -> None:
        """Nothing more will come from either side."""
        for message in (*self.messages, *self.waiting):
            _end(message, steps)
        self.waiting.clear()


def _end(message: Message, steps: list[Step]) -> None:
    if not message.ended:
        message.ended = True
        steps.append((message.exchange, "ended"))
