"""What boot programs do: DHCP, ARP, TFTP and HTTP, with the patience that each of them has."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from ..rules.packets import Wire
from ..rules.scene import SERVER
from .network import GaveUp, Message, Network, Program

Gaps = Sequence[float]
"""How long to wait for an answer, s, before the next try, and after the last."""

SLICE = 1e-9
DOUBLING: Gaps = (0.25, 0.5, 1, 2, 4, 8)


def pause(seconds: float) -> Program[None]:
    yield seconds, lambda _: False


def dhcp(network: Network, kind: str, gaps: Gaps, requests: Gaps, *, collects: bool = False) -> Program[None]:
    """A lease; edk2 `collects` offers until its timeout (PxeBcDhcp4.c)."""
    wire = network.wire.as_kind(kind)
    xid, began, offered = wire.xid, network.now, False
    network.has_address = network.knows_server = False
    for gap in gaps:
        frame = network.packet(partial(Wire.dhcp, time=0, number=1, secs=int(network.now - began)))
        network.send(Message("DISCOVER", xid=xid, client=kind), frame, to_server=True)
        until = network.now + gap
        while network.now < until - SLICE and (collects or not offered):
            offered |= (yield until - network.now, lambda m: m.kind == "OFFER" and m.xid == xid) is not None
        if offered:
            break
    if not offered:
        raise GaveUp("dhcp", "no offer")
    for gap in requests:
        frame = network.packet(lambda wire: wire.dhcp(0, 3))
        network.send(Message("REQUEST", xid=xid, client=kind), frame, to_server=True)
        if (yield gap, lambda m: m.kind == "ACK" and m.xid == xid):
            network.has_address = True
            return
    raise GaveUp("dhcp", "no ACK")


def arp(network: Network, gaps: Gaps) -> Program[None]:
    """The server's hardware address."""
    for gap in gaps if not network.knows_server else ():
        network.send(Message("ARP"), network.packet(lambda wire: wire.arp(0, SERVER)), to_server=True)
        if (yield gap, lambda m: m.kind == "ARP reply"):
            network.knows_server = True
            return
    if not network.knows_server:
        raise GaveUp("arp", "no answer")


def tftp(network: Network, name: str, requests: Gaps, acks: Gaps, *, block_size: int = 1468, probe: bool = False, optional: bool = False,
         arps: Gaps = (1, 1, 1, 1)) -> Program[None]:  # fmt: skip
    """A file; a `probe` asks for its size alone, an `optional` one need not be there."""
    yield from arp(network, arps)
    network.port += 1
    port, answer = network.port, None
    for gap in requests:
        frame = network.packet(lambda wire: wire.rrq(0, name, again=True, blksize=block_size), port)
        network.send(Message("RRQ", port, name=name, block_size=block_size), frame, to_server=True)
        answer = yield gap, lambda m: m.port == port and m.kind in ("OACK", "ERROR")
        if answer is not None:
            break
    if answer is None or (answer.kind == "ERROR" and not optional):
        raise GaveUp("tftp", f"no {name}")
    if answer.kind == "ERROR":
        return
    if probe:
        frame = network.packet(lambda wire: wire.error(0, 8, "User aborted the transfer", by_client=True), port)
        network.send(Message("TFTP ERROR", port), frame, to_server=True)
        return
    for block in range(65536):
        data = yield from _next_block(network, port, block, acks)
        if data is None:
            raise GaveUp("tftp", f"{name} stopped")
        if len(data) < block_size:
            _acknowledge(network, port, block + 1)
            return


def _acknowledge(network: Network, port: int, block: int) -> None:
    frame = network.packet(lambda wire: wire.ack(0, block), port)
    network.send(Message("TFTP ACK", port, block=block), frame, to_server=True)


def _next_block(network: Network, port: int, block: int, acks: Gaps) -> Program[bytes | None]:
    """Acknowledge `block` until the next one comes, and whenever an earlier one comes again."""
    for gap in acks:
        _acknowledge(network, port, block)
        until = network.now + gap
        while network.now < until - SLICE:
            message = yield until - network.now, lambda m: m.port == port and m.kind in ("DATA", "OACK")
            if message is not None and message.block == block + 1:
                return message.data
            if message is not None:
                _acknowledge(network, port, block)
    return None


class Connection:
    """The machine's end of a TCP connection."""

    def __init__(self, network: Network) -> None:
        network.port += 1
        self.network, self.port = network, network.port
        self.open = False
        self.sequence, self.expected = 1001, 5001
        self.received = b""
        self._ahead: dict[int, bytes] = {}

    def send(self, kind: str, flags: int, data: bytes = b"", *, name: str = "", head_only: bool = False, sequence: int | None = None) -> None:  # fmt: skip
        at = self.sequence if sequence is None else sequence
        frame = self.network.packet(
            lambda wire: wire.tcp(0, flags, at, self.expected if flags != 2 else 0, data), self.port
        )
        message = Message(kind, self.port, sequence=at, acknowledged=self.expected, length=len(data), name=name, head_only=head_only)  # fmt: skip
        self.network.send(message, frame, to_server=True)

    def take(self, message: Message) -> bool:
        if not message.kind.startswith("TCP") or message.port != self.port:
            return False
        if message.kind == "TCP SYN-ACK":
            self.open = True
            self.network.hand(Message("open"))
        elif message.data:
            self._ahead[message.sequence] = message.data
            while data := self._ahead.pop(self.expected, b""):
                self.received, self.expected = self.received + data, self.expected + len(data)
            self.network.hand(Message("bytes"))
        elif message.kind == "TCP FIN":
            self.expected += message.sequence == self.expected
        else:
            return True
        self.send("TCP ACK", 0x10)
        return True


def http(network: Network, name: str, syns: Gaps = DOUBLING, requests: Gaps = DOUBLING, *, agent: str = "iPXE/1.21.1", head_only: bool = False,
         patience: float = 20, arps: Gaps = DOUBLING) -> Program[None]:  # fmt: skip
    """A file, on a connection of its own."""
    yield from arp(network, arps)
    connection = Connection(network)
    network.tap = connection.take
    for gap in syns:
        connection.send("TCP SYN", 2, sequence=1000)
        if (yield gap, lambda m: m.kind == "open"):
            break
    if not connection.open:
        raise GaveUp("tcp", "no SYN-ACK")
    method = "HEAD" if head_only else "GET"
    asked = f"{method} /{name} HTTP/1.1\r\nHost: {SERVER}\r\nUser-Agent: {agent}\r\n\r\n".encode()
    for gap in requests:
        connection.send("TCP GET", 0x18, asked, name=name, head_only=head_only, sequence=1001)
        yield gap, lambda m: m.kind == "bytes"
        if connection.received:
            break
    connection.sequence += len(asked)
    while not _is_whole(connection.received, head_only=head_only):
        if (yield patience, lambda m: m.kind == "bytes") is None:
            connection.send("TCP RST", 0x14)
            network.tap = lambda _: True
            raise GaveUp("http", f"{name} stopped")
    connection.send("TCP FIN", 0x11)
    connection.sequence += 1
    yield from pause(0.01)
    network.tap = lambda _: False


def _is_whole(received: bytes, *, head_only: bool) -> bool:
    head, end, body = received.partition(b"\r\n\r\n")
    return bool(end) and (head_only or len(body) >= int(head.rpartition(b" ")[2]))
