"""The catalogue of findings as pages: from the docstrings of the rules to text, Markdown and whatever shows them."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from difflib import get_close_matches
from functools import cache
from itertools import groupby

from msgspec import Struct

from ..errors import UsageError
from ..model import Severity, StallPoint
from ..rules.registry import RULES
from ..rules.rule import HEADINGS, Cause, Rule
from .lines import Paper, Span

STAGE_TITLES: dict[StallPoint, str] = {
    "link": "Link",
    "dhcp": "DHCP",
    "proxydhcp": "ProxyDHCP",
    "arp": "ARP",
    "dns": "DNS",
    "tcp": "TCP",
    "tls": "TLS",
    "tftp": "TFTP",
    "http": "HTTP",
    "nbp": "Boot program",
    "chain": "Chain of boot programs",
    "os": "Operating system",
}


class Section(Struct, frozen=True):
    """One part of a page; paragraphs are separated by empty lines, indented lines are examples."""

    heading: str
    paragraphs: tuple[str, ...]


class Page(Struct, frozen=True):
    """What the catalogue says about one finding."""

    code: str
    title: str
    stage: StallPoint
    severity: Severity
    cause_of: tuple[str, ...]
    """Codes of the findings under which this one may stand as a cause."""
    sections: tuple[Section, ...]


@cache
def pages() -> tuple[Page, ...]:
    """All pages, in the order of a boot."""
    order = list(STAGE_TITLES)
    return tuple(sorted(map(_page, RULES), key=lambda page: (order.index(page.stage), page.code)))


def page_of(code: str) -> Page:
    """The page of a finding. Raises UsageError, with the nearest codes, when there is none."""
    known = {page.code: page for page in pages()}
    page = known.get(code.strip().lower())
    if page is None:
        near = get_close_matches(code.lower(), known, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(near)}?" if near else "`bootsniff explain` lists all"
        raise UsageError(f"there is no finding {code!r}; {hint}")
    return page


def write_page(page: Page, paper: Paper) -> None:
    """One page as text."""
    paper.line(Span(page.code, "code"), f"  ({page.severity}, stalls at {page.stage})")
    paper.prose(page.title, style="strong")
    if page.cause_of:
        paper.prose(f"A cause of {', '.join(page.cause_of)}.")
    for section in page.sections:
        paper.blank()
        paper.line(Span(section.heading, "strong"))
        for paragraph in section.paragraphs:
            for block in _blocks(paragraph):
                if isinstance(block, str):
                    paper.prose(block, 2)
                else:
                    for text in block:
                        paper.line("  ", Span(text, "fix"))


def write_list(paper: Paper) -> None:
    """All codes with their titles, by stage."""
    stage: str | None = None
    for page in pages():
        if page.stage != stage:
            if stage is not None:
                paper.blank()
            stage = page.stage
            paper.line(Span(STAGE_TITLES[page.stage], "strong"))
        paper.line("  ", Span(page.code, "code"))
        paper.prose(page.title, 6)


def markdown(page: Page) -> str:
    """One page as Markdown, for docs/faults/."""
    lines = [
        f"# {page.code}",
        "",
        f"**{_markdown_text(page.title)}**",
        "",
        f"Stage: {page.stage}. Severity: {page.severity}.",
    ]
    if page.cause_of:
        lines[-1] += f" A cause of {', '.join(f'[{code}]({code}.md)' for code in page.cause_of)}."
    for section in page.sections:
        lines += ["", f"## {section.heading}"]
        for paragraph in section.paragraphs:
            for block in _blocks(paragraph):
                lines.append("")
                if isinstance(block, str):
                    lines.append(_markdown_text(block))
                else:
                    lines += ["```", *block, "```"]
    return "\n".join(lines) + "\n"


def markdown_index() -> str:
    """The list of all pages as Markdown."""
    lines = [
        "# Findings",
        "",
        "What bootsniff can tell, by the stage at which a boot stalls. Made from the rules by `make docs`.",
    ]
    stage: str | None = None
    for page in pages():
        if page.stage != stage:
            stage = page.stage
            lines += ["", f"## {STAGE_TITLES[page.stage]}", ""]
        lines.append(f"- [{page.code}]({page.code}.md): {_markdown_text(page.title)}")
    return "\n".join(lines) + "\n"


def _page(rule: Rule) -> Page:
    title, _, body = inspect.cleandoc(type(rule).__doc__ or "").partition("\n")
    sections: list[Section] = []
    heading, lines = "", list[str]()
    for line in [*body.split("\n"), None]:
        if line is None or line in HEADINGS:
            if heading:
                sections.append(Section(heading, _paragraphs(lines)))
            heading, lines = line or "", []
        else:
            lines.append(line)
    causes = rule.symptoms if isinstance(rule, Cause) else ()
    return Page(rule.code, title, rule.stage, rule.severity, tuple(causes), tuple(sections))


def _paragraphs(lines: Iterable[str]) -> tuple[str, ...]:
    text = inspect.cleandoc("\n".join(["", *lines]))
    return tuple(part for part in text.split("\n\n") if part.strip())


def _blocks(paragraph: str) -> list[str | list[str]]:
    """Prose joined to one line, and runs of indented lines as they stand."""
    blocks: list[str | list[str]] = []
    for example, lines in groupby(paragraph.split("\n"), key=lambda line: line.startswith("    ")):
        if example:
            blocks.append([line[4:] for line in lines])
        else:
            blocks.append(" ".join(line.strip() for line in lines))
    return blocks


def _markdown_text(text: str) -> str:
    """Prose that Markdown does not take for markup: `<`, `*` and `_` outside of code."""
    pieces = text.split("`")
    for number in range(0, len(pieces), 2):
        for sign in ("\\", "*", "_", "<"):
            pieces[number] = pieces[number].replace(sign, "\\" + sign)
    return "`".join(pieces)
