"""What the flows of a conversation tell the bulk folding about its two directions; no packets here."""

from __future__ import annotations

from typing import Final, NamedTuple, Protocol

from ..model import FrameRef

# What becomes of a lane's packets. Those of a CONTROL lane are all looked at one by one; of the others only those that
# the comment names, the rest is bulk.
CONTROL: Final = 0
QUIET: Final = 1  # TCP: everything with payload
BODY: Final = 2  # TCP: what does not lie inside [low, low + span)
OPEN_BODY: Final = 3  # the same, and what begins like an HTTP or TLS message
IGNORED: Final = 4  # TCP: what begins like an HTTP or TLS message
TFTP_DATA: Final = 5  # all but full DATA packets with a number above `low`
TFTP_ACK: Final = 6  # all but ACKs with a number above `low`
UDP_IGNORED: Final = 7  # UDP: what looks like TFTP

MAX_SPAN: Final = (1 << 31) - 1
"""Longest stretch of sequence numbers that can be told from what lies before it."""


class Lane(NamedTuple):
    """One direction of a conversation.

    TCP: `low` is the sequence number from which on `span` bytes are bulk. TFTP: numbers above `low` are, in packets
    with `span` bytes of payload. `frontier` is the sequence or block number that comes next, of ACKs the latest.
    """

    kind: int
    low: int = 0
    span: int = 0
    frontier: int = 0


class Region(NamedTuple):
    """A stretch of a byte stream in which packets are only counted: offsets, `end` None when nobody knows it."""

    low: int
    end: int | None
    highest: int
    """Offset behind the last byte seen of it."""


class Run(NamedTuple):
    """Packets of one direction in a row: DATA or ACKs of TFTP, or TCP segments, all new, all old, or one."""

    kind: int
    begin: int
    """Sequence number or block number of the first."""
    packets: int
    size: int
    """Bytes of TCP. TFTP ACKs: the number of the last."""
    first: FrameRef
    last: FrameRef
    wait: int
    """Longest time between two of them, ns."""
    by_client: bool


class Flow(Protocol):
    """A transfer or a connection, as the bulk folding sees it."""

    conversations: list[Conversation]
    ended: bool

    @property
    def key(self) -> object:
        """Flows with the same one follow each other."""

    def lane(self, conversation: Conversation, *, by_client: bool) -> Lane:
        """Which packets of one direction need not be looked at one by one."""

    def take_run(self, run: Run) -> None:
        """Count packets in a row."""


class Conversation:
    """Two ends that exchange packets, and the flow those belong to."""

    __slots__ = ("client_lane", "number", "owner", "server")

    def __init__(self, number: int) -> None:
        self.number = number
        self.owner: Flow | None = None
        self.client_lane = 2 * number
        """The lane that goes from the client to the server."""
        self.server = ("", 0)
