"""Whole boots over HTTP as packets: responses that the machine does not get, and responses that it does not acknowledge."""

from __future__ import annotations

import struct

from .boots import INITRD, KERNEL, SCRIPT
from .packets import Wire
from .scene import SERVER
from .wire_faults import Case

_AGENT = "iPXE/1.21"
_ASKED = f"GET /linux HTTP/1.1\r\nHost: {SERVER}\r\nUser-Agent: {_AGENT}\r\n\r\n".encode()
_AGAIN = (1.2, 1.6, 2.4, 4, 7.2, 13.6, 26.4)
"""A server's retransmissions, seconds behind the request at 1."""


def asked() -> Wire:
    """The script came; iPXE opens another connection and asks for the kernel, at 1.01."""
    wire = Wire("ipxe-bios").lease(-4, file=f"http://{SERVER}/menu.ipxe")
    wire.fetch(-2, "/menu.ipxe", body=SCRIPT, agent=_AGENT).connect(1)
    wire.tcp(1.01, 0x18, 1001, 5001, _ASKED)
    wire.tcp(1.011, 0x10, 5001, 1001 + len(_ASKED), from_client=False)
    return wire


def piece(wire: Wire, time: float, offset: int, data: bytes) -> None:
    """What the server sends from an offset of its stream on."""
    wire.tcp(time, 0x18, 5001 + offset, 1001 + len(_ASKED), data, from_client=False)


def still(wire: Wire, *times: float, taken: int = 0) -> None:
    """The machine acknowledges no more than so many bytes."""
    for time in times:
        wire.tcp(time, 0x10, 1001 + len(_ASKED), 5001 + taken)


def _head(size: int) -> bytes:
    return f"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n".encode()


def sent_in_vain(
    *, alone: bool = False, heard: tuple[float, ...] = (15, 30), small: bool = False, reset: bool = False
) -> Wire:
    """As at the server: its first packets repeat, the machine acknowledges nothing; `alone`: but for the head, which came first."""
    wire = asked()
    body = bytes(300) if small else KERNEL
    head = _head(len(body))
    taken = len(head) if alone else 0
    stream = head + body
    if alone:
        piece(wire, 1.02, 0, head)
        still(wire, 1.03, taken=taken)
    for start in range(taken, len(stream), 1448):
        piece(wire, 1.04, start, stream[start : min(start + 1448, len(stream))])
    for time in _AGAIN[: 4 if reset else None]:
        piece(wire, time, taken, stream[taken : taken + 1448])
    still(wire, *heard, taken=taken)
    if reset:
        wire.tcp(6, 0x04, 1001 + len(_ASKED), 5001 + taken)  # as edk2's
    return wire.quiet(60)


def end_alone(*, filled: float = 0) -> Wire:
    """As at the machine: the response's short last piece, behind a hole; `filled`: what was missing comes so much later."""
    wire = asked()
    stream = _head(len(KERNEL)) + KERNEL
    end = len(stream) - 400
    piece(wire, 1.02, end, stream[end:])
    still(wire, 1.03)
    if filled:
        for start in range(0, end, 1448):
            piece(wire, 1.03 + filled, start, stream[start : min(start + 1448, end)])
        still(wire, 1.04 + filled, taken=len(stream))
        return wire.fetch(2 + filled, "/initrd.gz", body=INITRD, agent=_AGENT).quiet(200)
    still(wire, 16, 31)
    return wire.quiet(60)


def end_not_acknowledged() -> Wire:
    """As at the server: the machine boots what it was sent, and never acknowledges the end of it."""
    wire = asked()
    stream = _head(len(KERNEL)) + KERNEL
    piece(wire, 1.02, 0, stream[:1448])
    still(wire, 1.03, taken=1448)
    piece(wire, 1.031, 1448, stream[1448:])
    still(wire, 1.04, taken=len(stream))
    wire.fetch(2, "/initrd.gz", body=INITRD, agent=_AGENT)
    for time in _AGAIN:
        piece(wire, 2 + time, len(stream) - 500, stream[-500:])
    return wire.quiet(200)


