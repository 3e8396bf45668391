"""What single HTTP heads say for their connection: which way they go, how big a resource is, which URL is meant."""

from __future__ import annotations

from ..errors import Malformed
from ..wire import http
from ..wire.addresses import in_url
from ..wire.transfers import HttpHead
from .records import TcpConnection


def is_response(data: bytes) -> bool:
    return data.startswith(b"HTTP/1.")


def is_request(data: bytes) -> bool:
    """Whether bytes begin a request; fewer than four are not enough to tell."""
    return len(data) >= 4 and not data.startswith(b"HTTP") and http.begins_message(data)


def read_head(data: bytes, *, cut: bool) -> HttpHead | None:
    """The head at the beginning of `data`, None while it is not whole. Raises Malformed when it is none.

    Of a head that the capture cut, what its whole lines say; its `length` is then 0.
    """
    head = http.parse_head(data)
    if head is None and cut:
        head = http.parse_head(data[: data.rfind(b"\n") + 1] + b"\r\n")
        if head is None:
            raise Malformed("HTTP start line is not whole")
        head.length = 0
    return head


def resource_size(head: HttpHead) -> int | None:
    """Whole size of the resource: Content-Length of a 200, the total of a Content-Range."""
    if head.status == 200:
        return http.content_length(head)
    span = http.content_range(head.get("Content-Range") or "")
    return span[2] if span else None


def url_of(head: HttpHead, connection: TcpConnection) -> str:
    """The URL that a request means: host as the client named it, path as it was sent."""
    if "://" in head.target.partition("?")[0]:
        return head.target
    host = head.get("Host") or in_url(connection.server)
    has_port = ":" in host.rpartition("]")[2]
    port = "" if has_port or connection.server_port == 80 else f":{connection.server_port}"
    return f"http://{host}{port}{head.target}"
