"""Asks the rules about machines and puts their findings in order; changes no record and keeps no time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache, partial
from typing import TypeVar

from msgspec.structs import replace

from ..model import FAILED_MACHINES, FAILED_RULE, Confidence, Finding, Machine, Severity
from ..track.records import MachineRecord, StageRecord, World
from ..track.roster import MAX_MACHINES
from ..track.snapshot import machine_value
from . import network, options, registry
from .case import Case
from .overview import Overview
from .rule import MAX_EVIDENCE, Cause, Rule

MAX_FINDINGS = 64
"""Findings kept of one machine; the others are counted in `Judge.dropped`."""

_NOTHING_TAKEN: Mapping[int, int] = {}
T = TypeVar("T")

_SEVERITY: dict[Severity, int] = {"error": 0, "warning": 1, "note": 2}
_CONFIDENCE: dict[Confidence, int] = {"certain": 0, "likely": 1, "possible": 2}


class Judge:
    """Knows all rules; `machine` gives a machine's snapshot with its findings."""

    def __init__(self, world: World, *, arrows: bool = True, strict: bool = False) -> None:
        """A rule or machine that raises is left out and counted; `strict` lets its error through, for those who can mend it."""
        self._world = world
        self._arrows = arrows
        self._strict = strict
        self._failed: dict[str, int] = {}
        self._untold: set[str] = set()
        """MACs of machines that could not be told."""
        self._overview: Overview | None = None
        self._moment = (-1, -1)
        self.dropped = 0
        """Findings that were more than MAX_FINDINGS on one machine."""

    def machine(self, record: MachineRecord, before: Machine | None = None) -> Machine | None:
        """The machine's value with its findings, worst and surest first; None when a bug of ours raises.

        `before` is its value a moment ago, if there is one: boots that were over then are not told anew.
        """
        try:
            told = before.findings if before is not None else ()
            return machine_value(
                record, self._world, partial(self.findings, told=told), arrows=self._arrows, before=before
            )
        except Exception:
            if self._strict:
                raise
            if len(self._untold) < MAX_MACHINES:
                self._untold.add(record.mac)
            return None

    def findings(
        self, record: MachineRecord, taken: Mapping[int, int] = _NOTHING_TAKEN, *, told: tuple[Finding, ...] = ()
    ) -> tuple[Finding, ...]:
        """A machine's findings, worst and surest first.

        Of boots in `taken` they are those that were `told` a moment ago, of the boot that had the index there then.
        """
        if not record.boot_client:
            return ()
        if len(told) >= MAX_FINDINGS:
            taken = _NOTHING_TAKEN  # there may have been more
        before: dict[int | None, list[Finding]] = {}
        for finding in told:
            before.setdefault(finding.boot, []).append(finding)
        found: list[Finding] = []
        for boot_index in range(len(record.boots)):
            if boot_index not in taken:
                found += self._boot(record, boot_index)
                continue
            for finding in before.get(taken[boot_index], ()):
                found.append(finding if finding.boot == boot_index else replace(finding, boot=boot_index))
        if not found:
            return ()
        found.sort(
            key=lambda finding: (_SEVERITY[finding.severity], not _at_the_stall(record, finding), *_order(finding))
        )
        self.dropped += max(0, len(found) - MAX_FINDINGS)
        return tuple(found[:MAX_FINDINGS])

    def network(self) -> tuple[Finding, ...]:
        """Findings of the network: faults that several machines share."""
        return tuple(found for code, look in network.SHARED for found in self._said(code, partial(look, self._world)))

    def counters(self) -> dict[str, int]:
        """Findings that were too many, the rules that failed with how often they did, and machines that failed."""
        failed = {FAILED_RULE + code: times for code, times in self._failed.items()}
        if self._untold:
            failed[FAILED_MACHINES] = len(self._untold)
        return {"dropped_findings": self.dropped, **failed}

    def _look_around(self) -> Overview:
        """What is known of all machines; gathered anew when time went on."""
        moment = self._world.now, len(self._world.machines)
        if self._overview is None or self._moment != moment:
            self._overview, self._moment = Overview(self._world), moment
        return self._overview

    def _boot(self, record: MachineRecord, boot_index: int) -> list[Finding]:
        boot = record.boots[boot_index]
        option_list = options.split(boot)
        over = boot.status == "stalled" and (self._world.ended or not boot.trying)
        ends = {option[-1] for option in option_list if over or option is not option_list[-1]}
        found: dict[tuple[str, str], Finding] = {}
        for stage_index, stage in enumerate(boot.stages):
            rules = _asked(
                0 if stage.dhcp is None else stage.dhcp.version,
                bool(stage.fetches),
                bool(stage.lookups),
                bool(stage.connections),
                bool(stage.arps or stage.neighbors),
                stage.client,
                stage_index in ends,
            )
            worth = self._worth(rules, stage)
            if not worth:
                continue  # as with nearly every stage of a boot that goes well
            case = Case(self._look_around(), record, boot_index, stage_index, option_list)
            here = [finding for rule in worth for finding in self._said(rule.code, partial(rule.check, case))]
            if here:
                here += self._causes(case, here)
                if case.replies_cut:
                    here = [_of_cut_replies(finding) for finding in here]
                reaches = [options.reach(boot, option) for option in option_list]
                for finding in _without_symptoms(here):
                    lowered = _by_outcome(case, reaches, finding)
                    key = finding.code, finding.subject
                    found[key] = _merged(found[key], lowered) if key in found else lowered
        return list(found.values())

    def _worth(self, rules: Iterable[Rule], stage: StageRecord) -> list[Rule]:
        """The rules that may find something at a stage."""
        try:
            return [rule for rule in rules if rule.may(stage, self._world)]
        except Exception:  # noqa: BLE001 - a bug in one of many: the others are asked one by one
            return [rule for rule in rules if True in self._said(rule.code, partial(_may, rule, stage, self._world))]

    def _said(self, code: str, look: Callable[[], Iterable[T]]) -> list[T]:
        """What a rule says; nothing when it has a bug and raises: the report goes on without it, and tells so."""
        try:
            return list(look())
        except Exception:
            if self._strict:
                raise
            self._failed[code] = self._failed.get(code, 0) + 1
            return []

    def _causes(self, case: Case, findings: Iterable[Finding]) -> Iterator[Finding]:
        """Of a symptom that a stage has a thousand times, each cause is asked about the first."""
        symptoms: dict[str, Finding] = {}
        for finding in findings:
            symptoms.setdefault(finding.code, finding)
        for symptom in symptoms.values():
            for cause in registry.CAUSES.get(symptom.code, ()):
                yield from self._said(cause.code, partial(cause.explain, case, symptom))


