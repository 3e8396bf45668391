"""Whether real boots can be played here, and what is missing when they cannot."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from . import bootfiles, firmware
from .network import Namespaces
from .process import LabError

_PROGRAMS = (
    *("ip", "nft", "ss", "setpriv", "sysctl", "cpio", "grub-mkimage"),
    *("dnsmasq", "dhcpd", "kea-dhcp4", "in.tftpd", "nginx", "qemu-system-x86_64", "qemu-system-aarch64"),
)
_FILES = (
    bootfiles.INSTALLER_X64 / "linux",
    bootfiles.INSTALLER_ARM64 / "linux",
    *(Path(path) for path in ("/bin/busybox", "/usr/lib/ipxe/ipxe.efi", "/usr/lib/PXELINUX/pxelinux.0")),
    *(Path(path) for path in ("/usr/lib/shim/shimx64.efi.signed", "/usr/lib/u-boot/qemu_arm64/u-boot.bin")),
    *(firmware.OVMF.code, firmware.AAVMF.code),
)


def programs(*names: str) -> list[str]:
    """Those that are not here."""
    return [name for name in names if shutil.which(name) is None]


def missing() -> str | None:
    """Say in a sentence why no real boot can be played here, or None when it can."""
    if not sys.platform.startswith("linux"):
        return "real boots need Linux"
    if os.geteuid() != 0:
        return "real boots need root: network namespaces, tap interfaces, DHCP servers"
    absent = programs(*_PROGRAMS)
    files = [str(path) for path in _FILES if path is not None and not path.exists()]
    if absent or files:
        return f"real boots need the packages of tests/lab/packages.txt: {', '.join([*absent, *files])} missing"
    try:
        with Namespaces("helper") as network:
            network.add_tap()
    except LabError as error:
        return f"real boots need network namespaces, tap interfaces and nftables: {error}"
    return None
