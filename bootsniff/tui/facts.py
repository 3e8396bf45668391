"""What the screens say about a machine in few words: step, chain, trouble, progress; pure functions of the model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

from rich.cells import cell_len

from ..model import NANOSECONDS, Boot, Fetch, Finding, Machine, Report, Stage, Status
from .lines import Span, Tone, cut, line
from .wording import size

State = Literal["ok", "bad", "running", "plain"]
"""How a step of a chain went: done, where it broke, under way, or passed without a result of its own."""

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
_WEAK = frozenset({"probe", "optional"})


class Step(NamedTuple):
    """One link of a boot's chain: `TFTP ipxe.efi`, `DHCP`, `kernel`."""

    text: str
    state: State


def key_of(machine: Machine) -> MachineKey:
    return machine.mac, machine.vlan


def last_boot(machine: Machine) -> Boot | None:
    return machine.boots[-1] if machine.boots else None


def last_stage(machine: Machine) -> Stage | None:
    boot = last_boot(machine)
    return boot.stages[-1] if boot and boot.stages else None


def stage_label(stage: Stage | None) -> str:
    """The stage in at most ten cells or so: `x64 HTTP`, `iPXE x64`, `GRUB`."""
    if stage is None:
        return ""
    client = stage.client
    fixed = {"os": "OS", "grub": "GRUB", "shim": "shim", "pxelinux": "PXELINUX", "bios-pxe": "BIOS PXE"}
    if client in fixed:
        return fixed[client]
    if client.startswith("efi-"):
        _, arch, way = client.split("-", 2)
        return f"{arch} {way.upper()}"
    if client.startswith("ipxe"):
        return "iPXE " + (client.rsplit("-", 1)[-1] if "efi" in client else "BIOS")
    if client.startswith("u-boot"):
        return "U-Boot" + client.removeprefix("u-boot").replace("-", " ")
    return client


def file_name(url: str) -> str:
    """The last part of a URL that says something."""
    path = url.split("?", 1)[0].rstrip("/")
    return path.rsplit("/", 1)[-1] or url


def findings_of(machine: Machine) -> tuple[Finding, ...]:
    """Worst first; what explains another stands right below it."""
    ranked = sorted(machine.findings, key=lambda f: (-(f.boot or 0), finding_rank(f)))
    roots = [f for f in ranked if not (f.explains and any(f.explains == other.code for other in ranked))]
    out: list[Finding] = []
    for root in roots:
        out.append(root)
        out += [f for f in ranked if f.explains == root.code and f.boot == root.boot and f not in out]
    return tuple(out + [f for f in ranked if f not in out])


def finding_rank(finding: Finding) -> tuple[int, int, bool]:
    return _SEVERITY_RANK[finding.severity], _CONFIDENCE_RANK[finding.confidence], finding.explains is not None


def worst_finding(machine: Machine) -> Finding | None:
    """The gravest finding of the last boot, else of any."""
    if not machine.findings:
        return None
    last = len(machine.boots) - 1
    return min(machine.findings, key=lambda f: (f.boot != last, finding_rank(f)))


def trouble(machine: Machine) -> int:
    """0 for a stalled machine, larger is better; an error makes a running boot worse than one without."""
    rank = _STATUS_RANK[machine.status]
    return rank - 1 if rank and any(f.severity == "error" for f in machine.findings) else rank


def in_trouble(machine: Machine) -> bool:
    return trouble(machine) < 2


def urgency(machine: Machine) -> tuple[int, int]:
    """Sorts by trouble, then the one seen last first."""
    return trouble(machine), -machine.last_seen


def chain(boot: Boot | None) -> list[Step]:
    """The steps of a boot; names searched for in vain and modules of a loader are counted, not listed."""
    steps: list[Step] = []
    for stage in boot.stages if boot else ():
        steps += _stage_steps(stage)
    if boot and boot.status == "stalled" and steps and not any(step.state == "bad" for step in steps):
        steps[-1] = Step(steps[-1].text, "bad")
    return steps


def _stage_steps(stage: Stage) -> Iterator[Step]:
    if stage.dhcp:
        name = "DHCPv6" if stage.dhcp.version == 6 else "DHCP"
        state: State = "ok" if stage.dhcp.status in ("bound", "informed") else "plain"
        yield Step("OS " + name if stage.client == "os" else name, state)
    files = [fetch for fetch in stage.fetches if fetch.status not in _WEAK]
    if len(files) > 4 and stage.client in ("grub", "pxelinux", "u-boot-script"):
        shown = [fetch for fetch in files if boot_role(fetch) or fetch.status != "complete"]
        if rest := len(files) - len(shown):
            yield Step(f"{stage_label(stage)} {rest} files", "ok")
        files = shown
    last: Step | None = None
    for fetch in files:
        step = Step(step_name(fetch), _state_of(fetch))
        if step != last:  # a name tried again from another port is one step
            yield step
        last = step


def boot_role(fetch: Fetch) -> str:
    """`kernel` or `initrd` when the bytes or the name say so, else empty."""
    content = (fetch.content or "").lower()
    name = file_name(fetch.url).lower()
    if "linux kernel" in content or name.startswith(("vmlinuz", "bzimage")) or name == "linux":
        return "kernel"
    if "initrd" in content or "cpio" in content or name.startswith(("initrd", "initramfs")):
        return "initrd"
    return ""


def step_name(fetch: Fetch) -> str:
    """`kernel`, `initrd`, or protocol and file name."""
    return boot_role(fetch) or f"{fetch.protocol.upper()} {file_name(fetch.url)}"


def _state_of(fetch: Fetch) -> State:
    states: dict[str, State] = {"complete": "ok", "failed": "bad", "stalled": "bad", "in-progress": "running"}
    return states.get(fetch.status, "plain")


_TONES: dict[State, Tone] = {"ok": "", "bad": "error", "running": "accent", "plain": "dim"}
_SIGNS: dict[State, str] = {"ok": "", "bad": " ✖", "running": " …", "plain": ""}


def chain_line(steps: list[Step], width: int) -> tuple[Span, ...]:
    """The steps joined by `>` in at most `width` cells; the beginning goes first when there is not enough room."""
    pieces: list[Span] = []
    left = width
    for number, step in enumerate(reversed(steps)):
        text = cut(step.text, 40) + _SIGNS[step.state]
        joint = " > " if number else ""
        need = cell_len(text) + len(joint)
        lead = 0 if number == len(steps) - 1 else 2
        if pieces and need + lead > left:
            pieces.append(Span("… > " if left >= 4 else "…" if left else "", "dim"))
            break
        if joint:
            pieces.append(Span(joint, "dim"))
        pieces.append(Span(cut(text, left - len(joint)), _TONES[step.state]))
        left -= need
    return line(*reversed(pieces))


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
    done = f"{min(100, 100 * fetch.bytes // fetch.size):3}%" if fetch.size else size(fetch.bytes)
    end = max(fetch.end, now) if fetch.status == "in-progress" else fetch.end
    return f"{done} {rate(fetch.bytes, end - fetch.start)}"


def rate(amount: int, ns: int) -> str:
    """Bytes over a time, per second; empty when the time is too short to say."""
    return f"{size(round(amount * NANOSECONDS / ns))}/s" if ns > 1_000_000 else ""


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
