"""Whole boots as packets, with servers and boot files that one meets less often."""

from __future__ import annotations

from collections.abc import Callable

from ..track.play import pe
from .boots import INITRD, IPXE, KERNEL, PXELINUX, SCRIPT, SIGNED, give_up
from .boots_more import ASKS6
from .boots_server import GRUB
from .boots_text import IPXE_AGENT, PXELINUX_CONFIG
from .boots_web import ISO
from .packets import Wire
from .scene import CLIENT, SERVER, packed
from .wire_faults import PXE_NOTES, Case

_HEAD = pe(0x8664)
_SECTIONS = 0x80 + 4 + 20 + 240
UNIFIED = (_HEAD[:_SECTIONS] + b".linux\0\0" + _HEAD[_SECTIONS + 8 :]).ljust(9000, b"\1")
"""A unified kernel image as its section of the kernel gives it away, unsigned."""
CHAIN = {name: b"#!ipxe\nchain %s\n" % name.encode() for name in ("a.ipxe", "b.ipxe", "c.ipxe")}
SLEEPS = b"#!ipxe\necho soon\nsleep 60\nsleep 30\nkernel http://192.168.122.1/linux\nboot\n"
PROMPTS = b"#!ipxe\nprompt --key 0x02 --timeout 90000 Ctrl-B && shell ||\nkernel http://192.168.122.1/linux\nboot\n"
GRUB_SLEEPS = b"sleep --verbose 90\nlinux /linux\ninitrd /initrd.gz\nboot\n"
COUNTS = b"set timeout=90\nmenuentry 'x' {\n linux /linux\n initrd /initrd.gz\n}\n"
SAN = b"#!ipxe\nsanboot http://192.168.122.1/boot.iso\n"


def answered_without(*left_out: str, asks_again: bool = False) -> Wire:
    """The server's OACK leaves out options that UEFI asked for."""
    wire = Wire().lease(file="grubx64.efi")
    wire.rrq(1, "grubx64.efi")
    told = "".join(f"{name}\0{value}\0" for name, value in (("tsize", 6000), ("blksize", 1468)) if name not in left_out)
    wire.udp(1.01, SERVER, 40000 + wire.port, "192.168.122.227", wire.port, b"\0\6" + told.encode())
    wire.error(1.02, 8, "User aborted the transfer", by_client=True)
    if asks_again:
        wire.get(1.1, "grubx64.efi", IPXE, blksize=512)
        wire.as_kind("ipxe-efi-x64").lease(10, file=f"http://{SERVER}/linux")
        return wire.fetch(12, "/linux", body=KERNEL, agent=IPXE_AGENT).quiet(120)
    return give_up(wire)


