"""Boots on links whose switch has something to say about them, as packets."""

from __future__ import annotations

from collections.abc import Callable

from .boots import INITRD, KERNEL, SCRIPT
from .packets import SERVER_MAC, Wire, mac_bytes
from .scene import SERVER
from .wire_faults import Case

OTHER = "52:54:00:00:00:99"
SWITCH_PORT = "00:1b:21:00:00:07"
GROUP = "01:80:c2:00:00:03"
_ALONE, _TOGETHER, _INDIVIDUAL = 0x45, 0x3D, 0x7D
"""States of a port: active and nobody there; in step with its partner; working without one."""


def lacpdu(wire: Wire, time: float, *, state: int = _ALONE, source: str = SWITCH_PORT, kind: int = 1) -> Wire:
    """An LACPDU, or with another `kind` some other slow protocol."""
    partner = bytes(8) if state != _TOGETHER else bytes.fromhex("80000050569abcde")
    head = mac_bytes("01:80:c2:00:00:02") + mac_bytes(source) + b"\x88\x09" + bytes((kind, 1))
    own = b"\1\x14\x80\0" + bytes.fromhex("001b21aaaaaa") + b"\0\1\x80\0\0\7" + bytes((state, 0, 0, 0))
    other = b"\2\x14" + partner + b"\0\1\x80\0\0\1" + bytes((state & 0x3D if state == _TOGETHER else 0, 0, 0, 0))
    wire.packets.append((time, head + own + other + b"\3\x10" + bytes(66)))
    return wire


def suspended(*, state: int = _ALONE, source: str = SWITCH_PORT, kind: int = 1) -> Wire:
    """Nobody answers behind a port that sends LACPDUs every 30 s."""
    wire = lacpdu(Wire(), -10, state=state, source=source, kind=kind).discover(0, 4, 12)
    return lacpdu(wire, 20, state=state, source=source, kind=kind).discover(28).quiet(200)


def suspended_then_bonded() -> Wire:
    """The operating system on the disk starts at last, and speaks LACP."""
    return lacpdu(suspended(), 250, state=_TOGETHER)


def fallback() -> Wire:
    """The switch lets a single port work, and goes on asking for a partner."""
    wire = lacpdu(Wire("bios-pxe"), -10).lease(file="x.efi")
    return lacpdu(wire, 20).discover(28).quiet(200)


def eap(wire: Wire, time: float, code: int = 1, *, source: str = SWITCH_PORT, target: str = GROUP) -> Wire:
    """A packet of IEEE 802.1X: 1 and 2 ask and tell who is there, 3 and 4 are the end of it."""
    body = bytes((code, 1, 0, 5, 1)) if code < 3 else bytes((code, 1, 0, 4))
    head = mac_bytes(target) + mac_bytes(source) + b"\x88\x8e\x01\0" + len(body).to_bytes(2, "big")
    wire.packets.append((time, head + body + bytes(40)))
    return wire


def guarded(*codes: int, kind: str = "efi-x64-pxe", source: str = SWITCH_PORT, target: str = GROUP) -> Wire:
    """Nobody answers behind a port that asks who is there every 30 s."""
    wire = Wire(kind).discover(1, 5, 13, 29)
    for number, code in enumerate(codes or (1, 1, 1, 4)):
        eap(wire, 0.5 + 30 * number, code, source=source, target=target)
    return wire.quiet(200)


def told(code: int) -> Wire:
    """The machine answers, or begins by itself."""
    wire = guarded(1, 1, 1, 4)
    if code == 2:
        return eap(wire, 0.6, 2, source=wire.mac)
    wire.packets.append((0.4, mac_bytes(GROUP) + mac_bytes(wire.mac) + b"\x88\x8e\x01\x01\0\0" + bytes(42)))
    return wire


def open_port() -> Wire:
    """The port asks, and knows the machine by its MAC meanwhile."""
    return eap(eap(Wire("bios-pxe").lease(file="x.efi"), -1), 20).discover(28).quiet(200)


def tagged(wire: Wire, vlan: int) -> Wire:
    """The same packets in a VLAN."""
    tag = b"\x81\0" + vlan.to_bytes(2, "big")
    wire.packets = [(time, data[:12] + tag + data[12:]) for time, data in wire.packets]
    return wire


def elsewhere(*, mine: int = 10, served: int = 20) -> Wire:
    """Nobody answers this machine; another one, in a VLAN of its own, is answered."""
    other = Wire("bios-pxe")
    other.mac = OTHER
    wire = tagged(Wire().discover(0, 4, 12, 28), mine)
    wire.packets += tagged(other.lease(6, your="192.168.122.77", file="pxelinux.0"), served).packets
    return wire.quiet(200)


def turns(count: int, pause: float, *, other_kernel: bool = False) -> Wire:
    """The whole chain down to the kernel, again and again."""
    wire = Wire("ipxe-efi-x64")
    for number in range(count):
        start = number * pause
        wire.as_kind("ipxe-efi-x64").lease(start, file=f"http://{SERVER}/menu.ipxe").fetch(
            start + 1, "/menu.ipxe", body=SCRIPT
        )
        wire.fetch(start + 2, "/rescue" if other_kernel and number else "/linux", body=KERNEL)
        wire.fetch(start + 3, "/initrd.gz", body=INITRD)
    return wire.quiet(count * pause + 90)


FAULTS: dict[str, Case] = {
    "link-lacp-suspended": Case(suspended, "link-lacp-suspended", ("dhcp", "link")),
    "link-port-unauthorized": Case(guarded, "link-port-unauthorized", ("dhcp", "link")),
    "link-port-unauthorized, asked by its MAC": Case(
        lambda: guarded(target=Wire().mac), "link-port-unauthorized", ("dhcp", "link")
    ),
    "link-lacp-suspended, bonded later": Case(suspended_then_bonded, "link-lacp-suspended", ("dhcp", "link")),
}


OTHERS: dict[str, Callable[[], Wire]] = {
    "a port that works with its partner": lambda: suspended(state=_TOGETHER),
    "a port that works without a partner": lambda: suspended(state=_INDIVIDUAL),
    "the machine's own LACPDUs": lambda: suspended(source=Wire().mac),
    "another slow protocol": lambda: suspended(kind=3),
    "LACPDUs of a host": lambda: suspended(source=SERVER_MAC),
    "answers all the same": fallback,
    "a port that asks another machine": lambda: guarded(target=OTHER),
    "a port that was told": lambda: guarded(1, 3),
    "a machine that answers": lambda: told(2),
    "a machine that begins by itself": lambda: told(1),
    "requests of the machine's own": lambda: guarded(source=Wire().mac),
    "a port that is open meanwhile": open_port,
}
"""Boots that come to nothing for other reasons than a closed port."""
