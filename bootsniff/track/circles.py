"""What a program, or a boot, does over and over: scripts, redirects, iPXE itself, a kernel; pure functions of the records."""

from __future__ import annotations

from ..flow.records import HttpExchange, TftpTransfer
from .arrived import is_initrd
from .boot_file import boot_file_of
from .kinds import is_ipxe
from .naming import is_ipxe_binary, same_file
from .patience import SCRIPT_GAP
from .records import FetchRecord, StageRecord

_LONGEST_CIRCLE = 8
"""Scripts of one turn."""
REDIRECTS = (301, 302, 303, 307, 308)
_REDIRECTS = 6
"""Redirects in a row that are too many: a boot server needs two or three."""
_TURNS = 4
"""Turns that make a circle."""


def kernel_again(stage: StageRecord) -> FetchRecord | None:
    """The kernel that PXELINUX fetches anew with nothing but RAM disks since: its menu's time ran out once more.

    A machine that was reset loads PXELINUX and its modules first, and so does another one behind the same address.
    """
    if stage.client != "pxelinux" or sum("ldlinux." in fetch.name for fetch in stage.fetches if fetch.useful) > 1:
        return None
    again: FetchRecord | None = None
    for fetch in reversed(stage.fetches):
        if fetch.role == "kernel" and again is None:
            again = fetch
        elif fetch.role == "kernel" and fetch.status == "complete":
            return fetch if again is not None and fetch.name == again.name else None
        elif not is_initrd(fetch):
            return None
    return None


def runs_ipxe_again(stage: StageRecord) -> bool:
    """An iPXE that was handed an iPXE binary by DHCP and fetched it whole."""
    binary = ipxe_loaded(stage)
    return binary is not None and not _had_script(stage, binary)


def ipxe_loaded(stage: StageRecord) -> FetchRecord | None:
    """The iPXE binary that an iPXE fetched whole, as DHCP or a script told it to."""
    for fetch in stage.fetches:
        if fetch.role != "boot-file" or fetch.status != "complete":
            continue
        content = fetch.content
        if content is not None and content.kind not in ("unknown", "pe", "boot-sector", "pxelinux", "linux-kernel"):
            continue
        if (content is not None and content.ipxe) or is_ipxe_binary(fetch.name):
            return fetch
    return None


def loops(stages: list[StageRecord]) -> bool:
    """Whether iPXE was handed iPXE twice, or the file it came from, and what runs since has not got anything else.

    Once may be on purpose: the iPXE of a ROM, or a script, loads a newer one, which is given something else.
    """
    turns = 0
    handed: FetchRecord | None = None
    for stage in reversed(stages):
        if not is_ipxe(stage.client):
            return handed is not None and any(
                fetch.status == "complete" and same_file(fetch.name, handed.name) for fetch in stage.fetches
            )
        binary = ipxe_loaded(stage)
        if binary is not None:
            turns += 1
            handed = None if _had_script(stage, binary) else binary
        elif any(fetch.status == "complete" for fetch in stage.fetches):
            return False
        elif stage is stages[-1]:
            file = boot_file_of(stage)
            turns += file is not None and is_ipxe_binary(file.name)
        if turns == 2:
            return True
    return False


def script_circle(stage: StageRecord, turns: int = _TURNS) -> list[FetchRecord] | None:
    """The scripts of one turn, when the last things iPXE fetched are the same scripts over and over, at least so often.

    The one that was fetched first of all stands first, wherever in its circle iPXE is.
    """
    run: list[FetchRecord] = []
    for fetch in reversed(stage.fetches):
        if fetch.status == "in-progress" and not run:
            continue
        if not _is_script(fetch) or (run and run[-1].start - fetch.end > SCRIPT_GAP):
            break
        run.append(fetch)
        if len(run) == turns * _LONGEST_CIRCLE:
            break
    for length in range(1, min(_LONGEST_CIRCLE, len(run) // turns) + 1):
        if all(run[at].name == run[at - length].name for at in range(length, turns * length)):
            turn = run[length - 1 :: -1]
            first = next((fetch.name for fetch in stage.fetches if any(fetch.name == one.name for one in turn)), None)
            start = next((at for at, fetch in enumerate(turn) if fetch.name == first), 0)
            return turn[start:] + turn[:start]
    return None


def redirect_circle(stage: StageRecord, turns: int = _REDIRECTS) -> list[HttpExchange] | None:
    """The redirects that are the latest answers of a stage, when so many lead to the same few URLs over and over."""
    run: list[HttpExchange] = []
    for fetch in reversed(stage.fetches):
        flow = fetch.flow
        if isinstance(flow, TftpTransfer):
            break
        if flow.response is not None and flow.response.status in REDIRECTS:
            run.append(flow)
        elif run or flow.response is not None:
            break  # only the latest may still be without its answer
    return run[::-1] if len(run) >= turns and len({flow.url for flow in run}) * 2 < len(run) else None


def script_rounds(stages: list[StageRecord]) -> list[StageRecord] | None:
    """The stages in which iPXE ran DHCP and got the same scripts over and over, each turn right after the one before.

    A script that waits for something before it begins again is none: it sleeps.
    """
    rounds: list[StageRecord] = []
    begun: int | None = None
    for stage in reversed(stages):
        scripts = [fetch for fetch in stage.fetches if fetch.useful]
        if not rounds and not scripts and begun is None and is_ipxe(stage.client):
            begun = stage.start  # the turn that is under way
            continue
        if not is_ipxe(stage.client) or not scripts or not all(map(_is_script, scripts)):
            break
        if begun is not None and begun - scripts[-1].end > SCRIPT_GAP:
            break
        if rounds and [fetch.name for fetch in scripts] != [
            fetch.name for fetch in rounds[-1].fetches if fetch.status == "complete"
        ]:
            break
        rounds.append(stage)
        begun = stage.start
    return rounds[::-1] if len(rounds) >= _TURNS else None


def _is_script(fetch: FetchRecord) -> bool:
    return fetch.status == "complete" and fetch.content is not None and fetch.content.kind == "ipxe-script"


def _had_script(stage: StageRecord, binary: FetchRecord) -> bool:
    return any(_is_script(fetch) and fetch.end <= binary.start for fetch in stage.fetches)
