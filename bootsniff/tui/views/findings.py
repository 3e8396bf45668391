"""Findings with their proof and their fixes as rows, and as plain text for the clipboard."""

from __future__ import annotations

from collections.abc import Iterable

from ...model import Finding, Machine
from ..facts import SEVERITY_MARKS, findings_of, last_boot
from ..lines import Line, Row, Span, cut, line, width_of, wrapped

FindingKey = tuple[str, int | None, str]
"""Code, boot and subject: what keeps two findings of a machine apart."""


def key_of(finding: Finding) -> FindingKey:
    return finding.code, finding.boot, finding.subject


def finding_rows(machine: Machine | None, network: Iterable[Finding], width: int, *, fixes: bool) -> list[Row]:
    """The machine's findings, worst first, then those of the network."""
    rows: list[Row] = []
    mine = findings_of(machine) if machine else ()
    for finding in mine:
        rows += _one(finding, width, fixes=fixes, indent="  " if _is_cause(finding, mine) else "")
    if machine and not mine:
        rows += [Row(each) for each in wrapped(_nothing_wrong(machine), width, "dim", first=" ")]
    others = tuple(network)
    if others:
        rows.append(Row(line(" ", ("of the network", "head"))))
        for finding in others:
            rows += _one(finding, width, fixes=fixes)
    return rows


def _is_cause(finding: Finding, among: tuple[Finding, ...]) -> bool:
    return any(finding.explains == other.code for other in among)


def _nothing_wrong(machine: Machine) -> str:
    boot = last_boot(machine)
    if boot is None:
        return "not a boot client"
    if boot.status == "in-progress":
        return f"nothing wrong so far; waits for {boot.waiting_for}" if boot.waiting_for else "nothing wrong so far"
    if boot.status == "stalled":
        return "no finding: the packets do not show why; the machine's screen and the server's log may say it"
    return "no finding"


def _one(finding: Finding, width: int, *, fixes: bool, indent: str = "") -> list[Row]:
    key = key_of(finding)
    mark = SEVERITY_MARKS[finding.severity]
    which = f" boot {finding.boot + 1}" if finding.boot else ""
    lead = f"   {indent}"
    name = cut(finding.code, max(8, width - len(lead)))
    weight = f"{finding.severity}, {finding.confidence}{which}"
    head = line(f" {indent}", mark, " ", (name, mark.tone or "bold"))
    room = width - width_of(head) - 2
    lines: list[Line] = [(*head, Span("  " + weight)) if len(weight) <= room else head]
    lines += [] if len(weight) <= room else wrapped(weight, width, "dim", first=lead)
    lines += wrapped(finding.summary, width, first=lead)
    if finding.explains:
        lines += wrapped(f"would explain {finding.explains}", width, "dim", first=lead)
    if finding.expected:
        lines += wrapped(finding.expected, width, first=f"{lead}expected: ")
    if finding.proof:
        lines += wrapped(finding.proof, width, "dim", first=f"{lead}to prove it: ")
    several = len({item.capture for item in finding.evidence}) > 1
    for item in finding.evidence[:4]:
        where = f"capture {item.capture + 1} " if several else ""
        lines += wrapped(f"{where}frame {item.frame}: {item.role}", width, "dim", first=f"{lead}• ", rest=f"{lead}  ")
    more = len(finding.evidence) - 4
    if more > 0:
        lines.append(line(lead, (f"• and {more} more {'frame' if more == 1 else 'frames'}", "dim")))
    rows = [Row(each, key) for each in lines]
    return rows + fix_rows(finding, width, key=key, indent=lead) if fixes else rows


def fix_rows(finding: Finding, width: int, *, key: FindingKey | None = None, indent: str = " ") -> list[Row]:
    """The lines to paste, by program. Lines are wrapped on the screen only; the clipboard gets them whole."""
    rows: list[Row] = []
    for fix in finding.fixes:
        rows.append(Row((Span(indent), Span(f"fix, {fix.target}:", "ok")), key))
        rows += [Row(each, key) for each in wrapped(fix.text, width, "accent", first=f"{indent}  ")]
    return rows


def fix_text(finding: Finding) -> str:
    """Every fix as it belongs into the configuration; more than one each under a comment that names its program."""
    if len(finding.fixes) == 1:
        return finding.fixes[0].text + "\n"
    return "\n".join(f"# {fix.target}\n{fix.text}\n" for fix in finding.fixes)


def verdict_text(machine: Machine, finding: Finding | None) -> str:
    """A few lines for a ticket or a chat: who, how far, what is wrong, what to do."""
    boot = last_boot(machine)
    who = " ".join(part for part in (machine.mac, machine.hostname, *machine.addresses[-1:]) if part)
    where = f" at {boot.stalled_at}" if boot and boot.stalled_at else ""
    out = [f"{who}: {machine.status}{where}"]
    if finding:
        out.append(f"{finding.code} ({finding.severity}, {finding.confidence}): {finding.summary}")
        out += [f"expected: {finding.expected}"] if finding.expected else []
        out += [f"frame {item.frame}: {item.role}" for item in finding.evidence]
        for fix in finding.fixes:
            out += [f"fix, {fix.target}:", fix.text]
    return "\n".join(out) + "\n"
