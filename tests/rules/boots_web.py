"""Whole boots over HTTP as packets: what a web server answers instead of the file."""

from __future__ import annotations

from collections.abc import Callable

from .boots import IPXE, KERNEL, SCRIPT, SIGNED, http, started
from .packets import Wire
from .scene import SERVER
from .wire_faults import Case

PAGE = b"<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body>please</body></html>\n" * 20
PLAIN_TO_TLS = b"<html><body>The plain HTTP request was sent to HTTPS port</body></html>\n" * 10
GRUB_CONFIG = b"set timeout=0\nmenuentry 'x' {\n linux /linux\n initrd /initrd.gz\n}\n"
HTML = "\nContent-Type: text/html"


def firmware(status: str, body: bytes = b"no") -> Callable[[], Wire]:
    return http(lambda wire: wire.fetch(1, "/ipxe.efi", status, body))


def resumed(*, gone: bool) -> Wire:
    """The connection breaks, firmware asks for the rest, and the server begins anew."""
    wire = Wire("efi-x64-http").lease(file=f"http://{SERVER}/ipxe.efi", option60="HTTPClient")
    wire.fetch(1, "/ipxe.efi", body=SIGNED, cut=3000, end="reset")
    part = f"GET /ipxe.efi HTTP/1.1\nHost: {SERVER}\nRange: bytes=3000-{len(SIGNED) - 1}"
    wire.exchange(2, part, f"HTTP/1.1 200 OK\nContent-Length: {len(SIGNED)}", SIGNED)
    if gone:
        wire.as_kind("efi-x64-pxe").discover(4, 8, 16, 32)
    return wire.quiet(90)


def script(status: str, body: bytes = b"no") -> Callable[[], Wire]:
    """Firmware loads iPXE, and iPXE asks for its script."""

    def made() -> Wire:
        wire = Wire().lease(file="ipxe.efi").get(1, "ipxe.efi", IPXE)
        wire.as_kind("ipxe-efi-x64").lease(10, file=f"http://{SERVER}/menu.ipxe")
        return wire.fetch(12, "/menu.ipxe", status, body, HTML, agent="iPXE/1.21").quiet(200)

    return made


def kernel(status: str, body: bytes = b"no") -> Callable[[], Wire]:
    """The script has arrived, and iPXE asks for the kernel that it names."""

    def made() -> Wire:
        wire = Wire("ipxe-bios").lease(file=f"http://{SERVER}/menu.ipxe").fetch(1, "/menu.ipxe", body=SCRIPT)
        return wire.fetch(2, "/linux", status, body, agent="iPXE/1.21").quiet(200)

    return made


def grub(status: str, body: bytes = b"no", *, config: bytes | None = None) -> Callable[[], Wire]:
    """GRUB over HTTP asks for its configuration, or with `config` for its kernel."""

    def made() -> Wire:
        wire = Wire("efi-x64-http").lease(file=f"http://{SERVER}/grubx64.efi", option60="HTTPClient")
        wire.fetch(1, "/grubx64.efi", body=SIGNED)
        if config is not None:
            wire.fetch(3, "/grub/grub.cfg", body=config, agent="GRUB 2.06")
        path = "/grub/grub.cfg" if config is None else "/linux"
        return wire.fetch(4, path, status, body, agent="GRUB 2.06").quiet(200)

    return made


def head_only() -> Wire:
    """Firmware that does not go on with GET once its HEAD is refused."""
    return http(lambda wire: wire.fetch(1, "/ipxe.efi", "405 Method Not Allowed", b"", method="HEAD"))()


def lpxelinux(status: str) -> Wire:
    """PXELINUX with HTTP: a server that answers every name of the search list with one status."""
    wire = Wire("bios-pxe").lease(file="lpxelinux.0", next_server=SERVER)
    wire.get(1, "lpxelinux.0", b"\xea\x24\x7c\x00\x00" + b"\0" * 6000).get(2, "ldlinux.c32", b"\x7fELF" + b"\0" * 4000)
    for number, name in enumerate(["01-52-54-00-89-32-47", "C0A87AE3", "default"]):
        wire.fetch(3 + number, f"/pxelinux.cfg/{name}", status, b"no", agent="Syslinux/6.04")
    return wire.quiet(200)


ISO = bytes(32768) + b"\x01CD001\x01" + bytes(4000)


def image(again: float) -> Callable[[], Wire]:
    """UEFI HTTP boot fetches a disk image; PXE, another option of this firmware, is tried `again` seconds later."""

    def made() -> Wire:
        wire = Wire("efi-x64-http").lease(file=f"http://{SERVER}/boot.iso", option60="HTTPClient")
        wire.fetch(1, "/boot.iso", body=ISO, agent="UefiHttpBoot/1.0")
        wire.as_kind("efi-x64-pxe")
        return wire.discover(*(2 + again + gap for gap in (0, 4, 12, 28))).quiet(200)

    return made


ASKS6 = ((61, b"\0\x10"), (16, b"\0\0\1\x57\0\x0aHTTPClient"))
GIVEN = (3, b"\0\0\0\1" + bytes(8) + b"\0\5\0\x18" + bytes.fromhex("fd00") + bytes(13) + b"\5" + b"\0\0\x0e\x10" * 2)


def over_ipv6(*options: tuple[int, bytes], solicits: int = 1) -> Wire:
    """IPv4 is not answered; DHCPv6 offers an address and these options, and the machine asks for no address."""
    wire = Wire("efi-x64-http").discover(0, 4, 12, 28)
    for number in range(solicits):
        wire.dhcp6(60 + number, 1, *ASKS6).dhcp6(60.1 + number, 2, GIVEN, *options)
    return wire.quiet(200)


