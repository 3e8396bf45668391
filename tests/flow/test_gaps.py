"""Captures that lack packets: what the receiver must have had all the same."""

from __future__ import annotations

from bootsniff.flow.message import Message, Span
from bootsniff.flow.records import HttpExchange, TcpConnection
from bootsniff.flow.segment import Segment
from bootsniff.model import FrameRef

from .stream import Stream, get
from .test_http import exchanges

AT = FrameRef(0, 1, 1)


def message() -> Message:
    connection = TcpConnection(0, "192.168.122.5", 4000, None, "192.168.122.1", 80, None, None)
    made = Message(HttpExchange(connection, None, AT, "http://192.168.122.1/x"))
    made.begin(Span(100, 1100, 0))
    return made


def test_a_body_reaches_as_far_as_its_last_byte_whatever_is_missing_below() -> None:
    made = message()
    made.take(Segment(AT, 100, 400, b""))
    assert made.exchange.body.reached == 400
    made.take(Segment(AT, 900, 200, b""))
    assert made.exchange.body.reached == 1000
    assert made.exchange.body.gaps == 1
    assert not made.whole


def test_what_the_client_acknowledged_counts_only_when_it_is_all() -> None:
    made = message()
    made.take(Segment(AT, 100, 400, b""))
    made.acknowledge(1099)
    assert made.exchange.body.reached == 400
    made.acknowledge(1100)
    assert made.exchange.body.reached == 1000


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def in_chunks(*lost: int) -> Stream:
    """A body of two chunks, one packet each, and the packet of its end; the client acknowledges all of it."""
    stream = Stream().open().ask(get("/x"))
    for number, piece in enumerate(
        (CHUNKED, b"2bc\r\n" + b"a" * 700 + b"\r\n", b"2bc\r\n" + b"b" * 700 + b"\r\n", b"0\r\n\r\n")
    ):
        stream.send(1, piece)
        if number in lost:
            del stream.frames[-1]
    stream.send(0)
    return stream


def test_where_chunks_end_is_known_while_every_size_is_there() -> None:
    (exchange,) = exchanges(in_chunks())
    assert (exchange.complete, exchange.end_unseen) == (True, False)


def test_a_size_that_the_capture_lost_hides_the_end() -> None:
    for lost in 1, 2, 3:
        (exchange,) = exchanges(in_chunks(lost))
        assert (exchange.complete, exchange.end_unseen) == (False, True)


def test_a_size_that_comes_late_shows_the_end_again() -> None:
    stream = in_chunks()
    stream.frames[-2:] = [(stream.frames[-2][0], stream.frames[-1][1]), (stream.frames[-1][0], stream.frames[-2][1])]
    (exchange,) = exchanges(stream)
    assert (exchange.complete, exchange.end_unseen) == (True, False)


def test_a_server_that_stops_between_chunks_has_not_come_to_the_end() -> None:
    stream = in_chunks(3)
    stream.seq[1] -= 5
    del stream.frames[-1]
    stream.send(0)
    (exchange,) = exchanges(stream)
    assert (exchange.complete, exchange.end_unseen) == (False, False)


def test_the_next_response_ends_a_body_whose_end_the_capture_lost() -> None:
    (first, second) = exchanges(in_chunks(2).ask(get("/y")).answer(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"))
    assert (first.complete, first.end_unseen, second.complete) == (False, True, True)
