"""Times, durations and amounts as people read them; packet times stay what they are, only their clothing changes."""

from __future__ import annotations

import datetime as dt
from functools import lru_cache

from ..model import NANOSECONDS

_LIMITS = (-62_135_596_800 * NANOSECONDS, 253_402_300_800 * NANOSECONDS - 1)
"""What a date of four digits can say: 0001-01-01 to 9999-12-31."""


def rfc3339(time: int) -> str:
    """`2026-03-14T08:15:00.123456789Z` of nanoseconds since the epoch; times outside of four-digit years are capped."""
    seconds, nanoseconds = divmod(min(max(time, _LIMITS[0]), _LIMITS[1]), NANOSECONDS)
    return f"{_utc_second(seconds)}.{nanoseconds:09d}Z"


@lru_cache(maxsize=1024)
def _utc_second(seconds: int) -> str:
    moment = dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(seconds=seconds)
    return moment.isoformat()[:19]


class Clock:
    """Wall-clock times in the user's zone, which is always named, and times since the first frame."""

    def __init__(self, origin: int | None, *, utc: bool = False) -> None:
        self.origin = origin
        self._utc = utc

    def date_time(self, time: int) -> str:
        """`2026-03-14 09:15:00.123 CET`."""
        moment = self._moment(time)
        return f"{moment:%Y-%m-%d %H:%M:%S}.{time // 1_000_000 % 1000:03d} {self._zone(moment)}"

    def time_of_day(self, time: int) -> str:
        """`09:15:00.123 CET`, where the date stands above."""
        return self.date_time(time).partition(" ")[2]

    def relative(self, time: int) -> str:
        """`+125.000 s` since the first frame."""
        if self.origin is None:
            return ""
        past = time - self.origin
        sign = "-" if past < 0 else "+"
        milliseconds = (abs(past) + 500_000) // 1_000_000
        return f"{sign}{milliseconds // 1000}.{milliseconds % 1000:03d} s"

    def _moment(self, time: int) -> dt.datetime:
        seconds = min(max(time, _LIMITS[0]), _LIMITS[1]) // NANOSECONDS
        moment = dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(seconds=seconds)
        if self._utc:
            return moment
        try:
            return moment.astimezone()
        except (OverflowError, OSError, ValueError):  # the platform's zone table ends somewhere
            return moment

    @staticmethod
    def _zone(moment: dt.datetime) -> str:
        return moment.tzname() or "UTC"


def duration(nanoseconds: int) -> str:
    """`0.410 s`, `12.3 s`, `2 min 33 s`, `1 h 02 min`."""
    seconds = nanoseconds / NANOSECONDS
    if seconds < 9.9995:
        return f"{seconds:.3f} s"
    if seconds < 99.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60:02d} min"


def amount(octets: int) -> str:
    """`214 bytes`, `1.0 MiB`."""
    if octets < 1024:
        return f"{octets} bytes"
    value = float(octets)
    for unit in ("KiB", "MiB", "GiB", "TiB"):
        value /= 1024
        if value < 1023.95 or unit == "TiB":
            return f"{value:.1f} {unit}"
    raise AssertionError


def count(number: int, one: str, several: str | None = None) -> str:
    """`1 frame`, `20,000 frames`."""
    return f"{number:,} {one if number == 1 else several or one + 's'}"
