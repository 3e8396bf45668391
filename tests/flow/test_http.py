"""HTTP exchanges: heads and bodies in pieces, in any order, with and without an end."""

from __future__ import annotations

import random

import pytest

from bootsniff.flow.records import TEXT_BYTES, HttpExchange, TcpConnection
from tests.flow.feed import changes, events_of, records_of
from tests.flow.packets import CLIENT, SERVER
from tests.flow.stream import Stream, get, ok

BODY = bytes(range(256)) * 60


def exchanges(stream: Stream) -> list[HttpExchange]:
    return records_of(HttpExchange, events_of(stream.frames))


def test_one_exchange() -> None:
    stream = Stream().open().ask(get("/a/b.efi")).answer(ok(BODY, "Content-Type: application/efi"))
    events = events_of(stream.frames)
    (exchange,) = records_of(HttpExchange, events)
    (connection,) = records_of(TcpConnection, events)
    assert exchange.url == f"http://{SERVER}/a/b.efi"
    assert exchange.connection is connection
    assert connection.exchanges == [exchange]
    assert exchange.request is not None
    assert exchange.request_at.frame == 4
    assert exchange.response is not None
    assert (exchange.response.status, exchange.response.get("content-type")) == (200, "application/efi")
    assert exchange.response_at is not None
    assert exchange.response_at.frame == 5
    assert (exchange.content_length, exchange.size) == (len(BODY), len(BODY))
    assert exchange.complete
    body = exchange.body
    assert (body.received, body.retransmissions, body.gaps) == (len(BODY), 0, 0)
    assert body.packets == 11
    assert body.head == BODY[:4096]
    assert body.longest_wait == 2_000_000
    assert changes(exchange, events) == ["opened", "changed", "changed", "ended"]
    assert changes(connection, events) == ["opened", "changed"]


def test_keep_alive_and_head_without_a_body() -> None:
    stream = Stream().open()
    stream.ask(get("/x", method="HEAD")).answer(ok(b"", length=5000))
    stream.ask(get("/x")).answer(ok(BODY[:5000]))
    stream.ask(get("/none")).answer(ok(b"gone", status="404 Not Found"))
    head, whole, missing = exchanges(stream)
    assert head.complete
    assert (head.size, head.content_length, head.body.received) == (5000, 0, 0)
    assert (whole.complete, whole.body.received) == (True, 5000)
    assert missing.response is not None
    assert (missing.response.status, missing.size, missing.complete) == (404, None, True)
    assert missing.body.head == b"gone"


def swap(stream: Stream, first: int) -> Stream:
    """The frames `first` and the next one stand in the wrong order."""
    (one, two), (three, four) = stream.frames[first : first + 2]
    stream.frames[first : first + 2] = [(one, four), (three, two)]
    return stream


def test_a_response_before_its_request_is_the_answer_to_it() -> None:
    stream = Stream().open().ask(get("/a")).answer(ok(BODY))
    stream.ask(get("/b")).answer(ok(BODY[:900]))
    events = events_of(swap(swap(stream, 3), len(stream.frames) - 3).frames)
    first, second = records_of(HttpExchange, events)
    assert [one.url.rpartition("/")[2] for one in (first, second)] == ["a", "b"]
    assert all(one.complete and one.request is not None and one.response is not None for one in (first, second))
    assert (second.request_at.frame, second.body.received) == (len(stream.frames) - 1, 900)
    assert changes(second, events) == ["opened", "changed", "changed", "ended", "opened"]


def test_a_response_before_its_head_request_has_no_body() -> None:
    stream = Stream().open().ask(get("/a", method="HEAD")).answer(ok(b"", length=5000))
    stream.ask(get("/a")).answer(ok(BODY[:5000]))
    head, whole = exchanges(swap(stream, 3))
    assert (head.complete, head.body.received, whole.complete, whole.body.received) == (True, 0, True, 5000)


def test_a_request_that_acknowledges_a_response_is_another_one() -> None:
    stream = Stream().open().ask(get("/lost")).answer(ok(b"x"))
    stream.ask(get("/b"))
    del stream.frames[3]
    lost, unanswered = exchanges(stream)
    assert (lost.request, lost.response is not None) == (None, True)
    assert (unanswered.request is not None, unanswered.response) == (True, None)


