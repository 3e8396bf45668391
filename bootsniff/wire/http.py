"""Heads of HTTP/1.x messages (RFC 9112), chunk sizes, content ranges; stateless, bodies are `flow`'s."""

from __future__ import annotations

import re

from ..errors import Malformed
from ..text import printable
from .transfers import HttpHead

MAX_HEAD = 65536
"""Longest head that is waited for, bytes."""
_MAX_FIELDS = 256
_TARGET_LIMIT = 2048
"""Characters kept of a request target."""
_METHODS = (
    b"GET ", b"HEAD ", b"POST ", b"PUT ", b"OPTIONS ", b"CONNECT ", b"DELETE ", b"PATCH ", b"TRACE ", b"PROPFIND ",
)  # fmt: skip
_STARTS = (b"HTTP/1.", *_METHODS)
_METHOD = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}")
_VERSION = re.compile(rb"HTTP/(\d\.\d)")
_RESPONSE = re.compile(rb"HTTP/(\d\.\d) +(\d{3})(?: (.*))?[ \t]*", re.DOTALL)
_TOKEN_START = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}(?: |$)")
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,16})[ \t]*(?:;[^\n]*)?")
_RANGE = re.compile(r"bytes\s+(?:(\d{1,18})\s*-\s*(\d{1,18})|\*)\s*/\s*(\d{1,18}|\*)", re.IGNORECASE)
_MAX_CHUNK_LINE = 4096


def is_web_url(name: str | None) -> bool:
    """Whether a name of a file is a URL that HTTP boot firmware takes."""
    return name is not None and name.lower().startswith(("http://", "https://"))


def is_https(url: str) -> bool:
    return url.lower().startswith("https://")


def begins_message(data: bytes) -> bool:
    """Whether a segment looks like the start of a request or a response (or of the first bytes of one)."""
    if data.startswith(_STARTS):
        return True
    return 0 < len(data) < 9 and any(start.startswith(data) for start in _STARTS)


def parse_head(data: bytes) -> HttpHead | None:
    """Read the head at the start of `data`, which may go on with a body; None while the empty line is missing.

    Raises Malformed when this cannot become a head, or one longer than MAX_HEAD.
    """
    end, length = _end_of_head(data)
    if end < 0:
        if len(data) >= MAX_HEAD:
            raise Malformed("HTTP head is too long")
        first, line_end, _ = data[:64].partition(b"\n")
        if not line_end and not (_TOKEN_START.match(first) or b"HTTP/".startswith(first[:5]) or not first):
            raise Malformed("no HTTP head")
        if b"\n" in data:
            _start_line(data.partition(b"\n")[0].rstrip(b"\r"))
        return None
    if length > MAX_HEAD:
        raise Malformed("HTTP head is too long")
    lines = data[:end].split(b"\n")
    head = _start_line(lines[0].rstrip(b"\r"))
    head.fields = _fields(lines[1:])
    head.length = length
    return head


def _end_of_head(data: bytes) -> tuple[int, int]:
    """Where the last line ends and how long the head is, the empty line included; (-1, 0) while it is not there.

    A bare LF ends a line, too (RFC 9112 section 2.2).
    """
    window = data[: MAX_HEAD + 4]
    strict, lax = window.find(b"\r\n\r\n"), window.find(b"\n\n")
    mixed = window.find(b"\n\r\n")
    ends = [(at, at + size) for at, size in ((strict, 4), (lax, 2), (mixed, 3)) if at >= 0]
    return min(ends, key=lambda pair: pair[1]) if ends else (-1, 0)


def _start_line(line: bytes) -> HttpHead:
    response = _RESPONSE.fullmatch(line)
    if response:
        version, status, reason = response.groups()
        return HttpHead(None, "", version.decode(), int(status), printable(reason or b""), (), 0)
    # A request target should hold no space; some loaders send one all the same, so the version is what stands last.
    method, _, rest = line.partition(b" ")
    target, _, last = rest.strip().rpartition(b" ")
    protocol = _VERSION.fullmatch(last)
    if protocol and target and _METHOD.fullmatch(method):
        name = printable(target.rstrip(), _TARGET_LIMIT)
        return HttpHead(method.decode(), name, protocol[1].decode(), None, "", (), 0)
    raise Malformed("no HTTP start line")


def _fields(lines: list[bytes]) -> tuple[tuple[str, str], ...]:
    """Names as sent and trimmed values; folded lines (RFC 9112 section 5.2) are joined, lines without a colon skipped."""
    fields: list[tuple[str, str]] = []
    for line in lines[: 4 * _MAX_FIELDS]:
        if line[:1] in (b" ", b"\t") and fields:
            name, value = fields[-1]
            fields[-1] = (name, f"{value} {printable(line.strip())}".strip()[:4096])
            continue
        label, colon, content = line.partition(b":")
        if colon and label.strip() and len(fields) < _MAX_FIELDS:
            fields.append((printable(label.strip()), printable(content.strip(), _TARGET_LIMIT)))
    return tuple(fields)


def content_length(head: HttpHead) -> int | None:
    """Bytes of the body by Content-Length; None when absent or no number."""
    value = head.get("Content-Length")
    if value is None:
        return None
    first = value.split(",", 1)[0].strip()  # RFC 9110 section 8.6: the same number may stand there twice
    return int(first) if first.isascii() and first.isdigit() and len(first) <= 18 else None


def chunked(head: HttpHead) -> bool:
    """Whether the body comes in chunks."""
    value = head.get("Transfer-Encoding")
    return value is not None and value.lower().rsplit(",", 1)[-1].strip() == "chunked"


def chunk_size(data: bytes) -> tuple[int, int] | None:
    """Size of the chunk whose size line starts `data`, and the length of that line; None while the line is not whole.

    Raises Malformed when it is no size line.
    """
    end = data.find(b"\n", 0, _MAX_CHUNK_LINE)
    if end < 0:
        if len(data) >= _MAX_CHUNK_LINE or not re.fullmatch(rb"[0-9A-Fa-f]{0,16}(?:[ \t;\r].*)?", data, re.DOTALL):
            raise Malformed("no chunk size")
        return None
    match = _CHUNK.fullmatch(data[:end].rstrip(b"\r"))
    if not match:
        raise Malformed("no chunk size")
    return int(match[1], 16), end + 1


def end_of_trailers(data: bytes, position: int) -> int | None:
    """Where the fields after the last chunk, and the empty line after them, end; None while it is not there."""
    while True:
        end = data.find(b"\n", position)
        if end < 0:
            return None
        if not data[position:end].strip(b"\r"):
            return end + 1
        position = end + 1


def content_range(value: str) -> tuple[int, int, int | None] | tuple[None, None, int | None] | None:
    """First and last byte and the whole size of a Content-Range (RFC 9110 section 14.4); None when it is none.

    `*` in place of the range (an unsatisfied one, status 416) gives None for both ends, `*` for the size None.
    """
    match = _RANGE.fullmatch(value.strip())
    if not match:
        return None
    total = None if match[3] == "*" else int(match[3])
    if match[1] is None:
        return None, None, total
    first, last = int(match[1]), int(match[2])
    return (first, last, total) if first <= last and (total is None or last < total) else None
