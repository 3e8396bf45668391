"""Whole boots as packets: names, identities, closed connections, long lines; faults and what works all the same."""

from __future__ import annotations

import struct
from collections.abc import Callable

from .boots import IPXE, SIGNED, give_up, started
from .boots_web import started_from
from .packets import Wire
from .scene import CLIENT, SERVER, packed
from .scenes_more import DEEP
from .wire_faults import PXE_NOTES, Case

URL = f"http://{SERVER}/ipxe.efi"
STATELESS = struct.pack(">III", 1, 0, 0) + struct.pack(">HHH", 13, 2, 2)
"""IA_NA with the status NoAddrsAvail."""
ADDRESS6 = (
    struct.pack(">III", 1, 0, 0)
    + struct.pack(">HH", 5, 24)
    + bytes.fromhex("fd" + "00" * 14 + "05")
    + b"\0\0\x0e\x10" * 2
)
ASKS6 = ((61, b"\0\7"), (16, b"\0\0\1\x57\0\x20PXEClient:Arch:00007:UNDI:003000"), (3, struct.pack(">III", 1, 0, 0)))


def cut_name() -> Wire:
    wire = Wire("bios-pxe").lease(option67=DEEP)
    return wire.missing(1, DEEP[:64]).quiet(90)


def to_itself(wire: Wire) -> None:
    """The latest reply goes to the offered address, not to everybody."""
    time, frame = wire.packets[-1]
    wire.packets[-1] = time, frame[:30] + packed(CLIENT) + frame[34:]


def unheard(*, option60: str | None = None) -> Wire:
    wire = Wire("efi-x64-http" if option60 else "efi-x64-pxe")
    for gap in (0, 4, 12, 28):
        wire.dhcp(gap, 1, secs=gap)
        wire.dhcp(gap + 0.1, 2, file=URL if option60 else "grubx64.efi", option60=option60)
        to_itself(wire)
    return wire.quiet(120)


def refused_by_address(identifier: bytes | None) -> Wire:
    wire = started(Wire("ipxe-bios"))
    wire.dhcp(40, 1, identifier=identifier)
    wire.dhcp(40.1, 2, your="192.168.122.40")
    wire.dhcp(40.2, 3, your="192.168.122.40", identifier=identifier)
    wire.dhcp(40.3, 5, your="192.168.122.40")
    wire.hosts["192.168.122.40"] = wire.mac
    for time in (50, 60, 70):
        wire.fetch(time, "/ks.cfg", "403 Forbidden", b"no", agent="curl/8")
    return wire.quiet(400)


def loader_refused_by_address(identifier: bytes | None) -> Wire:
    """The iPXE that firmware loaded is known by another identifier, gets another address, and no script there."""
    wire = Wire().lease(file="ipxe.efi").get(1, "ipxe.efi", IPXE).as_kind("ipxe-efi-x64")
    wire.dhcp(5, 1, identifier=identifier)
    wire.dhcp(5.1, 2, your="192.168.122.40", file=f"http://{SERVER}/menu.ipxe")
    wire.dhcp(5.2, 3, your="192.168.122.40", identifier=identifier)
    wire.dhcp(5.3, 5, your="192.168.122.40", file=f"http://{SERVER}/menu.ipxe")
    wire.hosts["192.168.122.40"] = wire.mac
    return wire.fetch(6, "/menu.ipxe", "404 Not Found", b"no", agent="iPXE/1.21").quiet(60)


def controller() -> Wire:
    """Option 43 of a Wi-Fi controller for a machine that boots."""
    wire = Wire().lease(file="grubx64.efi", option60="PXEClient", option43=b"10.20.30.40")
    return give_up(wire).quiet(200)


