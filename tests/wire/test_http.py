"""HTTP heads, chunk sizes and content ranges: named examples and mutilation."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.http import HTTPRequest, HTTPResponse

from bootsniff.errors import Malformed
from bootsniff.wire import http
from bootsniff.wire.transfers import HttpHead

REQUEST = b"GET /ipxe.efi HTTP/1.1\r\nHost: 192.168.122.1\r\nUser-Agent: UefiHttpBoot/1.0\r\n\r\n"
RESPONSE = b"HTTP/1.1 404 Not Found\r\nContent-Length: 153\r\nContent-Type:text/html \r\n\r\n<html>"


def head(data: bytes) -> HttpHead:
    read = http.parse_head(data)
    assert read is not None
    return read


def test_request() -> None:
    read = head(REQUEST + b"next")
    assert (read.method, read.target, read.version, read.status) == ("GET", "/ipxe.efi", "1.1", None)
    assert read.fields == (("Host", "192.168.122.1"), ("User-Agent", "UefiHttpBoot/1.0"))
    assert read.length == len(REQUEST)


def test_response() -> None:
    read = head(RESPONSE)
    assert (read.method, read.version, read.status, read.reason) == (None, "1.1", 404, "Not Found")
    assert (read.get("content-type"), http.content_length(read)) == ("text/html", 153)
    assert RESPONSE[read.length :] == b"<html>"


def test_scapy_builds_what_is_read() -> None:
    built = bytes(HTTPRequest(Method=b"HEAD", Path=b"/a%20b", Host=b"h:8080"))
    read = head(built)
    assert (read.method, read.target, read.get("host")) == ("HEAD", "/a%20b", "h:8080")
    assert head(bytes(HTTPResponse(Status_Code=b"206", Content_Length=b"7"))).status == 206


def test_oddities() -> None:
    assert head(b"HTTP/1.0 200\r\n\r\n").reason == ""
    assert head(b"GET / HTTP/1.1\nHost: a\n\n").get("Host") == "a"
    assert head(b"GET / HTTP/1.1\nHost: a\n\r\nGET").length == len(b"GET / HTTP/1.1\nHost: a\n\r\n")
    assert head(b"HTTP/1.1 200 OK\r\nX: a\r\n  b\r\nnonsense\r\nY: \xff\x1b\r\n\r\n").fields == (
        ("X", "a b"),
        ("Y", r"\xff\x1b"),
    )
    assert head(b"GET /a b HTTP/1.1\r\n\r\n").target == "/a b"


@pytest.mark.parametrize("size", range(1, len(REQUEST) - 1))
def test_more_is_needed(size: int) -> None:
    assert http.parse_head(REQUEST[:size]) is None


@pytest.mark.parametrize("size", range(1, len(b"HTTP/1.1 404 Not Found\r\n")))
def test_more_of_a_response_is_needed(size: int) -> None:
    assert http.parse_head(RESPONSE[:size]) is None


@pytest.mark.parametrize(
    "data",
    [b"\x16\x03\x01\0\xff", b"GET /\r\n\r\n", b"HTTP/2 200 OK\r\n\r\n", b"hello world\r\nmore", b"\r\n\r\n",
     b"GET /" + b"a" * 70000, b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 20000,
     b"GET a" + b" " * 60000 + b"\n\n", b"GET  HTTP/1.1\r\n\r\n"],
)  # fmt: skip
def test_no_head(data: bytes) -> None:
    with pytest.raises(Malformed):
        http.parse_head(data)


@pytest.mark.parametrize(
    ("data", "begins"),
    [(REQUEST, True), (RESPONSE, True), (b"G", True), (b"HTTP/", True), (b"", False), (b"GETAWAY ", False),
     (b"\x16\x03\x01", False), (b"GIF89a", False), (b"HEAD", True)],
)  # fmt: skip
def test_beginnings(data: bytes, begins: bool) -> None:
    assert http.begins_message(data) is begins


@pytest.mark.parametrize(
    ("value", "length"), [("12", 12), ("12, 12", 12), ("-1", None), ("x", None), ("9" * 30, None), ("\u0661", None)]
)
def test_content_length(value: str, length: int | None) -> None:
    assert http.content_length(HttpHead(None, "", "1.1", 200, "", (("content-length", value),), 0)) == length


def test_body_framing() -> None:
    assert http.chunked(head(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, Chunked\r\n\r\n"))
    assert not http.chunked(head(RESPONSE))
    assert http.content_length(head(REQUEST)) is None


def test_chunk_sizes() -> None:
    assert http.chunk_size(b"1aF;name=x\r\nbody") == (0x1AF, 12)
    assert http.chunk_size(b"0\r\n\r\n") == (0, 3)
    assert http.chunk_size(b"1a") is None
    assert http.chunk_size(b"1a\r") is None
    for data in (b"xyz\r\n", b"\r\n", b"xyz", b"1" * 5000, b"-1\r\n"):
        with pytest.raises(Malformed):
            http.chunk_size(data)


@pytest.mark.parametrize(
    ("value", "result"),
    [("bytes 0-99/1000", (0, 99, 1000)), ("bytes 5-9/*", (5, 9, None)), ("bytes */77", (None, None, 77)),
     ("bytes 9-5/10", None), ("bytes 0-10/10", None), ("items 0-1/2", None), ("", None)],
)  # fmt: skip
def test_content_ranges(value: str, result: object) -> None:
    assert http.content_range(value) == result


@given(st.sampled_from([REQUEST, RESPONSE]), st.integers(0, 90), st.binary(max_size=60))
def test_mutilated(sample: bytes, cut: int, tail: bytes) -> None:
    data = sample[:cut] + tail
    try:
        read = http.parse_head(data)
    except Malformed:
        return
    assert read is None or read.length <= len(data)


@given(st.binary(max_size=100))
def test_noise(data: bytes) -> None:
    for parse in (http.parse_head, http.chunk_size):
        try:
            parse(data)
        except Malformed:
            continue
    http.begins_message(data)


@given(st.text(max_size=60))
def test_noise_of_ranges(value: str) -> None:
    http.content_range(value)
