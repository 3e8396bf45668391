"""One HTTP exchange in the making: where its body lies in the stream, and which of it has been seen."""

from __future__ import annotations

from ..model import FrameRef
from .notes import BodyTally
from .ranges import Ranges
from .records import HttpExchange
from .segment import Segment

MAX_SPANS = 8
"""Chunks of one body that are still looked after."""


class Span:
    """A stretch of the stream that holds body bytes: all of a body, or one chunk of it."""

    __slots__ = ("end", "offset", "seen", "start")

    def __init__(self, start: int, end: int | None, offset: int) -> None:
        self.start = start
        self.end = end
        """None until the connection is closed."""
        self.offset = offset
        """Which byte of the body `start` is."""
        self.seen = Ranges()

    @property
    def whole(self) -> bool:
        return self.end is not None and self.seen.covers(self.start, self.end)


class Message:
    """A record and what is needed to keep it right."""

    __slots__ = ("ended", "exchange", "holed", "open", "spans", "tally")

    def __init__(self, exchange: HttpExchange) -> None:
        self.exchange = exchange
        self.tally = BodyTally(exchange.body)
        self.spans: list[Span] = []
        self.open = False
        """More chunks are to come."""
        self.holed = False
        """A chunk that was never whole is no longer looked after."""
        self.ended = False

    @property
    def whole(self) -> bool:
        """Whether every byte of the body was seen."""
        return not self.open and not self.holed and all(span.whole for span in self.spans)

    def begin(self, span: Span) -> None:
        self.spans.append(span)
        if len(self.spans) > MAX_SPANS:
            index = next((i for i, item in enumerate(self.spans) if item.whole), 0)
            self.holed |= not self.spans.pop(index).whole

    def holds(self, offset: int) -> bool:
        """Whether a byte of the stream belongs to this body."""
        return any(span.start <= offset and (span.end is None or offset < span.end) for span in self.spans)

    def take(self, segment: Segment) -> None:
        """Count what a segment brings of this body."""
        for span in self.spans:
            self.take_span(span, segment)

    def take_span(self, span: Span, segment: Segment) -> None:
        start = max(segment.start, span.start)
        end = segment.end if span.end is None else min(segment.end, span.end)
        if start >= end:
            return
        if segment.length == 1 and start == span.seen.highest - 1:
            return  # a keep-alive probe repeats the last byte (RFC 9293 section 3.8.4)
        packets = 0 if self.exchange.body.last == segment.at else 1  # one packet may hold several chunks
        self.run(span, start, end, packets, segment.at, segment.at, 0)
        piece = segment.data[start - segment.start : end - segment.start]
        if piece:
            self.tally.piece(span.offset + start - span.start, piece)

    def run(
        self, span: Span, start: int, end: int, packets: int, first: FrameRef, last: FrameRef, longest_wait: int
    ) -> None:
        """`packets` packets in a row that hold the bytes `[start, end)` of the stream."""
        fresh = sum(high - low for low, high in span.seen.add(start, end))
        self.tally.run(packets, fresh, 0 if fresh else packets, first, last, longest_wait)
        self.exchange.last = last
        self.exchange.sent = max(self.exchange.sent, end)
        self.reach(span, end)
        if len(span.seen.starts) > 1 or span.seen.starts[0] > span.start or self.exchange.body.gaps:
            self.exchange.body.gaps = sum(item.seen.holes(item.start, item.seen.highest) for item in self.spans)

    def reach(self, span: Span, end: int) -> None:
        """The stream was seen, or acknowledged, up to `end`."""
        body = self.exchange.body
        body.reached = max(body.reached, span.offset + end - span.start)

    def acknowledge(self, offset: int) -> None:
        """The client has everything before this offset of the stream, although the capture may not."""
        span = self.spans[-1] if self.spans else None
        if span is not None and span.end is not None and offset >= span.end:
            self.reach(span, span.end)
