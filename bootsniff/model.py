"""Values that cross rooms: blocks of packets on the way in, the report on the way out; no I/O and no clock.

Everything here is immutable once built. Times are integer nanoseconds since the Unix epoch, durations integer
nanoseconds, frame numbers 1-based and counted per capture, as Wireshark shows them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import numpy.typing as npt

NANOSECONDS = 1_000_000_000

# --- the way in ---------------------------------------------------------------------------------------------


class Interface(Struct, frozen=True):
    """Where packets of a capture were taken: a pcapng interface, or the one interface of a pcap file."""

    link_type: int
    """LINKTYPE_ number of the tcpdump registry (1 Ethernet, 113 SLL, 276 SLL2, 101 raw IP, 0 null, 108 loop …)."""
    name: str | None = None
    snap_length: int = 0


class Block(Struct):
    """Up to a few MiB of raw packets with NumPy columns beside them; all packets of one block share the buffer.

    The buffer and the arrays may be used again by the source once the next block is asked for: keep copies, not views.
    """

    capture: int
    """Index into `Report.captures`: which file or live interface."""
    buffer: bytearray | memoryview
    first_frame: int
    """Frame number of the first packet; the others follow without a gap."""
    time: npt.NDArray[np.int64]
    """Capture time of each packet, ns since the epoch."""
    offset: npt.NDArray[np.int64]
    """Where each packet's first byte stands in `buffer`."""
    captured: npt.NDArray[np.int64]
    """Bytes of each packet that are in `buffer` (caplen)."""
    original: npt.NDArray[np.int64]
    """Bytes of each packet on the wire (len); greater than `captured` when cut by a snap length."""
    interface: npt.NDArray[np.uint16] | None
    """Index of each packet's interface in `interfaces`; None when all came from interface 0."""
    interfaces: tuple[Interface, ...]
    vlan: npt.NDArray[np.int32] | None = None
    """VLAN id that the kernel took out of the frame (live rings), -1 for none; None when tags stand in the bytes."""
    vlan_tag: npt.NDArray[np.uint32] | None = None
    """The whole tag beside `vlan`, `TPID << 16 | TCI`, 0 for none: what a recorder puts back into the frame."""
    prepared: Mapping[str, npt.NDArray[Any]] | None = None
    """Columns that the reading process made of this block, by name; `wire.columns` knows what they mean."""

    def __len__(self) -> int:
        return len(self.time)


class Tick(NamedTuple):
    """Sent by a live source when the line is quiet, so that deadlines can pass without a packet."""

    time: int


class HostFacts(Struct, frozen=True):
    """What the capturing host says about itself (live only); a field is None when it could not be found out."""

    masquerades: tuple[str, ...] | None = None
    """Source networks that this host translates (`192.168.122.0/24`); `0.0.0.0/0` for a rule without a source."""
    tftp_helper_assigned: bool | None = None
    """A rule assigns the tftp conntrack helper, or the kernel assigns helpers by itself (Linux before 6.0)."""
    tftp_helper_loaded: bool | None = None
    """nf_nat_tftp is in the kernel."""
    forwards: bool | None = None
    listeners: tuple[tuple[str, str, int], ...] | None = None
    """(`udp`|`tcp`, address, port) for 67, 69, 80, 443, 4011."""
    addresses: tuple[str, ...] = ()
    """This host's own addresses."""
    bridges: tuple[tuple[str, bool, float], ...] = ()
    """Name, STP on, forward delay in seconds, of the captured bridges and of those that captured ports belong to."""
    firewalld_zones: tuple[tuple[str, str], ...] = ()
    """Captured interface and its zone."""
    libvirt_network: str | None = None
    """Name of the libvirt network that owns the captured bridge."""
    dnsmasq_config: str | None = None
    """Path of the dnsmasq configuration that serves the captured bridge."""
    dnsmasq_options: tuple[str, ...] = ()
    """Its lines and command line words that concern DHCP, TFTP and booting (`dhcp-boot=…`)."""