def answered_with_data(*, goes_on: bool = False) -> Wire:
    """A server that knows no options sends the first block at once."""
    wire = Wire("bios-pxe" if goes_on else "efi-x64-pxe").lease(file="loader")
    wire.rrq(1, "loader")
    if not goes_on:
        wire.data(1.01, 1, _HEAD[:512])
        wire.error(1.02, 4, "User aborted download", by_client=True)
        return give_up(wire)
    for block in range(1, len(PXELINUX) // 512 + 2):
        wire.data(1.01 + block / 1000, block, PXELINUX[(block - 1) * 512 : block * 512])
        wire.ack(1.0105 + block / 1000, block)
    wire.get(2, "pxelinux.cfg/default", PXELINUX_CONFIG)
    return wire.get(3, "linux", KERNEL).get(4, "initrd.gz", INITRD).quiet(120)


def ipxe_without_server(file: str = "pxelinux.0") -> Wire:
    """DHCP names a file, and no address to ask for it."""
    wire = Wire("ipxe-bios").lease(file=file, next_server=None)
    if file.startswith("http"):
        wire.fetch(1, "/linux", body=KERNEL, agent=IPXE_AGENT)
    return wire.quiet(120)


def over_ipv6_alone(*, served: bool = False) -> Wire:
    """Firmware boots over IPv6; the started system asks DHCPv4 too. `served`: firmware had been answered over IPv4."""
    wire = Wire()
    if served:
        wire.lease(0)
    url = (59, b"tftp://[fd00::1]/uki.efi")
    wire.dhcp6(30, 1, *ASKS6).dhcp6(30.1, 2, url).dhcp6(30.2, 3, *ASKS6).dhcp6(30.3, 7, url)
    wire.get(31, "uki.efi", KERNEL)
    return wire.as_kind("os").discover(50, 53, 56).quiet(200)


def circle(*names: str, turns: int, gap: float = 0.1) -> Callable[[], Wire]:
    """Scripts that chain each other, the last one the first."""

    def made() -> Wire:
        wire = Wire("ipxe-bios").lease(file=f"http://{SERVER}/{names[0]}")
        for turn in range(turns):
            for number, name in enumerate(names):
                after = names[(number + 1) % len(names)]
                time = 1 + (turn * len(names) + number) * gap
                wire.fetch(time, f"/{name}", body=CHAIN[after], agent=IPXE_AGENT)
        return wire

    return made


def rounds(turns: int, *, sleep: float = 0.1) -> Wire:
    """A script that begins anew with DHCP (autoboot), after it slept for so many seconds; the last turn is under way."""
    wire, time = Wire(), 0.0
    for _ in range(turns):
        wire.as_kind("ipxe-bios").lease(time, file=f"http://{SERVER}/auto.ipxe")
        wire.fetch(time + 1, "/auto.ipxe", body=b"#!ipxe\nautoboot\n", agent=IPXE_AGENT)
        time += 1.1 + sleep
    return wire.as_kind("ipxe-bios").lease(time, file=f"http://{SERVER}/auto.ipxe")


def network_disk(*, left: bool = False, script: bool = False) -> Wire:
    """DHCP or a script names an iSCSI disk; `left`: iPXE finds nothing to start on it and closes the connection."""
    wire = Wire("ipxe-bios").lease(file=f"http://{SERVER}/san.ipxe" if script else "")
    if script:
        wire.fetch(1, "/san.ipxe", body=b"#!ipxe\nsanboot iscsi:192.168.122.1::::iqn.x\n", agent=IPXE_AGENT)
    wire.connect(3, port=3260)
    for number in range(4):
        wire.tcp(3.1 + number / 50, 0x18, 1001 + 48 * number, 5001 + 48 * number, bytes(48), port=3260)
        wire.tcp(
            3.11 + number / 50, 0x18, 5001 + 48 * number, 1049 + 48 * number, bytes(48), from_client=False, port=3260
        )
    if left:
        wire.tcp(3.3, 0x11, 1193, 5193, port=3260)
        wire.tcp(3.31, 0x11, 5193, 1194, from_client=False, port=3260)
    return wire.quiet(90)


def replies_lost(*, own_ports: bool = False, arrives: bool = False) -> Wire:
    """Every request is answered, and the machine asks again; `arrives`: the last answer reaches it."""
    wire = Wire("ipxe-bios").lease(file="pxelinux.0")
    for number, time in enumerate((1, 1.3, 2, 3, 5, 9)):
        wire.rrq(time, "pxelinux.0", again=number > 0)
        told = b"\0\6tsize\x006000\0blksize\x001468\0"
        wire.udp(time + 0.01, SERVER, 40000 + wire.port + number * own_ports, CLIENT, wire.port, told)
    if not arrives:
        for time in (11, 20, 40):  # the server goes on alone
            wire.udp(time, SERVER, 40000 + wire.port, CLIENT, wire.port, told)
        return wire.quiet(45)
    wire.ack(9.02, 0)
    for block in range(1, len(PXELINUX) // 1468 + 2):
        wire.data(9.03 + block / 1000, block, PXELINUX[(block - 1) * 1468 : block * 1468])
        wire.ack(9.0305 + block / 1000, block)
    wire.get(12, "pxelinux.cfg/default", PXELINUX_CONFIG)
    return wire.get(13, "linux", KERNEL).get(14, "initrd.gz", INITRD).quiet(120)


def pausing(script: bytes, until: float, *, grub: bool = False) -> Wire:
    """A script or a configuration that lets time pass before it loads its kernel, looked at after `until` seconds."""
    if grub:
        wire = Wire().lease(file="grubx64.efi").get(1, "grubx64.efi", GRUB)
        return wire.get(3, "/grub/grub.cfg", script).quiet(until)
    wire = Wire("ipxe-bios").lease(file=f"http://{SERVER}/menu.ipxe")
    return wire.fetch(1, "/menu.ipxe", body=script, agent=IPXE_AGENT).quiet(until)


def unified(kind: str, *, refused: bool) -> Wire:
    """Firmware fetches a unified kernel image; refused, it is back with its next option at once."""
    if kind.endswith("http"):
        wire = Wire(kind).lease(file=f"http://{SERVER}/uki.efi", option60="HTTPClient")
        wire.fetch(1, "/uki.efi", body=UNIFIED)
    else:
        wire = Wire(kind).lease(file="uki.efi").get(1, "uki.efi", UNIFIED)
    if refused:
        return (
            give_up(wire, 2) if kind.endswith("pxe") else wire.as_kind("efi-x64-pxe").discover(2, 6, 14, 30).quiet(120)
        )
    return wire.as_kind("os").lease(20).quiet(60)


def image_by_pieces(status: str, fields: str = "") -> Wire:
    """IPXE's sanboot asks for pieces of an image, and closes the connection when it is sent all of it."""
    wire = Wire("ipxe-bios").lease(file=f"http://{SERVER}/san.ipxe").fetch(1, "/san.ipxe", body=SAN, agent=IPXE_AGENT)
    wire.fetch(2, "/boot.iso", body=ISO, method="HEAD", agent=IPXE_AGENT)
    for number in range(4):
        time = 3 + number / 2
        wire.connect(time)
        asked = f"GET /boot.iso HTTP/1.1\r\nHost: {SERVER}\r\nRange: bytes=32768-34815\r\n\r\n".encode()
        wire.tcp(time + 0.01, 0x18, 1001, 5001, asked)
        length = len(ISO) if status.startswith("200") else 2048
        head = f"HTTP/1.1 {status}\r\nContent-Length: {length}{fields}\r\n\r\n".encode()
        sent = 5001 + len(head)
        wire.tcp(time + 0.02, 0x18, 5001, 1001 + len(asked), head, from_client=False)
        wire.tcp(time + 0.03, 0x11, 1001 + len(asked), sent)
        for piece in range(3):
            wire.tcp(
                time + 0.04 + piece / 100, 0x18, sent + piece * 1400, 1002 + len(asked), bytes(1400), from_client=False
            )
    return wire.quiet(14)  # the server is still sending, so that silence alone tells nothing


def another_grub(*, signed: bool = False) -> Wire:
    """DHCP names shim in option 67 alone; shim asks for GRUB in the root, where one without a signature lies."""
    wire = Wire().lease(option67="signed/shimx64.efi").get(1, "signed/shimx64.efi", SIGNED)
    return wire.get(3, "grubx64.efi", SIGNED if signed else _HEAD.ljust(6000, b"\0")).quiet(120)


def no_response(*, closed: bool = False, late: float = 0) -> Wire:
    """The web server takes the request for iPXE's script; `late`: it answers after so many seconds."""
    wire = Wire("ipxe-bios").lease(file=f"http://{SERVER}/menu.ipxe").connect(1)
    asked = f"GET /menu.ipxe HTTP/1.1\r\nHost: {SERVER}\r\nUser-Agent: {IPXE_AGENT}\r\n\r\n".encode()
    wire.tcp(1.01, 0x18, 1001, 5001, asked)
    wire.tcp(1.02, 0x10, 5001, 1001 + len(asked), from_client=False)
    if closed:
        wire.tcp(2, 0x11, 5001, 1001 + len(asked), from_client=False)
    if late:
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(SCRIPT)}\r\n\r\n".encode()
        wire.tcp(1 + late, 0x18, 5001, 1001 + len(asked), head + SCRIPT, from_client=False)
        wire.fetch(2 + late, "/linux", body=KERNEL, agent=IPXE_AGENT)
        wire.fetch(3 + late, "/initrd.gz", body=INITRD, agent=IPXE_AGENT)
    return wire.quiet(90)


def u_boot(kernel: bytes, *, back: float) -> Wire:
    """U-Boot fetches kernel and initrd as a configuration names them, and is heard again as an EFI client."""
    wire = Wire("u-boot-armv8").lease(file="boot.scr.uimg")
    wire.get(1, "pxelinux.cfg/default", PXELINUX_CONFIG)
    wire.get(2, "initrd.gz", INITRD).get(3, "linux", kernel)
    wire.as_kind("efi-arm64-pxe").lease(3.1 + back, file="boot.conf")
    return wire.missing(4 + back, "boot.conf").quiet(120)


def menu(timeout: int, quiet: float) -> Wire:
    """A PXE menu with a prompt, in option 43, after which the firmware asks for nothing so far."""
    items = b"\x06\x01\x03\x08\x07\x80\x00\x01" + packed(SERVER) + b"\x09\x08\x80\x00\x05linux"
    prompt = b"\x0a\x05" + bytes([timeout]) + b"menu"
    wire = Wire("bios-pxe").lease(file="pxelinux.0", option60="PXEClient", option43=items + prompt + b"\xff")
    return wire.quiet(quiet)


FAULTS: dict[str, Case] = {
    "tftp-reply-lost, one port": Case(replies_lost, "tftp-reply-lost", ("tftp",)),
    "tftp-reply-lost, a port for each request": Case(
        lambda: replies_lost(own_ports=True), "tftp-reply-lost", ("tftp",)
    ),
    "http-no-response, silence": Case(no_response, "http-no-response", ("http",)),
    "http-no-response, closed": Case(lambda: no_response(closed=True), "http-no-response", ("http",)),
    "arch-wrong-efi-machine, U-Boot's kernel": Case(
        lambda: u_boot(UNIFIED, back=0.1), "arch-wrong-efi-machine", ("chain", "nbp"), ("tftp-file-not-found",)
    ),
    "tftp-option-negotiation-refused, no size": Case(
        lambda: answered_without("tsize"), "tftp-option-negotiation-refused", ("tftp",), PXE_NOTES
    ),
    "tftp-option-negotiation-refused, DATA at once": Case(
        answered_with_data, "tftp-option-negotiation-refused", ("tftp",), PXE_NOTES
    ),
    "dhcp-next-server-missing, iPXE": Case(ipxe_without_server, "dhcp-next-server-missing", ("tftp",)),
    "os-redhcp-fails, DHCPv4 had answered before": Case(
        lambda: over_ipv6_alone(served=True), "os-redhcp-fails", ("os",), ("dhcp-offer-without-boot-file",)
    ),
    "chain-script-loop, two scripts until the stack is full": Case(
        lambda: circle("a.ipxe", "b.ipxe", turns=7)().quiet(60), "chain-script-loop", ("chain",)
    ),
    "chain-script-loop, one script for ever": Case(circle("a.ipxe", turns=40), "chain-script-loop", ("chain",)),
    "chain-script-loop, three scripts for ever": Case(circle(*CHAIN, turns=20), "chain-script-loop", ("chain",)),
    "chain-script-loop, by DHCP": Case(lambda: rounds(5), "chain-script-loop", ("chain",)),
    "http-range-unsupported, sanboot": Case(lambda: image_by_pieces("200 OK"), "http-range-unsupported", ("http",)),
    "nbp-secure-boot-refused, unified kernel image, PXE": Case(
        lambda: unified("efi-x64-pxe", refused=True), "nbp-secure-boot-refused", ("nbp",), PXE_NOTES
    ),
    "nbp-secure-boot-refused, unified kernel image, HTTP": Case(
        lambda: unified("efi-x64-http", refused=True), "nbp-secure-boot-refused", ("nbp",), ("dhcp-no-offer",)
    ),
    "nbp-secure-boot-refused, another GRUB": Case(another_grub, "nbp-secure-boot-refused", ("chain", "nbp")),
}
HEALTHY: dict[str, Callable[[], Wire]] = {
    "the sixth answer arrives": lambda: replies_lost(arrives=True),
    "an iSCSI disk that DHCP names": network_disk,
    "an iSCSI disk that a script names": lambda: network_disk(script=True),
    "DATA at once, for a ROM that does not mind": lambda: answered_with_data(goes_on=True),
    "a URL needs no server beside it": lambda: ipxe_without_server(f"http://{SERVER}/linux"),
    "IPv6 alone, and a system that asks DHCPv4 too": over_ipv6_alone,
    "a web server that thinks for 15 seconds": lambda: no_response(late=15),
    "an OACK without a block size": lambda: answered_without("blksize", asks_again=True),
    "unified kernel image, PXE": lambda: unified("efi-x64-pxe", refused=False),
    "unified kernel image, HTTP": lambda: unified("efi-x64-http", refused=False),
}
WAITING: dict[str, Callable[[], Wire]] = {
    "a menu of option 43 that counts down": lambda: menu(60, 80),
    "a menu of option 43 that waits for a key": lambda: menu(255, 900),
    "a script that asks for itself every five seconds": circle("a.ipxe", turns=30, gap=5),
    "a script that sleeps before it begins anew": lambda: rounds(8, sleep=10),
    "a script that began anew three times": lambda: rounds(3),
    "a script that sleeps": lambda: pausing(SLEEPS, 100),
    "a prompt with a timeout": lambda: pausing(PROMPTS, 100),
    "a configuration of GRUB that sleeps": lambda: pausing(GRUB_SLEEPS, 100, grub=True),
    "a menu of GRUB that counts down": lambda: pausing(COUNTS, 100, grub=True),
    "a script that is asked for three times at once": circle("a.ipxe", turns=3),
}
