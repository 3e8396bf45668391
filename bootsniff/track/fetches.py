"""Transfers and exchanges to stages: whose they are, which loader asked for them, and what they are for."""

from __future__ import annotations

from ..flow.records import HEAD_BYTES, HttpExchange, TftpTransfer
from ..model import NANOSECONDS, FrameRef
from ..wire.content import COMPRESSED, RAM_DISKS, classify
from ..wire.http import content_range
from ..wire.scripts import READABLE
from .arrived import REDIRECTS
from .boot_file import boot_file_of
from .fetch_outcome import refresh_fetches
from .kinds import LOADERS, Kind, is_firmware, is_ipxe, is_u_boot, reads_pxelinux_config
from .machines import begin_boot, begin_stage, touch
from .naming import (
    fits,
    is_boot_agent,
    is_boot_script,
    is_grub_binary,
    is_grub_name,
    is_kernel_name,
    is_pxelinux_binary,
    is_pxelinux_name,
    is_raspberry_name,
    is_shim_binary,
    is_shim_extra,
    role_by_name,
    same_file,
)
from .outcome import boot_is_handed_off
from .records import MAX_FETCHES, BootRecord, FetchRecord, FetchRole, MachineRecord, StageRecord
from .scripts import apply_script
from .switches import is_switch

MAX_OS_FETCHES = 256
RECENT_FETCHES = 16
"""Fetches before the latest ones have their outcome."""
NEW_BOOT_GAP = 24 * 3600 * NANOSECONDS
"""A menu may wait for hours; nobody waits a day."""
CLASSIFY_BYTES = 512
"""Fewer bytes than this tell what a file is only once it is whole."""
_KERNEL_LOADERS = frozenset({"powerpc", "powerpc-opal", "s390x"})
_BODIES = COMPRESSED | {"initrd", "elf", "unknown"}
"""What a kernel may look like whose own mark is packed away, or unknown here: then its name tells."""
IPXE_OF = {
    "bios-pxe": "ipxe-bios",
    "efi-ia32": "ipxe-efi-ia32",
    "efi-x64": "ipxe-efi-x64",
    "efi-arm32": "ipxe-efi-arm32",
    "efi-arm64": "ipxe-efi-arm64",
}


def attach(
    machine: MachineRecord, flow: TftpTransfer | HttpExchange, at: FrameRef
) -> tuple[StageRecord, FetchRecord] | None:
    """Put a new fetch into the machine's current boot, in the stage of the program that asks; None when bounded away."""
    boot = machine.boots[-1] if machine.boots else None
    gap = at.time - boot.last.time if boot is not None else 0
    if boot is None or not boot.stages or not -60 * NANOSECONDS < gap < NEW_BOOT_GAP:
        boot = begin_boot(machine, at)
        begin_stage(boot, _unknown_kind(flow), at)
    fetch = FetchRecord(flow)
    stage = _stage_for(boot, fetch, at)
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


def _unknown_kind(flow: TftpTransfer | HttpExchange) -> Kind:
    name = flow.filename if isinstance(flow, TftpTransfer) else flow.url
    if is_pxelinux_name(name):
        return Kind("pxelinux", "PXELINUX", (), None, None)
    if is_grub_name(name):
        return Kind("grub", "GRUB", (), None, None)
    if is_shim_extra(name):
        return Kind("shim", "shim", (), None, None)
    if is_raspberry_name(name) and not name.endswith("kernel.img"):  # which others call theirs, too
        return Kind("raspberry-pi", "Raspberry Pi boot ROM", (), None, None)
    return Kind("unknown", "unknown boot program (no DHCP in the capture)", (), None, None)


def _stage_for(boot: BootRecord, fetch: FetchRecord, at: FrameRef) -> StageRecord:
    """The stage that asks for this file: the current one, or a loader that only now shows itself."""
    stage = boot.stages[-1]
    refresh_fetches(stage, at.time, moved_on=False, latest=RECENT_FETCHES)
    if stage.client == "os" and not stage.fetches and isinstance(fetch.flow, TftpTransfer):
        loader = _unknown_kind(fetch.flow)
        if loader.client in LOADERS:  # syslinux.efi does DHCP as a system does, and was taken for one
            stage.client, stage.name, stage.dhcp = loader.client, loader.name, None
            return stage
    client = _asking_program(boot, stage, fetch)
    if client is None or client == stage.client:
        return stage
    names = {
        "grub": "GRUB",
        "shim": "shim",
        "pxelinux": "PXELINUX",
        "u-boot-script": "U-Boot script",
        "os": "operating system",
    }
    return begin_stage(boot, Kind(client, names.get(client, "iPXE"), (), None, None), at)


