"""A server for DHCP, ARP, TFTP and HTTP that repeats what is not acknowledged."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..rules.scene import SERVER
from .network import Message, Network

TRIES = 6
SEGMENT, WINDOW = 1400, 4
FIRST = 5001
"""Sequence number of the first byte it sends."""


@dataclass
class Transfer:
    """One file that is sent by TFTP."""

    name: str
    content: bytes
    block_size: int
    block: int = 0
    over: bool = False
    turn: object = None
    """What is repeated at present."""


@dataclass
class Stream:
    """What is sent on one TCP connection."""

    open: bool = False
    over: bool = False
    content: bytes = b""
    acknowledged: int = FIRST
    sent: int = FIRST
    received: int = 1001
    turn: object = None
    repeated: int = 0
    handshakes: int = 0


@dataclass
class Server:
    """Listens to a network; `offer` tells what DHCP options a kind of client gets."""

    network: Network
    files: Mapping[str, bytes]
    offer: Callable[[str], dict[str, Any]]
    transfers: dict[int, Transfer] = field(default_factory=dict)
    streams: dict[int, Stream] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.network.serve = self.take

    def take(self, message: Message) -> None:
        if message.kind in ("DISCOVER", "REQUEST"):
            number, kind = (2, "OFFER") if message.kind == "DISCOVER" else (5, "ACK")
            given = self.offer(message.client)
            reply = Message(kind, xid=message.xid)
            self.network.later(0.0005, lambda: self._send(reply, lambda wire: wire.dhcp(0, number, **given)))
        elif message.kind == "ARP":
            self._send(Message("ARP reply"), lambda wire: wire.arp(0, SERVER, answer=True))
        elif message.kind == "RRQ":
            self._request(message)
        elif message.kind in ("TFTP ACK", "TFTP ERROR"):
            self._acknowledge(message)
        elif message.kind.startswith("TCP"):
            self._tcp(message)

    def _send(self, message: Message, make: Callable[[Any], object]) -> None:
        self.network.send(message, self.network.packet(make, message.port or None), to_server=False)

    # --- TFTP --------------------------------------------------------------------------------------------------

    def _request(self, message: Message) -> None:
        port = message.port
        known = self.transfers.get(port)
        if known is not None and not known.over:
            return
        content = self.files.get(message.name)
        if content is None:
            self._send(Message("ERROR", port), lambda wire: wire.error(0, 1, "File not found"))
            return
        transfer = self.transfers[port] = Transfer(message.name, content, message.block_size)
        options = {"blksize": message.block_size, "tsize": len(content)}
        self._repeat(transfer, lambda: self._send(Message("OACK", port), lambda wire: wire.oack(0, **options)))

    def _acknowledge(self, message: Message) -> None:
        transfer = self.transfers.get(message.port)
        if transfer is None or transfer.over:
            return
        size, block = transfer.block_size, transfer.block
        if message.kind == "TFTP ERROR":
            transfer.over = True
        elif message.block == block:
            transfer.over = block > 0 and len(transfer.content) < block * size
            piece, following = transfer.content[block * size : (block + 1) * size], block + 1
            transfer.block = following
            data = Message("DATA", message.port, block=following, data=piece)
            self._repeat(transfer, lambda: self._send(data, lambda wire: wire.data(0, following, piece)))

    def _repeat(self, transfer: Transfer, action: Callable[[], None]) -> None:
        """Now, and 1, 2, 4 … s later, until something else is sent."""
        turn = transfer.turn = object()

        def again(tries: int) -> None:
            if not transfer.over and transfer.turn is turn and tries < TRIES:
                action()
                self.network.later(2**tries, lambda: again(tries + 1))

        again(0)

    # --- TCP ---------------------------------------------------------------------------------------------------

    def _tcp(self, message: Message) -> None:
        port = message.port
        if message.kind == "TCP SYN":
            stream = self.streams.setdefault(port, Stream())
            if not stream.open:
                self._handshake(port, stream)
            return
        stream = self.streams.get(port) or Stream(over=True)
        stream.over |= message.kind == "TCP RST"
        if stream.over:
            return
        stream.open = True
        if message.kind == "TCP GET" and message.sequence == stream.received:
            stream.received += message.length
            stream.content += self._response(message)
            self.network.later(0.001, lambda: self._push(port, stream))
        elif message.kind == "TCP GET":
            self._segment(port, stream, 0x10, stream.sent)
        if message.acknowledged > stream.acknowledged:
            stream.acknowledged, stream.repeated, stream.turn = message.acknowledged, 0, None
            self._push(port, stream)
        if message.kind == "TCP FIN":
            stream.received = message.sequence + 1
            self._segment(port, stream, 0x11, stream.sent)

    def _response(self, message: Message) -> bytes:
        content = self.files.get(message.name)
        status, body = ("200 OK", content) if content is not None else ("404 Not Found", b"Not found")
        head = f"HTTP/1.1 {status}\r\nServer: nginx\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        return head if message.head_only else head + body

    def _handshake(self, port: int, stream: Stream) -> None:
        self._send(Message("TCP SYN-ACK", port), lambda wire: wire.tcp(0, 0x12, FIRST - 1, 1001, from_client=False))
        stream.handshakes += 1
        if stream.handshakes < TRIES:
            turn = stream.turn = object()
            delay = 2.0 ** (stream.handshakes - 1)
            self.network.later(delay, lambda: self._again(port, stream) if stream.turn is turn else None)

    def _again(self, port: int, stream: Stream) -> None:
        if not stream.open:
            self._handshake(port, stream)

    def _segment(self, port: int, stream: Stream, flags: int, sequence: int) -> None:
        data = stream.content[sequence - FIRST :][:SEGMENT] if flags & 0x08 else b""
        kind = "TCP FIN" if flags & 1 else "TCP data"
        message = Message(kind, port, sequence=sequence, acknowledged=stream.received, data=data)
        self._send(message, lambda wire: wire.tcp(0, flags, sequence, stream.received, data, from_client=False))

    def _push(self, port: int, stream: Stream) -> None:
        end = FIRST + len(stream.content)
        while stream.sent < min(end, stream.acknowledged + WINDOW * SEGMENT):
            self._segment(port, stream, 0x18, stream.sent)
            stream.sent = min(end, stream.sent + SEGMENT)
        if stream.acknowledged < stream.sent and (stream.turn is None or stream.acknowledged == FIRST):
            turn = stream.turn = object()
            self.network.later(0.2, lambda: self._retransmit(port, stream, turn))

    def _retransmit(self, port: int, stream: Stream, turn: object) -> None:
        if stream.turn is turn and not stream.over and stream.repeated < 2 * TRIES:
            stream.repeated += 1
            self._segment(port, stream, 0x18, stream.acknowledged)
            self.network.later(0.2 * 2**stream.repeated, lambda: self._retransmit(port, stream, turn))
