"""`bootsniff interfaces`: what can be captured here, by whom, and what stands in the way."""

from __future__ import annotations

import argparse
import json
import os
import sys

from msgspec.structs import asdict

from ..sources.advice import sudo_line
from ..sources.host_interfaces import HostInterface, Rights, list_interfaces, rights
from .output import paper


def run(arguments: argparse.Namespace) -> int:
    """List the interfaces."""
    found, right = list_interfaces(), rights()
    if arguments.json:
        value = {"rights": asdict(right), "interfaces": [asdict(each) for each in found]}
        sys.stdout.write(json.dumps(value, indent=1) + "\n")
        return 0
    _write_table(found, arguments)
    sys.stdout.write(_by_whom(right) + "\n")
    return 0


def _by_whom(right: Rights) -> str:
    if right.way == "ring":
        return "Capturing works for you, directly." if os.geteuid() else "Capturing works: you are root."
    if right.way == "dumpcap":
        return f"Capturing works for you, through dumpcap; for lines above 1 Gb/s: {sudo_line(('live', 'IFACE'))}"
    return f"You have no right to capture yet: {right.advice}"


def _write_table(found: list[HostInterface], arguments: argparse.Namespace) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    sheet = paper(arguments)
    console = Console(
        file=sys.stdout, width=sheet.width, force_terminal=sheet.color, no_color=not sheet.color, highlight=False
    )
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for heading in ("interface", "kind", "state", "addresses", "what it shows, or what stands in the way"):
        table.add_column(heading, overflow="fold")
    for each in found:
        style = "red" if each.obstacle else ""
        table.add_row(
            Text(each.name, "bold"),
            Text(each.kind),
            Text("up" if each.up else "down", "green" if each.up else "red"),
            Text("\n".join(each.addresses)),
            Text(each.obstacle or each.hint or "", style),
        )
    console.print(table)
