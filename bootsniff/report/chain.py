"""A boot as a chain of steps: what was done, which was the last good one, where it stalled. Draws nothing itself."""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from ..model import Boot, Dhcp, Fetch, Secure, Stage
from .units import amount

Mark = Literal["done", "stalled", "failed", "running"]
"""`failed` is what went wrong without being the place where the boot stands: the machine went on, or tried else."""

FOLD_FETCHES = 8
FOLD_TURNS = 12

_WORDS = {
    "efi": "EFI",
    "bios": "BIOS",
    "pxe": "PXE",
    "http": "HTTP",
    "ipxe": "iPXE",
    "pxelinux": "PXELINUX",
    "grub": "GRUB",
    "u-boot": "U-Boot",
    "u-boot-other": "U-Boot",
    "arm32": "ARM32",
    "arm64": "ARM64",
    "ia32": "IA32",
    "armv7": "ARMv7",
    "armv8": "ARMv8",
    "arm": "ARM",
    "riscv32": "RISC-V 32",
    "riscv64": "RISC-V 64",
    "loongarch64": "LoongArch64",
    "raspberry-pi": "Raspberry Pi",
    "powerpc": "PowerPC",
    "opal": "OPAL",
    "os": "OS",
}
_FAILED_DHCP = {
    "unanswered": "no answer",
    "offered": "offered, not asked for",
    "ignored-offer": "offer ignored",
    "nak": "refused (NAK)",
    "declined": "address declined",
}
_MISSING = {
    "link": "link",
    "arp": "ARP",
    "dns": "DNS",
    "tcp": "TCP connection",
    "tls": "TLS",
    "tftp": "TFTP",
    "http": "HTTP",
    "chain": "next step",
    "os": "operating system on the network",
}


class Step(Struct, frozen=True):
    """One link of the chain."""

    label: str
    mark: Mark
    note: str = ""
    """A few words more: how it failed, how far it came."""
    times: int = 1
    fetch: int | None = None
    """Index into the stage's fetches."""
    last_good: bool = False
    """The last step that succeeded before the stall."""


class Turn(Struct, frozen=True):
    """The steps of one stage; `times` stages in a row that look alike (a loop) are one turn."""

    label: str
    stage: int
    steps: tuple[Step, ...]
    times: int = 1


@lru_cache(256)
def client_label(client: str) -> str:
    """`EFI x64 HTTP` for `efi-x64-http`: the kind of client in the words that people use."""
    if client in _WORDS:
        return _WORDS[client]
    words = client.replace("u-boot", "u+boot").split("-")
    return " ".join(_WORDS.get(word.replace("+", "-"), word) for word in words)


def file_label(url: str) -> str:
    """The last part of a URL's path (a directory's with its slash), or its host where there is no path."""
    path = url.partition("?")[0]
    before, _, name = path.rstrip("/").rpartition("/")
    if not name:
        return url
    return f"{name}/" if path.endswith("/") and not before.endswith("/") else name


def chain(boot: Boot) -> tuple[Turn, ...]:
    """The boot's turns in order, with the stall and the last good step before it marked."""
    stalled_stage = stage_of_stall(boot)
    turns: list[Turn] = []
    for index, stage in enumerate(boot.stages):
        here = index == stalled_stage
        steps = _steps(stage, boot.stalled_at if here else None, last=index == len(boot.stages) - 1, boot=boot)
        if steps:
            turns.append(Turn(client_label(stage.client), index, tuple(steps)))
    return _with_last_good(_folded(turns))


def stage_of_stall(boot: Boot) -> int | None:
    """Index of the stage that stalled."""
    if boot.stalled_at is None or not boot.stages:
        return None
    if boot.stalled_stage is not None and boot.stalled_stage < len(boot.stages):
        return boot.stalled_stage
    return len(boot.stages) - 1


