"""Names of files and hosts as rules compare them; pure functions of text, no records are changed."""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import ip_address

from ..flow.records import TftpTransfer
from ..track.kinds import architecture
from ..track.naming import is_ipxe_binary
from ..track.records import FetchRecord
from ..wire import urls

BIOS_NAME = re.compile(
    r"(?:\.(?:0|kpxe|kkpxe|pxe|bs|com|n12)|(?:^|/)(?:undionly|pxelinux|lpxelinux|wdsnbp)[^/]*)$", re.IGNORECASE
)
"""File names that only BIOS boot programs have."""

EFI_LETTERS = {
    "x64": "x64",
    "ia32": "ia32",
    "arm64": "aa64",
    "arm32": "arm",
    "riscv64": "riscv64",
    "loongarch64": "loongarch64",
}
"""UEFI's suffix of loader names (`grubx64.efi`, UEFI specification section 3.5.1.1), by the word in our client kinds."""


def suits(file: str, client: str) -> bool:
    """Whether a file's name is that of a boot program for this kind of firmware."""
    if architecture(client) is None:
        return BIOS_NAME.search(file) is not None
    return file.lower().endswith(".efi")


def path_of(fetch: FetchRecord) -> str:
    """The name that was asked for: a TFTP file name, or the path of a URL, without a query."""
    flow = fetch.flow
    return flow.filename if isinstance(flow, TftpTransfer) else urls.path_of(flow.url)


def is_body(fetch: FetchRecord) -> bool:
    """Whether the fetch brought the file itself: not the answer to a HEAD."""
    flow = fetch.flow
    return isinstance(flow, TftpTransfer) or flow.request is None or flow.request.method != "HEAD"


def no_host(address: str) -> str | None:
    """Why no other machine can have an address (`a loopback address …`); None when one may, or it is no address."""
    try:
        ip = ip_address(address)
    except ValueError:
        return None
    if ip.is_loopback:
        return "a loopback address, by which every machine means itself"
    return "not the address of one host" if ip.is_multicast or str(ip) == "255.255.255.255" else None


def is_public(address: str) -> bool:
    """Whether it is an address of the Internet (RFC 6890), not one of a network of somebody's own."""
    try:
        return ip_address(address).is_global
    except ValueError:
        return False


def base(path: str) -> str:
    return path.replace("\\\\", "/").replace("\\", "/").rsplit("/", 1)[-1]


def directory(path: str) -> str:
    """The directory of a path with `/` at its end, or empty."""
    plain = path.replace("\\\\", "/").replace("\\", "/")
    return plain[: plain.rfind("/") + 1]


_OTHER_LOADERS = {"s390x": "kernel.img", "powerpc": "grub/powerpc-ieee1275/core.elf"}


def loader_for(client: str) -> str:
    """A loader that fits a client, as an example in fixes."""
    arch = architecture(client)
    if client.startswith("ipxe-"):
        return "menu.ipxe"
    if arch is None:
        return _OTHER_LOADERS.get(client, "pxelinux.0")
    return f"grub{EFI_LETTERS.get(arch, arch)}.efi"


def ipxe_for(client: str) -> str:
    """The name under which iPXE for firmware of an architecture often lies."""
    arch = architecture(client) or "x64"
    return "ipxe.efi" if arch == "x64" else f"ipxe-{arch}.efi"


def loader_like(file: str, client: str) -> str:
    """A loader that fits a client, of the kind that a file is: the builds of iPXE end in .kpxe for BIOS, .efi for UEFI."""
    stem, _, _ = base(file).rpartition(".")
    if not is_ipxe_binary(file) or client.startswith("ipxe-"):
        return loader_for(client)
    if architecture(client) is None:
        return "undionly.kpxe" if stem in ("ipxe", "snponly") else f"{stem}.kpxe"
    return "snponly.efi" if stem in ("undionly", "ipxe") else f"{stem}.efi"


def joined(words: Iterable[str], limit: int = 4) -> str:
    """`a, b and c`; the rest as a number."""
    known = list(dict.fromkeys(words))
    shown = known[:limit] if len(known) <= limit else [*known[: limit - 1], f"{len(known) - limit + 1} more"]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}" if shown else ""


def seconds(nanoseconds: int) -> str:
    """A duration in words: `3 s`, `0.4 s`, `2 min`."""
    value = nanoseconds / 1_000_000_000
    if value >= 120:
        return f"{value / 60:.0f} min"
    return f"{value:.0f} s" if value >= 2 else f"{value:.1f} s"


def visible(name: str) -> str:
    """A file's name so that blanks at its ends are seen."""
    return f"“{name}”" if name != name.strip() else name
