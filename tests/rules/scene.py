"""Builds machine records directly, with explicit times and frame numbers, and asks the judge about them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from bootsniff.flow.records import Body, DnsLookup, HttpExchange, IcmpNotice, PortLookup, TcpConnection, TftpTransfer
from bootsniff.model import NANOSECONDS, Finding, FrameRef, StallPoint, Status
from bootsniff.rules.judge import Judge
from bootsniff.track.exchanges import Arps, Dhcp4Exchange, Dhcp6Exchange, Heard
from bootsniff.track.records import BootRecord, FetchRecord, MachineRecord, ServerRecord, StageRecord, World
from bootsniff.wire.messages import DhcpMessage, DhcpOptions, Dhcpv6Message, DnsMessage, IcmpMessage, QuotedPacket
from bootsniff.wire.transfers import BootContent, HttpHead, TftpError

if TYPE_CHECKING:
    from bootsniff.model import FetchStatus
    from bootsniff.track.records import FetchRole

MAC = "52:54:00:89:32:47"
CLIENT = "192.168.122.227"
SERVER = "192.168.122.1"
START = 1_700_000_000 * NANOSECONDS

KINDS: dict[str, tuple[str | None, int | None]] = {
    "bios-pxe": ("PXEClient:Arch:00000:UNDI:002001", 0),
    "efi-x64-pxe": ("PXEClient:Arch:00007:UNDI:003000", 7),
    "efi-ia32-pxe": ("PXEClient:Arch:00006:UNDI:003000", 6),
    "efi-arm64-pxe": ("PXEClient:Arch:00011:UNDI:003000", 11),
    "efi-x64-http": ("HTTPClient:Arch:00016:UNDI:003000", 16),
    "efi-arm64-http": ("HTTPClient:Arch:00019:UNDI:003000", 19),
    "ipxe-bios": ("PXEClient:Arch:00000:UNDI:002001", 0),
    "ipxe-efi-x64": ("PXEClient:Arch:00007:UNDI:003010", 7),
    "u-boot-armv8": ("U-Boot.armv8", 22),
    "u-boot-other": ("U-Boot", None),
    "s390x": ("PXEClient", 31),
    "raspberry-pi": ("PXEClient", 41),
    "powerpc": (None, 12),
    "powerpc-opal": ("udhcp 1.29.3", 14),
    "onie": ("onie_vendor:x86_64-acme_7712-r0", None),
    "macintosh": ("AAPLBSDPC/i386/MacBookPro9,2", None),
    "etherboot": ("Etherboot-5.4", None),
    "u-root": ("PXE UROOT", None),
    "os": ("d-i", None),
    "pxeboot": ("PXEClient", None),
}

PE_X64 = BootContent("pe", "EFI application, x86-64, unsigned", machine=0x8664, signed=False, efi=True)
PE_X64_SIGNED = BootContent("pe", "EFI application, x86-64, signed", machine=0x8664, signed=True, efi=True)
GRUB = BootContent("pe", "EFI application, x86-64, unsigned", 0x8664, signed=False, efi=True, details=("GRUB",))
PE_ARM64 = BootContent("pe", "EFI application, ARM64, unsigned", machine=0xAA64, signed=False, efi=True)
PXELINUX = BootContent("pxelinux", "PXELINUX")
IPXE_BIN = BootContent("pe", "iPXE, EFI application", machine=0x8664, signed=False, efi=True, ipxe=True)
SCRIPT = BootContent("ipxe-script", "iPXE script")
PAGE = BootContent("html", "HTML page")
TEXT = BootContent("text", "text")
ISO = BootContent("iso", "ISO 9660 image")


def packed(address: str) -> bytes:
    return bytes(map(int, address.split(".")))


class Scene:
    """One machine in a world of its own; every packet gets the next frame number."""

    def __init__(
        self, client: str = "efi-x64-pxe", *, status: Status = "stalled", at: StallPoint | None = "dhcp"
    ) -> None:
        self.world = World(now=START + 300 * NANOSECONDS, ended=True)
        self.world.quality.server_packets = self.world.quality.unicast_server_packets = 1
        self.world.quality.first = START
        self.world.quality.arp_seen = self.world.quality.unicast_seen = True
        self.frame = 0
        self.machine = MachineRecord(MAC, None, FrameRef(0, 1, START), boot_client=True)
        self.world.machines[MAC] = self.machine
        self.boot(status=status, at=at)
        self.stage(client)

    # --- structure ---

    def boot(self, *, status: Status = "stalled", at: StallPoint | None = "dhcp") -> BootRecord:
        boot = BootRecord(START, FrameRef(0, 1, START), status=status, stalled_at=at)
        self.machine.boots.append(boot)
        return boot

    def stage(self, client: str, *, dhcp: bool | None = None) -> StageRecord:
        vendor, arch = KINDS.get(client, (None, None))
        arches = () if arch is None else (arch,)
        stage = StageRecord(client, client, arches, vendor, None, START, FrameRef(0, max(1, self.frame), START))
        if dhcp is None:
            dhcp = client in KINDS
        stage.dhcp = Dhcp4Exchange() if dhcp else None
        boot = self.machine.boots[-1]
        boot.stages.append(stage)
        boot.stalled_stage = len(boot.stages) - 1
        return stage

    @property
    def here(self) -> StageRecord:
        return self.machine.boots[-1].stages[-1]

    @property
    def dhcp(self) -> Dhcp4Exchange:
        assert isinstance(self.here.dhcp, Dhcp4Exchange)
        return self.here.dhcp

    def at(self, seconds: float) -> FrameRef:
        self.frame += 1
        ref = FrameRef(0, self.frame, START + round(seconds * NANOSECONDS))
        if self.machine.boots and self.machine.boots[-1].stages:
            self.here.last = self.machine.boots[-1].last = self.machine.last = ref
        return ref

    # --- DHCPv4 ---

    def heard(self, seconds: float, kind: int, *, reply: bool = False, source: str = "0.0.0.0", target_port: int = 67,
              target: str = "255.255.255.255", your: str | None = None, file: str | None = None, next_server: str | None = None,
              secs: int = 0, relay: str | None = None, icmp: bool = False, options: dict[int, bytes] | None = None) -> Heard[DhcpMessage]:  # fmt: skip
        found = {53: bytes([kind]), **(options or {})}
        message = DhcpMessage(2 if reply else 1, 1 if relay else 0, 0x1234, secs, True, None, your, next_server, relay, MAC, None, file,
                              DhcpOptions(bytes(found), tuple(found.values())), kind)  # fmt: skip
        return Heard(self.at(seconds), message, source, None, target, 67 if reply else 68, target_port)

    def discover(self, *seconds: float) -> Scene:
        for second in seconds:
            heard = self.heard(second, 1, secs=int(second))
            self.dhcp.discovers += (heard,)
            self.dhcp.discover_count += 1
        return self

    def reply(self, seconds: float, kind: int, *, server: str = SERVER, your: str | None = CLIENT, file: str | None = None,
              option67: str | None = None, option60: str | None = None, option66: str | None = None, option43: bytes | None = None,
              next_server: str | None = SERVER, router: str | None = SERVER, dns: str | None = None, text: str | None = None,
              relay: str | None = None, mask: str = "255.255.255.0") -> Heard[DhcpMessage]:  # fmt: skip
        options = {54: packed(server), 1: packed(mask)}
        texts = {67: option67, 60: option60, 66: option66, 56: text}
        options |= {code: value.encode() for code, value in texts.items() if value}
        addresses = {3: router, 6: dns}
        options |= {code: packed(value) for code, value in addresses.items() if value}
        if option43 is not None:
            options[43] = option43
        self.serves(server).dhcp_replies += 1
        return self.heard(seconds, kind, reply=True, source=server, target_port=68, your=your, file=file,
                          next_server=next_server, relay=relay, options=options)  # fmt: skip

    def serves(self, server: str) -> ServerRecord:
        return self.world.servers.setdefault(server, ServerRecord(server, None))

    def offer(self, seconds: float, **settings: object) -> Scene:
        self.dhcp.offers += (self.reply(seconds, 2, **settings),)  # type: ignore[arg-type]
        self.dhcp.offer_count += 1
        return self

    def proxy(self, seconds: float, *, server: str = "192.168.122.9", **settings: object) -> Scene:
        self.dhcp.proxy_offers += (self.reply(seconds, 2, server=server, your=None, **settings),)  # type: ignore[arg-type]
        return self

    def request(self, seconds: float, server: str = SERVER) -> Scene:
        self.dhcp.requests += (self.heard(seconds, 3, options={54: packed(server)}),)
        self.dhcp.request_count += 1
        return self

    def ack(self, seconds: float, **settings: object) -> Scene:
        self.dhcp.acks += (self.reply(seconds, 5, **settings),)  # type: ignore[arg-type]
        self.dhcp.ack_count += 1
        return self

    def nak(self, seconds: float, **settings: object) -> Scene:
        self.dhcp.naks += (self.reply(seconds, 6, your=None, **settings),)  # type: ignore[arg-type]
        self.dhcp.nak_count += 1
        return self

    def lease(self, seconds: float = 0, **settings: object) -> Scene:
        """DISCOVER, OFFER, REQUEST, ACK."""
        server = str(settings.get("server", SERVER))
        return (
            self.discover(seconds)
            .offer(seconds + 0.1, **settings)
            .request(seconds + 0.2, server)
            .ack(seconds + 0.3, **settings)
        )

    def to_4011(self, *seconds: float, server: str = "192.168.122.9") -> Scene:
        for second in seconds:
            self.dhcp.pxe_requests += (self.heard(second, 3, target=server, target_port=4011),)
            self.dhcp.pxe_request_count += 1
        return self

    def solicit(self, *seconds: float) -> Dhcp6Exchange:
        exchange = Dhcp6Exchange()
        for second in seconds:
            exchange.solicits += (self.heard6(second, 1),)
            exchange.solicit_count += 1
        self.here.dhcp = exchange
        return exchange

    def heard6(
        self, seconds: float, kind: int, *, url: str | None = None, addresses: tuple[str, ...] = ()
    ) -> Heard[Dhcpv6Message]:
        message = Dhcpv6Message(kind, 7, b"c", b"s", MAC, None, addresses=addresses, boot_file_url=url)
        return Heard(self.at(seconds), message, "fe80::1", None, "fe80::2", 547, 546)

    # --- fetches ---

    def fetch(
        self, flow: TftpTransfer | HttpExchange, status: FetchStatus, role: FetchRole, content: BootContent | None
    ) -> None:
        self.here.fetches.append(FetchRecord(flow, role=role, status=status, content=content))

    def tftp(self, seconds: float, name: str, status: FetchStatus = "stalled", *, role: FetchRole = "boot-file", server: str = SERVER,
             requests: int = 1, error: int | None = None, text: str = "", by_client: bool = False, content: BootContent | None = None,
             data: int = 0, oack: bool = False, block_size: int = 1468, size: int | None = None, client: str = CLIENT) -> TftpTransfer:  # fmt: skip
        flow = TftpTransfer(
            0,
            client,
            2070,
            MAC,
            server,
            None,
            69,
            None,
            False,
            name,
            "octet",
            (("tsize", "0"), ("blksize", str(block_size))),
        )
        flow.start = START + round(seconds * NANOSECONDS)
        flow.requests = [self.at(seconds + 4 * index) for index in range(requests)]
        flow.request_count = requests
        flow.block_size, flow.size = block_size, size
        late = seconds + 4 * (requests - 1) + 0.1
        if oack:
            flow.oack, flow.oack_count = (("blksize", str(block_size)),), 1
            flow.oacks = [self.at(late)]
            flow.reply_from = (server, 40000)
            flow.last_ack, flow.acked_block, flow.ack_count = self.at(late), 0, 1
        if data or status == "complete":
            flow.reply_from = (server, 40000)
            flow.body = Body(
                received=data or 1000, packets=1 + data // block_size, first=self.at(late), last=self.at(late + 0.1)
            )
            flow.highest_block = flow.acked_block = 1 + (data or 1000) // block_size
            flow.last_from_server = flow.body.last
            flow.last_ack = self.at(late + 0.1)
        if error is not None:
            flow.error, flow.error_by_client = TftpError(error, text), by_client
            flow.error_at = self.at(late + 0.2)
            flow.reply_from = flow.reply_from or (server, 40000)
        flow.complete = status == "complete"
        flow.last = self.at(late + 0.3)
        self.fetch(flow, status, role, content)
        return flow

    def connection(
        self, seconds: float, *, server: str = SERVER, port: int = 80, syns: int = 1, opened: bool = True
    ) -> TcpConnection:
        connection = TcpConnection(
            0, CLIENT, 49152, MAC, server, port, None, None, start=START + round(seconds * NANOSECONDS)
        )
        connection.syns = [self.at(seconds + 2**index - 1) for index in range(syns)]
        connection.syn_count = syns
        if opened:
            connection.syn_ack, connection.established = self.at(seconds + 0.01), True
        connection.last = self.at(seconds + 2**syns)
        self.here.connections += (connection,)
        return connection

    def http(self, seconds: float, url: str, status: FetchStatus = "complete", *, code: int | None = 200, method: str = "GET",
             fields: Iterable[tuple[str, str]] = (("Content-Length", "1000"),), role: FetchRole = "boot-file",
             content: BootContent | None = None, received: int = 1000, length: int | None = 1000, server: str = SERVER) -> HttpExchange:  # fmt: skip
        connection = self.connection(seconds, server=server)
        head = HttpHead(method, "/" + url.split("/", 3)[3], "1.1", None, "", (("Host", url.split("/")[2]),), 90)
        flow = HttpExchange(connection, head, self.at(seconds + 0.1), url)
        if code is not None:
            flow.response = HttpHead(None, "", "1.1", code, "", tuple(fields), 90)
            flow.response_at = self.at(seconds + 0.2)
            flow.content_length = length
        flow.body = Body(received=received, packets=1, first=self.at(seconds + 0.3), last=self.at(seconds + 0.4))
        flow.complete = status == "complete"
        flow.last = connection.last = self.at(seconds + 0.5)
        connection.exchanges.append(flow)
        self.fetch(flow, status, role, content)
        return flow

    def icmp(self, seconds: float, kind: int = 3, code: int = 3, *, sender: str = SERVER, source: str = CLIENT, target: str = SERVER,
             mtu: int | None = None) -> IcmpNotice:  # fmt: skip
        quoted = QuotedPacket(source, target, 17, 2070, 69, b"")
        return IcmpNotice(self.at(seconds), sender, IcmpMessage(4, kind, code, quoted, mtu))

    def lookup(
        self, seconds: float, name: str, *, rcode: int | None = None, addresses: tuple[str, ...] = (), queries: int = 1
    ) -> DnsLookup:
        lookup = DnsLookup(CLIENT, MAC, SERVER, name, 1)
        lookup.queries = [self.at(seconds + 2 * index) for index in range(queries)]
        lookup.query_count = queries
        if rcode is not None:
            lookup.answer = DnsMessage(1, True, rcode, name, 1, addresses)
            lookup.answer_at = self.at(seconds + 0.1)
        lookup.last = self.at(seconds + 2 * queries)
        self.here.lookups += (lookup,)
        return lookup

    def port_lookup(self, *seconds: float, registered: bool | None = None) -> PortLookup:
        """A question for NFS to the portmapper; `registered` is what the reply says, None for none."""
        lookup = PortLookup(CLIENT, MAC, SERVER, 100_003, [self.at(second) for second in seconds], len(seconds))
        if registered is not None:
            lookup.reply, lookup.registered = self.at(seconds[-1] + 0.01), registered
        self.here.port_lookups += (lookup,)
        return lookup

    def arp(self, target: str, *seconds: float, answered: bool = False) -> Scene:
        arps = Arps(target, (0, 0), tuple(self.at(second) for second in seconds), len(seconds))
        if answered:
            arps.reply = self.at(seconds[-1] + 0.01)
        self.here.arps += (arps,)
        return self

    def other_machine(self, mac: str, scene: Scene) -> Scene:
        """Put another scene's machine into this world."""
        scene.machine.mac = mac
        self.world.machines[mac] = scene.machine
        for address, server in scene.world.servers.items():
            self.world.servers.setdefault(address, server).answered_vendor_classes.update(
                server.answered_vendor_classes
            )
        return self

    # --- the verdict ---

    def findings(self) -> tuple[Finding, ...]:
        return Judge(self.world, strict=True).findings(self.machine)

    def finding(self, code: str) -> Finding | None:
        return next((finding for finding in self.findings() if finding.code == code), None)

    def codes(self, *severities: str) -> set[str]:
        return {finding.code for finding in self.findings() if not severities or finding.severity in severities}
