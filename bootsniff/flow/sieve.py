"""Blocks of packets in, events of messages and flows out; no machine is known here, and no clock but the packets'.

Each packet of a boot goes to the one handler that its ports and its flow name. Handlers keep the records and say what
is worth an event.
"""

from __future__ import annotations

from ..errors import Malformed
from ..model import NANOSECONDS, Block
from ..wire import arp, dhcp, dhcpv6, icmp
from ..wire.messages import Envelope, IcmpMessage, RouterAdvertisement
from ..wire.packet import ARP, Packet, dissect, reassembled
from .dns import DNS_PORT, DnsFlows
from .duplicates import Duplicates
from .fragments import FragmentKey, Reassembler, Unresolved
from .records import Event
from .tcp import TcpFlows
from .tftp import TftpFlows
from .transfer import Transfer

ICMP, TCP, UDP, ICMPV6 = 1, 6, 17, 58
DHCP_PORTS = frozenset({67, 68, 4011})
DHCPV6_PORTS = frozenset({546, 547})
SWEEP = 10 * NANOSECONDS
"""How often idle flows are looked for, by packet time."""


class Sieve:
    """All flows of one capture. `feed` blocks in order, then `finish`."""

    def __init__(self, capture: int) -> None:
        self.capture = capture
        self.last_time = 0
        """Latest capture time so far, ns; 0 before the first packet."""
        self.packets = 0
        self.undecoded = 0
        """Frames whose headers could not be read, or whose link type is not known."""
        self.cut = 0
        """Frames of which the capture holds less than was on the wire."""
        self.duplicates = 0
        """Packets seen a second time at the same capture point, and not counted."""
        self.server_packets = 0
        """From servers to clients, of any kind."""
        self.unicast_server_packets = 0
        self.tcp_seen = self.arp_seen = self.dhcp_seen = self.tftp_data_seen = False
        self._fragments = Reassembler()
        self._duplicates = Duplicates()
        self._dns = DnsFlows()
        self._tftp = TftpFlows()
        self._tcp = TcpFlows()
        self._swept = 0
        self._out: list[Event] = []

    @property
    def evicted(self) -> int:
        """Flows forgotten because there were too many."""
        return self._tftp.evicted + self._tcp.evicted

    def feed(self, block: Block) -> list[Event]:
        """Take the packets of a block; returns what happened, in order of frames."""
        self._out = []
        self.capture = block.capture  # a rotated capture goes on in its next file
        view = memoryview(block.buffer)
        times = block.time.tolist()
        offsets = block.offset.tolist()
        captured = block.captured.tolist()
        original = block.original.tolist()
        points = block.interface.tolist() if block.interface is not None else [0] * len(times)
        vlans = block.vlan.tolist() if block.vlan is not None else None
        for index, time in enumerate(times):
            start = offsets[index]
            data = bytes(view[start : start + captured[index]])
            vlan = vlans[index] if vlans is not None and vlans[index] >= 0 else None
            self._frame(block, block.first_frame + index, time, data, original[index], points[index], vlan)
        return self._out

    def sync(self) -> None:
        """Bring the records of all open flows up to date."""

    def finish(self) -> list[Event]:
        """The capture is over: what still waits for fragments will stay incomplete."""
        self._out = []
        for item in self._fragments.expire(None):
            self._fragments_missing(item)
        return self._out

    # --- one packet -----------------------------------------------------------------------------------------

    def _frame(
        self, block: Block, frame: int, time: int, data: bytes, original: int, interface: int, vlan: int | None
    ) -> None:
        self.packets += 1
        self.cut += len(data) < original
        self.last_time = max(self.last_time, time)
        if abs(time - self._swept) > SWEEP:
            self._sweep(time)
        try:
            packet = dissect(data, original, block.interfaces[interface].link_type, vlan)
        except Malformed:
            self.undecoded += 1
            return
        point = interface or packet.point
        if self._duplicates.seen(packet, point, time):
            self.duplicates += 1
            return
        if packet.fragment:
            whole = self._reassemble(packet, point, time, frame)
            if whole is None:
                return
            packet = whole
        envelope = Envelope(
            self.capture,
            frame,
            time,
            packet.source_mac,
            packet.target_mac,
            packet.vlan,
            packet.source,
            packet.target,
            packet.source_port,
            packet.target_port,
            packet.cut,
            packet.bad_checksum,
            packet.hops_left,
            point,
        )
        if packet.protocol == TCP:
            self._take_tcp(envelope, packet)
        elif packet.protocol == UDP:
            self._take_udp(envelope, packet)
        elif packet.protocol in (ICMP, ICMPV6):
            self._take_icmp(envelope, packet)
        elif packet.ethertype == ARP:
            self._take_arp(envelope, packet)

    def _take_tcp(self, envelope: Envelope, packet: Packet) -> None:
        self.tcp_seen = True
        connection = self._tcp.packet(envelope, packet, self._out)
        if connection is not None and not connection.is_client(packet):
            self._from_server()

    def _take_udp(self, envelope: Envelope, packet: Packet) -> None:
        ports = {packet.source_port, packet.target_port}
        if not ports.isdisjoint(DHCP_PORTS) and self._take_dhcp(envelope, packet):
            return
        if not ports.isdisjoint(DHCPV6_PORTS) and self._take_dhcpv6(envelope, packet):
            return
        if DNS_PORT in ports:
            self._dns.packet(envelope, packet.payload, self._out)
            return
        transfer = self._tftp.packet(envelope, packet.payload, packet.payload_length, self._out)
        if transfer is not None and (envelope.source, envelope.source_port) != transfer.key[1:]:
            self._from_server()
            self.tftp_data_seen |= transfer.record.body.packets > 0

    def _take_dhcp(self, envelope: Envelope, packet: Packet) -> bool:
        try:
            message = dhcp.parse(packet.payload)
        except Malformed:
            return False
        self.dhcp_seen = True
        if message.op == 2:
            self._from_server(unicast=envelope.target != "255.255.255.255")
        self._out.append(Event(envelope, message))
        return True

    def _take_dhcpv6(self, envelope: Envelope, packet: Packet) -> bool:
        try:
            message = dhcpv6.parse(packet.payload)
        except Malformed:
            return False
        self.dhcp_seen = True
        if message.type in (2, 7, 10):  # ADVERTISE, REPLY, RECONFIGURE
            self._from_server()
        self._out.append(Event(envelope, message))
        return True

    def _take_arp(self, envelope: Envelope, packet: Packet) -> None:
        try:
            message = arp.parse(packet.payload)
        except Malformed:
            self.undecoded += 1
            return
        self.arp_seen = True
        if message.operation == 2:
            self._from_server()
        self._out.append(Event(envelope, message))

    def _take_icmp(self, envelope: Envelope, packet: Packet) -> None:
        try:
            message = icmp.parse(packet.payload, packet.version)
        except Malformed:
            self.undecoded += 1
            return
        if isinstance(message, RouterAdvertisement) or (
            message is not None and not self._quotes_a_flow(envelope, message)
        ):
            self._out.append(Event(envelope, message))

    def _quotes_a_flow(self, envelope: Envelope, message: IcmpMessage) -> bool:
        """Hand an ICMP error to the flow whose packet it quotes, if there is one."""
        quoted = message.quoted
        if quoted is None:
            return False
        point = envelope.point
        if quoted.protocol == TCP:
            ends = (quoted.source, quoted.source_port, quoted.target, quoted.target_port)
            connection = self._tcp.find(point, *ends)
            if connection is not None:
                self._tcp.icmp(connection, envelope, message, self._out)
            return connection is not None
        if quoted.protocol != UDP:
            return False
        transfer = self._tftp.find(point, quoted.source, quoted.source_port) or self._tftp.find(
            point, quoted.target, quoted.target_port
        )
        if transfer is not None:
            self._tftp.icmp(transfer, envelope, message, self._out)
            return True
        return self._dns.icmp(envelope, message, self._out)

    def _from_server(self, *, unicast: bool = True) -> None:
        self.server_packets += 1
        self.unicast_server_packets += unicast

    # --- fragments ------------------------------------------------------------------------------------------

    def _reassemble(self, packet: Packet, point: int, time: int, frame: int) -> Packet | None:
        key = FragmentKey(point, packet.source, packet.target, packet.protocol, packet.identification)
        whole, given_up = self._fragments.add(
            key,
            packet.fragment_offset,
            packet.body,
            packet.body_length,
            more=packet.more_fragments,
            time=time,
            frame=frame,
        )
        for item in given_up:
            self._fragments_missing(item)
        if whole is None:
            return None
        try:
            result = reassembled(packet, whole.data)
        except Malformed:
            self.undecoded += 1
            return None
        missing = whole.length - len(whole.data)
        if missing:  # the capture cut the fragments
            result.cut = True
            result.payload_length += missing
        return result

    def _fragments_missing(self, item: Unresolved) -> None:
        """A datagram that never was whole: count it for the transfer it belonged to."""
        key = item.key
        if key.protocol != UDP:
            return
        transfer: Transfer | None = None
        if len(item.head) >= 4:
            ports = int.from_bytes(item.head[:2], "big"), int.from_bytes(item.head[2:4], "big")
            transfer = self._tftp.find(key.point, key.target, ports[1]) or self._tftp.find(
                key.point, key.source, ports[0]
            )
        else:
            transfer = self._tftp.between(key.point, key.source, key.target)
        if transfer is not None:
            transfer.record.fragments_missing += 1
            envelope = Envelope(
                self.capture,
                item.frame,
                self.last_time,
                None,
                None,
                None,
                key.source,
                key.target,
                point=key.point,
            )
            self._out.append(Event(envelope, transfer.record, "changed"))

    def _sweep(self, now: int) -> None:
        self._swept = now
        for item in self._fragments.expire(now):
            self._fragments_missing(item)
        self._tftp.evict(now)
        self._tcp.evict(now)
