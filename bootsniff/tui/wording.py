"""Numbers and moments as words for the screen; the only room of the views that knows time zones."""

from __future__ import annotations

from datetime import UTC, datetime

from ..model import NANOSECONDS


def duration(ns: int) -> str:
    """`85 µs`, `3.2 ms`, `4.6 s`, `2:33`, `1:02:33`: at most seven characters up to a day."""
    if ns < 0:
        return "-" + duration(-ns)
    if ns < 1_000_000:
        return f"{ns // 1000} µs"
    if ns < NANOSECONDS // 10:
        return f"{ns / 1e6:.1f} ms"
    if ns < 100 * NANOSECONDS:
        return f"{ns / 1e9:.1f} s"
    return clock(ns)


def clock(ns: int) -> str:
    """`0:07`, `2:33`, `1:02:33`, `3d 04:00` of a duration."""
    seconds = max(0, ns) // NANOSECONDS
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days}d {hours:02}:{minutes:02}"
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def offset(ns: int) -> str:
    """Seconds after the start of a boot: `+3.512`."""
    return f"{ns / 1e9:+.3f}"


def size(count: int) -> str:
    """`214 B`, `830 KiB`, `40.0 MiB`."""
    value = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 1024:
            return f"{value:.0f} {unit}" if unit == "B" or value >= 100 else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} TiB"


def number(count: int) -> str:
    """`12,345`, from a million on `1.2M`."""
    return f"{count:,}" if count < 1_000_000 else f"{count / 1e6:.1f}M" if count < 10**9 else f"{count / 1e9:.1f}G"


def count(amount: int, noun: str, plural: str | None = None) -> str:
    """`1 frame`, `2 frames`."""
    return f"{number(amount)} {noun if amount == 1 else plural or noun + 's'}"


def moment(ns: int, *, utc: bool) -> str:
    """`08:15:03.123 UTC` on its day, the zone named."""
    when = _when(ns, utc=utc)
    return f"{when:%H:%M:%S}.{ns % NANOSECONDS // 1_000_000:03} {when:%Z}"


def day_and_moment(ns: int, *, utc: bool) -> str:
    """`2026-03-14 08:15:03.123 UTC`."""
    return f"{_when(ns, utc=utc):%Y-%m-%d} {moment(ns, utc=utc)}"


def file_stamp(ns: int) -> str:
    """`20260314-081503`, for names of files that are saved."""
    return f"{_when(ns, utc=False):%Y%m%d-%H%M%S}"


def _when(ns: int, *, utc: bool) -> datetime:
    try:
        moment_utc = datetime.fromtimestamp(ns // NANOSECONDS, UTC)
    except (OverflowError, ValueError, OSError):  # times of a capture are hostile too
        moment_utc = datetime.fromtimestamp(0, UTC)
    return moment_utc if utc else moment_utc.astimezone()
