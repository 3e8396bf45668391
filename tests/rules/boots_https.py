"""Whole boots as packets: downloads over TLS, redirects in a circle, files that are empty or cut short, connections for scripts."""

from __future__ import annotations

import struct
from collections.abc import Callable

from .boots import INITRD, KERNEL, SCRIPT
from .packets import Wire
from .scene import SERVER
from .wire_faults import Case

AGENT = "iPXE/1.21.1"
HTTPS = f"https://{SERVER}/uki.efi"
LOCATION = "\nLocation: {}"
PORT_8080 = b"#!ipxe\nkernel http://192.168.122.1:8080/linux\ninitrd http://192.168.122.1:8080/initrd.gz\nboot\n"
NFS = b"#!ipxe\nkernel nfs://192.168.122.1/srv/boot/linux\nboot\n"
SECURE = b"#!ipxe\nkernel https://192.168.122.1/linux\ninitrd https://192.168.122.1/initrd.gz\nboot\n"


def program(size: int, *, said: int | None = None, signed: bool = False) -> bytes:
    """An EFI application of `size` bytes whose one section, or certificate, ends at `said`."""
    end = size if said is None else said
    head = bytearray(0x400)
    head[:2], head[0x3C:0x40] = b"MZ", struct.pack("<I", 0x80)
    head[0x80:0x98] = b"PE\0\0" + struct.pack("<HHIIIHH", 0x8664, 1, 0, 0, 0, 240, 0x22)
    head[0x98:0x9A] = struct.pack("<H", 0x20B)
    head[0x98 + 68 : 0x98 + 70] = struct.pack("<H", 10)
    head[0x98 + 108 : 0x98 + 112] = struct.pack("<I", 16)
    raw = end - 0x400
    if signed:
        raw = 0x1000
        head[0x98 + 144 : 0x98 + 152] = struct.pack("<II", end - 2048, 2048)
    head[0x188:0x1B0] = b".text\0\0\0" + struct.pack("<IIIIIIHHI", raw, 0x1000, raw, 0x400, 0, 0, 0, 0, 0x60000020)
    return bytes(head) + b"\x90" * (size - len(head))


def over_tls(wire: Wire, time: float, answer: int) -> Wire:
    """A handshake that goes well, an encrypted request and `answer` encrypted bytes; the client closes with RST."""
    wire.connect(time, port=443)

    def record(kind: int, body: bytes) -> bytes:
        return bytes([kind]) + b"\x03\x03" + struct.pack(">H", len(body)) + body

    def message(kind: int, body: bytes) -> bytes:
        return record(22, bytes([kind]) + len(body).to_bytes(3, "big") + body)

    mine, theirs = 1001, 5001
    hello = message(1, b"\x03\x03" + b"r" * 32 + b"\0" + b"\0\4\0\x2f\0\x35" + b"\1\0")
    wire.tcp(time + 0.01, 0x18, mine, theirs, hello, port=443)
    mine += len(hello)
    flight = message(2, b"\x03\x03" + b"s" * 32 + b"\0" + b"\0\x2f" + b"\0") + message(14, b"")
    wire.tcp(time + 0.02, 0x18, theirs, mine, flight, from_client=False, port=443)
    theirs += len(flight)
    asked = message(16, b"k" * 130) + record(20, b"\1") + record(22, b"f" * 40) + record(23, b"q" * 160)
    wire.tcp(time + 0.03, 0x18, mine, theirs, asked, port=443)
    mine += len(asked)
    wire.tcp(time + 0.04, 0x18, theirs, mine, record(20, b"\1") + record(22, b"f" * 40), from_client=False, port=443)
    theirs += 51
    late = time + 0.05
    while answer > 0:
        piece = record(23, b"d" * min(answer, 1300))
        wire.tcp(late, 0x18, theirs, mine, piece, from_client=False, port=443)
        theirs, answer, late = theirs + len(piece), answer - 1300, late + 0.0005
    wire.tcp(late + 0.1, 0x04, mine, 0, port=443)
    return wire


def https(answer: int) -> Wire:
    """HTTP boot firmware that knows the server's authority."""
    return over_tls(Wire("efi-x64-http").lease(file=HTTPS, option60="HTTPClient"), 1, answer)


