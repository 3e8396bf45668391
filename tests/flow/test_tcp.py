"""TCP connections: how they open, are refused, halt and end."""

from __future__ import annotations

import struct

from bootsniff.flow.records import HttpExchange, TcpConnection
from bootsniff.wire.messages import IcmpMessage
from tests.flow.feed import changes, events_of, records_of
from tests.flow.packets import ACK, CLIENT, CLIENT_MAC, RST, SERVER, SERVER_MAC, SYN, frame
from tests.flow.stream import Stream, get, ok


def connections(stream: Stream) -> list[TcpConnection]:
    return records_of(TcpConnection, events_of(stream.frames))


def test_a_handshake() -> None:
    stream = Stream(40000, 8080).open()
    events = events_of(stream.frames)
    (connection,) = records_of(TcpConnection, events)
    assert (connection.client, connection.client_port, connection.client_mac) == (CLIENT, 40000, CLIENT_MAC)
    assert (connection.server, connection.server_port, connection.server_mac) == (SERVER, 8080, SERVER_MAC)
    assert [at.frame for at in connection.syns] == [1]
    assert connection.syn_ack is not None
    assert connection.syn_ack.frame == 2
    assert connection.established
    assert connection.last.frame == 3
    assert connection.last_from_server == connection.syn_ack
    assert changes(connection, events) == ["opened", "changed"]


def test_syns_without_an_answer() -> None:
    stream = Stream()
    for _ in range(4):
        stream.send(0, flags=SYN, seq=0)
    events = events_of(stream.frames)
    (connection,) = records_of(TcpConnection, events)
    assert (connection.syn_count, connection.syn_ack, connection.established) == (4, None, False)
    assert changes(connection, events) == ["opened", "changed", "changed", "changed"]


def test_a_refusal() -> None:
    stream = Stream()
    stream.send(0, flags=SYN)
    stream.send(1, flags=RST | ACK, window=0)
    events = events_of(stream.frames)
    (connection,) = records_of(TcpConnection, events)
    assert connection.reset is not None
    assert connection.reset.frame == 2
    assert not connection.reset_by_client
    assert connection.zero_window is None
    assert changes(connection, events) == ["opened", "ended"]


def test_fins_of_both_sides_end_it() -> None:
    stream = Stream().open().close(by=0)
    events = events_of(stream.frames)
    (connection,) = records_of(TcpConnection, events)
    assert connection.fin_from_client is not None
    assert connection.fin_from_server is not None
    assert (connection.fin_from_client.frame, connection.fin_from_server.frame) == (4, 5)
    assert changes(connection, events) == ["opened", "changed", "changed", "ended"]


def test_a_port_used_again_is_another_connection() -> None:
    first = Stream(isn=(10, 20)).open().ask(get("/1")).answer(ok(b"one"))
    second = Stream(isn=(99999, 7), start=3.0).open().ask(get("/2")).answer(ok(b"two"))
    events = events_of(first.frames + second.frames)
    one, other = records_of(TcpConnection, events)
    assert changes(one, events)[-1] == "ended"
    assert one.exchange_count == other.exchange_count == 1
    assert [item.body.head for item in records_of(HttpExchange, events)] == [b"one", b"two"]


def test_a_repeated_syn_with_the_same_number_is_the_same_connection() -> None:
    stream = Stream()
    stream.send(0, flags=SYN, seq=0)
    (connection,) = connections(Stream.open(stream))
    assert connection.syn_count == 2
    assert connection.established


def test_a_closed_window() -> None:
    stream = Stream().open().ask(get("/x")).answer(ok(b"", length=90000))
    stream.send(1, bytes(1000))
    stream.send(0, window=0)
    (connection,) = connections(stream)
    assert connection.zero_window is not None
    assert connection.zero_window.frame == len(stream.frames)


def test_a_one_sided_capture_of_the_server() -> None:
    stream = Stream().open().ask(get("/x")).answer(ok(bytes(3000)))
    mine = [item for item in stream.frames if item[1][26:30] != bytes(map(int, CLIENT.split(".")))]
    events = events_of(mine)
    (connection,) = records_of(TcpConnection, events)
    (exchange,) = records_of(HttpExchange, events)
    assert connection.syn_count == 0
    assert connection.client == CLIENT
    assert exchange.request is None
    assert exchange.complete


def test_a_one_sided_capture_of_the_client() -> None:
    stream = Stream().open().ask(get("/x")).answer(ok(bytes(3000))).ask(get("/y"))
    mine = [item for item in stream.frames if item[1][26:30] == bytes(map(int, CLIENT.split(".")))]
    exchanges = records_of(HttpExchange, events_of(mine))
    assert [item.url[-2:] for item in exchanges] == ["/x", "/y"]
    assert all(item.response is None for item in exchanges)


def test_an_icmp_error_finds_the_connection_it_quotes() -> None:
    stream = Stream()
    stream.send(0, flags=SYN)
    quoted = stream.frames[0][1][14:42]
    refusal = frame("192.168.122.254", CLIENT, 1, b"\3\x0d\0\0\0\0\0\0" + quoted)
    events = events_of([*stream.frames, (2.0, refusal)])
    (connection,) = records_of(TcpConnection, events)
    assert connection.icmp_count == 1
    assert connection.icmp[0].sender == "192.168.122.254"
    assert (connection.icmp[0].message.type, connection.icmp[0].message.code) == (3, 13)
    assert changes(connection, events) == ["opened", "changed"]
    assert records_of(IcmpMessage, events) == []


def test_packets_of_unknown_connections_say_nothing() -> None:
    stream = Stream(server_port=22).answer(bytes(5000)).ask("hello")
    stream.reset(0)
    assert events_of(stream.frames) == []


def test_garbage_in_tcp_headers_raises_nothing() -> None:
    body = struct.pack(">HHIIHHHH", 1, 2, 3, 4, 15 << 12 | 2, 5, 0, 0)
    assert events_of([(1.0, frame(CLIENT, SERVER, 6, body)), (1.1, frame(CLIENT, SERVER, 6, b"\1"))]) == []
