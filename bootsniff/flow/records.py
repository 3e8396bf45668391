"""What several packets amount to: transfers, connections, exchanges, look-ups. Data only; `flow` fills them in.

Records are live objects: the sieve changes them while packets come, everybody else only reads. Lists of frames are
bounded (`MAX_FRAMES`), counters beside them are not. Times are ns, frames are `FrameRef`.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct, field

from ..model import FrameRef
from ..wire.addresses import in_url
from ..wire.messages import (
    ArpMessage,
    Bpdu,
    DhcpMessage,
    Dhcpv6Message,
    DnsMessage,
    Eap,
    Envelope,
    IcmpMessage,
    Lacpdu,
    NeighborMessage,
    RouterAdvertisement,
)
from ..wire.transfers import FATAL, HttpHead, TftpError, TlsAlert, TlsCertificate, TlsClientHello, TlsServerHello

MAX_FRAMES = 32
"""How many frame references one list of a record keeps: the first ones, and the latest in the last place."""
HEAD_BYTES = 4096
"""Bytes of every fetched body that are kept, to tell what the file is."""
TEXT_BYTES = 65536
"""Bytes kept when the beginning is text (a script or a configuration)."""


class IcmpNotice(Struct, eq=False):
    """An ICMP error that quotes a packet of this flow."""

    at: FrameRef
    sender: str
    message: IcmpMessage


class Body(Struct, eq=False):
    """Bytes that arrived, each counted once; folded from bulk packets."""

    received: int = 0
    """Distinct bytes seen on the wire (by headers; the capture need not hold them)."""
    packets: int = 0
    retransmissions: int = 0
    """Packets that brought only bytes seen before."""
    gaps: int = 0
    """Holes below the highest byte that no packet has filled so far."""
    reached: int = 0
    """HTTP: how far into the body anything was seen or acknowledged, in bytes; there may be gaps below."""
    longest_wait: int = 0
    """Longest time between two packets of the body, ns."""
    first: FrameRef | None = None
    last: FrameRef | None = None
    newest: FrameRef | None = None
    """The latest packet that brought bytes not seen before."""
    head: bytes = b""
    """The first bytes, up to HEAD_BYTES, or TEXT_BYTES for text; stops at the first hole or cut packet."""


class TftpTransfer(Struct, eq=False):
    """One file over TFTP: all requests from one client port for one file, and what followed."""

    capture: int
    client: str
    client_port: int
    client_mac: str | None
    """Source MAC of the request (a router's, behind a router)."""
    server: str
    """Where the request went."""
    server_mac: str | None
    server_port: int
    vlan: int | None
    write: bool
    filename: str
    mode: str
    options: tuple[tuple[str, str], ...]
    """As requested."""
    requests: list[FrameRef] = field(default_factory=list)
    request_count: int = 0
    request_payload: bytes = b""
    """The first RRQ's UDP payload: the key by which a flow is matched across a NAT."""
    reply_from: tuple[str, int] | None = None
    """Address and port of the first answer that is no error from the client."""
    strangers: list[tuple[str, int, FrameRef]] = field(default_factory=list)
    """Answers from other addresses or ports than `reply_from` or, for the address, `server`."""
    oack: tuple[tuple[str, str], ...] | None = None
    oacks: list[FrameRef] = field(default_factory=list)
    oack_count: int = 0
    block_size: int = 512
    window_size: int = 1
    size: int | None = None
    """tsize of the OACK, or of the WRQ."""
    body: Body = field(default_factory=Body)
    highest_block: int = 0
    """Counted through roll-overs, 1-based."""
    rollover_to: int | None = None
    """0 or 1 once block numbers have rolled over."""
    last_ack: FrameRef | None = None
    newest_ack: FrameRef | None = None
    """The latest ACK of a block that was not acknowledged before."""
    acked_block: int = -1
    """Highest block the receiver acknowledged, counted through roll-overs; 0 is the ACK of an OACK."""
    ack_count: int = 0
    error: TftpError | None = None
    error_by_client: bool = False
    error_at: FrameRef | None = None
    error_answered: FrameRef | None = None
    """An ERROR of the server behind the client's: nothing answers an ERROR (RFC 1350 section 7)."""
    icmp: list[IcmpNotice] = field(default_factory=list)
    icmp_count: int = 0
    fragments_missing: int = 0
    """Fragmented packets of this transfer that were never whole."""
    longest_fragment: int = 0
    """Of those that were: the longest IP packet that a part came in; 0 when all came in one piece."""
    complete: bool = False
    """The short last block and everything before it were seen."""
    acknowledged: bool = False
    """The receiver acknowledged the short last block: it has everything, even where the capture has gaps."""
    partial: bool = False
    """Seen from the middle: its request is not in the capture."""
    point: int = 0
    """As in `Envelope.point`."""
    start: int = 0
    last: FrameRef = FrameRef(0, 0, 0)
    """The latest packet of either side."""
    last_from_server: FrameRef | None = None
    astray: tuple[str, FrameRef] | None = None
    """The latest answer, where it went to another MAC than the requests came from, and that MAC."""

    @property
    def url(self) -> str:
        """After the slash that ends the host stands the name as it was sent: `/d-i/linux` and `d-i/linux` differ."""
        return f"tftp://{in_url(self.server)}/{self.filename}"


_ENCRYPTED_END = 128
"""Bytes of records in which a TLS 1.3 client ends the handshake or says an alert (RFC 8446 section 4.4.4); requests need more."""


class TlsHandshake(Struct, eq=False):
    """What can be read of a TLS connection."""

    client_hello: TlsClientHello
    client_hello_at: FrameRef
    server_hello: TlsServerHello | None = None
    server_hello_at: FrameRef | None = None
    certificate: TlsCertificate | None = None
    certificate_at: FrameRef | None = None
    wants_certificate: bool = False
    """The server asked for a certificate of the client, as far as that can be read (not in TLS 1.3)."""
    went_on: bool = False
    """The client sent something encrypted, or announced it: up to TLS 1.2 it has accepted the certificate by then."""
    foreign: bytes = b""
    """What the server sent instead of TLS: its first bytes."""
    foreign_at: FrameRef | None = None
    alerts: list[tuple[TlsAlert, FrameRef, bool]] = field(default_factory=list)
    """Alert, where, and whether the client sent it."""
    application_bytes_from_server: int = 0
    application_bytes_from_client: int = 0

    @property
    def asked(self) -> bool:
        """The client sent requests: more than the end of the handshake, or an alert, which TLS 1.3 encrypts as well."""
        modern = self.server_hello is not None and self.server_hello.version == "1.3"
        return self.application_bytes_from_client > (_ENCRYPTED_END if modern else 0)

    @property
    def refused(self) -> bool:
        """A fatal alert was sent, by either side."""
        return any(alert.level == FATAL for alert, _, _ in self.alerts)


class TcpConnection(Struct, eq=False):
    """One TCP connection that a client opened (or that was found open)."""

    capture: int
    client: str
    client_port: int
    client_mac: str | None
    server: str
    server_port: int
    server_mac: str | None
    vlan: int | None
    syns: list[FrameRef] = field(default_factory=list)
    syn_count: int = 0
    syn_ack: FrameRef | None = None
    syn_ack_again: FrameRef | None = None
    """The latest repetition of it."""
    established: bool = False
    """The client's ACK or data after the SYN-ACK was seen, or data without any handshake."""
    reset: FrameRef | None = None
    reset_by_client: bool = False
    fin_from_client: FrameRef | None = None
    fin_from_server: FrameRef | None = None
    icmp: list[IcmpNotice] = field(default_factory=list)
    icmp_count: int = 0
    zero_window: FrameRef | None = None
    tls: TlsHandshake | None = None
    login_refused: tuple[int, int] | None = None
    """Status class and detail of the iSCSI target that did not accept the login."""
    login_refused_at: FrameRef | None = None
    mount_refused: tuple[str, int] | None = None
    """The directory that an NFS server did not let the client mount, and the status it gave."""
    mount_refused_at: FrameRef | None = None
    exchanges: list[HttpExchange] = field(default_factory=list)
    """The latest MAX_FRAMES exchanges."""
    exchange_count: int = 0
    point: int = 0
    start: int = 0
    last: FrameRef = FrameRef(0, 0, 0)
    last_from_server: FrameRef | None = None
    last_from_client: FrameRef | None = None
    """The client's latest packet that says what it acknowledges."""
    acknowledged: int = 0
    """How many bytes of the server's it acknowledges."""
    astray: tuple[str, FrameRef] | None = None
    """The server's latest packet, where it went to another MAC than the client's, and that MAC."""

    @property
    def closed_by_server(self) -> FrameRef | None:
        """The server's FIN, where it is what ended the connection; firmware answers it by RST (edk2 HttpDxe)."""
        fin = self.fin_from_server
        others = (self.reset, self.fin_from_client)
        return fin if fin is not None and all(end is None or fin.time <= end.time for end in others) else None


class HttpExchange(Struct, eq=False):
    """One request and its response on a connection."""

    connection: TcpConnection
    request: HttpHead | None
    """None when the capture began after it."""
    request_at: FrameRef
    url: str
    """http://host[:port]/path, the host as the client named it (Host field), path as sent."""
    response: HttpHead | None = None
    response_at: FrameRef | None = None
    answered: bool = False
    """Without a response: bytes of one came all the same, or the next packets of the client acknowledge some."""
    piece_at: FrameRef | None = None
    """The latest such piece that was seen."""
    content_length: int | None = None
    """What this response brings; None when unknown (chunked, or until close)."""
    size: int | None = None
    """Whole size of the resource: Content-Length of a 200, total of a Content-Range."""
    chunked: bool = False
    framed: int | None = None
    """Up to which byte of the server's it is known where the chunks lie, while more of them are to come."""
    body: Body = field(default_factory=Body)
    complete: bool = False
    """The whole response was seen (by bytes on the wire, acknowledged or not)."""
    begin: int = 0
    """How many bytes the server sent before this response."""
    sent: int = 0
    """How many it sent with what was seen of this response; 0 before any of it was."""
    last: FrameRef = FrameRef(0, 0, 0)
    """The latest packet of this exchange."""

    @property
    def brought_something(self) -> bool:
        """There is a response, though its head is not in the capture: bytes of it came, or the client acknowledges some."""
        if self.answered or self.response is not None:
            return self.answered
        connection = self.connection
        closed = connection.fin_from_server is not None  # takes a number of its own (RFC 9293 section 3.4)
        return connection.exchanges[-1] is self and connection.acknowledged > self.begin + closed

    @property
    def end_unseen(self) -> bool:
        """The client has a chunk's size that the capture lost or cut: nobody knows where this response ends."""
        return self.framed is not None and self.connection.acknowledged > self.framed


class DnsLookup(Struct, eq=False):
    """A question of one client, its repeats, and the answer."""

    client: str
    client_mac: str | None
    server: str
    name: str
    query_type: int
    point: int = 0
    queries: list[FrameRef] = field(default_factory=list)
    query_count: int = 0
    answer: DnsMessage | None = None
    answer_at: FrameRef | None = None
    icmp: list[IcmpNotice] = field(default_factory=list)
    last: FrameRef = FrameRef(0, 0, 0)


class PortLookup(Struct, eq=False):
    """What a client asks a portmapper, and whether it answers."""

    client: str
    client_mac: str | None
    server: str
    program: int
    queries: list[FrameRef] = field(default_factory=list)
    query_count: int = 0
    reply: FrameRef | None = None
    registered: bool = False
    """The reply names a port."""
    icmp: list[IcmpNotice] = field(default_factory=list)


Change = Literal["opened", "changed", "ended"]


class Event(Struct):
    """What the sieve hands to the engine, in order of time.

    `subject` is a message that stands alone (DHCP, DHCPv6, ARP, ICMP, router advertisement) or a record above.
    `change` of a record: `opened` when it is new (of an HTTP exchange also when its request comes behind its response),
    `changed` at every step worth a look (another request, an answer, an OACK, an error, an ICMP error, a response head,
    the first body bytes), `ended` when nothing more is to come (whole, refused, reset, closed, error). Progress of bulk
    bytes makes no event: read the record after `sync()`.
    """

    envelope: Envelope
    subject: (
        DhcpMessage
        | Dhcpv6Message
        | ArpMessage
        | IcmpMessage
        | RouterAdvertisement
        | NeighborMessage
        | Bpdu
        | Lacpdu
        | Eap
        | DnsLookup
        | PortLookup
        | TftpTransfer
        | TcpConnection
        | HttpExchange
    )
    change: Change = "opened"

    @property
    def time(self) -> int:
        return self.envelope.time
