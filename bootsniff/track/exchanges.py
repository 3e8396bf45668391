"""What is known of one exchange: DHCP messages as they were heard, ARP questions, the two kinds of DHCP. Data only.

The rules for records (`track/records.py`) hold here too.
"""

from __future__ import annotations

from typing import Generic, Literal, TypeVar

from msgspec import Struct

from ..flow.records import IcmpNotice
from ..model import FrameRef
from ..wire.messages import DhcpMessage, Dhcpv6Message

MAX_HEARD = 12
"""How many messages of one kind an exchange keeps: the first ones, and the latest in the last place."""

Point = tuple[int, int]
"""A capture point: the capture, and its interface."""

M = TypeVar("M", DhcpMessage, Dhcpv6Message)


class Heard(Struct, Generic[M], eq=False, gc=False):
    """A DHCP message that was seen, and the addresses around it."""

    at: FrameRef
    message: M
    source: str
    """The server's own address for replies, or a relay's behind a relay."""
    source_mac: str | None
    target: str
    source_port: int
    target_port: int
    bad_checksum: bool = False
    point: int = 0
    cut: bool = False
    """The capture does not hold all of its options."""

    @property
    def time(self) -> int:
        """When it was seen."""
        return self.at.time


class Arps(Struct, eq=False, gc=False):
    """ARP questions of a machine for one address, as the capture point shows them that saw the first; and the answer."""

    target: str
    point: Point
    requests: tuple[FrameRef, ...] = ()
    request_count: int = 0
    reply: FrameRef | None = None
    answers: tuple[tuple[str, FrameRef], ...] = ()
    """MACs that answered."""


class Dhcp4Exchange(Struct, eq=False, gc=False):
    """A stage's DHCPv4 exchange, its ProxyDHCP part and what went to port 4011."""

    discovers: tuple[Heard[DhcpMessage], ...] = ()
    discover_count: int = 0
    offers: tuple[Heard[DhcpMessage], ...] = ()
    """OFFERs that give an address; several servers may be among them."""
    offer_count: int = 0
    proxy_offers: tuple[Heard[DhcpMessage], ...] = ()
    """OFFERs with yiaddr 0.0.0.0."""
    misfits: tuple[Heard[DhcpMessage], ...] = ()
    """OFFERs to the machine with a transaction id that none of this boot's messages has: nobody takes them."""
    requests: tuple[Heard[DhcpMessage], ...] = ()
    request_count: int = 0
    acks: tuple[Heard[DhcpMessage], ...] = ()
    ack_count: int = 0
    naks: tuple[Heard[DhcpMessage], ...] = ()
    nak_count: int = 0
    strangers: tuple[tuple[str, FrameRef], ...] = ()
    """Other MACs that spoke ARP from the address of this lease, and when each did first."""
    declines: tuple[Heard[DhcpMessage], ...] = ()
    informs: tuple[Heard[DhcpMessage], ...] = ()
    pxe_requests: tuple[Heard[DhcpMessage], ...] = ()
    """Requests to port 4011, and boot server requests (option 43.71)."""
    pxe_request_count: int = 0
    pxe_replies: tuple[Heard[DhcpMessage], ...] = ()
    """ACKs from port 4011 or of a boot server."""
    icmp: tuple[IcmpNotice, ...] = ()
    """ICMP errors that quote a packet of this exchange."""
    asked_at: tuple[Point, ...] = ()
    """Capture points that saw a DISCOVER of the machine's own."""
    offered_at: tuple[Point, ...] = ()
    """Capture points that saw an OFFER on its way to the machine."""
    released: FrameRef | None = None
    """The machine gave its address back."""
    relayed: tuple[Heard[DhcpMessage], ...] = ()
    """The same exchange as seen behind a relay (giaddr set, hops > 0)."""

    @property
    def version(self) -> Literal[4, 6]:
        return 4

    @property
    def given(self) -> set[str]:
        """The addresses that it was offered or leased: a program asks for its own by ARP, to see whether it is free."""
        return {heard.message.your_ip for heard in (*self.acks, *self.offers) if heard.message.your_ip is not None}

    @property
    def answered(self) -> bool:
        """Whether a server said anything to the machine itself."""
        return bool(self.proxy_offers) or self.addressed

    @property
    def addressed(self) -> bool:
        """Whether one did that gives addresses; ProxyDHCP servers give none."""
        return bool(self.offer_count or self.acks or self.naks)


class Dhcp6Exchange(Struct, eq=False, gc=False):
    """A stage's DHCPv6 exchange."""

    solicits: tuple[Heard[Dhcpv6Message], ...] = ()
    solicit_count: int = 0
    advertises: tuple[Heard[Dhcpv6Message], ...] = ()
    advertise_count: int = 0
    requests: tuple[Heard[Dhcpv6Message], ...] = ()
    request_count: int = 0
    replies: tuple[Heard[Dhcpv6Message], ...] = ()
    reply_count: int = 0
    information_requests: tuple[Heard[Dhcpv6Message], ...] = ()
    answered_besides: bool = False
    """A server answered what the machine asked for by DHCPv6 without a word about booting."""

    @property
    def version(self) -> Literal[4, 6]:
        return 6
