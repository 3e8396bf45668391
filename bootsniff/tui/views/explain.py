"""The catalogue of findings as rows: the list, and one entry as its rule documents it."""

from __future__ import annotations

import inspect
from collections.abc import Iterable

from ...rules.registry import BY_CODE
from ...rules.rule import HEADINGS, Rule
from ..facts import SEVERITY_MARKS
from ..lines import Row, cut, line, wrapped


def matching(words: str) -> list[Rule]:
    """Rules in whose code or text every word occurs, those with it in their code first."""
    wanted = words.lower().split()
    found = [rule for rule in BY_CODE.values() if all(word in _text(rule).lower() for word in wanted)]
    return sorted(found, key=lambda rule: not all(word in rule.code for word in wanted))


def _text(rule: Rule) -> str:
    return f"{rule.code}\n{inspect.cleandoc(type(rule).__doc__ or '')}"


def list_rows(rules: Iterable[Rule], width: int) -> list[Row]:
    rows = [Row(line(" ", SEVERITY_MARKS[rule.severity], " ", cut(rule.code, width - 4)), rule.code) for rule in rules]
    return rows or [Row(line(" ", ("nothing in the catalogue has these words", "dim")))]


def entry_rows(code: str, width: int) -> list[Row]:
    """One entry: code, what it is, and the sections of its documentation."""
    rule = BY_CODE.get(code)
    if rule is None:
        return [Row(line(" ", (f"{cut(code, width - 30)} is not in the catalogue", "dim")))]
    width = min(width, 100)
    rows = [Row(line(" ", (cut(code, width - 1), "bold"))), Row(line(f" {rule.severity}, stage {rule.stage}"))]
    for text in inspect.cleandoc(type(rule).__doc__ or "").splitlines():
        if not text:
            continue
        if text in HEADINGS:
            rows += [Row(()), Row(line(" ", (text, "head")))]
        elif text.startswith("    "):
            rows.append(Row(line(text)))
        else:
            rows += [Row(()), *(Row(each) for each in wrapped(text, width, first=" "))]
    return _flowed(rows, width)


def _flowed(rows: list[Row], width: int) -> list[Row]:
    """Body lines of a section joined and wrapped anew for this width; list items and code keep their lines."""
    out: list[Row] = []
    pending: list[str] = []

    def flush() -> None:
        if pending:
            out.extend(Row(each) for each in wrapped(" ".join(pending), width, first="   "))
            pending.clear()

    for row in rows:
        text = row.line[0].text if row.line else ""
        if len(row.line) == 1 and text.startswith("    ") and not text.startswith("     ") and text[4] not in "-*":
            pending.append(text.strip())
            continue
        flush()
        if len(row.line) == 1 and text.startswith("    "):
            out.extend(Row(each) for each in wrapped(text.strip(), width, first="   ", rest="     "))
        else:
            out.append(row)
    flush()
    return out