def next_option(answer: int) -> Callable[[], Wire]:
    """It does not start what came, and tries PXE at once."""

    def made() -> Wire:
        wire = https(answer).as_kind("efi-x64-pxe")
        return wire.discover(*(3 + gap for gap in (0, 4, 12, 28))).quiet(200)

    return made


def system(answer: int) -> Callable[[], Wire]:
    """What came over TLS was a system, which asks DHCP by itself."""
    return lambda: https(answer).as_kind("os").lease(25).quiet(90)


def secure_script() -> Wire:
    """A script names a kernel and an initrd by https; the system asks DHCP afterwards."""
    wire = Wire("ipxe-efi-x64").lease(file=f"http://{SERVER}/menu.ipxe")
    wire.fetch(1, "/menu.ipxe", body=SECURE, agent=AGENT)
    over_tls(wire, 2, 300_000)
    return over_tls(wire, 3, 900_000).as_kind("os").lease(30).quiet(90)


def one_direction(wire: Wire) -> Wire:
    """What a mirror of the machine's own packets holds."""
    mac = bytes.fromhex("525400893247")
    wire.packets = [(at, data) for at, data in wire.packets if data[6:12] == mac]
    return wire


def circle(turns: int, *places: str) -> Callable[[], Wire]:
    """IPXE is sent from one place to the next, `turns` times."""

    def made() -> Wire:
        wire = Wire("ipxe-bios").lease(file=f"http://{SERVER}/menu.ipxe")
        at = "/menu.ipxe"
        for turn in range(turns):
            place = places[turn % len(places)]
            wire.fetch(1 + turn * 0.6, at, "302 Found", b"", LOCATION.format(place), agent=AGENT)
            at = place
        return wire.quiet(60)

    return made


def redirected_twice() -> Wire:
    """Two redirects that lead to the script, then a boot."""
    wire = Wire("ipxe-bios").lease(file=f"http://{SERVER}/menu.ipxe")
    wire.fetch(1, "/menu.ipxe", "301 Moved Permanently", b"", LOCATION.format("/b/menu.ipxe"), agent=AGENT)
    wire.fetch(2, "/b/menu.ipxe", "302 Found", b"", LOCATION.format("/c/menu.ipxe"), agent=AGENT)
    wire.fetch(3, "/c/menu.ipxe", body=SCRIPT, agent=AGENT).fetch(4, "/linux", body=KERNEL, agent=AGENT)
    return wire.fetch(5, "/initrd.gz", body=INITRD, agent=AGENT).quiet(90)


def served(body: bytes, *, client: str = "efi-x64-http", name: str = "grubx64.efi") -> Callable[[], Wire]:
    """One file over HTTP that firmware leaves for its next option, or iPXE gives up on."""

    def made() -> Wire:
        agent = AGENT if client.startswith("ipxe") else "UefiHttpBoot/1.0"
        wire = Wire(client).lease(file=f"http://{SERVER}/{name}", option60="HTTPClient")
        wire.fetch(1, f"/{name}", body=body, agent=agent)
        if client == "efi-x64-http":
            wire.as_kind("efi-x64-pxe").discover(*(2.5 + gap for gap in (0, 4, 12, 28)))
        return wire.quiet(200)

    return made


def by_tftp(body: bytes) -> Callable[[], Wire]:
    def made() -> Wire:
        wire = Wire("efi-x64-pxe").lease(file="grubx64.efi").get(1, "grubx64.efi", body)
        return wire.as_kind("efi-x64-http").discover(*(2.5 + gap for gap in (0, 4, 12, 28))).quiet(200)

    return made


def refused(script: bytes, port: int) -> Callable[[], Wire]:
    """The script is there, and the connection for what it names is reset."""

    def made() -> Wire:
        wire = Wire("ipxe-bios").lease(file=f"http://{SERVER}/menu.ipxe")
        wire.fetch(1, "/menu.ipxe", body=script, agent=AGENT)
        wire.port += 1
        wire.tcp(2, 0x02, 1000, 0, port=port)
        wire.tcp(2.001, 0x14, 0, 1001, from_client=False, port=port)
        return wire.quiet(90)

    return made


