"""What is known of each machine: records that the engine moves and that rules and snapshots read. Data only.

A machine has boots, a boot has stages, a stage has at most one DHCP exchange and any number of fetches. Records are
live and mutable; only `track.engine` and its helpers change them. Sequences that a stranger could make grow are bounded,
the counters beside them are not; they are tuples, since most machines of a large network have none or one of each.
No record refers to one that holds it, so the collector of cycles need not look at them (`gc=False`).
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct, field

from ..flow.records import DnsLookup, HttpExchange, PortLookup, TcpConnection, TftpTransfer
from ..model import FetchStatus, FrameRef, HostFacts, StallPoint, Status
from ..wire.script_plan import LeftOut
from ..wire.transfers import BootContent
from .exchanges import Arps, Dhcp4Exchange, Dhcp6Exchange
from .ports import GuardedPort, LonelyPort, SilentPort
from .quality import CaptureQuality

MAX_FETCHES = 2048
MAX_STAGES = 64
MAX_BOOTS = 64

FetchRole = Literal[
    "boot-file", "config-search", "optional", "module", "script", "kernel", "initrd", "image", "os", "other"
]
"""What a fetch is for, as far as it can be told: the file DHCP named; a name of a configuration search list; an
optional extra (autoexec.ipxe, shim's revocations); a loader's module; a script or configuration; what a script named."""


class FetchRecord(Struct, eq=False):
    """A fetch in its stage: the flow it is, seen at one or more capture points, and what it means."""

    flow: TftpTransfer | HttpExchange
    role: FetchRole = "other"
    views: list[TftpTransfer] = field(default_factory=list)
    """The same transfer at other capture points (`capture` or `point` differs), perhaps translated by a NAT."""
    elsewhere: tuple[HttpExchange, ...] = ()
    """The same request and what was seen of its response at other capture points."""
    status: FetchStatus = "in-progress"
    """Kept current by `track.outcome`."""
    content: BootContent | None = None
    """What the bytes are, as soon as enough of them are there."""

    @property
    def useful(self) -> bool:
        """Neither an optional extra nor a probe, as far as its status tells now."""
        return self.status not in ("optional", "probe")

    @property
    def in_vain(self) -> bool:
        """It got an answer that ends it, or stopped, as far as its status tells now."""
        return self.status in ("failed", "stalled")

    @property
    def missing(self) -> bool:
        """The server said that there is no such file, and the machine heard it."""
        flow = self.flow
        if isinstance(flow, TftpTransfer):
            return (
                self.status != "stalled"
                and flow.error is not None
                and not flow.error_by_client
                and flow.error.says_missing
            )
        return flow.response is not None and flow.response.status in (404, 410)

    @property
    def name(self) -> str:
        """File name (TFTP) or URL (HTTP), as sent."""
        return self.flow.filename if isinstance(self.flow, TftpTransfer) else self.flow.url

    @property
    def server(self) -> str:
        """The address that was asked."""
        return self.flow.server if isinstance(self.flow, TftpTransfer) else self.flow.connection.server

    @property
    def start(self) -> int:
        return self.flow.start if isinstance(self.flow, TftpTransfer) else self.flow.request_at.time

    @property
    def ended(self) -> FrameRef:
        """The packet that made it whole (TFTP: that acknowledged its end), whatever was repeated after it.

        The latest packet while it is not whole.
        """
        return _ended(self.flow)

    @property
    def end(self) -> int:
        return max([_ended(self.flow).time, *(_ended(view).time for view in self.views)])


def _ended(flow: TftpTransfer | HttpExchange) -> FrameRef:
    whole = flow.body.newest
    if isinstance(flow, HttpExchange):
        whole = (whole or flow.response_at) if flow.complete else None
    elif not (flow.complete or flow.acknowledged):
        whole = None
    elif flow.newest_ack is not None and flow.acked_block >= flow.highest_block:
        whole = flow.newest_ack
    return whole or flow.last


class Expectation(Struct, eq=False):
    """A file that a script seen on the wire says will be fetched next."""

    url: str
    role: FetchRole
    named_in: str
    at: FrameRef
    pieces: tuple[str, ...] | None = None
    """What is certain of a path with variables, in order, the ends among them; None where all of `url` is."""
    labels: tuple[str, ...] = ()
    """The labels of `named_in`, where the name may have been meant for one of them."""


class IdleScript(Struct, eq=False):
    """A script that ends before it has started anything."""

    name: str
    at: FrameRef
    starts: bool
    """True where only a command that there is not tells: what it would have started was not loaded."""
    misspelt: tuple[str, str] | None


class InitrdLeftOut(Struct, eq=False):
    """An initrd that the script at `at` loads, and that its kernel does not find on UEFI."""

    kernel: str
    """URL or path."""
    at: FrameRef
    script: str
    told: LeftOut


class StageRecord(Struct, eq=False, gc=False):
    """One boot program's turn."""

    client: str
    """A word of the table in docs/json.md: `efi-x64-pxe`, `ipxe-bios`, `grub`, `os`, …"""
    name: str
    arch: tuple[int, ...]
    vendor_class: str | None
    user_class: str | None
    start: int
    last: FrameRef
    dhcp: Dhcp4Exchange | Dhcp6Exchange | None = None
    fetches: list[FetchRecord] = field(default_factory=list)
    lookups: tuple[DnsLookup, ...] = ()
    connections: tuple[TcpConnection, ...] = ()
    """TCP connections to boot servers, with or without an exchange on them."""
    port_lookups: tuple[PortLookup, ...] = ()
    arps: tuple[Arps, ...] = ()
    """One for each target address."""
    neighbors: tuple[Arps, ...] = ()
    """The same over IPv6: neighbor solicitations, and advertisements (RFC 4861)."""
    sought: tuple[Arps, ...] = ()
    """Who asks for the machine's address, by MAC, and the questions that it has not answered since."""
    expectations: tuple[Expectation, ...] = ()
    menu: str | None = None
    """What waits for a key without a timeout: `menu of http://…/menu.ipxe`, `option 43 prompt`."""
    pause: int = 0
    """How long the latest script or configuration may wait before it asks for anything, ns: its menu's timeout, its sleep."""
    firmware: str = ""
    """The client word of what a loader, which does no DHCP, was loaded by; of all others their own."""
    idle_script: IdleScript | None = None
    """The one script of this program, when it loads a kernel and starts nothing, or has a command that there is not."""
    left_out: tuple[InitrdLeftOut, ...] = ()
    hosts: tuple[str, ...] = ()
    """Hosts that scripts of this boot name, in lower case: what a system is told to fetch from."""
    told: tuple[str, ...] = ()
    """URLs in the arguments of the kernels that scripts of this boot start: what a system is told to fetch."""
    local_boot: FrameRef | None = None
    """The script that told the program to boot from the disk, or to leave."""

    @property
    def given(self) -> set[str]:
        """The IPv4 addresses that the program was offered or leased."""
        return self.dhcp.given if isinstance(self.dhcp, Dhcp4Exchange) else set()


class BootRecord(Struct, eq=False, gc=False):
    """One power-on's worth of attempts."""

    start: int
    last: FrameRef
    stages: list[StageRecord] = field(default_factory=list)
    status: Status = "in-progress"
    """Kept current by `track.outcome`, as are the four below."""
    stalled_at: StallPoint | None = None
    stalled_stage: int | None = None
    """Index of the stage of the boot option that got furthest."""
    waiting_for: str = ""
    trying: bool = False
    """Stalled where it came furthest, but its latest boot option is still at work."""
    next_start: int | None = None
    """When the machine's next boot began, ns."""
    left: FrameRef | None = None
    """An ordinary DHCP client spoke when every boot option had failed: the machine runs what its disk holds, until it boots on."""


class MachineRecord(Struct, eq=False, gc=False):
    """One computer."""

    mac: str
    vlan: int | None
    last: FrameRef
    uuid: str | None = None
    hostname: str | None = None
    addresses: list[str] = field(default_factory=list)
    link_local: str | None = None
    """The IPv6 address it does DHCPv6 from."""
    boots: list[BootRecord] = field(default_factory=list)
    boot_client: bool = False
    """Sent what only boot programs send, or fetched something."""
    speaks: bool = False
    """Spoke ARP from an address of its own."""


class ServerRecord(Struct, eq=False):
    """A DHCP, ProxyDHCP, TFTP or HTTP server, known by what it answered."""

    address: str
    mac: str | None
    dhcp_replies: int = 0
    answered_vendor_classes: set[str] = field(default_factory=set)
    """First words of the vendor classes it answered (`PXEClient`, `HTTPClient`, `U-Boot`), empty text for none."""
    dialect: str | None = None
    """Recognised software: `dnsmasq`, `isc-dhcpd`, `kea`, `libvirt` …"""
    tftp_replies: int = 0


class World(Struct, eq=False):
    """Everything the engine knows: what rules and snapshots read besides a machine."""

    machines: dict[str, MachineRecord] = field(default_factory=dict)
    holders: dict[str, MachineRecord] = field(default_factory=dict)
    """Address to the machine that was given it, or that spoke from it, last."""
    asked: dict[str, str] = field(default_factory=dict)
    """Address to the MAC of the machine that asked for it (option 50), where the capture shows no ACK."""
    servers: dict[str, ServerRecord] = field(default_factory=dict)
    arp: dict[str, str] = field(default_factory=dict)
    """Address to MAC, from ARP and from IP packets on the same segment."""
    quality: CaptureQuality = field(default_factory=CaptureQuality)
    host: HostFacts | None = None
    bpdus_not_forwarding: tuple[FrameRef, ...] = ()
    silent_ports: dict[str, SilentPort] = field(default_factory=dict)
    """Ports of the older spanning tree, by the MAC their BPDUs come from."""
    lonely_ports: dict[str, LonelyPort] = field(default_factory=dict)
    """Ports of link aggregations without a partner, by the MAC their LACPDUs come from."""
    guarded_ports: dict[str, GuardedPort] = field(default_factory=dict)
    """Ports that ask who is there before they open (IEEE 802.1X), by the MAC their requests come from."""
    supplicants: set[str] = field(default_factory=set)
    """MACs of machines that speak IEEE 802.1X themselves."""
    router_advertisements: dict[int | None, FrameRef] = field(default_factory=dict)
    """The first one in each VLAN (None: untagged)."""
    managed6: dict[int | None, FrameRef] = field(default_factory=dict)
    """The first one in each VLAN that sends machines to DHCPv6 for their address (RFC 4861 section 4.2, M flag)."""
    prefixes6: dict[int | None, str] = field(default_factory=dict)
    """The first IPv6 network that a router advertises in each VLAN, `fd00::/64`."""
    counters: dict[str, int] = field(default_factory=dict)
    now: int = 0
    ended: bool = False
    """The capture is over: what is silent now stays silent."""
