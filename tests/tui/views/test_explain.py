"""The catalogue on the screen."""

import pytest

from bootsniff.rules.registry import BY_CODE
from bootsniff.tui.lines import plain, width_of
from bootsniff.tui.views.explain import entry_rows, list_rows, matching


@pytest.mark.parametrize("code", BY_CODE)
@pytest.mark.parametrize("width", [40, 60, 140])
def test_every_entry_can_be_shown(code: str, width: int) -> None:
    rows = [plain(row.line) for row in entry_rows(code, width)]
    assert code in rows[0]
    assert " What happens" in rows
    assert " Fix" in rows
    if width >= 60:
        assert all(width_of(row.line) <= width for row in entry_rows(code, width))


def test_no_word_of_an_entry_is_lost() -> None:
    rule = BY_CODE["tftp-file-not-found"]
    shown = " ".join(plain(row.line) for row in entry_rows(rule.code, 80)).split()
    for word in (type(rule).__doc__ or "").split():
        assert word in shown


def test_search_looks_into_texts_and_puts_codes_first() -> None:
    found = [rule.code for rule in matching("nat")]
    assert "tftp-nat-loss" in found
    assert found.index("tftp-nat-loss") < len([code for code in found if "nat" in code])
    assert matching("no such words anywhere") == []
    assert len(matching("")) == len(BY_CODE)
    assert "nothing in the catalogue" in plain(list_rows([], 60)[0].line)


def test_a_code_that_is_not_there() -> None:
    assert "not in the catalogue" in plain(entry_rows("[/x]", 60)[0].line)
