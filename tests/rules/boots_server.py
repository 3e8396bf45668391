"""Whole boots as packets in which the boot server is named in a way that does not lead to it."""

from __future__ import annotations

from collections.abc import Callable

from ..track.play import CONTENTS, pe
from .boots import INITRD, KERNEL, PXELINUX, SIGNED, give_up
from .packets import Wire
from .scene import SERVER
from .wire_faults import PXE_NOTES, Case

OUTSIDE = "192.168.2.14"
MENU = "http://192.168.122.9/menu.ipxe"
_SECTIONS = 0x80 + 4 + 20 + 240
_HEAD = pe(0x8664)
GRUB = (_HEAD[:_SECTIONS] + b"mods\0\0\0\0" + _HEAD[_SECTIONS + 8 :]).ljust(6000, b"\0")
"""GRUB as its section of modules gives it away, unsigned."""


def grub_without_server(option66: str | None = None) -> Wire:
    """The firmware asks the DHCP server, as siaddr is empty; GRUB ends at its prompt."""
    return Wire().lease(file="grubx64.efi", next_server=None, option66=option66).get(1, "grubx64.efi", GRUB).quiet(120)


def name_of_a_server(*, stage: str = "efi-x64-pxe") -> Wire:
    wire = Wire(stage).lease(file="grubx64.efi", next_server=None, option66="boot.lan")
    for time in (1, 5, 9, 13, 17, 21):
        wire.rrq(time, "grubx64.efi", again=time > 1)
    return give_up(wire) if stage.startswith("efi") else wire.quiet(120)


def far_server(kind: str = "efi-x64-pxe", file: str = "grubx64.efi", option60: str | None = None) -> Wire:
    wire = Wire(kind).lease(file=file, next_server=OUTSIDE, router=None, option60=option60)
    wire.arp(0.5, SERVER)
    wire.arp(0.51, SERVER, answer=True)
    return (give_up(wire) if kind == "efi-x64-pxe" else wire).quiet(200)


def signed_grub_over_http(*, asks: bool = False) -> Wire:
    """Shim over HTTP, then GRUB, which has no http module."""
    wire = Wire("efi-x64-http").lease(file=f"http://{SERVER}/shimx64.efi", option60="HTTPClient")
    wire.fetch(1, "/shimx64.efi", body=SIGNED)
    for number, name in enumerate(("revocations_sku.efi", "shim_certificate_0.efi")):
        wire.fetch(2 + number, f"/{name}", "404 Not Found", b"no", agent="UefiHttpBoot/1.0")
    wire.fetch(5, "/grubx64.efi", body=SIGNED)
    if asks:
        wire.fetch(7, "/grub/grub.cfg", body=CONTENTS["grub.cfg"], agent="GRUB 2.12")
        wire.fetch(8, "/linux", body=KERNEL, agent="GRUB 2.12").fetch(9, "/initrd.gz", body=INITRD, agent="GRUB 2.12")
    return wire.quiet(120)


def pinged(*, answered: bool = True) -> Wire:
    """A server that pings an address before it gives it away: the machine, which has it by then, looks for who asks."""
    wire = Wire("ipxe-bios").lease(file="pxelinux.0", option66="boot.lan", next_server=None)
    for time in (0.5,) if answered else (0.5, 1.5, 3.5, 7.5):
        wire.arp(time, SERVER)
        if answered:
            wire.arp(time + 0.01, SERVER, answer=True)
    return wire.quiet(120)


def proxied(*, next_server: str | None = None, option43: bytes | None = None, file: str = MENU) -> Wire:
    """IPXE behind a ProxyDHCP server that names its script; it asks port 4011 as well where it does not take that."""
    proxy, named = "192.168.122.9", {"your": None, "option60": "PXEClient", "file": file, "next_server": next_server}
    wire = Wire("ipxe-bios")
    wire.dhcp(0, 1)
    wire.dhcp(0.1, 2, next_server=None)
    wire.dhcp(0.2, 2, server=proxy, option43=option43, **named)  # type: ignore[arg-type]
    wire.dhcp(1, 3)
    wire.dhcp(1.1, 5, next_server=None)
    if next_server is None:
        for time in (1.2, 1.5, 2.1, 3.1):
            wire.dhcp(time, 3, target=proxy, port=4011)
            wire.dhcp(time + 0.01, 5, server=proxy, port=4011, option43=option43, **named)  # type: ignore[arg-type]
    return wire.quiet(120)


