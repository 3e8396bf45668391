"""What the screens say about a machine in few words: step, chain, trouble, progress; pure functions of the model."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace
from rich.cells import cell_len

from ..model import Boot, Fetch, Finding, Machine, Report, Stage, Status
from ..report.chain import Mark, Step, chain, client_label, file_label, stage_of_stall
from ..report.units import amount
from .lines import Line, Span, Tone, cut
from .wording import rate

MachineKey = tuple[str, int | None]
"""A machine among others: hardware address and VLAN."""

MARKS: dict[Status, Span] = {
    "stalled": Span("✖", "error"),
    "in-progress": Span("▶", "accent"),
    "handed-off": Span("✔", "ok"),
    "not-booting": Span("·", "dim"),
}
SEVERITY_MARKS = {"error": Span("✖", "error"), "warning": Span("!", "warning"), "note": Span("i", "note")}
_STATUS_RANK: dict[Status, int] = {"stalled": 0, "in-progress": 2, "handed-off": 4, "not-booting": 6}
_SEVERITY_RANK = {"error": 0, "warning": 1, "note": 2}
_CONFIDENCE_RANK = {"certain": 0, "likely": 1, "possible": 2}


def key_of(machine: Machine) -> MachineKey:
    return machine.mac, machine.vlan


def last_boot(machine: Machine) -> Boot | None:
    return machine.boots[-1] if machine.boots else None


def last_stage(machine: Machine) -> Stage | None:
    boot = last_boot(machine)
    return boot.stages[-1] if boot and boot.stages else None


def stage_in_question(machine: Machine) -> Stage | None:
    """The stage where a boot stalled, whatever the firmware tried later; else the last."""
    boot = last_boot(machine)
    stalled = stage_of_stall(boot) if boot and machine.status == "stalled" else None
    return boot.stages[stalled] if boot and stalled is not None else last_stage(machine)


def stage_label(stage: Stage | None) -> str:
    """The stage in about ten cells: `x64 HTTP`, `iPXE EFI x64`, `GRUB`."""
    return client_label(stage.client).removeprefix("EFI ") if stage else ""


def findings_of(machine: Machine) -> tuple[Finding, ...]:
    """Worst first; what explains another stands right below it."""
    ranked = sorted(machine.findings, key=lambda finding: finding_rank(machine, finding))
    roots = [f for f in ranked if not (f.explains and any(f.explains == other.code for other in ranked))]
    out: list[Finding] = []
    for root in roots:
        out.append(root)
        out += [f for f in ranked if f.explains == root.code and f.boot == root.boot and f not in out]
    return tuple(out + [f for f in ranked if f not in out])


def finding_rank(machine: Machine, finding: Finding) -> tuple[bool, int, bool, int, bool]:
    """The last boot's first, then by severity; among equals what made the boot stall, then the surest."""
    boot = machine.boots[finding.boot] if finding.boot is not None and finding.boot < len(machine.boots) else None
    elsewhere = boot is not None and boot.stalled_stage is not None and finding.stage != boot.stalled_stage
    return (
        finding.boot is not None and finding.boot != len(machine.boots) - 1,
        _SEVERITY_RANK[finding.severity],
        elsewhere,
        _CONFIDENCE_RANK[finding.confidence],
        finding.explains is not None,
    )


def worst_finding(machine: Machine) -> Finding | None:
    """The gravest finding of the last boot, else of any."""
    return min(machine.findings, key=lambda finding: finding_rank(machine, finding), default=None)


def trouble(machine: Machine) -> int:
    """0 for a stalled machine, larger is better; an error makes a running boot worse than one without."""
    rank = _STATUS_RANK[machine.status]
    return rank - 1 if rank and any(f.severity == "error" for f in machine.findings) else rank


def in_trouble(machine: Machine) -> bool:
    return trouble(machine) < 2


def urgency(machine: Machine) -> tuple[int, int]:
    """Sorts by trouble, then the one seen last first."""
    return trouble(machine), -machine.last_seen


