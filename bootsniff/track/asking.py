"""Which program of a boot asks for a file: the current stage, or a loader that only now shows itself."""

from __future__ import annotations

from ..flow.records import HttpExchange, TftpTransfer
from ..model import FrameRef
from .boot_file import boot_file_of
from .fetch_outcome import refresh_fetches
from .kinds import LOADERS, Kind, is_firmware, is_ipxe, is_u_boot, reads_pxelinux_config
from .machines import begin_stage
from .naming import (
    is_boot_agent,
    is_boot_script,
    is_grub_binary,
    is_grub_name,
    is_pxelinux_binary,
    is_pxelinux_name,
    is_raspberry_name,
    is_shim_binary,
    is_shim_extra,
    role_by_name,
    same_file,
)
from .outcome import boot_is_handed_off
from .records import BootRecord, FetchRecord, StageRecord
from .switches import is_switch

RECENT_FETCHES = 16
"""Fetches before the latest ones have their outcome."""
IPXE_OF = {
    "bios-pxe": "ipxe-bios",
    "efi-ia32": "ipxe-efi-ia32",
    "efi-x64": "ipxe-efi-x64",
    "efi-arm32": "ipxe-efi-arm32",
    "efi-arm64": "ipxe-efi-arm64",
}


def unknown_kind(flow: TftpTransfer | HttpExchange) -> Kind:
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


def stage_for(boot: BootRecord, fetch: FetchRecord, at: FrameRef) -> StageRecord:
    """The stage that asks for this file: the current one, or a loader that only now shows itself."""
    stage = boot.stages[-1]
    refresh_fetches(stage, at.time, moved_on=False, latest=RECENT_FETCHES)
    if stage.client == "os" and not stage.fetches:
        loader = _loader_with_dhcp(boot, fetch.flow)
        if loader is not None:
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


def _loader_with_dhcp(boot: BootRecord, flow: TftpTransfer | HttpExchange) -> Kind | None:
    """The loader that does DHCP as a system does, and was taken for one: syslinux.efi, GRUB's net_dhcp."""
    if len(boot.stages) > 1 and boot.stages[-2].client == "grub" and not any(has_kernel(it) for it in boot.stages):
        named = (isinstance(flow, HttpExchange) and flow.request is not None and flow.request.get("User-Agent")) or ""
        if _asks_like_grub(flow) or named.startswith("GRUB"):
            return Kind("grub", "GRUB", (), None, None)
    loader = unknown_kind(flow) if isinstance(flow, TftpTransfer) else None
    return loader if loader is not None and loader.client in LOADERS else None


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
        and isinstance(flow, TftpTransfer)
        and flow.block_size == 1408
        and any(is_pxelinux_binary(item.name) for item in loaded)
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


def has_kernel(stage: StageRecord) -> bool:
    return any(
        item.role == "kernel" or (item.content is not None and item.content.kind == "linux-kernel")
        for item in stage.fetches
    )
