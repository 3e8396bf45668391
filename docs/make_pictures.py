"""Makes the pictures of docs/pictures/ again, from the running program and the recorded boots in pcaps/."""

from __future__ import annotations

import io
import os
import re
from contextlib import redirect_stdout
from pathlib import Path

from rich.console import Console
from rich.text import Text

from bootsniff.cli import main as bootsniff

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
    picture = console.export_svg(title=title, unique_id=name)
    picture = re.sub(r"\s*@font-face \{.*?\}", "", picture, flags=re.DOTALL)
    return re.sub(r"font-family: ?Fira Code, ?monospace", "font-family: monospace", picture)


def main() -> None:
    """Write all pictures."""
    os.environ |= {"COLUMNS": str(COLUMNS - 2), "TZ": "UTC"}
    os.chdir(DOCS.parent / "pcaps")
    PICTURES.mkdir(exist_ok=True)
    text = terminal(["read", "ipxe-loop.pcap.xz"])
    (PICTURES / "read.svg").write_text(svg(text, "bootsniff", "read"), encoding="utf-8")


if __name__ == "__main__":
    main()
