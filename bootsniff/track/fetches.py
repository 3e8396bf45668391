"""Transfers and exchanges to stages: whose they are, and what they are for."""

from __future__ import annotations

from ..flow.records import HEAD_BYTES, HttpExchange, TftpTransfer
from ..model import NANOSECONDS, FrameRef
from ..wire.content import COMPRESSED, RAM_DISKS, classify
from ..wire.http import content_range
from ..wire.scripts import READABLE
from .asking import has_kernel, stage_for, unknown_kind
from .boot_file import boot_file_of
from .circles import REDIRECTS
from .kinds import is_firmware, is_u_boot
from .machines import begin_boot, begin_stage, touch
from .naming import (
    fits,
    is_kernel_name,
    role_by_name,
    same_file,
)
from .records import MAX_FETCHES, FetchRecord, FetchRole, MachineRecord, StageRecord
from .scripts import apply_script

MAX_OS_FETCHES = 256
NEW_BOOT_GAP = 24 * 3600 * NANOSECONDS
"""A menu may wait for hours; nobody waits a day."""
CLASSIFY_BYTES = 512
"""Fewer bytes than this tell what a file is only once it is whole."""
_KERNEL_LOADERS = frozenset({"powerpc", "powerpc-opal", "s390x"})
_BODIES = COMPRESSED | {"initrd", "elf", "unknown"}
"""What a kernel may look like whose own mark is packed away, or unknown here: then its name tells."""


def attach(
    machine: MachineRecord, flow: TftpTransfer | HttpExchange, at: FrameRef
) -> tuple[StageRecord, FetchRecord] | None:
    """Put a new fetch into the machine's current boot, in the stage of the program that asks; None when bounded away."""
    boot = machine.boots[-1] if machine.boots else None
    gap = at.time - boot.last.time if boot is not None else 0
    if boot is None or not boot.stages or not -60 * NANOSECONDS < gap < NEW_BOOT_GAP:
        boot = begin_boot(machine, at)
        begin_stage(boot, unknown_kind(flow), at)
    fetch = FetchRecord(flow)
    stage = stage_for(boot, fetch, at)
    if len(stage.fetches) >= (MAX_OS_FETCHES if stage.client == "os" else MAX_FETCHES):
        return None
    fetch.role = _first_role(stage, fetch)
    stage.fetches.append(fetch)
    machine.boot_client = True
    touch(machine, stage, at)
    return stage, fetch


def update(stage: StageRecord, fetch: FetchRecord) -> None:
    """Look at a fetch again after it moved: what its bytes are, and what a whole script says comes next."""
    flow = fetch.flow
    whole = flow.complete
    head = flow.body.head
    if isinstance(flow, HttpExchange) and _continues(flow):
        _take_over_content(stage, fetch, flow.url)
        return
    settled = fetch.content is not None and fetch.content.kind not in ("unknown", "text")
    if whole and not head and _is_empty_file(flow):
        fetch.content = classify(head, fetch.name, 0)
    if (
        head
        and (whole or (not settled and len(head) >= CLASSIFY_BYTES))
        and not (settled and len(head) > HEAD_BYTES and not whole)
    ):
        size = flow.size if flow.size is not None else (flow.body.received if whole else None)
        fetch.content = classify(head, fetch.name, size)
        fetch.role = _role_by_content(stage, fetch)
        if whole and fetch.content.kind in READABLE:
            apply_script(stage, fetch)


def _is_empty_file(flow: TftpTransfer | HttpExchange) -> bool:
    """A file of no bytes; not the answer to a HEAD, a redirect or an error."""
    if isinstance(flow, TftpTransfer):
        return flow.body.received == 0
    asked = flow.request is not None and flow.request.method == "GET"
    return asked and flow.response is not None and flow.response.status == 200 and flow.content_length == 0


def _continues(flow: HttpExchange) -> bool:
    """Whether the bytes are from the middle of a file (206), so that they do not tell what it is."""
    if flow.response is None or flow.response.status != 206:
        return False
    span = content_range(flow.response.get("Content-Range") or "")
    return span is not None and bool(span[0])


def _take_over_content(stage: StageRecord, fetch: FetchRecord, url: str) -> None:
    """A resumed download is what its first part was."""
    for earlier in reversed(stage.fetches):
        if (
            earlier is not fetch
            and isinstance(earlier.flow, HttpExchange)
            and earlier.flow.url == url
            and earlier.content
        ):
            fetch.content = earlier.content
            fetch.role = _role_by_content(stage, fetch)
            return


def _first_role(stage: StageRecord, fetch: FetchRecord) -> FetchRole:
    name = fetch.name
    file = boot_file_of(stage)
    if file is not None and same_file(file.name, name):
        return "boot-file"
    if stage.client == "os":
        return "os"
    for wanted in stage.expectations:
        if wanted.pieces is None and same_file(wanted.url, name):
            return wanted.role
    role = role_by_name(name)
    if role is not None:
        return role
    for wanted in stage.expectations:
        if wanted.pieces is not None and fits(wanted.pieces, name):
            return wanted.role
    before = stage.fetches[-1] if stage.fetches else None
    if before is not None and isinstance(before.flow, HttpExchange) and _redirects(before.flow):
        return before.role
    if stage.dhcp is not None and before is None and is_firmware(stage.client) and not is_u_boot(stage.client):
        return "boot-file"
    return "other"


def _redirects(flow: HttpExchange) -> bool:
    return flow.response is not None and flow.response.status in REDIRECTS


def _role_by_content(stage: StageRecord, fetch: FetchRecord) -> FetchRole:
    content, role = fetch.content, fetch.role
    if content is None or role in ("os", "optional", "config-search", "module"):
        return role
    if role == "boot-file":
        # PCs are named a program; boards, and petitboot, may be told to fetch a kernel itself.
        named_kernel = content.kind in _BODIES and is_kernel_name(fetch.name)
        return "kernel" if named_kernel and (is_u_boot(stage.client) or stage.client in _KERNEL_LOADERS) else role
    if content.kind == "linux-kernel":
        return "kernel"
    if content.kind in READABLE or content.kind == "uboot-script":
        return "script"
    if role in ("kernel", "initrd", "image"):
        return role
    if content.kind in _BODIES and is_kernel_name(fetch.name):
        return "kernel"
    if content.kind in RAM_DISKS and has_kernel(stage):
        return "initrd"
    if content.kind in ("iso", "wim"):
        return "image"
    return role
