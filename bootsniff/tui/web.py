"""The TUI in a browser: one engine, a small web server, and a process for each tab that looks at the engine.

Needs the extra `web` (textual-serve). Whoever can open the page sees the packets of the network; so it listens on
loopback unless told otherwise, wants a key that only the printed address holds, and refuses pages of other sites.
"""

from __future__ import annotations

import contextlib
import hmac
import secrets
import shlex
import sys
import threading
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

from ..errors import UsageError
from ..model import Machine, Report
from ..wire.addresses import in_url
from .bridge import Feed
from .bridge.shared import FeedServer, connect

DEFAULT = "127.0.0.1:8000"
COOKIE = "bootsniff"
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_PUMP_SECONDS = 0.2


def address_of(text: str) -> tuple[str, int]:
    """Host and port of `--web [HOST][:PORT]`. Raises UsageError."""
    parts = urlsplit(f"//{text}")
    try:
        host, port = parts.hostname or "127.0.0.1", parts.port or 8000
    except ValueError as error:
        raise UsageError(f"--web {text}: give an address and a port, such as {DEFAULT}") from error
    return host, port


def serve(
    feed: Feed,
    *,
    title: str,
    utc: bool,
    address: str,
    tell: Callable[[str], None],
    only: Callable[[Machine], bool] | None = None,
) -> Report | None:
    """Serves a feed until interrupted; gives the newest report back. `tell` gets lines for the user.

    Raises UsageError when textual-serve is not installed.
    """
    host, port = address_of(address)
    try:
        from aiohttp import web
        from textual_serve.server import Server
    except ImportError as error:
        raise UsageError("--web needs textual-serve: pip install 'bootsniff[web]'") from error
    key = secrets.token_urlsafe(16)
    shown = in_url(host)
    base = f"http://{shown}:{port}"
    shared = FeedServer(feed, title=title, utc=utc, only=only)

    class Page(Server):  # type: ignore[misc]  # textual-serve has no hints that strict checking takes
        """textual-serve with a lock on its door, and without its banner."""

        async def _make_app(self) -> Any:
            app = await super()._make_app()
            app.middlewares.append(door(key, f"{shown}:{port}"))
            return app

        async def on_startup(self, app: Any) -> None:
            """No banner: nothing listens yet."""

    def listening(*_: object) -> None:
        for line in _words(base, key, host):
            tell(line)

    ended = threading.Event()
    pump = threading.Thread(target=_pump, args=(shared, ended), name="pump", daemon=True)
    pump.start()
    command = shlex.join([sys.executable, "-m", "bootsniff.tui.web", shared.path])
    try:
        page = Page(command, host=host, port=port, title=f"bootsniff {title}", public_url=base)
        # textual-serve's own `serve` sets up logging to the terminal; this is the rest of it.
        web.run_app(page._make_app(), host=host, port=port, print=listening, access_log=None)  # noqa: SLF001
    except OSError as error:
        raise UsageError(f"--web: cannot listen on {host}:{port}: {error.strerror or error}") from error
    finally:
        ended.set()
        pump.join(1)
        shared.close()
        feed.close()
    return feed.latest()


def _words(base: str, key: str, host: str) -> list[str]:
    lines = [f"open {base}/?key={key} in a browser; Ctrl-C ends it"]
    if host in _LOOPBACK:
        port = base.rsplit(":", 1)[-1]
        lines.append(f"only this machine can reach it; from another one: ssh -L {port}:127.0.0.1:{port} THIS-MACHINE")
    else:
        lines.append(
            f"everybody who can reach {host} and has this address sees the captured packets; it is not encrypted"
        )
    return lines


def _pump(shared: FeedServer, ended: threading.Event) -> None:
    """Keeps a live feed flowing while no tab asks."""
    while not ended.wait(_PUMP_SECONDS):
        with contextlib.suppress(OSError):
            shared.latest()


def door(key: str, host: str) -> Any:
    """Middleware: the key once in the address, then in a cookie; no other site's page, no other host name."""
    from aiohttp import web

    @web.middleware
    async def check(request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> Any:
        # A page of another site may open a socket to loopback, and a name of another site may point here (DNS
        # rebinding); both would look with this browser's cookie.
        origin = request.headers.get("Origin")
        if not _same_host(request.host, host) or (origin and urlsplit(origin).netloc != request.host):
            raise web.HTTPForbidden(text="bootsniff: open the address that it printed\n")
        given = request.query.get("key", "")
        if hmac.compare_digest(given.encode(), key.encode()):
            response = await handler(request)
            response.set_cookie(COOKIE, key, httponly=True, samesite="Strict")
            return response
        if not hmac.compare_digest(request.cookies.get(COOKIE, "").encode(), key.encode()):
            raise web.HTTPForbidden(text="bootsniff: open the address that it printed, with its key\n")
        return await handler(request)

    return check


def _same_host(asked: str, listening: str) -> bool:
    """Whether a Host field names this server; a server on all addresses has no name to compare with."""
    name, port = (urlsplit(f"//{text}") for text in (asked, listening))
    try:
        if name.port != port.port:
            return False
    except ValueError:
        return False
    if port.hostname in ("0.0.0.0", "::"):  # noqa: S104 (what the user asked for)
        return True
    return name.hostname == port.hostname or {name.hostname, port.hostname} <= _LOOPBACK


def main(path: str) -> None:
    """One tab: the TUI on a shared feed."""
    from .app import run

    hello, feed = connect(path)
    run(feed, title=hello.title, utc=hello.utc)


if __name__ == "__main__":
    main(sys.argv[1])
