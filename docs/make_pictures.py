"""Makes the pictures of docs/pictures/ again, from the running program and the recorded boots in pcaps/."""

from __future__ import annotations

import asyncio
import io
import lzma
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path

from rich.console import Console
from rich.text import Text

from bootsniff.cli import main as bootsniff
from bootsniff.sources.capture_file import open_capture
from bootsniff.tui.app import BootsniffApp
from bootsniff.tui.bridge.file_feed import FileFeed

DOCS = Path(__file__).parent
PICTURES = DOCS / "pictures"
COLUMNS = 86


def terminal(words: list[str]) -> str:
    """What a command prints on a colour terminal, with the command itself above it."""
    output = io.StringIO()
    with redirect_stdout(output):
        bootsniff([*words, "--color", "always"])
    return f"$ bootsniff {' '.join(words)}\n{output.getvalue().rstrip()}"


def svg(text: str, title: str, name: str) -> str:
    """The terminal's content as an SVG that needs no font from elsewhere."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    console.print(Text.from_ansi(text), soft_wrap=True)
    return plain_fonts(console.export_svg(title=title, unique_id=name))


def plain_fonts(picture: str) -> str:
    """The same picture in the viewer's own monospaced font: nothing is fetched to look at it."""
    picture = re.sub(r"\s*@font-face \{.*?\}", "", picture, flags=re.DOTALL)
    return re.sub(r"font-family: ?Fira Code, ?monospace", "font-family: monospace", picture)


@contextmanager
def reading(name: str) -> Iterator[FileFeed]:
    """A recorded boot, read to its end."""
    feed = FileFeed([open_capture(f"{name}.pcap.xz", 0)])
    feed.wait(600)
    yield feed
    feed.close()


@contextmanager
def following(name: str) -> Iterator[FileFeed]:
    """A recorded boot that arrives through a pipe which stays open, as from a remote tcpdump."""
    whole = lzma.decompress(Path(f"{name}.pcap.xz").read_bytes())
    ours, theirs = os.pipe()
    os.write(theirs, whole)  # a few KB: a pipe takes them at once
    feed = FileFeed([open_capture(f"/dev/fd/{ours}", 0)])
    while feed.status().state != "live":
        feed.wait(0.05)
    yield feed
    os.close(theirs)
    feed.wait(10)
    os.close(ours)


async def screen(feed: FileFeed, title: str, name: str, size: tuple[int, int], *keys: str) -> None:
    """A picture of the TUI after some keys."""
    app = BootsniffApp(feed, title=title, utc=True)
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        for key in keys:
            await pilot.press(key)
            await pilot.pause()
        picture = plain_fonts(app.export_screenshot(title="bootsniff"))
    # Textual numbers its pictures anew in every run: a steady name keeps the difference small
    picture = re.sub(r"terminal-\d+", f"terminal-{name}", picture)
    (PICTURES / f"{name}.svg").write_text(picture, encoding="utf-8")


def main() -> None:
    """Write all pictures."""
    os.environ |= {"COLUMNS": str(COLUMNS - 2), "TZ": "UTC", "TEXTUAL_ANIMATIONS": "none"}
    os.chdir(DOCS.parent / "pcaps")
    PICTURES.mkdir(exist_ok=True)
    text = terminal(["read", "ipxe-loop.pcap.xz"])
    (PICTURES / "read.svg").write_text(svg(text, "bootsniff", "read"), encoding="utf-8")
    with following("http-no-echo") as feed:
        asyncio.run(screen(feed, "virbr0 on hv1", "tui-live", (100, 32)))
    with reading("proxydhcp-ok") as feed:
        asyncio.run(screen(feed, "proxydhcp-ok.pcap", "tui-ladder", (110, 36), "enter", "2"))
    with reading("http-no-echo") as feed:
        asyncio.run(screen(feed, "http-no-echo.pcap", "tui-options", (110, 32), "enter", "3"))
    with reading("ipxe-loop") as feed:
        asyncio.run(screen(feed, "ipxe-loop.pcap", "tui-wall", (200, 50)))


if __name__ == "__main__":
    main()
