import importlib.util
import io
from pathlib import Path
from types import ModuleType

import pytest

from bootsniff.errors import UsageError
from bootsniff.report.explain import Page, Section, markdown, page_of, pages, write_list, write_page
from bootsniff.report.lines import Paper
from bootsniff.rules.registry import RULES
from bootsniff.rules.rule import HEADINGS

ROOT = Path(__file__).parents[2]


def shown(page: Page) -> str:
    stream = io.StringIO()
    write_page(page, Paper(stream))
    return stream.getvalue()


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.code)
def test_every_rule_has_a_whole_page(page: Page) -> None:
    assert tuple(section.heading for section in page.sections) == HEADINGS
    assert all(section.paragraphs for section in page.sections)
    assert page.title.endswith(".")
    text = shown(page)
    assert page.code in text
    assert all(heading in text for heading in HEADINGS)
    assert markdown(page).startswith(f"# {page.code}\n")


def test_the_list_names_every_rule() -> None:
    stream = io.StringIO()
    write_list(Paper(stream))
    lines = {line.strip() for line in stream.getvalue().splitlines()}
    assert {rule.code for rule in RULES} <= lines


def test_an_unknown_code_names_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"did you mean .*tftp-nat-loss"):
        page_of("tftp-nat-los")
    with pytest.raises(UsageError, match="lists all"):
        page_of("qqqqqqqq")


def test_examples_stay_as_they_are_and_prose_is_joined() -> None:
    section = Section("Fix", ("Put this\nthere:\n    dhcp-boot=a  b\n      c\nand restart.",))
    page = Page("x", "X.", "dhcp", "error", (), (section,))
    assert "  Put this there:\n  dhcp-boot=a  b\n    c\n  and restart.\n" in shown(page)
    assert "Put this there:\n\n```\ndhcp-boot=a  b\n  c\n```\n\nand restart.\n" in markdown(page)


def test_markdown_keeps_signs_literal() -> None:
    page = Page("x", "A *b* <c> `d_e*`.", "dhcp", "error", (), (Section("Fix", ("a_b <https://x>",)),))
    assert "**A \\*b\\* \\<c> `d_e*`.**" in markdown(page)
    assert "a\\_b \\<https://x>" in markdown(page)


def test_generated_pages_are_fresh() -> None:
    spec = importlib.util.spec_from_file_location("make_docs", ROOT / "docs" / "make_docs.py")
    assert spec is not None
    assert spec.loader is not None
    module: ModuleType = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    files: dict[Path, str] = module.generated()
    stale = [path.name for path, text in files.items() if not path.exists() or path.read_text("utf-8") != text]
    gone = {path.name for path in (ROOT / "docs" / "faults").glob("*.md")} - {path.name for path in files}
    assert (stale, gone) == ([], set()), "run: make docs"