class FrameBytes(NamedTuple):
    """One packet as it was captured, for hex views and for saving."""

    capture: int
    frame: int
    time: int
    link_type: int
    original_length: int
    data: bytes


class FrameStore(Protocol):
    """Gives the bytes of frames that a report cites."""

    def get(self, capture: int, frame: int) -> FrameBytes | None:
        """The frame, or None when it is not kept (any more)."""


# --- the way out --------------------------------------------------------------------------------------------

Severity = Literal["error", "warning", "note"]
Confidence = Literal["certain", "likely", "possible"]
Status = Literal["stalled", "handed-off", "in-progress", "not-booting"]
FetchStatus = Literal["complete", "failed", "stalled", "probe", "optional", "in-progress"]
StallPoint = Literal["link", "dhcp", "proxydhcp", "arp", "dns", "tcp", "tls", "tftp", "http", "nbp", "chain", "os"]
DhcpStatus = Literal["unanswered", "offered", "ignored-offer", "bound", "nak", "declined", "informed"]


class FrameRef(Struct, frozen=True, order=True, gc=False):
    """A frame of one capture and when it was seen. Hundreds of thousands are kept."""

    capture: int
    frame: int
    time: int


class Evidence(Struct, frozen=True):
    """A frame that proves a finding, and the part it plays."""

    capture: int
    frame: int
    role: str
    time: int


class Fix(Struct, frozen=True):
    """Lines to put into one program's configuration. `target`: dnsmasq, libvirt, isc-dhcpd, kea, nft, nginx, …"""

    target: str
    text: str


class Finding(Struct, frozen=True):
    """One named fault of one machine, or of the network when `boot` is None."""

    code: str
    severity: Severity
    confidence: Confidence
    summary: str
    boot: int | None = None
    stage: int | None = None
    """Index into the boot's stages."""
    subject: str = ""
    """What the finding is about (a URL, a server), so that two of one code stay apart: key = code, boot, subject."""
    explains: str | None = None
    """Code of the finding that this one is a cause of."""
    expected: str = ""
    """What should have come and did not, in one sentence."""
    proof: str = ""
    """For `likely` and `possible`: what would prove it."""
    evidence: tuple[Evidence, ...] = ()
    fixes: tuple[Fix, ...] = ()


class Fetch(Struct, frozen=True):
    """One TFTP transfer or one HTTP exchange."""

    protocol: Literal["tftp", "http", "https"]
    url: str
    method: str
    """RRQ, WRQ, GET, HEAD, …"""
    status: FetchStatus
    bytes: int
    size: int | None
    start: int
    end: int
    retransmissions: int
    gaps: int
    """Pieces of the body that the capture does not hold although later ones were seen."""
    error: str | None
    content: str | None
    options: tuple[tuple[str, str], ...]
    """What was negotiated: TFTP options of the OACK; HTTP status, content type, range."""
    capture: int
    first_frame: int
    last_frame: int

    @property
    def duration(self) -> int:
        return max(0, self.end - self.start)


class Proxy(Struct, frozen=True):
    """What a ProxyDHCP server said."""

    server: str
    boot_file: str | None
    via: Literal["offer", "4011"]


class Dhcp(Struct, frozen=True):
    """The DHCP exchange of a stage; counts are packets.

    A lease whose ACK the machine does not hear is `offered`.
    """

    version: Literal[4, 6]
    status: DhcpStatus
    discovers: int
    offers: int
    requests: int
    acks: int
    server: str | None
    offered_address: str | None
    address: str | None
    boot_file: str | None
    boot_file_from: str | None
    next_server: str | None
    vendor_class_echoed: bool | None
    proxy: Proxy | None
    start: int
    end: int


