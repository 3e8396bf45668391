import pytest

from bootsniff.model import NANOSECONDS
from bootsniff.report.units import Clock, amount, count, duration, rfc3339


@pytest.mark.parametrize(
    ("time", "text"),
    [
        (0, "1970-01-01T00:00:00.000000000Z"),
        (1_773_476_100_123_456_789, "2026-03-14T08:15:00.123456789Z"),
        (-1, "1969-12-31T23:59:59.999999999Z"),
        (2**63 - 1, "2262-04-11T23:47:16.854775807Z"),
        (10**30, "9999-12-31T23:59:59.999999999Z"),
        (-(10**30), "0001-01-01T00:00:00.000000000Z"),
    ],
)
def test_rfc3339(time: int, text: str) -> None:
    assert rfc3339(time) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.000 s"),
        (0.41, "0.410 s"),
        (9.9996, "10.0 s"),
        (12.34, "12.3 s"),
        (99.96, "1 min 40 s"),
        (153, "2 min 33 s"),
        (3599.6, "1 h 00 min"),
        (7325, "2 h 02 min"),
    ],
)
def test_duration(seconds: float, text: str) -> None:
    assert duration(round(seconds * NANOSECONDS)) == text


@pytest.mark.parametrize(
    ("octets", "text"),
    [
        (0, "0 bytes"),
        (1023, "1023 bytes"),
        (1024, "1.0 KiB"),
        (1024**2 - 1, "1.0 MiB"),
        (3 * 1024**4 * 1000, "3000.0 TiB"),
    ],
)
def test_amount(octets: int, text: str) -> None:
    assert amount(octets) == text


def test_count() -> None:
    assert count(1, "frame") == "1 frame"
    assert count(20000, "frame") == "20,000 frames"


def test_relative_times() -> None:
    clock = Clock(100 * NANOSECONDS, utc=True)
    assert clock.relative(225 * NANOSECONDS) == "+125.000 s"
    assert clock.relative(99_500_000_000) == "-0.500 s"
    assert Clock(None).relative(5) == ""
    assert clock.date_time(-(10**40)).endswith("UTC")
