"""Small helpers by which every kind of flow writes into its record: frames, bodies, ICMP errors."""

from __future__ import annotations

from ..model import FrameRef
from ..wire.messages import Envelope, IcmpMessage
from .head import HeadKeeper
from .records import MAX_FRAMES, Body, IcmpNotice


def frame_of(envelope: Envelope) -> FrameRef:
    return FrameRef(envelope.capture, envelope.frame, envelope.time)


def remember(frames: list[FrameRef], at: FrameRef) -> None:
    """Keep the first frames of a list, and the latest in the last place."""
    if len(frames) < MAX_FRAMES:
        frames.append(at)
    else:
        frames[-1] = at


def notice(notices: list[IcmpNotice], envelope: Envelope, message: IcmpMessage) -> None:
    """Keep an ICMP error the same way."""
    item = IcmpNotice(frame_of(envelope), envelope.source, message)
    if len(notices) < MAX_FRAMES:
        notices.append(item)
    else:
        notices[-1] = item


def led_astray(envelope: Envelope, client_mac: str | None) -> tuple[str, FrameRef] | None:
    """The MAC that an answer goes to, and where, when it is another host's than the one that asked."""
    target = envelope.target_mac
    if target is None or client_mac is None or target == client_mac or int(target[:2], 16) & 1:
        return None
    return target, frame_of(envelope)


class BodyTally:
    """Adds packets, or whole runs of packets, to a body; the one place where a `Body` is written."""

    __slots__ = ("body", "head")

    def __init__(self, body: Body) -> None:
        self.body = body
        self.head = HeadKeeper()

    def packet(self, at: FrameRef, fresh: int) -> None:
        """One packet that brought `fresh` bytes not seen before."""
        self.run(1, fresh, 0 if fresh else 1, at, at, 0)

    def run(
        self, packets: int, fresh: int, retransmissions: int, first: FrameRef, last: FrameRef, longest_wait: int
    ) -> None:
        """Several packets in a row; `longest_wait` is the longest time between two of them, ns."""
        body = self.body
        if body.last is None:
            body.first = first
        else:
            longest_wait = max(longest_wait, first.time - body.last.time)
        body.longest_wait = max(body.longest_wait, longest_wait)
        body.last = last
        if fresh:
            body.newest = last
        body.packets += packets
        body.received += fresh
        body.retransmissions += retransmissions

    def piece(self, offset: int, data: bytes) -> None:
        """Bytes of the body's beginning, in whatever order they come."""
        if self.head.add(offset, data):
            self.body.head = self.head.value()