class Arrow(Struct, frozen=True):
    """One notable packet, for timelines and ladder diagrams."""

    capture: int
    frame: int
    time: int
    source: str
    """Address, or MAC for ARP and for a client that has no address yet."""
    target: str
    label: str
    """Short: `DISCOVER`, `OFFER 192.168.122.1`, `RRQ ipxe.efi`, `ERROR 1`, `GET /menu.ipxe`, `404`."""
    kind: Literal["request", "reply", "error", "data", "missing"]
    layer: Literal["arp", "dhcp", "dns", "icmp", "tcp", "tls", "tftp", "http"]
    from_client: bool


class Secure(Struct, frozen=True):
    """What one server sent over TLS: how much, no more can be seen."""

    host: str
    """The name that the client asked for (SNI), or the address."""
    size: int
    """Bytes of the records that are no handshake, over all connections."""
    before: int
    """How many of the stage's fetches began earlier."""


class Stage(Struct, frozen=True):
    """One boot program's turn in a boot."""

    client: str
    name: str
    arch: tuple[int, ...]
    vendor_class: str | None
    user_class: str | None
    dhcp: Dhcp | None
    fetches: tuple[Fetch, ...]
    start: int
    end: int
    arrows: tuple[Arrow, ...] = ()
    secure: tuple[Secure, ...] = ()


class Boot(Struct, frozen=True):
    """One power-on's worth of attempts."""

    start: int
    end: int
    status: Status
    stalled_at: StallPoint | None
    stages: tuple[Stage, ...]
    waiting_for: str = ""
    """What the machine waits for right now, in a few words (`OFFER, for 4 s`, `block 312 of grubx64.efi`), or empty."""
    stalled_stage: int | None = None
    """Index of the stage that `stalled_at` speaks of: the one of the boot option that got furthest."""


class Machine(Struct, frozen=True):
    """One computer, known by its client hardware address."""

    mac: str
    uuid: str | None
    hostname: str | None
    vlan: int | None
    vendor: str | None
    addresses: tuple[str, ...]
    status: Status
    boots: tuple[Boot, ...]
    findings: tuple[Finding, ...]
    last_seen: int = 0


class CaptureInfo(Struct, frozen=True):
    """One capture point of the report."""

    path: str
    format: str
    link_types: tuple[str, ...]
    frames: int
    bytes: int
    first: int | None
    last: int | None
    truncated: bool = False
    cut_frames: int = 0
    """Frames of which the capture holds fewer bytes than were on the wire."""
    undecoded_frames: int = 0
    dropped_frames: int = 0
    """Frames the kernel or the capture program lost."""
    problem: str | None = None
    """Why reading ended early, in one sentence."""
    interfaces: tuple[str, ...] = ()
    ended: int | None = None
    """When capturing ended, where the capture says so: silence after the last packet counts until then."""
    unread: str | None = None
    """Which frames were not read for their link type, and why, in one line."""
    clock_shift: int = 0
    """ns that were added to all its times, because its clock was not that of the first capture."""


ONE_SIDED = "one_sided"
"""The counter that is 1 when machines went on from answers that no capture holds."""
BROADCASTS_ONLY = "broadcasts_only"
"""The counter that is 1 when boot clients were given addresses, and no packet was for one of them alone."""
FAILED_RULE = "failed_rule:"
"""Begins the names of counters of rules that have a bug and raised; the code of the rule follows."""
FAILED_EVENT = "failed_event:"
"""The same for events that were left out because following them raised; the protocol follows, or `silence`."""
FAILED_MACHINES = "failed_machines"
"""Counts the machines that are not in the report because a bug raised when they were to be told."""


class Report(Struct, frozen=True):
    """Everything that is known at one moment; the only thing that views see."""

    captures: tuple[CaptureInfo, ...] = ()
    machines: tuple[Machine, ...] = ()
    findings: tuple[Finding, ...] = ()
    now: int | None = None
    """The latest time the packets (or a tick) told."""
    counters: tuple[tuple[str, int], ...] = ()
    """What bounds threw away: evicted machines, flows, findings …; what failed (`FAILED_RULE` …)."""
