"""Widths and wrapping of literal text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from bootsniff.text import printable
from bootsniff.tui.lines import Span, cut, fit, fit_line, line, plain, width_of, wrap, wrapped

TEXTS = st.text().map(printable) | st.sampled_from(["[/x]", "漢字" * 9, "😈 a", "", " ", "a" * 300])


@given(TEXTS, st.integers(0, 120))
def test_fit_has_exactly_the_width(text: str, width: int) -> None:
    assert cell_len(fit(text, width)) == width
    assert cell_len(fit(text, width, keep="end")) == width


@given(TEXTS, st.integers(1, 120))
def test_cut_says_that_something_is_missing(text: str, width: int) -> None:
    short = cut(text, width)
    assert cell_len(short) <= width
    assert short == text or "…" in short


@given(st.lists(st.tuples(TEXTS, st.sampled_from(["", "dim"]))), st.integers(0, 120))
def test_fit_line_has_exactly_the_width(pieces: list[tuple[str, str]], width: int) -> None:
    assert width_of(fit_line(line(*pieces), width)) == width  # type: ignore[arg-type]


@given(TEXTS, st.integers(2, 80))
def test_wrapping_loses_nothing_but_blanks(text: str, width: int) -> None:
    lines = wrap(text, width)
    assert all(cell_len(each) <= width for each in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


def test_the_end_is_kept_when_asked_for() -> None:
    assert fit("tftp://server/grubx64.efi", 12, keep="end") == "…grubx64.efi"


def test_line_ends_and_indents_of_a_fix_stay() -> None:
    assert wrap("chain x {\n  type filter\n}", 40) == ["chain x {", "  type filter", "}"]


def test_a_lead_stands_before_the_first_line_only() -> None:
    rows = [plain(each) for each in wrapped("one two three", 12, first="• ", rest="  ")]
    assert rows == ["• one two", "  three"]


@pytest.mark.parametrize("text", ["[/x]", "[red]", "[link=x]y[/link]"])
def test_markup_stays_text(text: str) -> None:
    assert line(text, (text, "dim")) == (Span(text), Span(text, "dim"))
