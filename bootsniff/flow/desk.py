"""One packet at a time: from its headers to the one handler that its ports and its flow name.

Handlers keep the records and say what is worth an event; which packets come here at all is the sieve's to say.
"""

from __future__ import annotations

from collections.abc import Callable

from ..errors import Malformed
from ..wire import arp, dhcp, dhcpv6, eapol, icmp, lacp, ports, stp
from ..wire.dissect import reassembled
from ..wire.messages import ArpMessage, Bpdu, Dhcpv6Type, Eap, Envelope, IcmpMessage, Lacpdu
from ..wire.packet import ARP, EAPOL, SLOW_PROTOCOLS, Packet
from ..wire.ports import CONTROL_PORTS, DHCP_PORTS, DHCPV6_PORTS
from .connection import Connection
from .dns import DnsFlows
from .fragments import FragmentKey, Reassembler, Unresolved
from .portmap import PortmapFlows
from .records import Event
from .tcp import MAX_CONNECTIONS, TcpFlows
from .tftp import MAX_TRANSFERS, TftpFlows
from .transfer import Transfer

ICMP, TCP, UDP, ICMPV6 = 1, 6, 17, 58


def is_message(packet: Packet) -> bool:
    """Whether a packet's ports say that it is DHCP or DNS."""
    return packet.protocol == UDP and (packet.source_port in CONTROL_PORTS or packet.target_port in CONTROL_PORTS)