FAULTS: dict[str, Case] = {
    "dhcp-next-server-missing, a proxy's URL": Case(proxied, "dhcp-next-server-missing", ("http",)),
    "dhcp-next-server-missing, a proxy's file": Case(
        lambda: proxied(file="pxelinux.0"), "dhcp-next-server-missing", ("tftp",)
    ),
    "dhcp-next-server-missing": Case(grub_without_server, "dhcp-next-server-missing", ("nbp",)),
    "dhcp-next-server-is-a-name, GRUB": Case(
        lambda: grub_without_server(option66="boot.lan"), "dhcp-next-server-is-a-name", ("nbp",)
    ),
    "dhcp-next-server-is-a-name, asked elsewhere": Case(
        name_of_a_server, "dhcp-next-server-is-a-name", ("tftp",), PXE_NOTES
    ),
    "dhcp-next-server-is-a-name, BIOS": Case(
        lambda: name_of_a_server(stage="bios-pxe"), "dhcp-next-server-is-a-name", ("tftp",)
    ),
    "dhcp-next-server-is-a-name, pinged": Case(pinged, "dhcp-next-server-is-a-name", ("tftp",)),
    "arp-next-server-unanswered, not the name": Case(
        lambda: pinged(answered=False), "arp-next-server-unanswered", ("arp",)
    ),
    "dhcp-router-missing": Case(far_server, "dhcp-router-missing", ("tftp",), PXE_NOTES),
    "dhcp-router-missing, iPXE": Case(
        lambda: far_server("ipxe-bios", f"http://{OUTSIDE}/menu.ipxe"), "dhcp-router-missing", ("http",)
    ),
    "dhcp-router-missing, HTTP boot": Case(
        lambda: far_server("efi-x64-http", f"http://{OUTSIDE}/x.efi", option60="HTTPClient"),
        "dhcp-router-missing",
        ("http",),
    ),
    "nbp-stalls-after-download, GRUB over HTTP": Case(signed_grub_over_http, "nbp-stalls-after-download", ("chain",)),
    "nbp-stalls-after-download, BIOS": Case(
        lambda: Wire("bios-pxe").lease(file="pxelinux.0").get(1, "pxelinux.0", PXELINUX).quiet(120),
        "nbp-stalls-after-download",
        ("nbp",),
    ),
    "nbp-stalls-after-download, iPXE's own ROM": Case(
        lambda: Wire("ipxe-bios").lease(file="pxelinux.0").get(1, "pxelinux.0", PXELINUX).quiet(120),
        "nbp-stalls-after-download",
        ("nbp",),
    ),
    "nbp-secure-boot-refused, GRUB with a server": Case(
        lambda: Wire().lease(file="grubx64.efi").get(1, "grubx64.efi", GRUB).quiet(120),
        "nbp-secure-boot-refused",
        ("nbp",),
    ),
}


def _grub_with_prefix() -> Wire:
    """GRUB with the server built in does not mind an empty siaddr."""
    wire = Wire().lease(file="grubx64.efi", next_server=None).get(1, "grubx64.efi", GRUB)
    wire.get(3, "/grub/grub.cfg", CONTENTS["grub.cfg"])
    return wire.get(4, "/linux", KERNEL).get(5, "/initrd.gz", INITRD).quiet(120)


def _no_router_needed() -> Wire:
    wire = Wire().lease(file="grubx64.efi", router=None).get(1, "grubx64.efi", SIGNED)
    wire.get(3, "/grub/grub.cfg", CONTENTS["grub.cfg"])
    return wire.get(4, "/linux", KERNEL).get(5, "/initrd.gz", INITRD).quiet(120)


HEALTHY: dict[str, Callable[[], Wire]] = {
    "GRUB that knows its server": _grub_with_prefix,
    "a server on the own network, and no router": _no_router_needed,
    "shim and GRUB over HTTP": lambda: signed_grub_over_http(asks=True),
}
