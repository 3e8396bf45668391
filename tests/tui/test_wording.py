"""Numbers in few cells."""

import pytest

from bootsniff.tui.wording import clock, number, offset, rate

SECOND = 1_000_000_000


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (-5, "0:00"),
        (7 * SECOND, "0:07"),
        (153 * SECOND, "2:33"),
        (3753 * SECOND, "1:02:33"),
        (273_600 * SECOND, "3d 4h"),
    ],
)
def test_clock(ns: int, text: str) -> None:
    assert clock(ns) == text


def test_clock_fits_its_column_for_a_hundred_days() -> None:
    assert len(clock(99 * 86400 * SECOND + 86399 * SECOND)) <= 7


def test_offset_has_a_sign() -> None:
    assert offset(3_512_000_000) == "+3.512"
    assert offset(-1_000_000) == "-0.001"


def test_numbers() -> None:
    assert [number(n) for n in (0, 12345, 1_500_000, 2_000_000_000)] == ["0", "12,345", "1.5M", "2.0G"]


def test_rate_needs_some_time() -> None:
    assert rate(1_048_576, SECOND) == "1.0 MiB/s"
    assert rate(512, 0) == ""
