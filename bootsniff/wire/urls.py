"""URLs taken apart (RFC 3986 section 3), and whether a host is a name; stateless."""

from __future__ import annotations

import re
from typing import NamedTuple

from .addresses import in_url

# Not urllib's urlsplit: it refuses hosts such as `[x]`, and any host may stand in a capture.
_URL = re.compile(
    r"([a-z][a-z0-9+.-]*)://(?:([^/?#]*)@)?(?:\[([^]/?#]*)\]|([^/?#:]*))(?::([^/?#]*))?([^?#]*)(.*)",
    re.ASCII | re.IGNORECASE | re.DOTALL,
)
_NUMBER = re.compile(r"0*([1-9]\d{0,4})", re.ASCII)
_PORTS = {"http": 80, "https": 443, "ftp": 21}


class Url(NamedTuple):
    """The parts of a URL."""

    scheme: str
    """In lower case."""
    user: str
    """Who logs in, `name:password`, as a rule empty."""
    host: str
    """A name, or an address without brackets; a variable of a script may stand for it."""
    port: int | None
    """As it is written; None of what is no number, such as a variable."""
    path: str
    """Begins with `/`."""
    query: str
    """Behind the path, from its `?` or `#` on, as a rule empty."""

    @property
    def tcp_port(self) -> int | None:
        """The port that is meant; None of a scheme that has no port of its own here."""
        return self.port or _PORTS.get(self.scheme)

    @property
    def text(self) -> str:
        """Put together again."""
        user = f"{self.user}@" if self.user else ""
        port = f":{self.port}" if self.port else ""
        return f"{self.scheme}://{user}{in_url(self.host)}{port}{self.path}{self.query}"


def split(text: str) -> Url | None:
    """The parts of a URL, or None when it is none."""
    match = _URL.match(text)
    if match is None:
        return None
    scheme, user, address, name, port, path, query = match.groups()
    number = _NUMBER.fullmatch(port or "")
    return Url(
        scheme.lower(),
        user or "",
        name if address is None else address,
        int(number[1]) if number else None,
        path if path.startswith("/") else f"/{path}",
        query,
    )


def path_of(text: str) -> str:
    """The path of a URL; what is none, as it is."""
    url = split(text)
    return url.path if url else text


def host_of(text: str) -> str:
    """The host of a URL; empty of what is none."""
    url = split(text)
    return url.host if url else ""


def is_name(host: str) -> bool:
    """Whether a host is a name to be looked up: not an address, nor the URL that phones find in option 66."""
    is_ipv4 = host.replace(".", "").isdecimal()
    is_ipv6 = host.count(":") > 1
    return bool(host) and "/" not in host and not is_ipv4 and not is_ipv6
