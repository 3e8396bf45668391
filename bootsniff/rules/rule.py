"""What a rule is: one fault, its documentation and the check that recognises it; no state and no I/O.

A rule's class docstring is its page in the catalogue. It has a title line and these headings, in this order, each
followed by indented text: What happens, On the wire, Not to be confused with, Causes, Fix, Sources.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, ClassVar, Literal

from ..model import Confidence, Evidence, Finding, Fix, Severity, StallPoint

if TYPE_CHECKING:
    from ..track.records import StageRecord, World
    from .case import Case

HEADINGS = ("What happens", "On the wire", "Not to be confused with", "Causes", "Fix", "Sources")

Needs = Literal["any", "dhcp4", "dhcp6", "fetches", "lookups", "connections", "arps"]
"""What a stage must have for a rule to be worth asking."""

MAX_EVIDENCE = 12


class Rule:
    """One fault that can be seen on the wire."""

    code: ClassVar[str]
    stage: ClassVar[StallPoint]
    """Where a boot stands that has this fault."""
    severity: ClassVar[Severity] = "error"
    """Of a boot that the fault stopped; the judge lowers it for boots that survived."""
    summary: ClassVar[str]
    """One line, a `str.format` template."""
    explains_away: ClassVar[tuple[str, ...]] = ()
    """Codes of symptoms of the same stage that need not be told beside this cause."""
    needs: ClassVar[Needs] = "any"
    last_resort: ClassVar[bool] = False
    """Told only of a stage of which no other rule tells an error."""
    always: ClassVar[bool] = False
    """Look at every stage; otherwise only at stages where a boot option ended without success."""
    misses_options: ClassVar[bool] = False
    """Speaks of something that DHCP replies lack: of replies that the capture cut nobody knows."""
    side_issue: ClassVar[bool] = False
    """Of a boot option that nobody may have meant to serve: a warning once another option got farther."""

    def concerns(self, client: str) -> bool:  # noqa: ARG002 - most rules are for every client
        """Whether a kind of client (a word of the report) can have this fault at all."""
        return True

    def may(self, stage: StageRecord, world: World) -> bool:  # noqa: ARG002 - most rules look at the case
        """A cheap look whether `check` may find anything: of the rules that are asked about every stage, most may not."""
        return True

    def check(self, case: Case) -> Iterator[Finding]:
        """Findings of one stage. `case.world` has the capture's quality and the time."""
        raise NotImplementedError

    def finding(
        self,
        case: Case,
        evidence: Iterable[Evidence],
        *,
        confidence: Confidence = "certain",
        severity: Severity | None = None,
        subject: str = "",
        expected: str = "",
        proof: str = "",
        fixes: tuple[Fix, ...] = (),
        explains: str | None = None,
        **values: object,
    ) -> Finding:
        """A finding of this rule about the case's stage; `values` fill the summary. The subject defaults to the client."""
        return Finding(
            code=self.code,
            severity=severity or self.severity,
            confidence=confidence,
            summary=self.summary.format(**values),
            boot=case.boot_index,
            stage=case.stage_index,
            subject=subject or case.client,
            explains=explains,
            expected=expected,
            proof=proof,
            evidence=tuple(evidence)[:MAX_EVIDENCE],
            fixes=fixes,
        )


class Cause(Rule):
    """A mistake that packets hint at but do not show: its finding is a note under the finding that it explains."""

    severity = "note"
    symptoms: ClassVar[tuple[str, ...]]
    """Codes of the findings it can be the cause of."""

    def explain(self, case: Case, symptom: Finding) -> Iterator[Finding]:
        """Notes under `symptom`, the first finding of its code at the stage."""
        raise NotImplementedError

    def check(self, case: Case) -> Iterator[Finding]:  # noqa: ARG002 - a cause is only asked about symptoms
        yield from ()
