"""Boot chains from the firmware to the started system, each with a server that has all it needs."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from ..rules.boots import INITRD, KERNEL, PXELINUX
from ..rules.scene import SERVER
from .machine import DOUBLING, Gaps, arp, dhcp, http, pause, tftp
from .network import GaveUp, Losses, Network, Program
from .server import Server

EFI = b"MZ" + bytes(58) + b"\x40\0\0\0PE\0\0\x64\x86" + bytes(18) + b"\x0b\x02" + bytes(66) + b"\x0a\0" + bytes(30000)
FILES = {
    "grubx64.efi": EFI,
    "ipxe.efi": EFI[:25000],
    "pxelinux.0": PXELINUX.ljust(20000, b"x"),
    "ldlinux.c32": b"\x7fELF" + b"x" * 15000,
    "grub/grub.cfg": b"linux /vmlinuz ip=dhcp\ninitrd /initrd.gz\nboot\n",
    "pxelinux.cfg/default": b"DEFAULT l\nLABEL l\n KERNEL vmlinuz\n APPEND initrd=initrd.gz ip=dhcp\n",
    "boot.ipxe": b"#!ipxe\nkernel vmlinuz initrd=initrd.gz ip=dhcp\ninitrd initrd.gz\nboot\n",
    "preseed.cfg": b"d-i debconf/language string en\n" * 20,
    "vmlinuz": KERNEL,
    "initrd.gz": INITRD,
}
EDK2: Gaps = (4, 8, 16, 32)
IPXE: Gaps = (1, 2, 4, 8, 10)
GRUB: Gaps = tuple(0.4 + 0.02 * number for number in range(40))
PXELINUX_NAMES = ("01-52-54-00-89-32-47", *("C0A87AE3"[:end] for end in range(8, 0, -1)))
Fetch = Callable[..., Program[None]]


def system(network: Network, fetch: Fetch) -> Program[None]:
    """Kernel and initrd; the started system gets an address and a file."""
    for name in ("vmlinuz", "initrd.gz"):
        yield from fetch(network, name)
    network.outcome = "loaded", ""
    yield from pause(12)
    try:
        yield from dhcp(network, "os", (3, 5, 7, 9, 11), (3, 5, 7, 9))
    except GaveUp as end:
        raise GaveUp("os", end.why) from None
    network.outcome = "started", ""
    try:
        yield from arp(network, (1, 1, 1, 1, 1))
        yield from http(network, "preseed.cfg", agent="Wget/1.21", patience=60)
    except GaveUp:
        return  # a system that runs: nothing is claimed of it


def script(network: Network) -> Program[None]:
    yield from dhcp(network, network.wire.kind, IPXE, (1, 2, 4, 8))
    yield from http(network, "boot.ipxe")
    yield from system(network, http)


def firmware(network: Network, name: str) -> Program[None]:
    yield from dhcp(network, "efi-x64-pxe", EDK2, EDK2, collects=True)
    fetch = partial(tftp, network, name, (4,) * 7, (4,) * 7)
    yield from fetch(probe=True)
    yield from fetch()
    yield from pause(0.5)


def efi_grub(network: Network) -> Program[None]:
    yield from firmware(network, "grubx64.efi")
    fetch = partial(tftp, requests=GRUB, acks=(40,), block_size=1024)
    yield from fetch(network, "grub/x86_64-efi/command.lst", optional=True)
    yield from fetch(network, "grub/grub.cfg")
    yield from system(network, fetch)


def efi_ipxe(network: Network) -> Program[None]:
    yield from firmware(network, "ipxe.efi")
    network.wire.kind = "ipxe-efi-x64"
    yield from script(network)


def efi_http(network: Network) -> Program[None]:
    yield from dhcp(network, "efi-x64-http", EDK2, EDK2)
    fetch = partial(
        http, network, "ipxe.efi", (1, 2, 4, 8), (1, 2, 4), agent="UefiHttpBoot/1.0", patience=5, arps=(1,) * 4
    )
    yield from fetch(head_only=True)
    yield from fetch()
    yield from pause(1)
    network.wire.kind = "ipxe-efi-x64"
    yield from script(network)


def bios_script(network: Network) -> Program[None]:
    network.wire.kind = "ipxe-bios"
    yield from script(network)


def bios_pxelinux(network: Network) -> Program[None]:
    yield from dhcp(network, "ipxe-bios", IPXE, (1, 2, 4, 8))
    yield from tftp(network, "pxelinux.0", DOUBLING, DOUBLING, block_size=1432, arps=DOUBLING)
    fetch = partial(tftp, requests=(1.5, 3, 5, 8), acks=(1, 2, 4, 8), block_size=1408)
    yield from fetch(network, "ldlinux.c32")
    for name in PXELINUX_NAMES:
        yield from fetch(network, f"pxelinux.cfg/{name}", optional=True)
    yield from fetch(network, "pxelinux.cfg/default")
    yield from system(network, fetch)


URL = f"http://{SERVER}"
CHAINS: dict[str, tuple[Callable[[Network], Program[None]], dict[str, dict[str, Any]]]] = {
    "efi-grub": (efi_grub, {"efi-x64-pxe": {"file": "grubx64.efi"}}),
    "efi-ipxe": (efi_ipxe, {"efi-x64-pxe": {"file": "ipxe.efi"}, "ipxe-efi-x64": {"file": f"{URL}/boot.ipxe"}}),
    "efi-http": (efi_http, {"efi-x64-http": {"file": f"{URL}/ipxe.efi", "option60": "HTTPClient"},
                            "ipxe-efi-x64": {"file": f"{URL}/boot.ipxe"}}),
    "bios-script": (bios_script, {"ipxe-bios": {"file": f"{URL}/boot.ipxe"}}),
    "bios-pxelinux": (bios_pxelinux, {"ipxe-bios": {"file": "pxelinux.0"}}),
}  # fmt: skip


def play(chain: str, seed: int, losses: Losses) -> Network:
    """The same for the same arguments."""
    program, offers = CHAINS[chain]
    network = Network(seed, losses)
    Server(network, FILES, lambda client: offers.get(client, {}))
    network.run(program(network))
    return network