def _asking_program(boot: BootRecord, stage: StageRecord, fetch: FetchRecord) -> str | None:
    name, flow = fetch.name, fetch.flow
    if stage.client == "os":
        return None
    if stage.client not in LOADERS and _is_named(stage, name):
        return None  # the very file that DHCP told this program to fetch, whatever its name looks like
    if is_shim_extra(name):
        return "shim"
    if is_pxelinux_name(name) and not reads_pxelinux_config(stage.client) and not _posing_u_boot(boot, stage):
        return None if _is_ipxe_itself(stage, flow) else "pxelinux"
    loaded = [item for item in stage.fetches if item.status == "complete"]
    if is_grub_name(name):
        return "grub" if stage.client != "u-boot-script" else None
    if isinstance(flow, HttpExchange) and flow.request is not None:
        agent = flow.request.get("User-Agent")
        if agent is not None and not is_boot_agent(agent) and boot_is_handed_off(boot) and not is_switch(stage):
            return "os"
        if agent is not None and agent.startswith("GRUB") and loaded:
            return "grub"
    if is_grub_binary(name):
        shim_came = any(is_shim_binary(item.name) for item in loaded)
        # Firmware fetches one file; what asks for GRUB after a whole EFI file from DHCP's own name is shim.
        followed = (
            is_firmware(stage.client)
            and bool(loaded)
            and not any(same_file(item.name, name) for item in stage.fetches)
            and not _is_named(stage, name)
        )
        if stage.client in ("shim", "grub"):
            return None
        return "shim" if shim_came or followed else None
    if name.rsplit("/", 1)[-1] == "autoexec.ipxe" and is_firmware(stage.client) and loaded:
        return IPXE_OF.get(stage.client.removesuffix("-pxe").removesuffix("-http")) or IPXE_OF.get(stage.client)
    if is_u_boot(stage.client) and any(is_boot_script(item.name) for item in loaded) and not role_by_name(name):
        return "u-boot-script"
    if (
        _asks_like_grub(flow)
        and loaded
        and (stage.client == "shim" or is_firmware(stage.client))
        and not _is_named(stage, name)
        and not is_u_boot(stage.client)
    ):
        return "grub"
    if (
        is_ipxe(stage.client)
        and any(is_pxelinux_binary(item.name) for item in loaded)
        and isinstance(flow, TftpTransfer)
        and flow.block_size == 1408
    ):
        return "pxelinux"
    return None


def _posing_u_boot(boot: BootRecord, stage: StageRecord) -> bool:
    return stage.client not in LOADERS and any(is_u_boot(item.client) for item in boot.stages)


def _asks_like_grub(flow: TftpTransfer | HttpExchange) -> bool:
    """GRUB asks for blksize 1024, then tsize 0 (grub-core/net/tftp.c)."""
    return isinstance(flow, TftpTransfer) and flow.options[:2] == (("blksize", "1024"), ("tsize", "0"))


def _is_ipxe_itself(stage: StageRecord, flow: TftpTransfer | HttpExchange) -> bool:
    """Whether iPXE asks for a name of PXELINUX's: OpenStack Ironic's boot.ipxe chains `pxelinux.cfg/<MAC>`, a script.

    iPXE names itself, and asks for blksize before tsize (net/udp/tftp.c). A PXELINUX that it loaded may let it do the
    asking (PXENV_FILE_OPEN of syslinux core/fs/pxe).
    """
    if not is_ipxe(stage.client) or any(_is_pxelinux(item) for item in stage.fetches):
        return False
    if isinstance(flow, TftpTransfer):
        return [name for name, _ in flow.options[:2]] == ["blksize", "tsize"]
    agent = flow.request.get("User-Agent") if flow.request is not None else None
    return agent is not None and agent.startswith(("iPXE", "gPXE"))


def _is_pxelinux(fetch: FetchRecord) -> bool:
    return is_pxelinux_binary(fetch.name) or (fetch.content is not None and fetch.content.kind == "pxelinux")


def _is_named(stage: StageRecord, name: str) -> bool:
    file = boot_file_of(stage)
    return file is not None and same_file(file.name, name)


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
    if content.kind in RAM_DISKS and _has_kernel(stage):
        return "initrd"
    if content.kind in ("iso", "wim"):
        return "image"
    return role


def _has_kernel(stage: StageRecord) -> bool:
    return any(
        item.role == "kernel" or (item.content is not None and item.content.kind == "linux-kernel")
        for item in stage.fetches
    )