def test_pipelined_requests_get_their_own_responses() -> None:
    stream = Stream().open().ask(get("/1") + get("/2")).ask(get("/3"))
    stream.answer(ok(b"one") + ok(b"", status="204 No Content", length=-1) + ok(b"three"), size=17)
    first, second, third = exchanges(stream)
    assert [item.url[-2:] for item in (first, second, third)] == ["/1", "/2", "/3"]
    assert [item.response and item.response.status for item in (first, second, third)] == [200, 204, 200]
    assert [item.body.head for item in (first, second, third)] == [b"one", b"", b"three"]
    assert all(item.complete for item in (first, second, third))


def test_heads_split_into_single_bytes() -> None:
    stream = Stream().open()
    for letter in get("/x"):
        stream.ask(letter)
    stream.answer(ok(b"12345"), size=1)
    (exchange,) = exchanges(stream)
    assert exchange.url == f"http://{SERVER}/x"
    assert exchange.complete
    assert exchange.body.head == b"12345"


@pytest.mark.parametrize("seed", range(6))
def test_segments_out_of_order_and_twice(seed: int) -> None:
    stream = Stream(isn=(0xFFFFFFF0, 0xFFFFF000)).open().ask(get("/x"))
    begin = len(stream.frames)
    stream.answer(ok(BODY), size=700)
    shuffled = [frame for _, frame in stream.frames[begin:]]
    chance = random.Random(seed)
    shuffled += chance.choices(shuffled, k=5)
    chance.shuffle(shuffled)
    times = [2.0 + index / 1000 for index in range(len(shuffled))]
    events = events_of([*stream.frames[:begin], *zip(times, shuffled, strict=True)])
    (exchange,) = records_of(HttpExchange, events)
    assert exchange.complete
    assert exchange.body.received == len(BODY)
    assert exchange.body.gaps == 0
    assert exchange.body.head == BODY[:4096]


def test_overlapping_segments_count_once() -> None:
    stream = Stream().open().ask(get("/x")).answer(ok(b"", length=1000))
    stream.send(1, BODY[:300])
    stream.send(1, BODY[200:300], seq=-100)
    stream.send(1, BODY[250:600], seq=-50)
    stream.seq[1] += 300
    stream.send(1, BODY[600:1000])
    (exchange,) = exchanges(stream)
    assert exchange.complete
    assert (exchange.body.received, exchange.body.packets, exchange.body.retransmissions) == (1000, 4, 1)
    assert exchange.body.head == BODY[:1000]


def test_a_hole_is_a_gap_and_no_completion() -> None:
    stream = Stream().open().ask(get("/x")).answer(ok(b"", length=len(BODY)))
    begin = len(stream.frames)
    stream.answer(BODY)
    del stream.frames[begin + 6]
    events = events_of(stream.frames)
    (exchange,) = records_of(HttpExchange, events)
    assert not exchange.complete
    assert (exchange.body.gaps, exchange.body.received) == (1, len(BODY) - 1460)
    assert exchange.body.head == BODY[:4096]
    assert "ended" not in changes(exchange, events)


def test_a_keep_alive_probe_is_no_retransmission() -> None:
    stream = Stream().open().ask(get("/x")).answer(ok(BODY[:900], length=2000))
    stream.send(1, BODY[899:900], seq=-1)
    (exchange,) = exchanges(stream)
    assert (exchange.body.packets, exchange.body.retransmissions) == (1, 0)


@pytest.mark.parametrize("size", [1, 7, 100, 1460])
def test_chunked(size: int) -> None:
    content = BODY[:3000]
    chunks = b"".join(
        b"%x;ext=1\r\n%b\r\n" % (len(part), part) for part in (content[:1], content[1:2500], content[2500:])
    )
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    stream = Stream().open().ask(get("/x")).answer(head + chunks + b"0\r\nTrailer: x\r\n\r\n", size)
    stream.ask(get("/y")).answer(ok(b"next"), size)
    first, second = exchanges(stream)
    assert first.chunked
    assert (first.content_length, first.size) == (None, None)
    assert first.complete
    assert first.body.received == 3000
    assert first.body.head == content
    assert (second.complete, second.body.head) == (True, b"next")