def _may(rule: Rule, stage: StageRecord, world: World) -> tuple[bool]:
    return (rule.may(stage, world),)


def _at_the_stall(record: MachineRecord, finding: Finding) -> bool:
    """Whether a finding is about the boot option that got furthest: what stopped that one comes first."""
    boot = record.boots[finding.boot or 0]
    stalled = boot.stalled_stage
    return stalled is not None and any(stalled in option and finding.stage in option for option in options.split(boot))


@lru_cache(maxsize=512)
def _asked(
    dhcp: int,
    fetches: bool,
    lookups: bool,
    connections: bool,
    arps: bool,
    client: str,
    failed: bool,
) -> tuple[Rule, ...]:
    """Rules that may have something to say about a stage that has these things; `dhcp` is a version, or 0."""
    present = {"any": True, "dhcp4": dhcp == 4, "dhcp6": dhcp == 6, "fetches": fetches,
               "lookups": lookups, "connections": connections, "arps": arps}  # fmt: skip
    return tuple(
        rule
        for rule in registry.RULES
        if (failed or rule.always) and present[rule.needs] and not isinstance(rule, Cause) and rule.concerns(client)
    )


def _without_symptoms(findings: list[Finding]) -> Iterator[Finding]:
    """Drops what another finding of the stage explains, unless that one is less sure."""
    others = {(other.code, other.confidence, other.severity) for other in findings}
    clear = any(other.severity == "error" and not registry.BY_CODE[other.code].last_resort for other in findings)
    for finding in findings:
        if clear and registry.BY_CODE[finding.code].last_resort:
            continue
        explained = any(
            finding.code in registry.BY_CODE[code].explains_away
            and _CONFIDENCE[confidence] <= _CONFIDENCE[finding.confidence]
            and _SEVERITY[severity] <= _SEVERITY[finding.severity]
            for code, confidence, severity in others
        )
        if not explained:
            yield finding


def _of_cut_replies(finding: Finding) -> Finding:
    """What rests on an option that is missing may stand behind the place where the capture cut the reply."""
    if not registry.BY_CODE[finding.code].misses_options:
        return finding
    return replace(
        finding, confidence="possible", proof="A capture of whole packets (tcpdump -s 0): this one cut the replies."
    )


def _by_outcome(case: Case, reaches: list[int], finding: Finding) -> Finding:
    """The severity that what became of the boot leaves: a fault that the firmware survived is a note.

    `reaches` says how far each boot option came.
    """
    if finding.severity == "note":
        return finding
    if case.boot.status != "stalled":
        return replace(finding, severity="note")
    at = case.options.index(case.option)
    own = reaches[at]
    if any(later > own for later in reaches[at + 1 :]):
        return replace(finding, severity="note")
    side_issue = registry.BY_CODE[finding.code].side_issue and finding.severity == "error"
    return replace(finding, severity="warning") if side_issue and any(it > own for it in reaches[:at]) else finding


def _merged(first: Finding, second: Finding) -> Finding:
    """One finding of two with the same key: the worse one, with the evidence of both."""
    better, other = (first, second) if _order(first) <= _order(second) else (second, first)
    frames = {(item.capture, item.frame, item.role): item for item in (*better.evidence, *other.evidence)}
    return replace(better, evidence=tuple(frames.values())[:MAX_EVIDENCE])


def _order(finding: Finding) -> tuple[int, int, int, int, str]:
    boot = -1 if finding.boot is None else -finding.boot
    return _SEVERITY[finding.severity], boot, _CONFIDENCE[finding.confidence], -(finding.stage or 0), finding.code
