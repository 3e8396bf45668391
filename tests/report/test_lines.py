import io

from hypothesis import given
from hypothesis import strategies as st

from bootsniff.report.lines import Paper, Span, cell_width
from bootsniff.text import printable


def test_wide_characters_count_twice() -> None:
    assert cell_width("abc") == 3
    assert cell_width("漢字") == 4
    assert cell_width("café") == 4


def test_shorten_keeps_both_ends_and_the_width() -> None:
    paper = Paper(io.StringIO())
    assert paper.shorten("short", 10) == "short"
    short = paper.shorten("vmlinuz-6.1.0-18-amd64", 12)
    assert short.startswith("vmlin")
    assert short.endswith("amd64")
    assert cell_width(short) <= 12
    assert cell_width(paper.shorten("漢字" * 20, 11)) <= 11
    assert paper.shorten("file not found on the server", 10, ends=False) == "file not…"


def test_a_visible_separator_ends_its_line() -> None:
    stream = io.StringIO()
    Paper(stream, width=40).flow([[Span("a" * 17)], [Span("b" * 17)], [Span("c" * 17)]], 0, between=" > ")
    assert stream.getvalue().splitlines() == ["a" * 17 + " > " + "b" * 17 + " >", "c" * 17]


def test_a_chunk_that_is_too_long_is_split_without_separators() -> None:
    stream = io.StringIO()
    Paper(stream, width=40).flow([[Span("x" * 100)], [Span("y")]], 0, between=" > ")
    assert "".join(stream.getvalue().splitlines()) == "x" * 100 + " > y"


def test_a_long_chunk_is_cut_between_words() -> None:
    stream = io.StringIO()
    text = "ERROR 1 file /srv/tftpboot/efi-x64/revocations_sku.efi not found"
    Paper(stream, width=48).flow([[Span("frame 1,")], [Span(text, "bad")]], 4)
    assert stream.getvalue().splitlines() == [
        "    frame 1, ERROR 1 file",
        "    /srv/tftpboot/efi-x64/revocations_sku.efi",
        "    not found",
    ]


@given(st.text(max_size=300), st.integers(40, 110), st.integers(0, 10))
def test_prose_fits_and_loses_nothing(text: str, width: int, indent: int) -> None:
    safe = printable(text)
    stream = io.StringIO()
    Paper(stream, width=width).prose(safe, indent, label=Span("label:"))
    lines = stream.getvalue().split("\n")
    assert all(cell_width(line) <= width for line in lines)
    assert "".join("".join(lines).split()) == "label:" + "".join(safe.split())


def test_fix_lines_are_never_wrapped() -> None:
    stream = io.StringIO()
    Paper(stream, width=40).line("  ", Span("y" * 200, "fix"))
    assert stream.getvalue() == "  " + "y" * 200 + "\n"