def capture_lost_pieces() -> Wire:
    """Pieces are missing here, and the machine acknowledges them."""
    wire = asked()
    stream = _head(len(KERNEL)) + KERNEL
    end = len(stream) - 400
    piece(wire, 1.02, end, stream[end:])
    still(wire, 1.03, taken=len(stream))
    return wire.fetch(2, "/initrd.gz", body=INITRD, agent=_AGENT).quiet(200)


def heard_before(*, alone: bool = False, late: bool = False, headless: bool = False) -> Wire:
    """A server that takes its time: the machine's latest word is older than its answer, or than the end of it `alone`.

    `late`: it speaks once more, of what came before. `headless`: the capture has nothing of the response but its end.
    """
    wire = asked()
    head = _head(len(KERNEL))
    stream = head + KERNEL
    if alone or headless:
        taken = 0 if headless else len(head)
        if not headless:
            piece(wire, 1.02, 0, head)
        still(wire, 4, taken=taken)
        piece(wire, 5, len(stream) - 400, stream[-400:])
        still(wire, *(6,) if late else (), taken=taken)
        return wire.quiet(60)
    still(wire, 4)
    for time in (0, *_AGAIN):
        piece(wire, 5 + time, 0, stream[:1448])
    return wire.quiet(60)


def told_of_it(code: int = 4) -> Wire:
    """A router tells the server something of what it sends: one large packet, and a very small one."""
    wire = asked()
    stream = _head(1500) + bytes(1500)
    piece(wire, 1.04, 1448, stream[1448:])
    for time in (1.03, *_AGAIN):
        large = wire.tcp(time, 0x18, 5001, 1001 + len(_ASKED), stream[:1448], from_client=False)
        wire.icmp(time + 0.001, large, sender="192.168.122.2", target=SERVER, code=code, mtu=1280)
    still(wire, 15, 30)
    return wire.quiet(60)


def repeated_on_the_way(*, goes_on: bool) -> Wire:
    """A download with losses at its beginning that goes on slowly; or one of which a piece is repeated once, late."""
    wire = asked()
    stream = _head(len(KERNEL)) + KERNEL
    piece(wire, 1.02, 0, stream[:1448])
    for time in _AGAIN[:3] if goes_on else (20,):
        piece(wire, time, 0, stream[:1448])
    still(wire, 3, taken=1448)
    for number in (1, 2) if goes_on else ():
        piece(wire, 20 * number, 1448 * number, stream[1448 * number : 1448 * number + 1448])
    still(wire, 20.1, taken=2896 if goes_on else 1448)
    return wire.quiet(45 if goes_on else 35)


def refused(after: float) -> Wire:
    """The machine gives up so much later, with no word for what came once, the end of it first."""
    wire = asked()
    stream = _head(len(KERNEL)) + KERNEL
    for start in reversed(range(0, len(stream), 1448)):
        piece(wire, 1.04, start, stream[start : start + 1448])
    wire.tcp(1.04 + after, 0x04, 1001 + len(_ASKED), 5001)
    return wire.quiet(60)


def left_for_the_disk() -> Wire:
    """As at the server: iPXE leaves without an ACK for the script that tells it to; the system of the disk resets."""
    path = b"/exit.ipxe"
    asked = _ASKED.replace(b"/linux", path)
    wire = Wire("ipxe-bios").lease(-4, file=f"http://{SERVER}{path.decode()}").connect(1)
    wire.tcp(1.01, 0x18, 1001, 5001, asked)
    script = b"#!ipxe\nexit\n"
    for time in (1.02, *_AGAIN):
        wire.tcp(time, 0x18, 5001, 1001 + len(asked), _head(len(script)) + script, from_client=False)
    wire.tcp(_AGAIN[-1] + 0.001, 0x04, 1001 + len(asked), 0)
    return wire.quiet(200)