def closed_meanwhile(status: str = "404 Not Found") -> Wire:
    """The server closes an idle connection while the next request on it is under way; it is sent once more."""
    wire = Wire("ipxe-bios").lease(file=f"http://{SERVER}/menu.ipxe")
    wire.fetch(1, "/menu.ipxe", body=SCRIPT, agent=AGENT).connect(8)
    request = f"GET /linux HTTP/1.1\r\nHost: {SERVER}\r\nUser-Agent: {AGENT}\r\n\r\n".encode()
    wire.tcp(8.01, 0x18, 1001, 5001, request)
    wire.tcp(8.02, 0x11, 5001, 1001 + len(request), from_client=False)
    wire.tcp(8.03, 0x11, 1001 + len(request), 5002)
    wire.fetch(8.1, "/linux", status, KERNEL if status.startswith("200") else b"no", agent=AGENT)
    if status.startswith("200"):
        wire.fetch(9, "/initrd.gz", body=INITRD, agent=AGENT)
    return wire.quiet(90)


def offered(name: str) -> Callable[[], Wire]:
    return lambda: Wire("efi-x64-http").ignored(file=name, option60="HTTPClient").quiet(100)


def leased(name: str) -> Callable[[], Wire]:
    """A name that the firmware finds wrong only when it has its address."""
    return lambda: Wire("efi-x64-http").lease(file=name, option60="HTTPClient").quiet(100)


def hello(answer: bytes, alert: int | None = None) -> Callable[[], Wire]:
    """A ClientHello, these bytes of the server, and an alert of its own after the client's flight."""

    def made() -> Wire:
        wire = Wire("efi-x64-http").lease(file=HTTPS, option60="HTTPClient").connect(1, port=443)
        said = b"\x03\x03" + b"r" * 32 + b"\0" + b"\0\4\0\x2f\0\x35" + b"\1\0"
        asked = b"\x16\x03\x01" + struct.pack(">H", len(said) + 4) + b"\x01" + len(said).to_bytes(3, "big") + said
        wire.tcp(1.01, 0x18, 1001, 5001, asked, port=443)
        mine, theirs = 1001 + len(asked), 5001 + len(answer)
        wire.tcp(1.02, 0x18, 5001, mine, answer, from_client=False, port=443)
        if alert is not None:
            flight = b"\x16\x03\x03\0\x07\x0b\0\0\3\0\0\0"
            wire.tcp(1.03, 0x18, mine, theirs, flight, port=443)
            mine += len(flight)
            wire.tcp(1.04, 0x18, theirs, mine, b"\x15\x03\x03\0\2\2" + bytes([alert]), from_client=False, port=443)
            theirs += 7
        wire.tcp(1.05, 0x11, theirs, mine, from_client=False, port=443)
        wire.tcp(1.06, 0x14, mine, theirs + 1, port=443)
        return wire.quiet(90)

    return made


def wants_certificate() -> bytes:
    """ServerHello and CertificateRequest of TLS 1.2."""
    answer = b"\x03\x03" + b"s" * 32 + b"\0" + b"\0\x2f" + b"\0"
    asked = b"\1\1\0\2\4\1\0\0"
    body = b"\x02" + len(answer).to_bytes(3, "big") + answer + b"\x0d" + len(asked).to_bytes(3, "big") + asked
    return b"\x16\x03\x03" + struct.pack(">H", len(body)) + body


def scripted(script: bytes, *fetches: tuple[str, bytes], arps: int = 0) -> Callable[[], Wire]:
    """IPXE gets its script and some of what it names; then it asks by ARP for another host, or for nothing."""

    def made() -> Wire:
        wire = Wire("ipxe-bios").lease(file=f"http://{SERVER}/menu.ipxe")
        wire.fetch(1, "/menu.ipxe", body=script, agent=AGENT)
        for number, (path, body) in enumerate(fetches):
            wire.fetch(2 + number, path, body=body, agent=AGENT)
        for number in range(arps):
            wire.arp(4 + number, "192.168.122.9")
        return wire.quiet(90)

    return made


def grub_over_http(*, dns: str | None) -> Callable[[], Wire]:
    """An unsigned GRUB that came over HTTP and asks for nothing, on firmware that does not go on."""

    def made() -> Wire:
        wire = Wire("efi-x64-http").lease(file=f"http://{SERVER}/grubx64.efi", option60="HTTPClient", dns=dns)
        body = program(40_000).replace(b".text\0\0\0", b"mods\0\0\0\0", 1)
        return wire.fetch(1, "/grubx64.efi", body=body).quiet(120)

    return made