def closing(*, again: bool = False, keep: str = "") -> Wire:
    """HEAD is answered in HTTP/1.0 and the connection closed; GET comes on it."""
    wire = Wire("efi-x64-http").lease(file=URL, option60="HTTPClient").connect(1)
    head = b"HEAD /ipxe.efi HTTP/1.1\r\nHost: 192.168.122.1\r\nUser-Agent: UefiHttpBoot/1.0\r\n\r\n"
    get = head.replace(b"HEAD", b"GET")
    answer = f"HTTP/1.0 200 OK\r\nContent-Length: 6000\r\n{keep}\r\n".encode()
    wire.tcp(1.01, 0x18, 1001, 5001, head)
    wire.tcp(1.02, 0x18, 5001, 1001 + len(head), answer, from_client=False)
    wire.tcp(1.021, 0x11, 5001 + len(answer), 1001 + len(head), from_client=False)
    wire.tcp(1.022, 0x18, 1001 + len(head), 5001 + len(answer), get)
    wire.tcp(1.03, 0x04, 5002 + len(answer), 0, from_client=False)
    if again:
        wire.fetch(3, "/ipxe.efi", body=IPXE)
        wire.as_kind("ipxe-efi-x64").lease(10, file=f"http://{SERVER}/menu.ipxe")
        return started_from(wire, 12)
    return wire.quiet(120)


def shim_of_ipxe(*, there: bool = False) -> Wire:
    wire = Wire().lease(file="boot/snponly-shimx64.efi").get(1, "boot/snponly-shimx64.efi", SIGNED)
    if not there:
        return give_up(wire.missing(3, "ipxe.efi"))
    wire.get(3, "ipxe.efi", IPXE).as_kind("ipxe-efi-x64").lease(10, file=f"http://{SERVER}/menu.ipxe")
    return started_from(wire, 12)


def stateless() -> Wire:
    wire = Wire()
    for time in (0, 1, 3, 7):
        wire.dhcp6(time, 1, *ASKS6)
        wire.dhcp6(time + 0.1, 2, (3, STATELESS), (59, b"tftp://[fd00::1]/x.efi"))
    return wire.quiet(200)


def _stateless_then_http() -> Wire:
    """PXE over IPv6 finds no address; HTTP over IPv4 boots."""
    wire = stateless()
    wire.as_kind("efi-x64-http").lease(60, file=URL, option60="HTTPClient").fetch(61, "/ipxe.efi", body=IPXE)
    wire.as_kind("ipxe-efi-x64").lease(70, file=f"http://{SERVER}/menu.ipxe")
    return started_from(wire, 72)


def slow(*, trip: float = 0.03, block: int = 512, blocks: int = 2400) -> Wire:
    """IPXE over a line with a long round trip, and a whole boot after it."""
    wire = Wire().lease(file="ipxe.efi")
    wire.rrq(1, "ipxe.efi", blksize=block)
    body = IPXE.ljust(block * blocks, b"\0")
    wire.oack(1.01, blksize=block, tsize=len(body) + 5)
    wire.ack(1.02, 0)
    for number in range(blocks + 1):
        time = 1.05 + number * trip
        wire.data(time, number + 1, body[number * block : number * block + block] or b"short")
        wire.ack(time + 0.001, number + 1)
    end = 10 + blocks * trip
    wire.as_kind("ipxe-efi-x64").lease(end, file=f"http://{SERVER}/menu.ipxe")
    return started_from(wire, end + 2)


def bound6(*, url: bytes = b"tftp://[fd00::1]/x.efi", parameter: bytes | None = None) -> Wire:
    """The whole DHCPv6 exchange; then the firmware goes on to HTTPv4."""
    given = (3, ADDRESS6), (59, url)
    if parameter is not None:
        given = (*given, (60, struct.pack(">H", len(parameter)) + parameter))  # type: ignore[assignment]
    wire = Wire()
    wire.dhcp6(0, 1, *ASKS6)
    wire.dhcp6(0.1, 2, *given)
    wire.dhcp6(0.2, 3, *ASKS6)
    wire.dhcp6(0.3, 7, *given)
    return wire.as_kind("efi-x64-http").ignored(60).quiet(200)