def test_a_body_that_ends_with_the_connection() -> None:
    stream = Stream().open().ask(get("/x")).answer(b"HTTP/1.0 200 OK\r\n\r\n" + BODY[:2000])
    open_events = events_of(stream.frames)
    assert not records_of(HttpExchange, open_events)[0].complete
    events = events_of(stream.close().frames)
    (exchange,) = records_of(HttpExchange, events)
    assert exchange.complete
    assert exchange.body.received == 2000
    assert changes(exchange, events)[-1] == "ended"


def test_an_early_close_ends_an_exchange_that_is_not_whole() -> None:
    stream = Stream().open().ask(get("/x")).answer(ok(BODY[:500], length=5000)).close()
    events = events_of(stream.frames)
    (exchange,) = records_of(HttpExchange, events)
    assert not exchange.complete
    assert changes(exchange, events) == ["opened", "changed", "changed", "ended"]


def test_a_reset_ends_exchange_and_connection() -> None:
    stream = Stream().open().ask(get("/x")).answer(ok(BODY[:500], length=5000)).reset(1)
    events = events_of(stream.frames)
    (exchange,), (connection,) = records_of(HttpExchange, events), records_of(TcpConnection, events)
    assert not exchange.complete
    assert connection.reset is not None
    assert not connection.reset_by_client
    assert (changes(exchange, events)[-1], changes(connection, events)[-1]) == ("ended", "ended")


def test_a_reset_after_the_whole_body_changes_nothing() -> None:
    stream = Stream().open().ask(get("/x")).answer(ok(BODY)).reset(0)
    (exchange,) = exchanges(stream)
    assert exchange.complete
    assert exchange.connection.reset_by_client


def test_a_range_tells_the_whole_size() -> None:
    head = ok(BODY[:100], "Content-Range: bytes 900-999/1000", status="206 Partial Content")
    (exchange,) = exchanges(Stream().open().ask(get("/x")).answer(head))
    assert (exchange.content_length, exchange.size, exchange.complete) == (100, 1000, True)


def test_continue_comes_before_the_response() -> None:
    stream = Stream().open().ask("POST /x HTTP/1.1\nHost: h\nContent-Length: 3\n\nabc" + get("/y"))
    stream.answer(b"HTTP/1.1 100 Continue\r\n\r\n" + ok(b"posted") + ok(b"got"))
    posted, got = exchanges(stream)
    assert (posted.url, posted.body.head) == ("http://h/x", b"posted")
    assert (got.body.head, got.complete) == (b"got", True)


def test_a_request_without_a_response() -> None:
    (exchange,) = exchanges(Stream().open().ask(get("/x")))
    assert exchange.response is None
    assert not exchange.complete


@pytest.mark.parametrize(
    ("target", "host", "port", "url"),
    [
        ("/x", "boot.example", 80, "http://boot.example/x"),
        ("/x", "boot.example", 8080, "http://boot.example:8080/x"),
        ("/x", "boot.example:8080", 8080, "http://boot.example:8080/x"),
        ("//d-i//linux", "h", 80, "http://h//d-i//linux"),
        ("http://h/x", "h", 3128, "http://h/x"),
        ("/x?to=http://o", "h", 80, "http://h/x?to=http://o"),
    ],
)
def test_the_url_names_host_port_and_path_as_sent(target: str, host: str, port: int, url: str) -> None:
    (exchange,) = exchanges(Stream(server_port=port).open().ask(get(target, host)))
    assert exchange.url == url


def test_a_connection_seen_from_its_middle() -> None:
    stream = Stream().answer(BODY[:4000])
    assert events_of(stream.frames) == []
    stream.ask(get("/x")).answer(ok(b"hello"))
    events = events_of(stream.frames)
    (exchange,), (connection,) = records_of(HttpExchange, events), records_of(TcpConnection, events)
    assert (exchange.complete, exchange.body.head) == (True, b"hello")
    assert (connection.client, connection.syn_count, connection.established) == (CLIENT, 0, True)


def test_a_response_whose_request_was_not_captured() -> None:
    stream = Stream()
    stream.answer(ok(b"hello")).ask(get("/y")).answer(ok(b"more"))
    first, second = exchanges(stream)
    assert (first.request, first.url, first.complete) == (None, "", True)
    assert (second.url, second.body.head) == (f"http://{SERVER}/y", b"more")