class Desk:
    """All flows of one capture. Events are appended to `out`."""

    def __init__(self) -> None:
        self.out: list[Event] = []
        self.capture = 0
        self.now = 0
        """Latest capture time, ns."""
        self.undecoded = 0
        self.server_packets = 0
        self.unicast_server_packets = 0
        self.tcp_seen = self.arp_seen = self.dhcp_seen = self.tftp_data_seen = False
        self.other_seen = False
        """An IP packet that is no DHCP: the capture was not filtered down to DHCP."""
        self.rest_seen = False
        """Neither UDP nor TCP nor ICMP: the capture was not filtered down to UDP."""
        self.fragments = Reassembler()
        self.dns = DnsFlows()
        self.portmap = PortmapFlows()
        self.tftp = TftpFlows()
        self.tcp = TcpFlows()

    @property
    def crowded(self) -> bool:
        """There are more flows than are kept for long."""
        return len(self.tftp.transfers) > MAX_TRANSFERS or len(self.tcp.connections) > MAX_CONNECTIONS

    def flows_of(self, packet: Packet, point: int) -> list[Transfer | Connection]:
        """The flows that a packet can change."""
        protocol = packet.protocol
        if protocol not in (TCP, UDP):
            return []
        if packet.fragment:
            return [*self.tftp.of_hosts(point, packet.source, packet.target)]
        if protocol == TCP:
            ends = (packet.source, packet.source_port, packet.target, packet.target_port)
            connection = self.tcp.find(point, *ends)
            return [] if connection is None else [connection]
        if is_message(packet):
            return []
        one = self.tftp.find(point, packet.source, packet.source_port)
        other = self.tftp.find(point, packet.target, packet.target_port)
        return [transfer for transfer in (one, other) if transfer is not None]

    def take(self, packet: Packet, frame: int, time: int, point: int) -> Transfer | Connection | None:
        """Take one packet; tells the flow it belongs to."""
        if packet.fragment:
            whole = self._reassemble(packet, point, time, frame)
            if whole is None:
                return None
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
            return self._take_tcp(envelope, packet)
        if packet.protocol == UDP:
            transfer = self.take_udp(envelope, packet.payload, packet.payload_length)
            if transfer is not None and packet.longest_fragment > transfer.record.longest_fragment:
                transfer.record.longest_fragment = packet.longest_fragment
            return transfer
        self.rest_seen |= packet.protocol != ICMP
        if packet.protocol in (ICMP, ICMPV6):
            self._take_icmp(envelope, packet)
        elif packet.ethertype == ARP:
            self._take_arp(envelope, packet.payload)
        elif packet.bpdu is not None:
            self._take_switch(envelope, stp.parse, packet.bpdu)
        elif packet.ethertype == SLOW_PROTOCOLS and packet.payload[:1] == bytes((lacp.SUBTYPE,)):
            self._take_switch(envelope, lacp.parse, packet.payload)
        elif packet.ethertype == EAPOL and packet.payload[1:2] in (bytes((eapol.EAP,)), bytes((eapol.START,))):
            self._take_switch(envelope, eapol.parse, packet.payload)
        else:
            self.other_seen |= packet.version > 0
        return None

    def expire(self, now: int | None) -> None:
        """Give up datagrams that have waited too long for their fragments; all of them when `now` is None."""
        for item in self.fragments.expire(now):
            self._fragments_missing(item)

    def _take_tcp(self, envelope: Envelope, packet: Packet) -> Connection | None:
        self.tcp_seen = self.other_seen = True
        connection = self.tcp.packet(envelope, packet, self.out)
        if connection is not None and not connection.is_client(packet):
            self._from_server()
        return connection

    def take_udp(self, envelope: Envelope, payload: bytes, payload_length: int) -> Transfer | None:
        """Take a datagram; tells the transfer it belongs to. `payload_length` is that on the wire."""
        source, target = envelope.source_port, envelope.target_port
        if source in CONTROL_PORTS or target in CONTROL_PORTS:
            if (source in DHCP_PORTS or target in DHCP_PORTS) and self._take_dhcp(envelope, payload):
                return None
            if (source in DHCPV6_PORTS or target in DHCPV6_PORTS) and self._take_dhcpv6(envelope, payload):
                return None
            if ports.DNS in (source, target):
                self.other_seen = True
                self.dns.packet(envelope, payload, self.out)
                return None
            if ports.PORTMAP in (source, target) and self.portmap.packet(envelope, payload, self.out):
                self.other_seen = True
                return None
        self.other_seen = True
        transfer = self.tftp.packet(envelope, payload, payload_length, self.out)
        if transfer is not None and (envelope.source, envelope.source_port) != transfer.key[1:]:
            self._from_server()
            self.tftp_data_seen |= transfer.record.body.packets > 0
        return transfer

    def _take_dhcp(self, envelope: Envelope, payload: bytes) -> bool:
        try:
            message = dhcp.parse(payload)
        except Malformed:
            return False
        self.dhcp_seen = True
        if message.op == 2:
            self.server_packets += 1
            self.unicast_server_packets += envelope.target != "255.255.255.255"
        self.out.append(Event(envelope, message))
        return True

    def _take_dhcpv6(self, envelope: Envelope, payload: bytes) -> bool:
        try:
            message = dhcpv6.parse(payload)
        except Malformed:
            return False
        self.dhcp_seen = True
        if message.type in Dhcpv6Type.FROM_SERVER:
            self._from_server()
        self.out.append(Event(envelope, message))
        return True

    def _take_arp(self, envelope: Envelope, payload: bytes) -> None:
        try:
            message = arp.parse(payload)
        except Malformed:
            self.undecoded += 1
        else:
            self.take_arp(envelope, message)

    def take_arp(self, envelope: Envelope, message: ArpMessage) -> None:
        """Take an ARP message."""
        self.arp_seen = True
        self.out.append(Event(envelope, message))

    def _take_switch(self, envelope: Envelope, parse: Callable[[bytes], Bpdu | Lacpdu | Eap], data: bytes) -> None:
        """What a switch says of its port."""
        try:
            self.out.append(Event(envelope, parse(data)))
        except Malformed:
            self.undecoded += 1

    def _take_icmp(self, envelope: Envelope, packet: Packet) -> None:
        self.other_seen = True
        try:
            message = icmp.parse(packet.payload, packet.version)
        except Malformed:
            self.undecoded += 1
            return
        if message is None or (isinstance(message, IcmpMessage) and self._quotes_a_flow(envelope, message)):
            return
        self.out.append(Event(envelope, message))

    def _quotes_a_flow(self, envelope: Envelope, message: IcmpMessage) -> bool:
        """Hand an ICMP error to the flow whose packet it quotes, if there is one."""
        quoted = message.quoted
        if quoted is None:
            return False
        point = envelope.point
        if quoted.protocol == TCP:
            ends = (quoted.source, quoted.source_port, quoted.target, quoted.target_port)
            connection = self.tcp.find(point, *ends)
            if connection is not None:
                self.tcp.icmp(connection, envelope, message, self.out)
            return connection is not None
        if quoted.protocol != UDP:
            return False
        transfer = self.tftp.find(point, quoted.source, quoted.source_port) or self.tftp.find(
            point, quoted.target, quoted.target_port
        )
        if transfer is not None:
            self.tftp.icmp(transfer, envelope, message, self.out)
            return True
        return self.dns.icmp(envelope, message, self.out) or self.portmap.icmp(envelope, message, self.out)

    def _from_server(self) -> None:
        self.server_packets += 1
        self.unicast_server_packets += 1

    # --- fragments ------------------------------------------------------------------------------------------

    def _reassemble(self, packet: Packet, point: int, time: int, frame: int) -> Packet | None:
        key = FragmentKey(point, packet.source, packet.target, packet.protocol, packet.identification)
        whole, given_up = self.fragments.add(
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
        result.longest_fragment = whole.longest + (20 if packet.version == 4 else 48)  # IPv6 has a fragment header
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
            transfer = self.tftp.find(key.point, key.target, ports[1]) or self.tftp.find(
                key.point, key.source, ports[0]
            )
        else:
            transfer = self.tftp.between(key.point, key.source, key.target)
        if transfer is not None:
            transfer.record.fragments_missing += 1
            envelope = Envelope(
                self.capture,
                item.frame,
                self.now,
                None,
                None,
                None,
                key.source,
                key.target,
                point=key.point,
            )
            self.out.append(Event(envelope, transfer.record, "changed"))
