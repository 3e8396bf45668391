"""Builds whole boots as packets and reads them back through file, sieve, engine and rules."""

from __future__ import annotations

import struct
from ipaddress import ip_address
from pathlib import Path

from bootsniff.model import Finding, Machine, Report
from bootsniff.rules.diagnosis import Diagnosis
from bootsniff.sources.capture_file import open_capture

from .scene import CLIENT, KINDS, MAC, SERVER, packed

SERVER_MAC = "52:54:00:00:00:01"
START = 1_700_000_000.0
BROADCAST = "ff:ff:ff:ff:ff:ff"


def mac_bytes(mac: str) -> bytes:
    return bytes.fromhex(mac.replace(":", ""))


def checksum(data: bytes) -> int:
    total = sum(struct.unpack(f">{(len(data) + 1) // 2}H", data + b"\0" * (len(data) % 2)))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


class Wire:
    """Packets in order of time; addresses have the MACs of `hosts`."""

    def __init__(self, kind: str = "efi-x64-pxe") -> None:
        self.packets: list[tuple[float, bytes]] = []
        self.hosts = {CLIENT: MAC, "0.0.0.0": MAC, "255.255.255.255": BROADCAST, "224.0.0.251": "01:00:5e:00:00:fb"}
        self.kind = kind
        self.mac = MAC
        self.port = 2069
        self.xid = 0x100
        self.user_class: str | None = "iPXE" if kind.startswith("ipxe") else None

    def as_kind(self, kind: str) -> Wire:
        self.kind, self.xid = kind, self.xid + 1
        self.user_class = "iPXE" if kind.startswith("ipxe") else None
        return self

    # --- layers ---

    def frame(self, time: float, source: str, target: str, kind: int, payload: bytes) -> None:
        macs = [mac_bytes(self.hosts.get(address, SERVER_MAC)) for address in (target, source)]
        self.packets.append((time, b"".join(macs) + struct.pack(">H", kind) + payload))

    def ip(self, time: float, source: str, target: str, protocol: int, payload: bytes) -> bytes:
        head = struct.pack(
            ">BBHHHBBH4s4s",
            0x45,
            0,
            20 + len(payload),
            len(self.packets) & 0xFFFF,
            0,
            64,
            protocol,
            0,
            packed(source),
            packed(target),
        )
        packet = head[:10] + struct.pack(">H", checksum(head)) + head[12:] + payload
        self.frame(time, source, target, 0x0800, packet)
        return packet

    def udp(self, time: float, source: str, sport: int, target: str, dport: int, payload: bytes) -> bytes:
        return self.ip(time, source, target, 17, struct.pack(">HHHH", sport, dport, 8 + len(payload), 0) + payload)

    def icmp(
        self,
        time: float,
        quoted: bytes,
        *,
        sender: str = SERVER,
        target: str = CLIENT,
        kind: int = 3,
        code: int = 3,
        mtu: int = 0,
    ) -> None:
        body = struct.pack(">BBHHH", kind, code, 0, 0, mtu) + quoted[:28]
        self.ip(time, sender, target, 1, body[:2] + struct.pack(">H", checksum(body)) + body[4:])

    def arp(self, time: float, target: str, *, answer: bool = False) -> None:
        payload = struct.pack(">HHBBH", 1, 0x0800, 6, 4, 2 if answer else 1)
        ends = (SERVER_MAC, target, MAC, CLIENT) if answer else (MAC, CLIENT, "00:00:00:00:00:00", target)
        payload += b"".join(mac_bytes(end) if ":" in end else packed(end) for end in ends)
        self.packets.append(
            (time, mac_bytes(MAC if answer else BROADCAST) + mac_bytes(ends[0]) + b"\x08\x06" + payload)
        )

    # --- DHCP ---

    def dhcp(self, time: float, number: int, *, server: str = SERVER, your: str | None = CLIENT, file: str = "", option67: str | None = None,
             option60: str | None = None, next_server: str | None = SERVER, secs: int = 0, port: int | None = None, target: str | None = None,
             router: str | None = SERVER, dns: str | None = None, relay: str | None = None, text: str | None = None, option66: str | None = None,
             option43: bytes | None = None, option17: str | None = None, option210: str | None = None, identifier: bytes | None = None, option82: bytes | None = None, handed_on: bool = False) -> bytes:  # fmt: skip
        reply = number in (2, 5, 6)
        options: dict[int, bytes] = {53: bytes([number])}
        if reply:
            # In an order that no server program is known by.
            options |= {51: struct.pack(">I", 3600), 54: packed(server), 1: packed("255.255.255.0")}
            texts = {67: option67, 60: option60, 56: text, 66: option66, 17: option17, 210: option210}
            options |= {code: value.encode() for code, value in texts.items() if value is not None}
            options |= {code: packed(value) for code, value in {3: router, 6: dns}.items() if value}
            if option43 is not None:
                options[43] = option43
        else:
            vendor, arch = KINDS[self.kind]
            if option82 is not None:
                options[82] = option82
            if vendor:
                options[60] = vendor.encode()
            if arch is not None:
                options |= {93: struct.pack(">H", arch), 94: b"\x01\x03\x00", 97: b"\0" + bytes(range(16))}
            if self.user_class:
                options[77] = self.user_class.encode()
            if self.user_class == "iPXE":
                options[175] = b"\x13\x01\x01"  # it can do http
            options[55] = bytes([1, 3, 6, 43, 60, 66, 67])
            if identifier is not None:
                options[61] = identifier
            if number == 3:
                options |= {54: packed(server), 50: packed(your or "0.0.0.0")}
        body = struct.pack(">BBBBIHH4s4s4s4s16s64s128s", 2 if reply else 1, 1, 6, 1 if relay else 0, self.xid, secs, 0x8000, b"\0" * 4,
                           packed(your if reply and your and number != 6 else "0.0.0.0"), packed(next_server if reply and next_server else "0.0.0.0"),
                           packed(relay or "0.0.0.0"), mac_bytes(self.mac), b"", file.encode() if reply else b"")  # fmt: skip
        body += (
            b"\x63\x82\x53\x63"
            + b"".join(bytes([code, len(value)]) + value for code, value in options.items())
            + b"\xff"
        )
        if reply and relay and handed_on:  # by the relay to the machine, giaddr as it was
            return self.udp(time, relay, 67, "255.255.255.255", 68, body)
        if reply:
            return self.udp(time, server, port or 67, relay or "255.255.255.255", 67 if relay else 68, body)
        source = CLIENT if target else relay or "0.0.0.0"
        return self.udp(
            time, source, 67 if relay else 68, target or (server if relay else "255.255.255.255"), port or 67, body
        )

    def discover(self, *times: float) -> Wire:
        for time in times:
            self.dhcp(time, 1, secs=int(time - times[0]))
        return self

    def ignored(self, start: float = 0, **offer: object) -> Wire:
        """DISCOVERs at 0, 4, 12, 28 s, each offered something that is not taken."""
        for gap in (0, 4, 12, 28):
            self.dhcp(start + gap, 1, secs=gap)
            self.dhcp(start + gap + 0.1, 2, **offer)  # type: ignore[arg-type]
        return self

    def lease(self, start: float = 0, **offer: object) -> Wire:
        server = str(offer.get("server", SERVER))
        self.dhcp(start, 1)
        self.dhcp(start + 0.1, 2, **offer)  # type: ignore[arg-type]
        self.dhcp(start + 0.2, 3, server=server)
        self.dhcp(start + 0.3, 5, **offer)  # type: ignore[arg-type]
        return self

    # --- TFTP ---

    def rrq(
        self,
        time: float,
        name: str,
        *,
        server: str = SERVER,
        again: bool = False,
        blksize: int = 1468,
        probe: bool = False,
    ) -> bytes:
        if not again:
            self.port += 1
        options = f"tsize\0{0}\0blksize\0{blksize}\0".encode() if not probe else b"tsize\0000\0"
        return self.udp(time, CLIENT, self.port, server, 69, b"\0\1" + name.encode() + b"\0octet\0" + options)

    def oack(self, time: float, *, server: str = SERVER, blksize: int = 1468, tsize: int = 9999) -> bytes:
        return self.udp(
            time,
            server,
            40000 + self.port,
            CLIENT,
            self.port,
            b"\0\6" + f"tsize\0{tsize}\0blksize\0{blksize}\0".encode(),
        )

    def ack(self, time: float, block: int, *, server: str = SERVER) -> bytes:
        return self.udp(time, CLIENT, self.port, server, 40000 + self.port, struct.pack(">HH", 4, block & 0xFFFF))

    def data(self, time: float, block: int, content: bytes, *, server: str = SERVER) -> bytes:
        return self.udp(
            time, server, 40000 + self.port, CLIENT, self.port, struct.pack(">HH", 3, block & 0xFFFF) + content
        )

    def error(self, time: float, code: int, text: str = "", *, server: str = SERVER, by_client: bool = False) -> bytes:
        ends = (CLIENT, self.port, server, 40000 + self.port)
        if not by_client:
            ends = (server, 40000 + self.port, CLIENT, self.port)
        return self.udp(time, *ends, struct.pack(">HH", 5, code) + text.encode() + b"\0")

    def get(self, time: float, name: str, content: bytes, *, server: str = SERVER, blksize: int = 1468) -> Wire:
        """A whole transfer."""
        self.rrq(time, name, server=server, blksize=blksize)
        self.oack(time + 0.01, server=server, blksize=blksize, tsize=len(content))
        self.ack(time + 0.02, 0, server=server)
        for block in range(1, len(content) // blksize + 2):
            self.data(
                time + 0.02 + block * 0.001, block, content[(block - 1) * blksize : block * blksize], server=server
            )
            self.ack(time + 0.0205 + block * 0.001, block, server=server)
        return self

    def missing(
        self, time: float, name: str, *, server: str = SERVER, code: int = 1, text: str = "File not found"
    ) -> Wire:
        self.rrq(time, name, server=server)
        self.error(time + 0.01, code, text, server=server)
        return self

    # --- TCP ---

    def tcp(self, time: float, flags: int, sequence: int, acknowledged: int, payload: bytes = b"", *, from_client: bool = True, port: int = 80,
            server: str = SERVER) -> bytes:  # fmt: skip
        ends = (CLIENT, self.port, server, port) if from_client else (server, port, CLIENT, self.port)
        segment = (
            struct.pack(">HHIIBBHHH", ends[1], ends[3], sequence, acknowledged, 0x50, flags, 64000, 0, 0) + payload
        )
        return self.ip(time, ends[0], ends[2], 6, segment)

    def connect(self, time: float, *, port: int = 80, server: str = SERVER) -> Wire:
        self.port += 1
        self.tcp(time, 0x02, 1000, 0, port=port, server=server)
        self.tcp(time + 0.001, 0x12, 5000, 1001, from_client=False, port=port, server=server)
        self.tcp(time + 0.002, 0x10, 1001, 5001, port=port, server=server)
        return self

    def exchange(
        self, time: float, request: str, response: str, body: bytes = b"", *, cut: int | None = None, end: str = "fin"
    ) -> Wire:
        """One request and its response on a connection of its own; `cut` bytes of the body arrive, `end` closes."""
        self.connect(time)
        asked = request.replace("\n", "\r\n").encode() + b"\r\n\r\n"
        self.tcp(time + 0.01, 0x18, 1001, 5001, asked)
        head = response.replace("\n", "\r\n").encode() + b"\r\n\r\n"
        whole = head + (body if cut is None else body[:cut])
        position = 0
        while position < len(whole):
            piece = whole[position : position + 1400]
            self.tcp(time + 0.02 + position / 1e7, 0x18, 5001 + position, 1001 + len(asked), piece, from_client=False)
            position += len(piece)
        late, last = time + 0.5, 5001 + len(whole)
        if end == "fin":
            self.tcp(late, 0x11, 1001 + len(asked), last)
            self.tcp(late + 0.01, 0x11, last, 1002 + len(asked), from_client=False)
        elif end == "reset":
            self.tcp(late, 0x14, last, 1001 + len(asked), from_client=False)
        return self

    def fetch(self, time: float, path: str, status: str = "200 OK", body: bytes = b"x" * 3000, fields: str = "", *, host: str = SERVER,
              length: bool = True, cut: int | None = None, end: str = "fin", method: str = "GET", agent: str = "UefiHttpBoot/1.0") -> Wire:  # fmt: skip
        request = f"{method} {path} HTTP/1.1\nHost: {host}\nUser-Agent: {agent}"
        head = f"HTTP/1.1 {status}" + (f"\nContent-Length: {len(body)}" if length else "") + fields
        return self.exchange(time, request, head, b"" if method == "HEAD" else body, cut=cut, end=end)

    def tls(self, time: float, name: str, alert: int, *, by_client: bool = False, port: int = 443) -> Wire:
        """A ClientHello that draws an alert, or a ServerHello that does."""
        self.connect(time, port=port)
        host = struct.pack(">HHHBH", 0, len(name) + 5, len(name) + 3, 0, len(name)) + name.encode()
        body = b"\x03\x03" + b"r" * 32 + b"\0" + b"\0\4\0\x2f\0\x35" + b"\1\0" + struct.pack(">H", len(host)) + host
        hello = b"\x16\x03\x01" + struct.pack(">H", len(body) + 4) + b"\x01" + len(body).to_bytes(3, "big") + body
        self.tcp(time + 0.01, 0x18, 1001, 5001, hello, port=port)
        mine, theirs = 1001 + len(hello), 5001
        if by_client:
            answer = b"\x03\x03" + b"s" * 32 + b"\0" + b"\0\x2f" + b"\0"
            flight = (
                b"\x16\x03\x03" + struct.pack(">H", len(answer) + 4) + b"\x02" + len(answer).to_bytes(3, "big") + answer
            )
            self.tcp(time + 0.02, 0x18, theirs, mine, flight, from_client=False, port=port)
            theirs += len(flight)
        said = b"\x15\x03\x03\0\2\2" + bytes([alert])
        ends = (mine, theirs) if by_client else (theirs, mine)
        self.tcp(time + 0.03, 0x18, *ends, said, from_client=by_client, port=port)
        self.tcp(time + 0.04, 0x11, ends[0] + 7, ends[1], from_client=by_client, port=port)
        return self

    # --- DNS ---

    def query(self, time: float, name: str, *, rcode: int | None = None, address: str | None = None, six: bool = False) -> Wire:  # fmt: skip
        self.port += 1
        asked = b"\0\x1c\0\1" if six else b"\0\1\0\1"
        question = b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0" + asked
        self.udp(time, CLIENT, self.port, SERVER, 53, struct.pack(">HHHHHH", self.port, 0x0100, 1, 0, 0, 0) + question)
        if rcode is not None:
            value = ip_address(address).packed if address else b""
            answer = b"\xc0\x0c" + asked + b"\0\0\0\x3c" + struct.pack(">H", len(value)) + value if address else b""
            head = struct.pack(">HHHHHH", self.port, 0x8180 | rcode, 1, 1 if address else 0, 0, 0)
            self.udp(time + 0.01, SERVER, 53, CLIENT, self.port, head + question + answer)
        return self

    # --- DHCPv6 ---

    def dhcp6(self, time: float, kind: int, *options: tuple[int, bytes], xid: int = 7) -> Wire:
        duid = b"\0\3\0\1" + mac_bytes(MAC)
        found = [(1, duid), *options]
        if kind in (2, 7):
            found.append((2, b"\0\3\0\1" + mac_bytes(SERVER_MAC)))
        body = (
            bytes([kind])
            + xid.to_bytes(3, "big")
            + b"".join(struct.pack(">HH", code, len(value)) + value for code, value in found)
        )
        client = kind not in (2, 7)
        ends = ("fe80::1", 546, "ff02::1:2", 547) if client else ("fe80::9", 547, "fe80::1", 546)
        udp = struct.pack(">HHHH", ends[1], ends[3], 8 + len(body), 0) + body
        packet = (
            struct.pack(">IHBB", 0x60000000, len(udp), 17, 1)
            + ip_address(ends[0]).packed
            + ip_address(ends[2]).packed
            + udp
        )
        macs = (mac_bytes("33:33:00:01:00:02"), mac_bytes(MAC)) if client else (mac_bytes(MAC), mac_bytes(SERVER_MAC))
        self.packets.append((time, b"".join(macs) + b"\x86\xdd" + packet))
        return self

    def router(self, time: float, *, managed: bool) -> Wire:
        """A router advertisement: addresses come from DHCPv6, or from the router's own prefix."""
        body = struct.pack(">BBHBBHII", 134, 0, 0, 64, 0xC0 if managed else 0, 1800, 0, 0)
        packet = (
            struct.pack(">IHBB", 0x60000000, len(body), 58, 255)
            + ip_address("fe80::9").packed
            + ip_address("ff02::1").packed
            + body
        )
        self.packets.append((time, mac_bytes("33:33:00:00:00:01") + mac_bytes(SERVER_MAC) + b"\x86\xdd" + packet))
        return self

    def neighbor(self, time: float, target: str, *, answer: bool = False, source: str = "fd00::100") -> Wire:
        """A solicitation of the machine's, or the advertisement that answers it (RFC 4861 sections 4.3 and 4.4)."""
        body = bytes([136 if answer else 135]) + bytes(7) + ip_address(target).packed
        ends = (target, source) if answer else (source, "ff02::1:ff00:1")
        packet = struct.pack(">IHBB", 0x60000000, len(body), 58, 255) + b"".join(ip_address(end).packed for end in ends)
        macs = (mac_bytes(MAC), mac_bytes(SERVER_MAC)) if answer else (mac_bytes("33:33:ff:00:00:01"), mac_bytes(MAC))
        self.packets.append((time, b"".join(macs) + b"\x86\xdd" + packet + body))
        return self

    # --- reading ---

    def quiet(self, time: float) -> Wire:
        """The capture goes on to this second, and is whole: others ask for somebody, and whether the machine is there."""
        self.udp(time - 0.1, SERVER, 5353, "224.0.0.251", 5353, b"\0" * 12)
        for at, target, to in ((time - 0.05, CLIENT, MAC), (time, "192.168.122.99", BROADCAST)):
            question = struct.pack(">HHBBH", 1, 0x0800, 6, 4, 1) + mac_bytes(SERVER_MAC) + packed(SERVER)
            question += b"\0" * 6 + packed(target)
            self.packets.append((at, mac_bytes(to) + mac_bytes(SERVER_MAC) + b"\x08\x06" + question))
        return self

    def save(self, path: Path, *, raw: bool = False, snaplen: int = 262144) -> Path:
        """As a capture of Ethernet, or `raw` of what an interface without link headers has: IP alone."""
        packets = [(at, data[14:] if raw else data) for at, data in self.packets if not raw or data[12:14] == b"\x08\0"]
        out = [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, snaplen, 101 if raw else 1)]
        for time, data in sorted(packets, key=lambda packet: packet[0]):
            seconds, micro = divmod(round((START + time) * 1_000_000), 1_000_000)
            held = data[:snaplen]
            out.append(struct.pack("<IIII", seconds, micro, len(held), len(data)) + held)
        path.write_bytes(b"".join(out))
        return path


def read(*paths: Path) -> Report:
    """What the whole program makes of captures."""
    diagnosis = Diagnosis(strict=True)
    sources = [open_capture(str(path), index) for index, path in enumerate(paths)]
    diagnosis.feed(*(block for source in sources for block in source.blocks()))  # small ones: a block each
    for source in sources:
        diagnosis.ended(source.index)
    captures = [source.info() for source in sources]
    for source in sources:
        source.close()
    diagnosis.finish(captures)
    return diagnosis.report(captures)


def machine(report: Report, mac: str = MAC) -> Machine:
    return next(machine for machine in report.machines if machine.mac == mac)


def errors(machine: Machine) -> set[str]:
    return {finding.code for finding in machine.findings if finding.severity == "error"}


def cited(finding: Finding) -> list[int]:
    return [item.frame for item in finding.evidence]
