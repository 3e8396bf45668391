"""Numbers in the few cells that a table has for them; everything with more room uses `report.units`."""

from __future__ import annotations

from ..model import NANOSECONDS
from ..report.units import amount


def clock(ns: int) -> str:
    """`0:07`, `2:33`, `1:02:33`, `3d 04:00` of a duration: at most seven cells up to 100 days."""
    seconds = max(0, ns) // NANOSECONDS
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days}d {hours}h"
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def offset(ns: int) -> str:
    """Seconds after the start of a boot: `+3.512`."""
    return f"{ns / 1e9:+.3f}"


def number(count: int) -> str:
    """`12,345`, from a million on `1.2M`."""
    return f"{count:,}" if count < 1_000_000 else f"{count / 1e6:.1f}M" if count < 10**9 else f"{count / 1e9:.1f}G"


def rate(octets: int, ns: int) -> str:
    """Bytes over a time, per second; empty when the time is too short to say."""
    return f"{amount(round(octets * NANOSECONDS / ns))}/s" if ns > 1_000_000 else ""