def login(answer: float) -> Wire:
    """A disk by iSCSI whose server ends the connection after so many seconds."""
    wire = Wire("ipxe-bios").lease(file=f"http://{SERVER}/san.ipxe")
    wire.fetch(1, "/san.ipxe", body=b"#!ipxe\nsanboot iscsi:192.168.122.1:::1:iqn.2026-01.lan:disk\n", agent=AGENT)
    wire.connect(2, port=3260)
    wire.tcp(2.01, 0x18, 1001, 5001, b"\x43" + b"\0" * 47, port=3260)
    wire.tcp(2.02, 0x18, 5001, 1049, b"\x23" + b"\0" * 47, from_client=False, port=3260)
    if answer:
        wire.tcp(2 + answer, 0x11, 5049, 1049, from_client=False, port=3260)
        wire.tcp(2.01 + answer, 0x11, 1049, 5050, port=3260)
    return wire.quiet(90)


def redirected_kernel() -> Wire:
    """The server redirects whatever the script names."""
    wire = Wire("ipxe-bios").lease(file=f"http://{SERVER}/menu.ipxe")
    for number, (name, body) in enumerate((("menu.ipxe", SCRIPT), ("linux", KERNEL), ("initrd.gz", INITRD))):
        place = LOCATION.format(f"/new/{name}")
        wire.fetch(1 + 2 * number, f"/{name}", "301 Moved Permanently", b"", place, agent=AGENT)
        wire.fetch(2 + 2 * number, f"/new/{name}", body=body, agent=AGENT)
    return wire.quiet(90)


def grub_by_tftp() -> Wire:
    """A configuration that came over HTTP names its kernel by TFTP, and no TFTP server runs there."""
    wire = Wire("efi-x64-http").lease(file=f"http://{SERVER}/grubx64.efi", option60="HTTPClient")
    wire.fetch(1, "/grubx64.efi", body=program(40_000))
    config = b"set timeout=0\nmenuentry x {\n linux (tftp,192.168.122.1)/linux\n}\n"
    wire.fetch(3, "/grub/grub.cfg", body=config, agent="GRUB 2.06")
    wire.icmp(4.01, wire.rrq(4, "/linux"))
    wire.icmp(5.01, wire.rrq(5, "/linux", again=True))
    return wire.quiet(120)


def refused_again_and_again() -> Wire:
    """GRUB connects to a closed port once a second, to the very end of the capture."""
    wire = Wire("efi-x64-http").lease(file=f"http://{SERVER}/grubx64.efi", option60="HTTPClient")
    wire.fetch(1, "/grubx64.efi", body=program(40_000))
    wire.port += 1
    for second in range(4, 50):
        wire.tcp(second, 0x02, 1000, 0, port=8080)
        wire.tcp(second + 0.001, 0x14, 0, 1001, from_client=False, port=8080)
    return wire


