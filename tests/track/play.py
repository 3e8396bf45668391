"""A compact notation for boots: each line a time in seconds and what was seen; the engine is fed with explicit times.

    0.0 DISCOVER efi-x64-pxe
    0.1 OFFER file=grubx64.efi
    0.2 REQUEST
    0.3 ACK file=grubx64.efi
    0.4 RRQ grubx64.efi
    0.5 WHOLE pe-x64
    0.6 RRQ grub.cfg-01-52-54-00-89-32-47
    0.7 ERROR 1

Keywords: DISCOVER KIND, OFFER, PROXY, REQUEST, ACK, NAK, SOLICIT KIND, ADVERTISE, RRQ NAME, ERROR CODE, ABORT, OACK, DATA BYTES,
WHOLE CONTENT, ICMP, GET URL, HEAD URL, STATUS CODE [CONTENT], RESET. `mac=`, `xid=`, `secs=`, `source=` where they matter.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

from bootsniff.flow.records import Event, HttpExchange, IcmpNotice, TcpConnection, TftpTransfer
from bootsniff.model import NANOSECONDS, FrameRef, Machine
from bootsniff.rules.judge import Judge
from bootsniff.track.engine import Engine
from bootsniff.track.records import MachineRecord
from bootsniff.wire.messages import DhcpMessage, DhcpOptions, Dhcpv6Message, Envelope, IcmpMessage
from bootsniff.wire.transfers import HttpHead, TftpError

MAC = "52:54:00:89:32:47"
CLIENT = "192.168.122.227"
SERVER = "192.168.122.1"
START = 1_700_000_000 * NANOSECONDS

KINDS: dict[str, tuple[str | None, int | None, str | None]] = {
    "bios-pxe": ("PXEClient:Arch:00000:UNDI:002001", 0, None),
    "efi-x64-pxe": ("PXEClient:Arch:00007:UNDI:003000", 7, None),
    "efi-arm64-pxe": ("PXEClient:Arch:00011:UNDI:003000", 11, None),
    "efi-x64-http": ("HTTPClient:Arch:00016:UNDI:003000", 16, None),
    "ipxe-bios": ("PXEClient:Arch:00000:UNDI:002001", 0, "iPXE"),
    "ipxe-efi-x64": ("PXEClient:Arch:00007:UNDI:003010", 7, "iPXE"),
    "u-boot-armv8": ("U-Boot.armv8", 22, None),
    "s390x": ("PXEClient", 31, None),
    "raspberry": ("PXEClient", 41, None),
    "slof": (None, 12, None),
    "s390-ccw": (None, 31, None),
    "plain": (None, None, None),
    "d-i": ("d-i", None, None),
}


def pe(machine: int, *, signed: bool = False) -> bytes:
    """The head of an EFI application for a PE machine."""
    optional = struct.pack("<HBBIIIII", 0x20B, 0, 0, 0, 0, 0, 0x1000, 0x1000) + b"\0" * 44 + struct.pack("<HH", 10, 0)
    optional = (
        optional.ljust(108, b"\0")
        + struct.pack("<I", 16)
        + b"\0" * 32
        + struct.pack("<II", 0x300 if signed else 0, 0x10 if signed else 0)
    )
    optional = optional.ljust(240, b"\0")
    coff = struct.pack("<HHIIIHH", machine, 1, 0, 0, 0, len(optional), 0x22)
    return b"MZ".ljust(0x3C, b"\0") + struct.pack("<I", 0x80) + b"\0" * 0x40 + b"PE\0\0" + coff + optional + b"\0" * 512


CONTENTS: dict[str, bytes] = {
    "pe-x64": pe(0x8664),
    "pe-x64-signed": pe(0x8664, signed=True),
    "pe-arm64": pe(0xAA64),
    "script": b"#!ipxe\nkernel http://192.168.122.1/linux\ninitrd http://192.168.122.1/initrd.gz\nboot\n",
    "menu": b"#!ipxe\nmenu Choose\nitem a A\nchoose target && goto ${target}\n",
    "leave": b"#!ipxe\nexit\n",
    "grub.cfg": b"set timeout=0\nmenuentry 'x' {\n linux /linux\n initrd /initrd.gz\n}\n",
    "kernel": (b"\0" * 0x1FE + b"\x55\xaa" + b"\xeb\x66HdrS" + b"\0" * 512),
    "gzip": b"\x1f\x8b\x08" + b"\0" * 600,
    "pxelinux": b"\xea\x05\x00\xc0\x07" + b"\0" * 600,
    "text": b"hello world, plain text\n" * 30,
}


class Play:
    """Feeds an engine from lines of text and tells what became of the machine."""

    def __init__(self, *lines: str, watching: bool = False) -> None:
        self.engine = Engine(strict=True)
        self.engine.world.quality.unicast_seen = True
        self.watching = watching
        self.frame = 0
        self.mac = MAC
        self.kind = "efi-x64-pxe"
        self.transfer: TftpTransfer | None = None
        self.exchange: HttpExchange | None = None
        self.port = 2000
        self.xid = 0x1000
        for line in lines:
            self.line(line)

    def line(self, line: str) -> None:
        seconds, word, *rest = line.split()
        time = START + round(float(seconds) * NANOSECONDS)
        settings = dict(item.split("=", 1) for item in rest if "=" in item and "://" not in item.split("=")[0])
        words = [item for item in rest if item not in {f"{key}={value}" for key, value in settings.items()}]
        self.mac = settings.pop("mac", self.mac)
        if word == "QUIET":
            self.engine.advance(time)
            return
        self.frame += 1
        method: Callable[[int, list[str], dict[str, str]], None] = getattr(self, f"do_{word.lower()}")
        method(time, words, settings)

    def envelope(self, time: int, source: str, target: str, source_port: int = 0, target_port: int = 0) -> Envelope:
        return Envelope(
            0,
            self.frame,
            time,
            self.mac if source != SERVER else "52:54:00:00:00:01",
            None,
            None,
            source,
            target,
            source_port,
            target_port,
        )

    def feed(self, envelope: Envelope, subject: object, change: str = "opened") -> None:
        if self.watching:
            self.engine.watch()
            self.engine.changed.clear()
            deadline = self.engine.deadline()
            if deadline is not None and deadline <= envelope.time:
                self.engine.advance(envelope.time)
        self.engine.feed(Event(envelope, subject, change))  # type: ignore[arg-type]

    # --- DHCP ---

    def dhcp(self, time: int, number: int, settings: dict[str, str], *, reply: bool, proxy: bool = False) -> None:
        vendor, arch, user = KINDS[self.kind]
        options: dict[int, bytes] = {53: bytes([number])}
        server = settings.get("server", SERVER)
        if reply:
            options[54] = bytes(map(int, server.split(".")))
            if proxy or "echo" in settings:
                options[60] = settings.get("echo", "PXEClient").encode()
            if "option67" in settings:
                options[67] = settings["option67"].encode()
            if settings.get("dns") != "no":
                options[6] = bytes(map(int, SERVER.split(".")))
        else:
            if vendor is not None:
                options[60] = vendor.encode()
            silent = self.kind in ("slof", "s390-ccw") and number == 1
            if silent:
                options[55] = bytes([1, 3, 6, 66, 67, 93])
            if arch is not None and not silent:
                options[93] = arch.to_bytes(2, "big")
            if user is not None:
                options[77] = user.encode()
            if number == 3:
                options[54] = bytes(map(int, server.split(".")))
        message = DhcpMessage(
            op=2 if reply else 1,
            hops=0,
            xid=self.xid,
            secs=int(settings.get("secs", "0")),
            broadcast=True,
            client_ip=None,
            your_ip=None if proxy or not reply or number == 6 else CLIENT,
            next_server=settings.get("next", SERVER) if reply else None,
            relay=None,
            client_mac=self.mac,
            server_name=None,
            file=settings.get("file") if reply else None,
            options=DhcpOptions(bytes(options), tuple(options.values())),
            message_type=number,
        )
        ports = (67, 68) if reply else (68, 67)
        ends = (server, "255.255.255.255") if reply else (settings.get("source", "0.0.0.0"), "255.255.255.255")
        self.feed(self.envelope(time, *ends, *ports), message)

    def do_discover(self, time: int, words: list[str], settings: dict[str, str]) -> None:
        if words:
            if words[0] != self.kind or "xid" in settings:
                self.xid += 0x10
            self.kind = words[0]
        if "xid" in settings:
            self.xid = int(settings["xid"])
        self.dhcp(time, 1, settings, reply=False)

    def do_request(self, time: int, words: list[str], settings: dict[str, str]) -> None:
        self.dhcp(time, 3, settings, reply=False)

    def do_offer(self, time: int, words: list[str], settings: dict[str, str]) -> None:
        self.dhcp(time, 2, settings, reply=True)

    def do_proxy(self, time: int, words: list[str], settings: dict[str, str]) -> None:
        self.dhcp(time, 2, settings, reply=True, proxy=True)

    def do_ack(self, time: int, words: list[str], settings: dict[str, str]) -> None:
        self.dhcp(time, 5, settings, reply=True)

    def do_nak(self, time: int, words: list[str], settings: dict[str, str]) -> None:
        self.dhcp(time, 6, settings, reply=True)

    def do_solicit(self, time: int, words: list[str], settings: dict[str, str]) -> None:
        _, arch, _ = KINDS[words[0]]
        message = Dhcpv6Message(
            1, int(settings.get("xid", "7")), b"d", None, self.mac, None, arch=(arch or 0,), vendor_class="PXEClient"
        )
        self.feed(self.envelope(time, "fe80::1", "ff02::1:2", 546, 547), message)

    def do_advertise(self, time: int, words: list[str], settings: dict[str, str]) -> None:
        message = Dhcpv6Message(
            2,
            7,
            b"d",
            b"s",
            self.mac,
            None,
            addresses=("fd00::9",),
            boot_file_url=settings.get("url"),
            vendor_class=settings.get("echo"),
        )
        self.feed(self.envelope(time, "fe80::2", "fe80::1", 547, 546), message)

    # --- TFTP ---

    def do_rrq(self, time: int, words: list[str], settings: dict[str, str]) -> None:
        here = FrameRef(0, self.frame, time)
        old = self.transfer
        if old is not None and old.filename == words[0] and settings.get("again") == "yes":
            old.requests.append(here)
            old.request_count += 1
            old.last = here
            self.feed(self.envelope(time, CLIENT, SERVER, old.client_port, 69), old, "changed")
            return
        self.port += 1
        blksize = settings.get("blksize", "1468")
        self.transfer = TftpTransfer(0, CLIENT, self.port, self.mac, settings.get("server", SERVER), None, 69, None, False, words[0], "octet",
                                     (("blksize", blksize), ("tsize", "0")) if blksize != "1468" else (("tsize", "0"), ("blksize", blksize)))  # fmt: skip
        self.transfer.requests.append(here)
        self.transfer.request_count = 1
        self.transfer.request_payload = words[0].encode()
        self.transfer.start = time
        self.transfer.last = here
        self.feed(self.envelope(time, CLIENT, SERVER, self.port, 69), self.transfer)

    def tftp(self, time: int, change: str, *, from_client: bool = False) -> None:
        flow = self.transfer
        assert flow is not None
        flow.last = FrameRef(0, self.frame, time)
        ends = (CLIENT, SERVER) if from_client else (SERVER, CLIENT)
        self.feed(self.envelope(time, *ends, 5000, flow.client_port), flow, change)

    def do_oack(self, time: int, words: list[str], settings: dict[str, str]) -> None:
        assert self.transfer is not None
        self.transfer.oack = (("tsize", settings.get("tsize", "1000")),)
        self.transfer.size = int(settings.get("tsize", "1000"))
        self.transfer.oack_count = 1
        self.transfer.oacks.append(FrameRef(0, self.frame, time))
        self.transfer.reply_from = (SERVER, 5000)
        self.tftp(time, "changed")

    def do_error(self, time: int, words: list[str], settings: dict[str, str]) -> None:
        assert self.transfer is not None
        self.transfer.error = TftpError(int(words[0]), "")
        self.transfer.error_at = FrameRef(0, self.frame, time)
        self.transfer.reply_from = (SERVER, 5000)
        self.tftp(time, "ended")

    def do_abort(self, time: int, words: list[str], settings: dict[str, str]) -> None:
        assert self.transfer is not None
        self.transfer.error = TftpError(8, "User aborted the transfer")
        self.transfer.error_by_client = True
        self.transfer.error_at = FrameRef(0, self.frame, time)
        self.tftp(time, "ended", from_client=True)

    def do_data(self, time: int, words: list[str], settings: dict[str, str]) -> None:
        assert self.transfer is not None
        flow = self.transfer
        flow.reply_from = (SERVER, 5000)
        flow.body.received = int(words[0])
        flow.highest_block = 1 + flow.body.received // flow.block_size
        flow.body.packets = flow.highest_block
        flow.body.first = flow.body.first or FrameRef(0, self.frame, time)
        flow.body.last = flow.last_from_server = FrameRef(0, self.frame, time)
        self.tftp(time, "changed")

    def do_whole(self, time: int, words: list[str], settings: dict[str, str]) -> None:
        assert self.transfer is not None
        flow = self.transfer
        flow.reply_from = (SERVER, 5000)
        flow.body.head = CONTENTS[words[0]]
        flow.body.received = len(flow.body.head)
        flow.body.first = flow.body.last = FrameRef(0, self.frame, time)
        flow.complete = True
        self.tftp(time, "ended")

    def do_icmp(self, time: int, words: list[str], settings: dict[str, str]) -> None:
        assert self.transfer is not None
        self.transfer.icmp.append(IcmpNotice(FrameRef(0, self.frame, time), SERVER, IcmpMessage(4, 3, 3, None)))
        self.transfer.icmp_count += 1
        self.tftp(time, "changed")

    # --- HTTP ---

    def _request(self, time: int, method: str, url: str, settings: dict[str, str]) -> None:
        self.port += 1
        here = FrameRef(0, self.frame, time)
        connection = TcpConnection(
            0,
            CLIENT,
            self.port,
            self.mac,
            SERVER,
            80,
            None,
            None,
            syns=[here],
            syn_count=1,
            syn_ack=here,
            established=True,
            start=time,
            last=here,
        )
        agent = settings.get("agent", "iPXE/1.0" if self.kind.startswith("ipxe") else "UefiHttpBoot/1.0")
        head = HttpHead(
            method,
            "/" + url.split("/", 3)[3],
            "1.1",
            None,
            "",
            (("Host", url.split("/")[2]), ("User-Agent", agent)),
            80,
        )
        self.exchange = HttpExchange(connection, head, here, url, last=here)
        connection.exchanges.append(self.exchange)
        connection.exchange_count += 1
        self.feed(self.envelope(time, CLIENT, SERVER, self.port, 80), connection)
        self.feed(self.envelope(time, CLIENT, SERVER, self.port, 80), self.exchange)

    def do_get(self, time: int, words: list[str], settings: dict[str, str]) -> None:
        self._request(time, "GET", words[0], settings)

    def do_head(self, time: int, words: list[str], settings: dict[str, str]) -> None:
        self._request(time, "HEAD", words[0], settings)

    def do_status(self, time: int, words: list[str], settings: dict[str, str]) -> None:
        exchange = self.exchange
        assert exchange is not None
        here = FrameRef(0, self.frame, time)
        fields = tuple((name, value.replace("_", " ")) for name, value in settings.items())
        exchange.response = HttpHead(None, "", "1.1", int(words[0]), "", fields, 90)
        exchange.response_at = exchange.last = exchange.connection.last = here
        if len(words) > 1:
            exchange.body.head = CONTENTS[words[1]]
            exchange.body.received = exchange.size = len(exchange.body.head)
        exchange.complete = True
        self.feed(self.envelope(time, SERVER, CLIENT, 80, self.port), exchange, "ended")

    def do_reset(self, time: int, words: list[str], settings: dict[str, str]) -> None:
        exchange = self.exchange
        assert exchange is not None
        exchange.connection.reset = exchange.last = FrameRef(0, self.frame, time)
        self.feed(self.envelope(time, SERVER, CLIENT, 80, self.port), exchange, "ended")

    # --- what became of it ---

    def until(self, seconds: float) -> Play:
        """Let time pass to this second; the capture goes on, silently."""
        self.engine.advance(START + round(seconds * NANOSECONDS))
        return self

    @property
    def record(self) -> MachineRecord:
        return self.engine.world.machines[self.mac]

    @property
    def machine(self) -> Machine:
        told = Judge(self.engine.world, strict=True).machine(self.record)
        assert told is not None
        return told

    @property
    def clients(self) -> list[list[str]]:
        return [[stage.client for stage in boot.stages] for boot in self.record.boots]

    @property
    def verdict(self) -> tuple[object, object]:
        """Status of the last boot and where it stalled."""
        machine = self.machine
        return (machine.status, machine.boots[-1].stalled_at if machine.boots else None)

    @property
    def fetches(self) -> list[str]:
        return [fetch.status for boot in self.machine.boots for stage in boot.stages for fetch in stage.fetches]
