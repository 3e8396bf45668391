"""Headers of frames, against scapy's builder and under mutilation."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import IP, TCP, UDP, IPOption_Router_Alert
from scapy.layers.inet6 import (
    IPv6,
    IPv6ExtHdrDestOpt,
    IPv6ExtHdrFragment,
    IPv6ExtHdrHopByHop,
    IPv6ExtHdrRouting,
)
from scapy.layers.l2 import ARP, LLC, SNAP, STP, CookedLinux, CookedLinuxV2, Dot1AD, Dot1Q, Dot3, Ether, Loopback
from scapy.packet import Packet as Built
from scapy.packet import Raw

from bootsniff.errors import Malformed
from bootsniff.wire import ip
from bootsniff.wire.addresses import ipv6_text
from bootsniff.wire.dissect import dissect, dissect_ip, reassembled
from bootsniff.wire.packet import LINK_TYPES

SOURCE, TARGET = "52:54:00:00:00:01", "52:54:00:00:00:02"


def ethernet() -> Ether:
    return Ether(src=SOURCE, dst=TARGET)


def udp(payload: bytes = b"hello") -> Built:
    return IP(src="192.168.2.1", dst="192.168.2.9", ttl=63, id=77) / UDP(sport=2070, dport=69) / Raw(payload)


def test_udp_over_ethernet() -> None:
    packet = dissect(bytes(ethernet() / udp()), 60, 1)
    assert (packet.source_mac, packet.target_mac, packet.vlan, packet.ethertype) == (SOURCE, TARGET, None, 0x0800)
    assert (packet.version, packet.source, packet.target) == (4, "192.168.2.1", "192.168.2.9")
    assert (packet.protocol, packet.identification, packet.hops_left) == (17, 77, 63)
    assert (packet.source_port, packet.target_port) == (2070, 69)
    assert (packet.payload, packet.payload_length) == (b"hello", 5)
    assert not packet.fragment
    assert not packet.bad_checksum
    assert packet.bpdu is None


def test_padding_is_no_payload() -> None:
    frame = bytes(ethernet() / udp(b"x")).ljust(60, b"\0")
    assert dissect(frame, 60, 1).payload == b"x"


@pytest.mark.parametrize("payload", [b"", b"odd", b"even", bytes(300), b"\xff" * 301])
def test_checksums(payload: bytes) -> None:
    frame = bytearray(bytes(ethernet() / udp(payload)))
    assert not dissect(bytes(frame), len(frame), 1).bad_checksum
    frame[36] ^= 1  # target port
    assert dissect(bytes(frame), len(frame), 1).bad_checksum
    assert not dissect(bytes(frame[:45]), len(frame), 1).bad_checksum or len(payload) <= 3
    frame[40:42] = b"\0\0"
    assert not dissect(bytes(frame), len(frame), 1).bad_checksum


def test_checksum_over_ipv6() -> None:
    frame = bytearray(bytes(ethernet() / IPv6(src="fd00::1", dst="fd00::2") / UDP(sport=546, dport=547) / Raw(b"abc")))
    assert not dissect(bytes(frame), len(frame), 1).bad_checksum
    frame[-1] ^= 1
    assert dissect(bytes(frame), len(frame), 1).bad_checksum


@pytest.mark.parametrize(
    ("tags", "vlan"),
    [([Dot1Q(vlan=5)], 5), ([Dot1Q(vlan=0)], None), ([Dot1AD(vlan=7), Dot1Q(vlan=5)], 7), ([Dot1Q(vlan=3)] * 9, 3)],
)
def test_vlan_tags(tags: list[Built], vlan: int | None) -> None:
    built = ethernet()
    for tag in tags:
        built = built / tag.copy()
    frame = bytes(built / udp())
    packet = dissect(frame, len(frame), 1)
    assert (packet.vlan, packet.source_port, packet.payload) == (vlan, 2070, b"hello")


def test_a_stripped_tag_is_the_outermost_one() -> None:
    frame = bytes(ethernet() / Dot1Q(vlan=5) / udp())
    assert dissect(frame, len(frame), 1, vlan=9).vlan == 9


def test_priority_tag_in_front_of_a_vlan() -> None:
    frame = bytes(ethernet() / Dot1Q(vlan=0) / Dot1Q(vlan=5) / udp())
    assert dissect(frame, len(frame), 1).vlan == 5


def test_cooked_captures() -> None:
    address = bytes.fromhex("525400000001") + b"\0\0"
    sll = bytes(CookedLinux(pkttype=4, lladdrtype=1, lladdrlen=6, src=address, proto=0x0800) / udp())
    packet = dissect(sll, len(sll), 113)
    assert (packet.source_mac, packet.payload, packet.point) == (SOURCE, b"hello", 0)
    sll2 = bytes(
        CookedLinuxV2(proto=0x8100, ifindex=17, lladdrtype=1, pkttype=0, lladdrlen=6, src=address)
        / Dot1Q(vlan=12)
        / udp()
    )
    packet = dissect(sll2, len(sll2), 276)
    assert (packet.source_mac, packet.point, packet.vlan) == (SOURCE, 17, 12)
    assert packet.payload == b"hello"


@pytest.mark.parametrize("link_type", [12, 14, 101, 228, 229])
def test_raw_ip(link_type: int) -> None:
    frame = bytes(udp())
    assert dissect(frame, len(frame), link_type).payload == b"hello"
    frame = bytes(IPv6() / UDP(sport=1, dport=2) / Raw(b"six"))
    assert dissect(frame, len(frame), link_type).payload == b"six"


@pytest.mark.parametrize(
    ("header", "link_type", "built"),
    [("02000000", 0, udp()), ("00000002", 0, udp()), ("00000002", 108, udp()), ("1e000000", 0, IPv6() / UDP() / b"hello"),
     ("0000001c", 108, IPv6() / UDP() / b"hello")],
)  # fmt: skip
def test_loopback(header: str, link_type: int, built: Built) -> None:
    frame = bytes.fromhex(header) + bytes(built)
    assert dissect(frame, len(frame), link_type).payload == b"hello"


def test_scapys_loopback_header() -> None:
    frame = bytes(Loopback(type=2) / udp())
    assert dissect(frame, len(frame), 0).payload == b"hello"


def test_options_of_ipv4() -> None:
    built = IP(src="1.2.3.4", dst="5.6.7.8", options=[IPOption_Router_Alert()]) / UDP(sport=7, dport=9) / Raw(b"x")
    frame = bytes(ethernet() / built)
    assert dissect(frame, len(frame), 1).target_port == 9


def test_extension_headers_of_ipv6() -> None:
    built = IPv6() / IPv6ExtHdrHopByHop() / IPv6ExtHdrRouting() / IPv6ExtHdrDestOpt() / UDP(dport=547) / Raw(b"x")
    frame = bytes(ethernet() / built)
    packet = dissect(frame, len(frame), 1)
    assert (packet.protocol, packet.target_port, packet.payload, packet.fragment) == (17, 547, b"x", False)


def test_authentication_header_counts_in_words() -> None:
    body = struct.pack(">BBHII", 17, 2, 0, 1, 1) + bytes(4) + bytes(UDP(sport=5, dport=6) / Raw(b"x"))
    frame = bytes(IPv6(nh=51) / Raw(body))
    assert dissect(frame, len(frame), 229).target_port == 6


def test_endless_extension_headers_end() -> None:
    frame = bytes(IPv6(nh=0) / Raw(bytes(8) * 200))
    with pytest.raises(Malformed, match="too many"):
        dissect(frame, len(frame), 101)


def test_fragments_of_ipv4() -> None:
    whole = bytes(udp(bytes(range(200))))
    first = IP(src="192.168.2.1", dst="192.168.2.9", id=5, flags="MF", proto=17) / Raw(whole[20:100])
    second = IP(src="192.168.2.1", dst="192.168.2.9", id=5, frag=10, proto=17) / Raw(whole[100:])
    head = dissect_ip(bytes(first), len(first))
    tail = dissect_ip(bytes(second), len(second))
    assert (head.fragment, head.more_fragments, head.fragment_offset, head.identification) == (True, True, 0, 5)
    assert (tail.fragment, tail.more_fragments, tail.fragment_offset, tail.source_port) == (True, False, 80, 0)
    assert (head.target_port, head.bad_checksum, tail.payload, tail.body_length) == (69, False, b"", 128)
    joined = reassembled(head, head.body + tail.body)
    assert (joined.payload, joined.payload_length, joined.fragment) == (bytes(range(200)), 200, False)
    assert joined.source == "192.168.2.1"


def test_fragments_of_ipv6() -> None:
    datagram = bytes(UDP(sport=5, dport=6, len=28) / Raw(b"x" * 20))
    frame = bytes(IPv6() / IPv6ExtHdrFragment(nh=17, m=1, id=0xDEADBEEF) / Raw(datagram[:16]))
    packet = dissect(frame, len(frame), 229)
    assert (packet.identification, packet.more_fragments, packet.fragment_offset) == (0xDEADBEEF, True, 0)
    frame = bytes(IPv6() / IPv6ExtHdrFragment(nh=17, offset=2, id=0xDEADBEEF) / Raw(datagram[16:]))
    packet = dissect(frame, len(frame), 229)
    assert (packet.fragment_offset, packet.body, packet.payload, packet.source_port) == (16, b"x" * 12, b"", 0)
    atomic = bytes(IPv6() / IPv6ExtHdrFragment(nh=17, id=1) / Raw(datagram))
    assert not dissect(atomic, len(atomic), 229).fragment


def test_tcp() -> None:
    segment = TCP(sport=80, dport=1025, seq=2**32 - 1, ack=7, flags="PA", window=512, options=[("MSS", 1460)])
    frame = bytes(ethernet() / IP() / segment / Raw(b"HTTP/1.1 200 OK\r\n"))
    packet = dissect(frame, len(frame), 1)
    assert (packet.sequence, packet.acknowledgement, packet.flags, packet.window) == (2**32 - 1, 7, 24, 512)
    assert packet.payload.startswith(b"HTTP/1.1")


def test_a_cut_payload_is_fine() -> None:
    frame = bytes(ethernet() / udp(bytes(1000)))
    packet = dissect(frame[:96], len(frame), 1)
    assert (len(packet.payload), packet.payload_length, packet.cut) == (54, 1000, True)
    with pytest.raises(Malformed, match="UDP header"):
        dissect(frame[:40], len(frame), 1)


def test_segmentation_offload_leaves_the_length_empty() -> None:
    frame = bytearray(bytes(IP() / TCP(sport=80) / Raw(bytes(40000))))
    frame[2:4] = b"\0\0"
    assert dissect(bytes(frame[:100]), len(frame), 101).payload_length == 40000


def test_bpdu() -> None:
    frame = bytes(Dot3(src=SOURCE, dst="01:80:c2:00:00:00") / LLC(dsap=0x42, ssap=0x42, ctrl=3) / STP())
    packet = dissect(frame, len(frame), 1)
    assert packet.bpdu is not None
    assert packet.bpdu[:3] == b"\0\0\0"
    assert packet.ethertype == 0


def test_snap_carries_ip() -> None:
    frame = bytes(Dot3(src=SOURCE, dst=TARGET) / LLC(dsap=0xAA, ssap=0xAA, ctrl=3) / SNAP(OUI=0, code=0x0800) / udp())
    assert dissect(frame, len(frame), 1).payload == b"hello"


def test_arp_is_the_payload() -> None:
    frame = bytes(ethernet() / ARP(op=1))
    packet = dissect(frame, len(frame), 1)
    assert (packet.ethertype, len(packet.payload), packet.version) == (0x0806, 28, 0)


@pytest.mark.parametrize(
    ("mutate", "message"),
    [
        ((14, 0x44), "no IPv4 header"),
        ((14, 0x55), "no IPv4 header"),
        ((17, 10), "shorter than the header"),
        ((39, 7), "UDP length"),
    ],
)
def test_contradictions(mutate: tuple[int, int], message: str) -> None:
    frame = bytearray(bytes(ethernet() / udp()))
    frame[mutate[0]] = mutate[1]
    with pytest.raises(Malformed, match=message):
        dissect(bytes(frame), len(frame), 1)


def test_unknown_link_type() -> None:
    with pytest.raises(Malformed, match="127"):
        dissect(bytes(64), 64, 127)


@pytest.mark.parametrize(
    ("raw", "text"),
    [("fd00" + "0" * 27 + "1", "fd00::1"), ("0" * 32, "::"), ("0" * 31 + "1", "::1"),
     ("20010db8000000000001000000000001", "2001:db8::1:0:0:1"), ("20010db8000100010001000000010001", "2001:db8:1:1:1:0:1:1"),
     ("fe80" + "0" * 28, "fe80::")],
)  # fmt: skip
def test_ipv6_text(raw: str, text: str) -> None:
    assert ipv6_text(bytes.fromhex(raw)) == text


FRAMES = [
    bytes(ethernet() / udp(bytes(range(100)))),
    bytes(ethernet() / Dot1Q(vlan=5) / IPv6() / IPv6ExtHdrHopByHop() / UDP() / Raw(b"abc")),
    bytes(ethernet() / IP() / TCP(options=[("MSS", 1460)]) / Raw(b"abc")),
    bytes(CookedLinuxV2(proto=0x0800) / udp()),
]


@given(st.sampled_from(FRAMES), st.integers(0, 200), st.binary(max_size=80), st.sampled_from(sorted(LINK_TYPES)))
def test_mutilated_frames(frame: bytes, cut: int, tail: bytes, link_type: int) -> None:
    data = frame[:cut] + tail
    try:
        packet = dissect(data, len(data) + 3, link_type)
    except Malformed:
        return
    assert len(packet.payload) <= len(data)
    assert packet.payload_length >= len(packet.payload)
    assert packet.body_length >= len(packet.body)


@given(st.binary(max_size=200), st.sampled_from([0, 43, 44, 51, 60, 17]))
def test_noise_of_extensions(body: bytes, protocol: int) -> None:
    try:
        _, skipped, _ = ip.skip_extensions(body, protocol)
    except Malformed:
        return
    assert 0 <= skipped <= len(body)
