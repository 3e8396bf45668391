"""TLS connections: what can be read, and how much cannot."""

from __future__ import annotations

import struct

import pytest

from bootsniff.flow.records import TcpConnection, TlsHandshake
from tests.flow.feed import changes, events_of, records_of
from tests.flow.stream import Stream


def record(kind: int, payload: bytes) -> bytes:
    return struct.pack(">BHH", kind, 0x0303, len(payload)) + payload


def hello(kind: int, body: bytes) -> bytes:
    return record(22, bytes([kind]) + len(body).to_bytes(3, "big") + body)


NAME = b"boot.example"
SNI = struct.pack(">HHHBH", 0, len(NAME) + 5, len(NAME) + 3, 0, len(NAME)) + NAME
CLIENT_HELLO = hello(1, b"\x03\x03" + bytes(32) + b"\0" + b"\0\2\xc0\x2f" + b"\1\0" + struct.pack(">H", len(SNI)) + SNI)
SERVER_HELLO = hello(2, b"\x03\x03" + bytes(32) + b"\0" + b"\xc0\x2f" + b"\0")


def handshake(stream: Stream) -> tuple[TlsHandshake, list[str]]:
    events = events_of(stream.frames)
    (connection,) = records_of(TcpConnection, events)
    assert connection.tls is not None
    return connection.tls, changes(connection, events)


@pytest.mark.parametrize("size", [1, 20, 1460])
def test_hellos_and_application_bytes(size: int) -> None:
    stream = Stream(server_port=443).open()
    stream.send(0, CLIENT_HELLO[:7])
    stream.send(0, CLIENT_HELLO[7:])
    stream.answer(SERVER_HELLO + record(20, b"\1") + record(23, bytes(3000)), size)
    stream.send(0, record(20, b"\1") + record(23, bytes(100)))
    stream.answer(record(23, bytes(5000)), 1460)
    tls, steps = handshake(stream)
    assert tls.client_hello.server_name == "boot.example"
    assert tls.client_hello_at.frame == 5
    assert tls.server_hello is not None
    assert tls.server_hello.version == "1.2"
    # Record headers that come once nothing can be read any more are counted along.
    assert 8000 <= tls.application_bytes_from_server <= 8000 + 15
    assert 100 <= tls.application_bytes_from_client <= 100 + 15
    assert steps[:2] == ["opened", "changed"]


def test_an_alert_ends_a_handshake() -> None:
    stream = Stream(server_port=443).open()
    stream.send(0, CLIENT_HELLO)
    stream.answer(SERVER_HELLO)
    stream.send(0, record(21, b"\2\x30"))
    stream.reset(0)
    tls, steps = handshake(stream)
    ((alert, at, by_client),) = tls.alerts
    assert (alert.level, alert.code, by_client) == (2, 48, True)
    assert at.frame == 7
    assert steps[-1] == "ended"


def test_segments_out_of_order_and_twice() -> None:
    stream = Stream(server_port=443).open()
    stream.send(0, CLIENT_HELLO)
    stream.answer(SERVER_HELLO + record(20, b"\1") + record(23, bytes(4000)), 500)
    late = stream.frames[4:]
    stream.frames[4:] = [(2 + index / 100, item[1]) for index, item in enumerate([*late[::-1], *late])]
    tls, _ = handshake(stream)
    assert tls.server_hello is not None
    assert 4000 <= tls.application_bytes_from_server <= 4010


def test_bytes_that_are_no_records_are_given_up() -> None:
    stream = Stream(server_port=443).open()
    stream.send(0, CLIENT_HELLO)
    stream.answer(b"HTTP/1.0 400 Bad Request\r\n\r\nplain HTTP was meant" * 30, 300)
    tls, _ = handshake(stream)
    assert tls.server_hello is None
    assert tls.alerts == []


def test_alerts_are_bounded() -> None:
    stream = Stream(server_port=443).open()
    stream.send(0, CLIENT_HELLO)
    stream.answer(record(21, b"\1\0") * 500)
    tls, _ = handshake(stream)
    assert len(tls.alerts) == 8