def steps(boot: Boot | None) -> list[Step]:
    """The chain of a boot without its stages: what the table has room for."""
    out: list[Step] = []
    for turn in chain(boot) if boot else ():
        stage = boot.stages[turn.stage] if boot else None
        for step in turn.steps:
            role = boot_role(stage.fetches[step.fetch]) if stage and step.fetch is not None else ""
            label = role or ("OS DHCP" if stage and stage.client == "os" and step.label == "DHCP" else step.label)
            out.append(replace(step, label=label))
        if turn.times > 1 and out:
            out[-1] = replace(out[-1], label=f"{out[-1].label} (stage {turn.times}×)")
    return out


def steps_to_stall(boot: Boot | None) -> list[Step]:
    """The steps up to the one where the boot stalled; all of one that did not."""
    links = steps(boot)
    marks = [step.mark for step in links]
    return links[: marks.index("stalled") + 1] if boot and boot.status == "stalled" and "stalled" in marks else links


def boot_role(fetch: Fetch) -> str:
    """`kernel` or `initrd` when the bytes or the name say so, else empty."""
    content = (fetch.content or "").lower()
    name = file_label(fetch.url).lower()
    if "linux kernel" in content or name.startswith(("vmlinuz", "bzimage")) or name == "linux":
        return "kernel"
    if "initrd" in content or "cpio" in content or name.startswith(("initrd", "initramfs")):
        return "initrd"
    return ""


_LOOKS: dict[Mark, tuple[Tone, str]] = {
    "done": ("", ""),
    "stalled": ("error", " ✖"),
    "failed": ("dim", " ~"),
    "running": ("accent", " …"),
}


def chain_line(links: Sequence[Step], width: int) -> Line:
    """The steps joined by `>` in at most `width` cells; the beginning goes first when there is not enough room."""
    pieces: list[Span] = []
    left = width
    for number, step in enumerate(reversed(links)):
        tone, sign = _LOOKS[step.mark]
        tail = (f" {step.times}×" if step.times > 1 else "") + sign
        joint = " > " if number else ""
        room = left - len(joint) - len(tail) - (number < len(links) - 1)
        label = cut(step.label, 40)
        if number and cell_len(label) > room:
            pieces.append(Span("… > " if left >= 4 else "…" * min(1, left), "dim"))
            break
        if joint:
            pieces.append(Span(joint, "dim"))
        text = cut(cut(label, max(0, room)) + tail, max(0, left))
        pieces.append(Span(text, tone))
        left -= cell_len(text) + len(joint)
    return tuple(reversed(pieces))


def running_fetch(machine: Machine) -> Fetch | None:
    """The transfer that is under way, or the one that stopped in the middle."""
    stage = last_stage(machine)
    if stage is None:
        return None
    for fetch in reversed(stage.fetches):
        if fetch.status == "in-progress" or (fetch.status == "stalled" and fetch.bytes):
            return fetch
    return None


def progress(fetch: Fetch, now: int) -> str:
    """` 45%  3.2 MiB/s`, or bytes where the size is unknown."""
    done = f"{min(100, 100 * fetch.bytes // fetch.size):3}%" if fetch.size else amount(fetch.bytes)
    end = max(fetch.end, now) if fetch.status == "in-progress" else fetch.end
    return f"{done} {rate(fetch.bytes, end - fetch.start)}"


def silence(machine: Machine, now: int | None) -> int | None:
    """How long a machine that should go on has said nothing; None for one that has arrived or does not boot."""
    if machine.status in ("handed-off", "not-booting") or now is None:
        return None
    return max(0, now - machine.last_seen)


def searchable(machine: Machine) -> str:
    """What a filter looks into: MAC, addresses, names, stage labels, status, finding codes; lower case."""
    return " ".join(
        [
            machine.mac,
            machine.mac.replace(":", "-"),
            *machine.addresses,
            machine.hostname or "",
            machine.vendor or "",
            machine.status,
            f"vlan {machine.vlan}" if machine.vlan is not None else "",
            *(
                f"{stage.client} {stage.name} {stage_label(stage)}"
                for boot in machine.boots[-1:]
                for stage in boot.stages
            ),
            *(finding.code for finding in machine.findings),
        ]
    ).lower()


def frames_seen(report: Report) -> int:
    return sum(capture.frames for capture in report.captures)


def frames_lost(report: Report) -> int:
    return sum(capture.dropped_frames for capture in report.captures)


def first_time(report: Report) -> int | None:
    return min((capture.first for capture in report.captures if capture.first is not None), default=None)