def hello_in_vain(*, taken: bool = False) -> Wire:
    """As at the server: its certificates repeat; `taken`: the machine acknowledges them, and says no more."""

    def message(kind: int, body: bytes) -> bytes:
        size = struct.pack(">BHHB", 22, 0x0303, len(body) + 4, kind)
        return size + len(body).to_bytes(3, "big") + body

    wire = Wire("ipxe-bios").lease(file=f"https://{SERVER}/menu.ipxe").connect(1, port=443)
    hello = message(1, b"\x03\x03" + b"r" * 32 + b"\0" + b"\0\4\0\x2f\0\x35" + b"\1\0")
    mine = 1001 + len(hello)
    wire.tcp(1.01, 0x18, 1001, 5001, hello, port=443)
    wire.tcp(1.011, 0x10, 5001, mine, from_client=False, port=443)
    chain = message(11, b"\0\x0b\xb8" + b"\0\x0b\xb5" + b"c" * 2997)
    flight = message(2, b"\x03\x03" + b"s" * 32 + b"\0" + b"\0\x2f" + b"\0") + chain + message(14, b"")
    for start in range(0, len(flight), 1448):
        wire.tcp(1.02, 0x18, 5001 + start, mine, flight[start : start + 1448], from_client=False, port=443)
    for time in _AGAIN:
        wire.tcp(time, 0x18, 5001, mine, flight[:1448], from_client=False, port=443)
    for time in (15, 30):
        wire.tcp(time, 0x10, mine, 5001 + len(flight) * taken, port=443)
    return wire.quiet(60)


def alert_in_secret(said: int, *, answer: int = 0) -> Wire:
    """TLS 1.3 encrypts the certificate, and what firmware says to it: `said` bytes of one record, then the end."""

    def record(kind: int, body: bytes) -> bytes:
        return bytes([kind]) + b"\3\3" + struct.pack(">H", len(body)) + body

    def hello(kind: int, body: bytes) -> bytes:
        version = b"\0\x2b\0\3\2\3\4" if kind == 1 else b"\0\x2b\0\2\3\4"
        body += struct.pack(">H", len(version)) + version
        return record(22, bytes([kind]) + len(body).to_bytes(3, "big") + body)

    wire = Wire("efi-x64-http").lease(file=f"https://{SERVER}/x.efi", option60="HTTPClient").connect(1, port=443)
    mine = hello(1, b"\3\3" + b"r" * 32 + b"\0" + b"\0\2\x13\1" + b"\1\0")
    wire.tcp(1.01, 0x18, 1001, 5001, mine, port=443)
    theirs = hello(2, b"\3\3" + b"s" * 32 + b"\0" + b"\x13\1" + b"\0") + record(20, b"\1") + record(23, b"e" * 900)
    wire.tcp(1.02, 0x18, 5001, 1001 + len(mine), theirs, from_client=False, port=443)
    sent, came = 1001 + len(mine), 5001 + len(theirs)
    secret = record(20, b"\1") + record(23, b"a" * said)
    wire.tcp(1.03, 0x18, sent, came, secret, port=443)
    sent += len(secret)
    body = record(23, b"d" * answer) if answer else b""
    wire.tcp(1.04, 0x18, came, sent, body, from_client=False, port=443)
    wire.tcp(1.05, 0x11, sent, came + len(body), port=443)
    return wire.as_kind("efi-x64-pxe").discover(8, 12, 20, 36).quiet(90)


FAULTS = {
    "tls-handshake-failed, in secret": Case(
        lambda: alert_in_secret(19), "tls-handshake-failed", ("tls",), ("dhcp-no-offer",)
    ),
    "tls-answer-unused, TLS 1.3": Case(
        lambda: alert_in_secret(250, answer=400), "tls-answer-unused", ("http",), ("dhcp-no-offer",)
    ),
    "tls-handshake-failed, the answer is lost": Case(hello_in_vain, "tls-handshake-failed", ("tls",)),
    "http-response-lost, large": Case(sent_in_vain, "http-response-lost", ("http",)),
    "http-response-lost, its head alone arrives": Case(
        lambda: sent_in_vain(alone=True), "http-response-lost", ("http",)
    ),
    "http-response-lost, given up by a reset": Case(
        lambda: sent_in_vain(heard=(), reset=True), "http-response-lost", ("http",)
    ),
    "http-response-lost, small": Case(lambda: sent_in_vain(small=True), "http-response-lost", ("http",)),
    "http-response-lost, its end alone arrives": Case(end_alone, "http-response-lost", ("http",)),
}
HEALTHY = {
    "a hole that is filled": lambda: end_alone(filled=1.5),
    "an end that is never acknowledged": end_not_acknowledged,
    "a script that tells to leave, never acknowledged": left_for_the_disk,
}