def windowed(*, honest: bool = False) -> Wire:
    """An OACK with windowsize 4, and a server that sends one block for each ACK."""
    wire = Wire().lease(file="ipxe.efi")
    body = IPXE.ljust(512 * 40, b"\0")
    wire.port += 1
    options = b"tsize\0000\0blksize\000512\0windowsize\0004\0"
    wire.udp(1, CLIENT, wire.port, SERVER, 69, b"\0\1ipxe.efi\0octet\0" + options)
    wire.udp(1.01, SERVER, 40000 + wire.port, CLIENT, wire.port, b"\0\6" + options)
    wire.ack(1.02, 0)
    for number in range(41):
        time = 1.05 + number * (0.01 if honest else 4)
        wire.data(time, number + 1, body[number * 512 : number * 512 + 512])
        if not honest or number % 4 == 3 or number == 40:
            wire.ack(time + (0.001 if honest else 3.99), number + 1)
    end = 180.0
    wire.as_kind("ipxe-efi-x64").lease(end, file=f"http://{SERVER}/menu.ipxe")
    return started_from(wire, end + 2)


def stormy(*, copies: bool = False) -> Wire:
    """Every block and every ACK twice; with `copies` a mirror shows each packet twice instead."""
    wire = Wire().lease(file="ipxe.efi")
    wire.rrq(1, "ipxe.efi", blksize=512)
    body = IPXE.ljust(512 * 300, b"\0")
    wire.oack(1.01, blksize=512, tsize=len(body))
    wire.ack(1.02, 0)
    for number in range(301):
        time = 1.05 + number / 100
        for late in (0, 0.002):
            wire.data(time + late, number + 1, body[number * 512 : number * 512 + 512])
            if copies:
                wire.packets.append((time + 0.0001, wire.packets[-1][1]))
            wire.ack(time + late + 0.001, number + 1)
            if copies:
                wire.packets.append((time + 0.0011, wire.packets[-1][1]))
                break
    wire.as_kind("ipxe-efi-x64").lease(10, file=f"http://{SERVER}/menu.ipxe")
    return started_from(wire, 12)


FAULTS: dict[str, Case] = {
    "dhcp-bootfile-too-long": Case(cut_name, "dhcp-bootfile-too-long", ("tftp",)),
    "dhcp-reply-unicast-not-delivered": Case(unheard, "dhcp-reply-unicast-not-delivered", ("dhcp",)),
    "dhcp-reply-unicast-not-delivered, HTTP": Case(
        lambda: unheard(option60="HTTPClient"), "dhcp-reply-unicast-not-delivered", ("dhcp",)
    ),
    "option43-foreign-content": Case(controller, "option43-foreign-content", ("tftp", "proxydhcp"), PXE_NOTES),
    "http-10-connection-close": Case(closing, "http-10-connection-close", ("http",)),
    "chain-shim-loader-name": Case(shim_of_ipxe, "chain-shim-loader-name", ("tftp", "chain"), PXE_NOTES),
    "v6-stateless-not-supported": Case(stateless, "v6-stateless-not-supported", ("dhcp",)),
    "v6-ra-missing-or-bootparam": Case(
        lambda: bound6(parameter=b"\\winpe\\BCD"), "v6-ra-missing-or-bootparam", ("tftp",), PXE_NOTES
    ),
    "v6-no-bootfile-url, no brackets": Case(
        lambda: bound6(url=b"tftp://boot.lan/x.efi"), "v6-no-bootfile-url", ("dhcp", "tftp"), PXE_NOTES
    ),
    "os-config-fetch-failed, by address": Case(
        lambda: refused_by_address(b"\xff\1\2\3\4\0\2\0\0"), "os-config-fetch-failed", ("os",)
    ),
}

HEALTHY: dict[str, Callable[[], Wire]] = {
    "GET on a new connection after all": lambda: closing(again=True),
    "iPXE's shim finds its iPXE": lambda: shim_of_ipxe(there=True),
    "no address over IPv6, HTTP over IPv4": _stateless_then_http,
    "a long line": slow,
    "everything twice": stormy,
    "a mirror of both directions": lambda: stormy(copies=True),
    "windows that are kept": lambda: windowed(honest=True),
    "windows that are not kept, and a boot all the same": windowed,
}
