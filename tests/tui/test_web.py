"""The web server's door, and a tab over a websocket, on loopback."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.tui.feeds import PCAPS

aiohttp = pytest.importorskip("aiohttp")
pytest.importorskip("textual_serve")


PROGRAM = "import sys; from bootsniff.cli import main; sys.exit(main())"


@pytest.fixture
def page() -> Iterator[str]:
    """The address that a running `read --web` prints."""
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        sys.executable,
        "-c",
        PROGRAM,
        "read",
        "--web",
        f"127.0.0.1:{port}",
        str(PCAPS / "http-no-echo.pcap.xz"),
    ]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert process.stdout is not None
        found = re.search(r"http://\S+", process.stderr.readline())
        assert found is not None
        assert "only this machine can reach it" in process.stderr.readline()
        yield found.group()
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=60)
        assert "dhcp-http-vendor-class-not-echoed" in output, errors
        assert process.returncode == 1


async def test_the_door_and_two_tabs(page: str) -> None:
    base = page.split("?", 1)[0]
    async with aiohttp.ClientSession() as stranger:
        for url, headers in (
            (base, {}),
            (base + "?key=wrong", {}),
            (base + "ws", {}),
            (page, {"Host": "evil.example"}),
            (page, {"Origin": "http://evil.example"}),
        ):
            async with stranger.get(url, headers=headers) as answer:
                assert answer.status == 403, url
    jar = aiohttp.CookieJar(unsafe=True)  # of a numeric address
    async with aiohttp.ClientSession(cookie_jar=jar) as browser:
        async with browser.get(page) as answer:
            assert answer.status == 200
            assert "bootsniff" in await answer.text()
        address = base.replace("http://", "ws://") + "ws?width=100&height=30"
        async with browser.ws_connect(address) as first, browser.ws_connect(address) as second:
            for tab in (first, second):
                seen = b""
                while b"not-echoed" not in seen:
                    message = await tab.receive(timeout=60)
                    assert message.type in (aiohttp.WSMsgType.BINARY, aiohttp.WSMsgType.TEXT), message
                    seen += message.data if isinstance(message.data, bytes) else message.data.encode()
