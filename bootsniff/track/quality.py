"""What a capture can and cannot show, as values; judges nothing."""

from __future__ import annotations

from msgspec import Struct


class CaptureQuality(Struct, eq=False):
    """What the capture can and cannot show; rules about missing packets must ask it."""

    captures: int = 1
    truncated: bool = False
    dropped_frames: int = 0
    """Lost while capturing, or left out for a bug of ours: what seems to be missing may have been sent."""
    cut_frames: int = 0
    server_packets: int = 0
    """Packets from servers to clients of any kind: DHCP replies, answers by TFTP or TCP."""
    unicast_server_packets: int = 0
    tcp_seen: bool = False
    arp_seen: bool = False
    dhcp_seen: bool = False
    tftp_data_seen: bool = False
    first: int | None = None
    last: int | None = None

    sees_fetches: bool = True
    """False when nothing but DHCP and ARP was seen of anybody: such a capture was filtered, and fetches cannot show."""
    sees_tcp: bool = True
    """False when UDP and ICMP were all that was seen (`port 67 or port 68 or port 69`): HTTP cannot show."""
    unicast_seen: bool = False
    """A packet between a boot client and one other station: other ports of its switch show broadcasts alone."""
    port_of: frozenset[str] | None = None
    """MACs that every packet for one station alone came from or went to: a server's port of a switch shows only its own."""
    lease_seen: bool = False
    """A boot client was given an address."""
    offers_missing: bool = False
    """Clients were seen to take offers that are not in the capture: it was made at another port of the switch."""
    answers_missing: bool = False
    """Clients were seen to go on from TFTP or TCP answers that are not in it (a filter, a mirror of one direction)."""

    @property
    def one_sided(self) -> bool:
        """Clients were seen to act on replies that are not in the capture."""
        return self.offers_missing or self.answers_missing

    @property
    def only_requests(self) -> bool:
        """Whether it holds one direction: offers were taken, and there is no packet of any server."""
        return self.offers_missing and not self.server_packets

    @property
    def sees_replies(self) -> bool:
        """Whether this capture point sees packets towards clients at all."""
        return self.server_packets > 0 and not self.one_sided
