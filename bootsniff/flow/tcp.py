"""Which TCP packets are one connection; what they mean is said in `connection`."""

from __future__ import annotations

from ..model import NANOSECONDS
from ..wire.messages import Envelope, IcmpMessage
from ..wire.packet import Packet
from .connection import ACK, RST, SYN, Connection, Key, protocol_of
from .http import Step
from .idle import to_forget
from .notes import frame_of, notice
from .records import Event, TcpConnection

MAX_CONNECTIONS = 8192
IDLE = 900 * NANOSECONDS
"""A connection this long without a packet is forgotten; its record stays with whoever holds it."""
IDLE_ENDED = 60 * NANOSECONDS
"""One that has ended: late retransmissions still belong to it (RFC 9293 section 3.6.1 calls this TIME-WAIT)."""


class TcpFlows:
    """All connections of one capture that matter."""

    def __init__(self) -> None:
        self.connections: dict[Key, Connection] = {}
        self.evicted = 0

    def packet(self, envelope: Envelope, packet: Packet, out: list[Event]) -> Connection | None:
        """Take a TCP packet; None when it belongs to nothing that is followed."""
        key = key_of(envelope.point, packet.source, packet.source_port, packet.target, packet.target_port)
        connection = self.connections.get(key)
        steps: list[Step] = []
        if connection is not None and packet.flags & (SYN | ACK) == SYN and connection.reopens(packet):
            change = connection.close(steps)
            self._emit(connection, envelope, change, steps, out)
            connection = None
            steps = []
        opened = connection is None
        if connection is None:
            connection = self._open(key, envelope, packet)
            if connection is None:
                return None
        change = connection.packet(envelope, packet, steps)
        if opened:
            out.append(Event(envelope, connection.record, "opened"))
            change = change if change == "ended" else None
        self._emit(connection, envelope, change, steps, out)
        return connection

    def find(self, point: int, source: str, source_port: int, target: str, target_port: int) -> Connection | None:
        """The connection between two ends, in whatever direction."""
        return self.connections.get(key_of(point, source, source_port, target, target_port))

    def icmp(self, connection: Connection, envelope: Envelope, message: IcmpMessage, out: list[Event]) -> None:
        """Take an ICMP error that quotes a packet of a connection."""
        record = connection.record
        notice(record.icmp, envelope, message)
        record.icmp_count += 1
        out.append(Event(envelope, record, "changed"))

    def evict(self, now: int) -> list[Connection]:
        """Forget what has been quiet for long, and the quietest when there are too many."""
        gone, excess = to_forget(
            self.connections.values(), now, lambda item: IDLE_ENDED if item.ended else IDLE, MAX_CONNECTIONS
        )
        self.evicted += excess
        for item in gone:
            del self.connections[item.key]
        return gone

    def _open(self, key: Key, envelope: Envelope, packet: Packet) -> Connection | None:
        """A connection begins with its SYN, or where something in the middle of it shows what it carries."""
        flags = packet.flags
        if flags & RST:
            return None
        if flags & SYN:
            by_client = not flags & ACK
        elif packet.payload_length and protocol_of(packet.payload, by_client=True):
            by_client = True
        elif packet.payload_length and protocol_of(packet.payload, by_client=False):
            by_client = False
        else:
            return None
        source, target = (packet.source, packet.source_port), (packet.target, packet.target_port)
        macs = envelope.source_mac, envelope.target_mac
        client, server = (source, target) if by_client else (target, source)
        client_mac, server_mac = macs if by_client else macs[::-1]
        record = TcpConnection(
            capture=envelope.capture,
            client=client[0],
            client_port=client[1],
            client_mac=client_mac,
            server=server[0],
            server_port=server[1],
            server_mac=server_mac,
            vlan=envelope.vlan,
            point=envelope.point,
            established=not flags & SYN,
            start=envelope.time,
            last=frame_of(envelope),
        )
        connection = self.connections[key] = Connection(key, record)
        return connection

    @staticmethod
    def _emit(
        connection: Connection, envelope: Envelope, change: str | None, steps: list[Step], out: list[Event]
    ) -> None:
        if change == "changed":
            out.append(Event(envelope, connection.record, "changed"))
        out.extend(Event(envelope, exchange, step) for exchange, step in steps)
        if change == "ended":
            out.append(Event(envelope, connection.record, "ended"))


def key_of(point: int, source: str, source_port: int, target: str, target_port: int) -> Key:
    one, other = (source, source_port), (target, target_port)
    return (point, one, other) if one <= other else (point, other, one)