ARM64_KERNEL = bytes(0x38) + b"ARM\x64" + bytes(4000)
EMPTY_HOST = b"#!ipxe\nkernel http://${next-srv}/linux quiet\nboot\n"
ELSEWHERE = b"#!ipxe\nkernel http://192.168.122.9/linux quiet\nboot\n"
TWO_ENTRIES = b"#!ipxe\nkernel http://192.168.122.1/linux\nboot\n:other\nkernel http://192.168.122.1/memtest\nboot\n"
URI = "dhcp-http-offer-without-usable-uri"
PXE_NOTES = ("dhcp-no-offer",)
FAULTS: dict[str, Case] = {
    "tls-answer-unused, an error": Case(next_option(300), "tls-answer-unused", ("http",), PXE_NOTES),
    "tls-answer-unused, a program": Case(next_option(200_000), "tls-answer-unused", ("nbp",), PXE_NOTES),
    "http-redirect-loop, to itself": Case(circle(20, "/menu.ipxe"), "http-redirect-loop", ("http",)),
    "http-redirect-loop, to and fro": Case(circle(20, "/b", "/menu.ipxe"), "http-redirect-loop", ("http",)),
    "nbp-incomplete-file, cut short": Case(
        served(program(20_000, said=60_000)), "nbp-incomplete-file", ("nbp",), PXE_NOTES
    ),
    "nbp-incomplete-file, without its certificate": Case(
        served(program(20_000, said=60_000, signed=True)), "nbp-incomplete-file", ("nbp",), PXE_NOTES
    ),
    "nbp-incomplete-file, by TFTP": Case(
        by_tftp(program(20_000, said=60_000)), "nbp-incomplete-file", ("nbp",), PXE_NOTES
    ),
    "nbp-packed-file": Case(served(INITRD), "nbp-packed-file", ("nbp",), PXE_NOTES),
    "nbp-packed-file, by TFTP": Case(by_tftp(INITRD), "nbp-packed-file", ("nbp",), PXE_NOTES),
    "nbp-packed-file, iPXE": Case(served(INITRD, client="ipxe-bios", name="menu.ipxe"), "nbp-packed-file", ("chain",)),
    "nbp-incomplete-file, empty": Case(served(b""), "nbp-incomplete-file", ("nbp",), PXE_NOTES),
    "nbp-incomplete-file, an empty script": Case(
        served(b"", client="ipxe-bios", name="menu.ipxe"), "nbp-incomplete-file", ("chain",)
    ),
    "nbp-secure-boot-refused, a whole program": Case(
        served(program(60_000)), "nbp-secure-boot-refused", ("nbp",), PXE_NOTES
    ),
    "tcp-refused, the script's port": Case(refused(PORT_8080, 8080), "tcp-refused", ("tcp",)),
    "tcp-refused, to the end": Case(refused_again_and_again, "tcp-refused", ("tcp",)),
    "tcp-refused, the portmapper": Case(refused(NFS, 111), "tcp-refused", ("tcp",)),
    "http-404, once more on a new connection": Case(closed_meanwhile, "http-404", ("http",)),
    "chain-script-stops, a variable": Case(scripted(EMPTY_HOST), "chain-script-stops", ("chain",)),
    "chain-script-stops, a kernel for ARM": Case(
        scripted(SCRIPT, ("/linux", ARM64_KERNEL)), "chain-script-stops", ("chain",)
    ),
    "chain-script-stops, a kernel that is not taken": Case(
        scripted(SCRIPT, ("/linux", KERNEL)), "chain-script-stops", ("chain",)
    ),
    "arp-next-server-unanswered, the script's server": Case(
        scripted(ELSEWHERE, arps=6), "arp-next-server-unanswered", ("arp",)
    ),
    "tls-handshake-failed, plain HTTP": Case(
        hello(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"), "tls-handshake-failed", ("tls",)
    ),
    "tls-client-certificate, TLS 1.2": Case(hello(wants_certificate(), 40), "tls-client-certificate", ("tls",)),
    "nbp-stalls-after-download, GRUB and a name server": Case(
        grub_over_http(dns=SERVER), "nbp-stalls-after-download", ("nbp",)
    ),
    "nbp-secure-boot-refused, GRUB without a name server": Case(
        grub_over_http(dns=None), "nbp-secure-boot-refused", ("nbp",)
    ),
    "tftp-server-down, as grub.cfg says": Case(grub_by_tftp, "tftp-server-down", ("tftp",)),
    "iscsi-login-refused": Case(lambda: login(0.1), "iscsi-login-refused", ("chain",)),
    f"{URI}, a blank": Case(offered(f"http://{SERVER}/my files/x.efi"), URI, ("dhcp",)),
    f"{URI}, another scheme": Case(leased(f"ftp://{SERVER}/x.efi"), URI, ("http",)),
}
HEALTHY: dict[str, Callable[[], Wire]] = {
    "https, a unified kernel image": system(900_000),
    "https, from a script": secure_script,
    "a kernel, and another entry's": scripted(TWO_ENTRIES, ("/linux", KERNEL)),
    "whatever a script names is redirected": redirected_kernel,
    "a disk by iSCSI": lambda: login(0),
    "redirects that lead somewhere": redirected_twice,
    "a connection closed meanwhile": lambda: closed_meanwhile("200 OK"),
    "https, the machine's packets only": lambda: one_direction(system(900_000)()),
    "https from a script, the machine's packets only": lambda: one_direction(secure_script()),
}
WAITING: dict[str, Callable[[], Wire]] = {
    "https, nothing follows": lambda: https(900_000).quiet(100),
    "an answer over TLS, nothing follows": lambda: https(300).quiet(100),
}
