"""Findings as text: what was seen and where, what did not come, what to change. Fixes stay lines one can copy."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from textwrap import wrap

from ..model import CaptureInfo, Evidence, Finding, Fix, Machine
from .chain import client_label
from .lines import Paper, Span, Style, cell_width
from .summary import ranked
from .units import Clock

_IN_WORDS = frozenset({"uefi"})
"""What is mended in a menu: the fix is a sentence, not a line of a file."""
_COMMENT = re.compile(r" *# ")
FIXES = 2
"""How many fixes are shown without `-v`: the server that was recognised comes first, a guess second."""

_SEVERITY_STYLE: dict[str, Style] = {"error": "bad", "warning": "warning", "note": "strong"}
_SEVERITY_WORD = {"error": "ERROR", "warning": "WARNING", "note": "note"}


def write_findings(
    machine: Machine, captures: tuple[CaptureInfo, ...], paper: Paper, clock: Clock, *, verbose: bool
) -> None:
    """All findings of a machine; notes stand under the finding that they explain.

    What happened in boot after boot is shown of the last one that has it.
    """
    findings = ranked(machine)
    again = {} if verbose else _earlier_boots(findings)
    codes = {finding.code for finding in findings}
    broken = {finding.boot for finding in findings if finding.severity == "error"}
    for finding in findings:
        if finding.explains in codes and finding.explains != finding.code:
            continue
        earlier = again.get(_same(finding), [])
        if finding.boot in earlier:
            continue
        paper.blank()
        where = _where(finding, machine)
        # Beside what stopped a boot, how to mend what did not stop it can wait.
        aside = finding.severity == "warning" and finding.boot in broken
        write_finding(finding, captures, paper, clock, indent=2, verbose=verbose, where=where, aside=aside)
        for cause in findings:
            if _is_cause(cause, finding, findings):
                write_finding(cause, captures, paper, clock, indent=4, verbose=verbose, cause=True, aside=aside)
        if aside and not verbose:
            paper.prose("Not what stopped this boot; -v shows how to mend it.", 4, style="dim")
        if earlier:
            boots = ", ".join(str(boot + 1) for boot in earlier)
            paper.prose(f"The same in boot {boots}: -v shows it.", 4, style="dim")


def _same(finding: Finding) -> tuple[str, str]:
    return finding.code, finding.subject


def _earlier_boots(findings: Sequence[Finding]) -> dict[tuple[str, str], list[int]]:
    """In which boots before the last that has it each finding is found too."""
    boots: dict[tuple[str, str], set[int]] = {}
    for finding in findings:
        if finding.boot is not None:
            boots.setdefault(_same(finding), set()).add(finding.boot)
    return {same: sorted(among)[:-1] for same, among in boots.items()}


def _is_cause(cause: Finding, finding: Finding, findings: Sequence[Finding]) -> bool:
    """Whether a note explains this finding: of several with its code in a boot, the one of the note's own stage."""
    if cause.explains != finding.code or cause.code == finding.code or cause.boot != finding.boot:
        return False
    if cause.stage == finding.stage:
        return True
    return not any((f.code, f.boot, f.stage) == (finding.code, cause.boot, cause.stage) for f in findings)