WEB6 = (59, b"http://[fd00::1]/uki.efi")
NAME6 = (59, b"http://boot.lab/uki.efi")
ECHO6 = (16, b"\0\0\1\x57\0\x0aHTTPClient")
DNS6 = (23, bytes.fromhex("fd00000000000000000000000000000a"))

FAULTS: dict[str, Case] = {
    "dhcp-http-vendor-class-not-echoed, over IPv6": Case(
        lambda: over_ipv6(WEB6), "dhcp-http-vendor-class-not-echoed", ("dhcp",), ("dhcp-no-offer",)
    ),
    "dns-server-missing-for-name-uri, over IPv6": Case(
        lambda: over_ipv6(NAME6, ECHO6), "dns-server-missing-for-name-uri", ("dhcp",), ("dhcp-no-offer",)
    ),
    "an image that nothing starts from": Case(image(0.1), "nbp-stalls-after-download", ("nbp",), ("dhcp-no-offer",)),
    **{
        f"http-4xx, firmware, {status}": Case(firmware(status), "http-4xx", ("http",))
        for status in (
            "400 Bad Request",
            "405 Method Not Allowed",
            "416 Range Not Satisfiable",
            "429 Too Many Requests",
            "451 No",
        )
    },
    "http-range-unsupported, silence": Case(lambda: resumed(gone=False), "http-range-unsupported", ("http",)),
    "http-range-unsupported, another option": Case(
        lambda: resumed(gone=True), "http-range-unsupported", ("http",), ("dhcp-no-offer",)
    ),
    "http-4xx, plain http to a TLS port": Case(firmware("400 Bad Request", PLAIN_TO_TLS), "http-4xx", ("http",)),
    "http-4xx, HEAD alone": Case(head_only, "http-4xx", ("http",)),
    "http-4xx, iPXE's script": Case(script("429 Too Many Requests"), "http-4xx", ("http",)),
    "http-4xx, kernel": Case(kernel("400 Bad Request"), "http-4xx", ("http",)),
    "http-4xx, grub.cfg": Case(grub("405 Method Not Allowed"), "http-4xx", ("http",)),
    "http-4xx, search list": Case(lambda: lpxelinux("429 Too Many Requests"), "http-4xx", ("http", "chain")),
    "http-403, a login is wanted": Case(script("401 Unauthorized", PAGE), "http-403", ("http",)),
    "http-403, grub.cfg": Case(grub("403 Forbidden"), "http-403", ("http",)),
    "http-5xx, grub.cfg": Case(grub("503 Service Unavailable"), "http-5xx", ("http",)),
    "chain-no-config-found, grub.cfg over HTTP": Case(grub("404 Not Found"), "chain-no-config-found", ("chain",)),
    "http-page-instead-of-file, firmware": Case(firmware("200 OK", PAGE), "http-page-instead-of-file", ("http",)),
    "http-page-instead-of-file, script": Case(script("200 OK", PAGE), "http-page-instead-of-file", ("http",)),
    "http-page-instead-of-file, kernel": Case(kernel("200 OK", PAGE), "http-page-instead-of-file", ("http",)),
    "http-page-instead-of-file, grub.cfg": Case(grub("200 OK", PAGE), "http-page-instead-of-file", ("http",)),
    "http-page-instead-of-file, GRUB's kernel": Case(
        grub("200 OK", PAGE, config=GRUB_CONFIG), "http-page-instead-of-file", ("http",)
    ),
}


def _head_refused() -> Wire:
    wire = Wire("efi-x64-http").lease(file=f"http://{SERVER}/ipxe.efi", option60="HTTPClient")
    wire.fetch(1, "/ipxe.efi", "405 Method Not Allowed", b"", method="HEAD").fetch(2, "/ipxe.efi", body=IPXE)
    wire.as_kind("ipxe-efi-x64").lease(10, file=f"http://{SERVER}/menu.ipxe")
    return started_from(wire, 12)


def started_from(wire: Wire, time: float) -> Wire:
    wire.fetch(time, "/menu.ipxe", body=SCRIPT).fetch(time + 1, "/linux", body=KERNEL)
    return wire.fetch(time + 2, "/initrd.gz", body=b"\x1f\x8b\x08" + b"\1" * 9000).quiet(time + 90)


def _asked_twice() -> Wire:
    """The first answer is 429, and iPXE's script tries again."""
    wire = Wire("ipxe-bios").lease(file=f"http://{SERVER}/menu.ipxe")
    return started_from(wire.fetch(1, "/menu.ipxe", "429 Too Many Requests", b"no"), 3)


def _reported() -> Wire:
    """A script tells a web application that the machine boots; the page that it gets is of no use, nor of harm."""
    wire = Wire("ipxe-bios").lease(file=f"http://{SERVER}/menu.ipxe").fetch(1, "/menu.ipxe", body=SCRIPT)
    wire.fetch(2, "/register?mac=x", body=PAGE)
    return wire.fetch(3, "/linux", body=KERNEL).fetch(4, "/initrd.gz", body=b"\x1f\x8b\x08" + b"\1" * 9000).quiet(90)


def _page_for_the_system() -> Wire:
    return started(Wire("ipxe-bios")).lease(40).fetch(60, "/", body=PAGE, agent="curl/8").quiet(120)


HEALTHY: dict[str, Callable[[], Wire]] = {
    "HEAD refused, GET answered": _head_refused,
    "too many requests, then the script": _asked_twice,
    "a page that nobody needs": _reported,
    "the started system looks at a web page": _page_for_the_system,
}
