"""One TCP connection in the making: handshake, offsets of both directions, what it carries, how it ends (RFC 9293)."""

from __future__ import annotations

from typing import Literal

from ..model import FrameRef
from ..wire import iscsi, mount, ports
from ..wire.http import begins_message
from ..wire.messages import Envelope
from ..wire.packet import Packet
from .http import HttpSession, Step
from .http_words import is_request, is_response
from .lanes import BODY, CONTROL, IGNORED, MAX_SPAN, OPEN_BODY, QUIET, Conversation, Lane, Run
from .notes import frame_of, led_astray, remember
from .records import Change, TcpConnection
from .segment import Half, Segment
from .tls import TlsSession, is_client_hello

MAX_EARLY = 8
MAX_LOGIN = 24
"""Segments of an iSCSI login: each side sends up to six messages (CHAP), iPXE its headers and their data apart."""
FIN, SYN, RST, ACK = 1, 2, 4, 16
_MASK = 0xFFFFFFFF
Endpoint = tuple[str, int]
Key = tuple[int, Endpoint, Endpoint]
"""Capture point and the two ends, the lesser first."""


class Connection:
    """A record and what is needed to keep it right.

    `packet` returns the change of the connection that is worth an event, and appends those of its exchanges to `steps`.
    """

    __slots__ = ("client_half", "conversations", "early", "ended", "initial", "key", "record", "server_half", "session")

    def __init__(self, key: Key, record: TcpConnection) -> None:
        self.key = key
        self.record = record
        self.client_half = Half()
        self.server_half = Half()
        self.session: HttpSession | TlsSession | None = None
        self.early: list[tuple[bool, Segment]] = []
        """First segments (from the client, or not) that do not tell yet what the connection carries."""
        self.conversations: list[Conversation] = []
        self.initial: int | None = None
        """The client's initial sequence number."""
        self.ended = False

    def is_client(self, packet: Packet) -> bool:
        return packet.source_port == self.record.client_port and packet.source == self.record.client

    def reopens(self, packet: Packet) -> bool:
        """Whether a SYN (without ACK) begins another connection between the same ports."""
        return (
            not self.is_client(packet) or (self.initial is not None and packet.sequence != self.initial) or self.is_over
        )

    @property
    def unknown(self) -> bool:
        """It carries nothing that is known here."""
        limit = MAX_LOGIN if self.record.server_port == ports.ISCSI else MAX_EARLY
        return self.session is None and len(self.early) >= limit

    @property
    def is_over(self) -> bool:
        return self.record.fin_from_client is not None or self.record.fin_from_server is not None

    def packet(self, envelope: Envelope, packet: Packet, steps: list[Step]) -> Change | None:
        record = self.record
        at = frame_of(envelope)
        by_client = self.is_client(packet)
        flags = packet.flags
        record.last = at
        if not by_client:
            record.last_from_server = at
            record.astray = led_astray(envelope, record.client_mac)
        change: Change | None = None
        if flags & SYN:
            change = self._syn(packet, at, by_client=by_client)
        elif by_client and not record.established and not flags & RST:
            record.established = record.syn_ack is not None or packet.payload_length > 0
        elif packet.payload_length and not flags & RST:  # a server speaks after the client's ACK
            record.established = True
        self._synchronise(packet, by_client=by_client)
        # A reset need not say what it acknowledges: edk2's does, one that answers a stranger's packet has 0 there.
        if by_client and flags & (ACK | RST) and packet.acknowledgement:
            self.acknowledge(packet.acknowledgement, at)
        # Pure ACKs are bulk and not looked at; the next request or the end tells as well.
        if by_client and (packet.payload_length or flags & (FIN | RST)) and isinstance(self.session, HttpSession):
            self.session.acknowledged()
        if packet.payload_length and not flags & (SYN | RST):
            change = self._data(packet, at, steps, by_client=by_client) or change
        if flags & RST:
            change = self._reset(at, steps, by_client=by_client) or change
        elif flags & FIN:
            change = self._fin(packet, at, steps, by_client=by_client) or change
        elif not packet.window and not flags & SYN and flags & ACK and record.zero_window is None:
            record.zero_window = at
            change = change or "changed"
        return change

    # --- the handshake and the end ---------------------------------------------------------------------------

    def _syn(self, packet: Packet, at: FrameRef, *, by_client: bool) -> Change | None:
        record = self.record
        if not packet.flags & ACK:
            remember(record.syns, at)
            record.syn_count += 1
            self.initial = packet.sequence
            self.client_half.base = packet.sequence + 1
            return "changed" if record.syn_count > 1 else None
        if by_client:
            return None
        self.server_half.base = packet.sequence + 1
        if record.syn_ack is None:
            record.syn_ack = at
            return "changed"
        record.syn_ack_again = at
        return None

    def _synchronise(self, packet: Packet, *, by_client: bool) -> None:
        """Where a direction's SYN was not captured, its first byte is what was seen, or acknowledged, first."""
        mine, other = (self.client_half, self.server_half) if by_client else (self.server_half, self.client_half)
        if packet.flags & RST:
            return
        if mine.base is None and not packet.flags & SYN:
            mine.base = packet.sequence
        if other.base is None and packet.flags & ACK:
            other.base = packet.acknowledgement

    def _reset(self, at: FrameRef, steps: list[Step], *, by_client: bool) -> Change | None:
        record = self.record
        if record.reset is None:
            record.reset = at
            record.reset_by_client = by_client
        return self.close(steps)

    def _fin(self, packet: Packet, at: FrameRef, steps: list[Step], *, by_client: bool) -> Change | None:
        record = self.record
        half = self.client_half if by_client else self.server_half
        end = half.offset(packet.sequence) + packet.payload_length
        again = half.fin is not None
        half.fin = end
        if by_client:
            record.fin_from_client = record.fin_from_client or at
        else:
            record.fin_from_server = record.fin_from_server or at
            if isinstance(self.session, HttpSession):
                self.session.server_closed(end, steps)
        if record.fin_from_client is not None and record.fin_from_server is not None:
            return self.close(steps)
        return None if again else "changed"

    def close(self, steps: list[Step]) -> Change | None:
        """Nothing more is to come."""
        if self.ended:
            return None
        self.ended = True
        if isinstance(self.session, HttpSession):
            self.session.closed(steps)
        return "ended"

    # --- what it carries -------------------------------------------------------------------------------------

    def _data(self, packet: Packet, at: FrameRef, steps: list[Step], *, by_client: bool) -> Change | None:
        if self.session is None:
            return self._begin(packet, at, steps, by_client=by_client)
        segment = self._segment(packet, at, by_client=by_client)
        return self._carry(segment, steps, by_client=by_client) if segment.end > 0 else None

    def _segment(self, packet: Packet, at: FrameRef, *, by_client: bool) -> Segment:
        half = self.client_half if by_client else self.server_half
        segment = Segment(at, half.offset(packet.sequence), packet.payload_length, packet.payload)
        half.highest = max(half.highest, segment.end)
        return segment

    def _carry(self, segment: Segment, steps: list[Step], *, by_client: bool) -> Change | None:
        session = self.session
        if isinstance(session, HttpSession):
            (session.from_client if by_client else session.from_server)(segment, steps)
        elif session is not None and (session.from_client if by_client else session.from_server)(segment):
            return "changed"
        return None

    def _begin(self, packet: Packet, at: FrameRef, steps: list[Step], *, by_client: bool) -> Change | None:
        """Tell by its first bytes what the connection carries."""
        mine, other = (self.client_half, self.server_half) if by_client else (self.server_half, self.client_half)
        protocol = protocol_of(packet.payload, by_client=by_client)
        if protocol is not None and self.unknown:
            # Nobody counted what came before: both directions begin anew where this packet stands.
            mine.base, mine.highest = packet.sequence, 0
            if packet.flags & ACK:
                other.base, other.highest = packet.acknowledgement, 0
            self.early.clear()
        elif protocol is None and self.unknown:
            return None
        segment = self._segment(packet, at, by_client=by_client)
        if protocol is None and segment.start == 0 and len(segment.data) < 4 and begins_message(segment.data):
            protocol = "http"  # a head that comes in very small pieces
        if protocol is None:
            self.early.append((by_client, segment))
            return None if by_client else self._login(packet.payload, at) or self._mount(packet.payload, at)
        # The other side's first message stands at its first byte; of a segment ahead of a hole, the session decides.
        starts = (segment.start, 0) if by_client else (0, segment.start)
        self.session = (HttpSession if protocol == "http" else TlsSession)(self.record, *starts)
        change = self._carry(segment, steps, by_client=by_client)
        for side, piece in self.early:
            change = self._carry(piece, steps, by_client=side) or change
        self.early.clear()
        return change

    def _login(self, data: bytes, at: FrameRef) -> Change | None:
        """What an iSCSI target says to a login, when it is no."""
        record = self.record
        refusal = iscsi.login_refusal(data) if record.server_port == ports.ISCSI else None
        if refusal is None or record.login_refused is not None:
            return None
        record.login_refused, record.login_refused_at = refusal, at
        return "changed"

    def _mount(self, data: bytes, at: FrameRef) -> Change | None:
        """What an NFS server says to a client that mounts a directory, when it is no."""
        record = self.record
        call = next((segment.data for by_client, segment in reversed(self.early) if by_client), b"")
        directory = mount.asked_directory(call)
        status = mount.refusal(call, data) if directory is not None else None
        if directory is None or status is None:
            return None
        record.mount_refused, record.mount_refused_at = (directory, status), at
        return "changed"

    # --- bulk ------------------------------------------------------------------------------------------------

    def acknowledge(self, number: int, at: FrameRef) -> None:
        """The client's latest packet so far."""
        self.record.acknowledged = max(0, self.server_half.offset(number))
        self.record.last_from_client = at

    def lane(self, _conversation: Conversation, *, by_client: bool) -> Lane:
        """Which packets of one direction need not be looked at one by one."""
        session = self.session
        if self.ended or not self.record.established:
            return Lane(CONTROL)
        half = self.client_half if by_client else self.server_half
        if session is None:
            return Lane(IGNORED if self.unknown else QUIET)
        region = session.client_region() if by_client else session.server_region()
        if region is None:
            return Lane(QUIET)
        low = max(region.low, region.highest - (1 << 30))  # so that sequence numbers stay apart in 32 bits
        span = MAX_SPAN if region.end is None else min(region.end - low, MAX_SPAN)
        base = half.base or 0
        return Lane(
            OPEN_BODY if region.end is None else BODY, (base + low) & _MASK, span, (base + region.highest) & _MASK
        )

    def take_run(self, run: Run) -> None:
        session = self.session
        half = self.client_half if run.by_client else self.server_half
        start = half.offset(run.begin)
        end = start + run.size
        half.highest = max(half.highest, end)
        if session is not None:
            count = session.client_run if run.by_client else session.server_run
            count(start, end, run.packets, run.first, run.last, run.wait)

    def seen_before(self, begin: int, *, by_client: bool) -> bool:
        """Whether bytes from this sequence number on were seen, or a hole is there that they fill."""
        session = self.session
        region = None if session is None else session.client_region() if by_client else session.server_region()
        half = self.client_half if by_client else self.server_half
        return region is not None and half.offset(begin) < region.highest

    def seen_from(self, begin: int) -> int:
        """How many bytes of the server's from this sequence number on were seen, without a hole."""
        session = self.session
        # Of TLS only bytes are counted: any number of packets may be taken as one.
        return session.seen_from(self.server_half.offset(begin)) if isinstance(session, HttpSession) else MAX_SPAN


def protocol_of(data: bytes, *, by_client: bool) -> Literal["http", "tls"] | None:
    """What a segment begins with: an HTTP message in the direction it can have, or a TLS ClientHello."""
    if is_request(data) if by_client else is_response(data):
        return "http"
    return "tls" if by_client and is_client_hello(data) else None