def _steps(stage: Stage, stalled_at: str | None, *, last: bool, boot: Boot) -> list[Step]:
    running = last and boot.status == "in-progress"
    steps: list[Step] = []
    if stage.dhcp is not None:
        if stalled_at == "dhcp":
            steps += _stalled_dhcp(stage.dhcp)
        else:
            steps.append(_whole_dhcp(stage.dhcp, running=running and not stage.fetches))
        if stalled_at == "proxydhcp":
            steps.append(Step("ProxyDHCP", "stalled"))
        elif stage.dhcp.proxy is not None:
            steps.insert(len(steps) - (stalled_at == "dhcp"), Step("ProxyDHCP", "done"))
    steps += _fetches(stage, stalled_at)
    if stalled_at is not None and not any(step.mark == "stalled" for step in steps):
        steps.append(_missing(stage, stalled_at))
    return steps


def _missing(stage: Stage, stalled_at: str) -> Step:
    if stalled_at == "nbp":
        whole = [fetch for fetch in stage.fetches if fetch.status == "complete"]
        return Step(f"start {file_label(whole[-1].url)}" if whole else "start the boot file", "stalled")
    if stalled_at == "arp" and stage.dhcp is not None and stage.dhcp.version == 6:
        return Step("neighbor discovery", "stalled")
    if stalled_at in ("tftp", "http") and not any(fetch.protocol.startswith(stalled_at) for fetch in stage.fetches):
        named = stage.dhcp.proxy.boot_file if stage.dhcp and stage.dhcp.proxy else None
        named = named or (stage.dhcp.boot_file if stage.dhcp else None)
        if named:
            return Step(f"{_MISSING[stalled_at]} {file_label(named)}", "stalled", "not asked for")
    if stalled_at == "http" and any(fetch.status == "complete" for fetch in stage.fetches):
        return Step(_MISSING[stalled_at], "stalled", "what came is not the file that is meant")
    return Step(_MISSING.get(stalled_at, stalled_at), "stalled")


def _whole_dhcp(dhcp: Dhcp, *, running: bool) -> Step:
    label = "DHCP" if dhcp.version == 4 else "DHCPv6"
    if dhcp.status in ("bound", "informed"):
        return Step(label, "done")
    note = _FAILED_DHCP[dhcp.status]
    if dhcp.status == "offered" and dhcp.requests:
        reply = "ACK" if dhcp.version == 4 else "REPLY"
        note = f"{reply} not taken up" if dhcp.acks else f"no {reply}"
    return Step(label, "running" if running else "failed", note)


def _stalled_dhcp(dhcp: Dhcp) -> list[Step]:
    """The packets of the exchange one by one: between which of them it stands."""
    ask, offer, reply = ("DISCOVER", "OFFER", "ACK") if dhcp.version == 4 else ("SOLICIT", "ADVERTISE", "REPLY")
    asked = Step(ask, "done", times=max(1, dhcp.discovers))
    offered = Step(offer, "done", times=max(1, dhcp.offers))
    match dhcp.status:
        case "unanswered":
            return [asked, Step(offer, "stalled", "none came")]
        case "offered" | "ignored-offer" if not dhcp.requests:
            return [asked, offered, Step("REQUEST", "stalled", "none came")]
        case "offered" | "ignored-offer":
            requested = Step("REQUEST", "done", times=dhcp.requests)
            if not dhcp.acks:
                return [asked, offered, requested, Step(reply, "stalled", "none came")]
            replied = Step(reply, "done", times=dhcp.acks)
            why = "not taken up" if dhcp.version == 4 else "not given, or not taken up"  # a REPLY may refuse one
            return [asked, offered, requested, replied, Step("lease", "stalled", why)]
        case "nak":
            return [asked, offered, Step("REQUEST", "done"), Step(reply, "stalled", "NAK instead")]
        case "declined":
            return [asked, offered, Step(reply, "done"), Step("address", "stalled", "DECLINE")]
        case _:
            named = dhcp.boot_file is not None or dhcp.proxy is not None
            file = Step("boot file", "stalled", "not asked for" if named else "none named")
            return [Step("DHCP" if dhcp.version == 4 else "DHCPv6", "done"), file]