def write_finding(
    finding: Finding,
    captures: tuple[CaptureInfo, ...],
    paper: Paper,
    clock: Clock,
    *,
    indent: int,
    verbose: bool = False,
    cause: bool = False,
    where: str = "",
    aside: bool = False,
) -> None:
    """One finding; `cause` presents it as the reason for the one above.

    Only `verbose` shows how to fix mere notes, and what stands `aside`.
    """
    word = "cause" if cause else _SEVERITY_WORD[finding.severity]
    head = [
        Span(word, _SEVERITY_STYLE[finding.severity]),
        Span(" "),
        Span(finding.code, "code"),
        Span(f" ({finding.confidence})" + (f", {where}" if where else "")),
    ]
    paper.line(" " * indent, *head)
    inner = indent + 2
    paper.prose(finding.summary, inner)
    if finding.expected:
        paper.prose(finding.expected, inner, label=Span("expected:", "dim"))
    _write_evidence(finding.evidence, captures, paper, clock, inner)
    if finding.severity == "note" and not cause and not verbose:
        return
    if finding.proof and finding.confidence != "certain":
        paper.prose(finding.proof, inner, label=Span("to prove it:", "dim"))
    if aside and not verbose:
        return
    shown = finding.fixes if verbose else finding.fixes[:FIXES]
    for fix in shown:
        paper.line(
            " " * inner, Span("fix in a shell:" if fix.target == "shell" else f"fix for {fix.target}:", "strong")
        )
        _write_fix(fix, paper, inner + 2)
    if len(shown) < len(finding.fixes):
        others = ", ".join(dict.fromkeys(fix.target for fix in finding.fixes[FIXES:]))
        paper.prose(f"-v shows the fix for {others} too.", inner, style="dim")


def _write_fix(fix: Fix, paper: Paper, indent: int) -> None:
    """Words are wrapped. Lines to paste stay whole, and begin farther left where they fit on one line only so."""
    if fix.target in _IN_WORDS:
        paper.prose(fix.text, indent, style="fix")
        return
    lines = [part for line in fix.text.split("\n") for part in _apart(line, paper.width - indent)]
    widest = max((cell_width(line) for line in lines if not _COMMENT.match(line)), default=0)
    if widest <= paper.width:
        indent = min(indent, (paper.width - widest) // 2 * 2)
    for line in lines:
        comment = _COMMENT.match(line)
        if comment is None:
            paper.line(" " * indent, Span(line, "fix"))
            continue
        room = max(20, paper.width - indent - comment.end())
        for part in wrap(line[comment.end() :], room, break_long_words=False, break_on_hyphens=False):
            paper.line(" " * indent, Span(comment[0] + part, "fix"))


def _apart(line: str, room: int) -> list[str]:
    """A line to paste; one that is too wide has its remark on a line of its own before it."""
    code, gap, remark = line.partition("   # ")
    if not gap or cell_width(line) <= room or code.count("'") % 2 or code.count('"') % 2:
        return [line]
    return [f"{code[: len(code) - len(code.lstrip())]}# {remark}", code]


def _where(finding: Finding, machine: Machine) -> str:
    """Boot and stage, where a reader could take it for another one."""
    if finding.boot is None or not 0 <= finding.boot < len(machine.boots):
        return ""
    words = []
    boot = machine.boots[finding.boot]
    if len(machine.boots) > 1:
        words.append(f"boot {finding.boot + 1}")
    if finding.stage is not None and 0 <= finding.stage < len(boot.stages) and len(boot.stages) > 1:
        words.append(client_label(boot.stages[finding.stage].client))
    return ", ".join(words)


def _write_evidence(
    evidence: Iterable[Evidence], captures: tuple[CaptureInfo, ...], paper: Paper, clock: Clock, indent: int
) -> None:
    """`frame 37, 39 (+125.100 s) OFFER without option 60`: frames that play one part stand together."""
    parts: dict[tuple[int, str], list[Evidence]] = {}
    for piece in evidence:
        parts.setdefault((piece.capture, piece.role), []).append(piece)
    label = Span("evidence:", "dim")
    for (capture, role), unsorted in parts.items():
        pieces = sorted(unsorted, key=lambda piece: piece.frame)
        frames = ", ".join(str(piece.frame) for piece in pieces)
        place = f" of {captures[capture].path}" if len(captures) > 1 and 0 <= capture < len(captures) else ""
        relative = clock.relative(pieces[0].time)
        time = f" ({relative})" if relative else ""
        paper.prose(f"frame {frames}{place}{time} {role}", indent, label=label)
        label = Span(" " * len("evidence:"))
