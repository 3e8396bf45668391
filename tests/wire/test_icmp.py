"""ICMP errors and what they quote, router advertisements, ARP."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import (
    ICMPv6DestUnreach,
    ICMPv6ND_NA,
    ICMPv6ND_NS,
    ICMPv6ND_RA,
    ICMPv6NDOptMTU,
    ICMPv6NDOptPrefixInfo,
    ICMPv6PacketTooBig,
    IPv6,
    IPv6ExtHdrDestOpt,
)
from scapy.layers.l2 import ARP, Ether
from scapy.packet import Raw

from bootsniff.errors import Malformed
from bootsniff.wire import arp, icmp
from bootsniff.wire.messages import IcmpMessage, NeighborMessage, QuotedPacket, RouterAdvertisement

RRQ = b"\0\1ipxe.efi\0octet\0"
QUOTED = IP(src="192.168.2.9", dst="192.168.2.1") / UDP(sport=2070, dport=69) / Raw(RRQ)


def test_port_unreachable() -> None:
    message = icmp.parse(bytes(ICMP(type=3, code=3) / QUOTED), 4)
    assert message == IcmpMessage(4, 3, 3, QuotedPacket("192.168.2.9", "192.168.2.1", 17, 2070, 69, RRQ))


def test_fragmentation_needed() -> None:
    message = icmp.parse(bytes(ICMP(type=3, code=4, nexthopmtu=1420) / QUOTED)[:36], 4)
    assert isinstance(message, IcmpMessage)
    assert message.next_hop_mtu == 1420
    assert message.quoted is not None
    assert (message.quoted.source_port, message.quoted.payload) == (2070, b"")


def test_quote_of_tcp_of_a_later_fragment_and_of_nothing() -> None:
    segment = IP(src="1.1.1.1", dst="2.2.2.2") / TCP(sport=1024, dport=80)
    message = icmp.parse(bytes(ICMP(type=3, code=13) / Raw(bytes(segment)[:28])), 4)
    assert isinstance(message, IcmpMessage)
    assert message.quoted == QuotedPacket("1.1.1.1", "2.2.2.2", 6, 1024, 80, b"")
    fragment = IP(src="1.1.1.1", dst="2.2.2.2", frag=10, proto=17) / Raw(b"x" * 30)
    message = icmp.parse(bytes(ICMP(type=11) / fragment), 4)
    assert isinstance(message, IcmpMessage)
    assert message.quoted == QuotedPacket("1.1.1.1", "2.2.2.2", 17, 0, 0, b"")
    message = icmp.parse(bytes(ICMP(type=3, code=3)), 4)
    assert message == IcmpMessage(4, 3, 3, None)


def test_neighbors() -> None:
    assert icmp.parse(bytes(ICMPv6ND_NS(tgt="fd00::1")), 6) == NeighborMessage(solicitation=True, target="fd00::1")
    assert icmp.parse(bytes(ICMPv6ND_NA(tgt="fd00::1")), 6) == NeighborMessage(solicitation=False, target="fd00::1")
    with pytest.raises(Malformed):
        icmp.parse(bytes(ICMPv6ND_NS(tgt="fd00::1"))[:23], 6)
    assert icmp.parse(bytes(ICMPv6ND_NS(tgt="fd00::1")), 4) is None


def test_icmpv6() -> None:
    quoted = IPv6(src="fd00::9", dst="fd00::1") / IPv6ExtHdrDestOpt() / UDP(sport=1234, dport=69) / Raw(RRQ)
    message = icmp.parse(bytes(ICMPv6DestUnreach(code=4) / quoted), 6)
    assert message == IcmpMessage(6, 1, 4, QuotedPacket("fd00::9", "fd00::1", 17, 1234, 69, RRQ))
    message = icmp.parse(bytes(ICMPv6PacketTooBig(mtu=1280) / quoted), 6)
    assert isinstance(message, IcmpMessage)
    assert message.next_hop_mtu == 1280


def test_router_advertisement() -> None:
    built = ICMPv6ND_RA(M=1, O=0, routerlifetime=1800) / ICMPv6NDOptMTU()
    built /= ICMPv6NDOptPrefixInfo(prefixlen=64, prefix="fd00:1::")
    assert icmp.parse(bytes(built), 6) == RouterAdvertisement(True, False, 1800, ("fd00:1::/64",))


def test_echo_says_nothing_about_a_boot() -> None:
    assert icmp.parse(bytes(ICMP(type=8)), 4) is None


def test_arp() -> None:
    built = ARP(op=2, hwsrc="52:54:00:00:00:01", psrc="10.0.0.1", hwdst="52:54:00:00:00:02", pdst="10.0.0.2")
    message = arp.parse(bytes(built) + bytes(18))
    assert (message.operation, message.sender_mac, message.sender_ip) == (2, "52:54:00:00:00:01", "10.0.0.1")
    assert (message.target_mac, message.target_ip) == ("52:54:00:00:00:02", "10.0.0.2")


@pytest.mark.parametrize("raw", ["", "00010800060400", "0006080008040001" + "00" * 40])
def test_other_arp(raw: str) -> None:
    with pytest.raises(Malformed):
        arp.parse(bytes.fromhex(raw))


SAMPLES = [
    (4, bytes(ICMP(type=3, code=3) / QUOTED)),
    (6, bytes(ICMPv6DestUnreach(code=4) / IPv6() / IPv6ExtHdrDestOpt() / UDP() / Raw(RRQ))),
    (6, bytes(ICMPv6ND_RA() / ICMPv6NDOptPrefixInfo())),
]


@given(st.sampled_from(SAMPLES), st.integers(0, 120), st.binary(max_size=80))
def test_mutilated(sample: tuple[int, bytes], cut: int, tail: bytes) -> None:
    version, data = sample
    try:
        message = icmp.parse(data[:cut] + tail, version)
    except Malformed:
        return
    assert message is None or isinstance(message, IcmpMessage | RouterAdvertisement)


@given(st.binary(max_size=60))
def test_noise(data: bytes) -> None:
    for parse in (lambda: icmp.parse(data, 4), lambda: icmp.parse(data, 6), lambda: arp.parse(data)):
        try:
            parse()
        except Malformed:
            continue


def test_whole_frame_of_scapy_is_read() -> None:
    frame = bytes(Ether() / IP() / ICMP(type=3, code=3) / QUOTED)
    assert isinstance(icmp.parse(frame[34:], 4), IcmpMessage)