def test_a_head_that_was_asked_for_before_the_capture() -> None:
    """Its response names a length but has no body: the next one is not taken for it."""
    stream = Stream().answer(b"HTTP/1.1 404 Not Found\r\nContent-Length: 300\r\n\r\n")
    stream.ask(get("/x")).answer(ok(b"boot"))
    first, second = exchanges(stream)
    assert (first.request, first.complete, first.body.received) == (None, True, 0)
    assert (second.url, second.complete, second.body.head) == (f"http://{SERVER}/x", True, b"boot")


def test_a_lost_head_does_not_lose_the_next_exchange() -> None:
    stream = Stream().open().ask(get("/x"))
    begin = len(stream.frames)
    stream.answer(ok(BODY[:3000]))
    del stream.frames[begin]
    stream.ask(get("/y")).answer(ok(b"second"))
    events = events_of(stream.frames)
    first, second = records_of(HttpExchange, events)
    assert first.response is None
    assert changes(first, events)[-1] == "ended"
    assert (second.complete, second.body.head) == (True, b"second")


@pytest.mark.parametrize("seen", ["the rest of the body", "the next request", "FIN"])
def test_a_response_whose_head_is_not_in_the_capture_came_all_the_same(seen: str) -> None:
    stream = Stream().open().ask(get("/x"))
    begin = len(stream.frames)
    stream.answer(ok(BODY[: 3000 if seen == "the rest of the body" else 300]))
    del stream.frames[begin]
    if seen == "the next request":
        stream.ask(get("/y"))
    elif seen == "FIN":
        stream.close()
    first = exchanges(stream)[0]
    assert (first.response, first.answered) == (None, True)


def test_a_request_that_is_not_answered() -> None:
    first, second = exchanges(Stream().open().ask(get("/x")).ask(get("/y")).close())
    assert (first.answered, second.answered) == (False, False)


@pytest.mark.parametrize("answered", [False, True])
def test_behind_a_body_whose_end_nobody_knows_what_comes_after_the_next_request_answers_it(answered: bool) -> None:
    """Where the capture cuts heads nobody knows how long the bodies are."""
    stream = Stream().open().ask(get("/x")).answer(ok(BODY[:3000], length=-1)).ask(get("/y"))
    if answered:
        begin = len(stream.frames)
        stream.answer(ok(BODY[:3000]))
        del stream.frames[begin]
    second = exchanges(stream.close(by=0))[1]
    assert (second.response, second.answered) == (None, answered)


def test_a_reset_tells_what_was_acknowledged_before_it() -> None:
    """edk2 ends its connections so; the capture lost the end of the body."""
    stream = Stream().open().ask(get("/x")).answer(ok(BODY[:3000]))
    del stream.frames[-2]
    (exchange,) = exchanges(stream.reset(0))
    assert exchange.body.reached == 3000


def test_a_lost_request_does_not_lose_the_next_exchange() -> None:
    stream = Stream().open().ask(get("/x"))
    stream.frames.pop()
    stream.answer(ok(b"first")).ask(get("/y")).answer(ok(b"second"))
    first, second = exchanges(stream)
    assert (first.request, first.body.head) == (None, b"first")
    assert (second.url, second.body.head) == (f"http://{SERVER}/y", b"second")


def test_a_script_is_kept_whole() -> None:
    script = b"#!ipxe\n" + b"item a b\n" * 9000
    (exchange,) = exchanges(Stream().open().ask(get("/menu.ipxe")).answer(ok(script), size=60000))
    assert exchange.body.head == script[:TEXT_BYTES]


def test_a_head_that_never_ends_is_given_up() -> None:
    stream = Stream().open().ask(get("/x")).answer(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 40000, size=30000)
    (exchange,) = exchanges(stream)
    assert exchange.response is None


def test_other_protocols_make_no_exchange() -> None:
    stream = Stream(server_port=22).open().answer(b"SSH-2.0-OpenSSH\r\n").ask("SSH-2.0-x\n").answer(BODY)
    events = events_of(stream.frames)
    assert records_of(HttpExchange, events) == []
    assert len(records_of(TcpConnection, events)) == 1