def _fetches(stage: Stage, stalled_at: str | None) -> list[Step]:
    steps: list[Step] = []
    for index, fetch in enumerate(stage.fetches):
        if fetch.status in ("probe", "optional"):
            continue
        step = _fetch(fetch, index)
        if steps and steps[-1].label == step.label and steps[-1].mark == "failed":
            step = replace(step, times=steps[-1].times + 1)  # another try of the same file
            steps.pop()
        steps.append(step)
    if stage.client != "os":
        steps = _with_secure(stage, steps)
    if stalled_at in ("tftp", "http", "chain", "os"):
        for position in range(len(steps) - 1, -1, -1):
            fetch_index = steps[position].fetch
            if steps[position].mark == "done" or fetch_index is None:
                continue
            if stalled_at in ("chain", "os") or stage.fetches[fetch_index].protocol.startswith(stalled_at):
                steps[position] = replace(steps[position], mark="stalled")
                break
    if len(steps) > FOLD_FETCHES:
        steps = _each_failure_once(steps)
    if len(steps) > FOLD_FETCHES and all(step.mark == "done" for step in steps[3:-2]):
        steps[3:-2] = [Step(f"{len(steps) - 5} more files", "done")]
    return steps


def _each_failure_once(steps: list[Step]) -> list[Step]:
    """Of what failed over and over, where it did so first: PXELINUX tries the same names with each ending, round by round."""
    times = Counter((step.label, step.note) for step in steps if step.mark == "failed" for _ in range(step.times))
    once: list[Step] = []
    for step in steps:
        if step.mark != "failed":
            once.append(step)
        elif (step.label, step.note) in times:
            once.append(replace(step, times=times.pop((step.label, step.note))))
    return once


def _with_secure(stage: Stage, steps: list[Step]) -> list[Step]:
    """What came over TLS stands among the fetches where it came; what it was nobody can read."""
    whole: list[Step] = []
    ahead = sorted(stage.secure, key=lambda secure: secure.before)
    for step in steps:
        while ahead and step.fetch is not None and ahead[0].before <= step.fetch:
            whole.append(_over_tls(ahead.pop(0)))
        whole.append(step)
    return [*whole, *map(_over_tls, ahead)]


def _over_tls(secure: Secure) -> Step:
    return Step(f"TLS {secure.host}", "done", amount(secure.size))


def _fetch(fetch: Fetch, index: int) -> Step:
    label = f"{fetch.protocol.upper()} {file_label(fetch.url)}"
    if fetch.status == "complete":
        return Step(label, "done", fetch=index)
    if fetch.status == "failed":
        return Step(label, "failed", fetch.error or "failed", fetch=index)
    progress = f"{100 * fetch.bytes // fetch.size} %" if fetch.size and fetch.bytes <= fetch.size else ""
    if fetch.status == "in-progress":
        return Step(label, "running", progress, fetch=index)
    if fetch.size and fetch.bytes == fetch.size:
        return Step(label, "failed", "not acknowledged", fetch=index)
    if not fetch.bytes:
        return Step(label, "failed", "no data", fetch=index)
    return Step(
        label, "failed", f"stopped at {progress}" if progress else f"stopped after {amount(fetch.bytes)}", fetch=index
    )


def _folded(turns: list[Turn]) -> list[Turn]:
    folded: list[Turn] = []
    for turn in turns:
        if folded and folded[-1].label == turn.label and _look(folded[-1]) == _look(turn):
            folded[-1] = replace(turn, times=folded[-1].times + 1)
        else:
            folded.append(turn)
    if len(folded) > FOLD_TURNS:
        left_out = folded[4 : 4 - FOLD_TURNS]
        if not any(step.mark == "stalled" for turn in left_out for step in turn.steps):
            note = f"{sum(turn.times for turn in left_out)} more stages"
            folded[4 : 4 - FOLD_TURNS] = [Turn("", left_out[0].stage, (Step(note, "done"),))]
    return folded


def _look(turn: Turn) -> list[tuple[str, Mark, str]]:
    return [(step.label, step.mark, step.note) for step in turn.steps]


def _with_last_good(turns: list[Turn]) -> tuple[Turn, ...]:
    places = [(t, s) for t, turn in enumerate(turns) for s in range(len(turn.steps))]
    marks = [turns[t].steps[s].mark for t, s in places]
    if "stalled" in marks:
        for position in range(marks.index("stalled") - 1, -1, -1):
            if marks[position] == "done":
                t, s = places[position]
                steps = list(turns[t].steps)
                steps[s] = replace(steps[s], last_good=True)
                turns[t] = replace(turns[t], steps=tuple(steps))
                break
    return tuple(turns)
