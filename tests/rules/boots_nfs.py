"""Boots that go on by NFS over UDP, of which only the questions to the portmapper are read."""

from __future__ import annotations

import struct
from collections.abc import Callable

from .packets import Wire
from .scene import CLIENT, SERVER
from .wire_faults import Case

MOUNT, NFS = 100_005, 100_003
PXEBOOT = b"\xeb\x3c\x90".ljust(9000, b"\1")
SCRIPT = b"\x27\x05\x19\x56".ljust(700, b"\1")


def ask(wire: Wire, time: float, program: int, *, number: int) -> bytes:
    """GETPORT over UDP; returns the packet."""
    call = struct.pack(">14I", number, 0, 2, 100_000, 2, 3, 0, 0, 0, 0, program, 3, 17, 0)
    return wire.udp(time, CLIENT, 1022, SERVER, 111, call)


def tell(wire: Wire, time: float, port: int, *, number: int) -> Wire:
    wire.udp(time, SERVER, 111, CLIENT, 1022, struct.pack(">7I", number, 1, 0, 0, 0, 0, port))
    return wire


def loaded() -> Wire:
    return Wire("bios-pxe").lease(file="pxeboot").get(1, "pxeboot", PXEBOOT)


def with_own_dhcp(wire: Wire) -> Wire:
    """FreeBSD's pxeboot asks for its lease once more, with the class alone."""
    wire.kind = "pxeboot"
    wire.xid += 1
    return wire.lease(3, file="pxeboot")


def served(wire: Wire, *, port: int = 2049, script: bool = False) -> Wire:
    """Mount and NFS have ports, and a file is read; `port` is that of NFS."""
    for number, (program, at) in enumerate(((MOUNT, 635), (NFS, port))):
        ask(wire, 5 + number, program, number=number)
        tell(wire, 5.01 + number, at, number=number)
    if port:
        for number in range(40):
            wire.udp(7 + number / 10, CLIENT, 1022, SERVER, port, struct.pack(">2I", 9 + number, 0) + bytes(100))
            wire.udp(7.05 + number / 10, SERVER, port, CLIENT, 1022, struct.pack(">2I", 9 + number, 1) + bytes(1000))
    return wire if script else wire.quiet(300)


def unanswered(*, refused: bool = False, times: int = 5) -> Wire:
    wire = Wire("u-boot-armv8").lease(file="boot.scr.uimg").get(1, "boot.scr.uimg", SCRIPT)
    for number in range(times):
        packet = ask(wire, 2 + 12 * number, MOUNT, number=number)
        if refused:
            wire.icmp(2.01 + 12 * number, packet)
    return wire.quiet(300)


def version_by_version() -> Wire:
    """The portmapper knows no port for the first question, and one for the next."""
    wire = loaded()
    ask(wire, 4, MOUNT, number=77)
    return served(tell(wire, 4.01, 0, number=77))


def of_something_else() -> Wire:
    """A lock manager (100021) has no port: no file is fetched from it."""
    wire = served(loaded(), script=True)
    ask(wire, 20, 100_021, number=78)
    return tell(wire, 20.01, 0, number=78).quiet(300)


def without_script() -> Wire:
    """U-Boot's own command, typed or from its environment: nothing was fetched before."""
    return served(Wire("u-boot-armv8").lease(file="Image"))


FAULTS: dict[str, Case] = {
    "NFS, no portmapper": Case(lambda: unanswered(refused=True), "chain-nfs-unreachable", ("chain",)),
    "NFS, a portmapper that is silent": Case(unanswered, "chain-nfs-unreachable", ("chain",)),
    "NFS, over TCP only": Case(lambda: served(loaded(), port=0), "chain-nfs-unreachable", ("chain",)),
    "NFS, over TCP only, after a lease of its own": Case(
        lambda: served(with_own_dhcp(loaded()), port=0), "chain-nfs-unreachable", ("chain",)
    ),
}
WAITING: dict[str, Callable[[], Wire]] = {
    "NFS": lambda: served(loaded()),
    "NFS, after a lease of its own": lambda: served(with_own_dhcp(loaded())),
    "NFS, one version after the other": version_by_version,
    "NFS, and another program that is not there": of_something_else,
    "NFS, by a command": without_script,
}
