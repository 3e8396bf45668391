"""Captures that lack packets: what the receiver must have had all the same."""

from __future__ import annotations

from bootsniff.flow.message import Message, Span
from bootsniff.flow.records import HttpExchange, TcpConnection
from bootsniff.flow.segment import Segment
from bootsniff.model import FrameRef

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
