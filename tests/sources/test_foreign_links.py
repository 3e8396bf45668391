"""Link types that are not read here: tshark takes the packets out, frame numbers and order stay those of the file."""

import os
import re
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from zlib import crc32

import pytest
from scapy.layers.dot11 import Dot11, Dot11Beacon, Dot11Elt, Dot11QoS, RadioTap
from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import ARP, LLC, SNAP, Dot1Q, Ether
from scapy.packet import Packet as ScapyPacket
from scapy.packet import Raw

from bootsniff.errors import Malformed
from bootsniff.model import Block, CaptureInfo
from bootsniff.sources import capture_file, link_reader
from bootsniff.sources.capture_file import open_capture
from bootsniff.sources.link_types import READ_HERE
from bootsniff.wire.dissect import dissect
from bootsniff.wire.packet import Packet

from .captures import enhanced, interface, pcap, pcapng, section

needs_tshark = pytest.mark.skipif(not shutil.which("tshark"), reason="needs tshark")

AP, CLIENT, SERVER = "02:00:00:00:00:01", "52:54:00:00:00:02", "52:54:00:00:00:03"
TIME = 1_700_000_000_000_000_000
DISCOVER = IP(src="0.0.0.0", dst="255.255.255.255") / UDP(sport=68, dport=67) / Raw(b"discover" * 40)
V6 = IPv6(src="fe80::1", dst="ff02::1:2") / UDP(sport=546, dport=547) / Raw(b"solicit")


def wifi(payload: ScapyPacket, ethertype: int = 0x0800, *, number: int = 1) -> ScapyPacket:
    head = Dot11(type=2, FCfield=2, addr1="ff:ff:ff:ff:ff:ff", addr2=AP, addr3=CLIENT, SC=number << 4)
    return head / LLC(dsap=0xAA, ssap=0xAA, ctrl=3) / SNAP(OUI=0, code=ethertype) / payload


BEACON = Dot11(subtype=8, addr1="ff:ff:ff:ff:ff:ff", addr2=AP, addr3=AP) / Dot11Beacon() / Dot11Elt(ID=0, info=b"lab")


def frames(*packets: ScapyPacket | bytes) -> list[tuple[int, bytes, int]]:
    raw = [bytes(packet) for packet in packets]
    return [(TIME + i * 1_000_000, data, len(data)) for i, data in enumerate(raw)]


def blocks_of(path: Path, data: bytes) -> tuple[list[Block], CaptureInfo]:
    path.write_bytes(data)
    source = open_capture(str(path), 0)
    blocks = list(source.blocks())
    info = source.info()
    source.close()
    return blocks, info


def packets_of(blocks: list[Block]) -> list[tuple[int, int, Packet | None]]:
    """Frame number, time and headers of each packet; None for those that cannot be read."""
    found: list[tuple[int, int, Packet | None]] = []
    for block in blocks:
        for index in range(len(block)):
            start, captured = int(block.offset[index]), int(block.captured[index])
            number = 0 if block.interface is None else int(block.interface[index])
            data = bytes(block.buffer[start : start + captured])
            assert len(data) == captured
            try:
                packet = dissect(data, int(block.original[index]), block.interfaces[number].link_type)
            except Malformed:
                packet = None
            found.append((block.first_frame + index, int(block.time[index]), packet))
    return found


def read(path: Path, data: bytes) -> tuple[list[tuple[int, int, Packet | None]], CaptureInfo]:
    blocks, info = blocks_of(path, data)
    return packets_of(blocks), info


def ports(packet: Packet | None) -> tuple[int, int] | None:
    return None if packet is None else (packet.source_port, packet.target_port)


@needs_tshark
@pytest.mark.parametrize("radio", [False, True])
def test_wifi(tmp_path: Path, radio: bool) -> None:
    made = [BEACON, wifi(DISCOVER), wifi(ARP(hwsrc=CLIENT, psrc="10.0.0.9", pdst="10.0.0.1"), 0x0806), wifi(V6, 0x86DD)]
    data = pcap(frames(*(RadioTap() / packet if radio else packet for packet in made)), link_type=127 if radio else 105)
    found, info = read(tmp_path / "wifi.pcap", data)
    assert [(frame, time) for frame, time, _ in found] == [(i + 1, TIME + i * 1_000_000) for i in range(4)]
    beacon, discover, arp, solicit = (packet for _, _, packet in found)
    assert beacon is not None
    assert (beacon.version, beacon.ethertype, beacon.payload) == (0, 0, b"")
    assert discover is not None
    assert (discover.source_mac, discover.target_mac) == (CLIENT, "ff:ff:ff:ff:ff:ff")
    assert (ports(discover), discover.payload, discover.bad_checksum) == ((68, 67), b"discover" * 40, False)
    assert arp is not None
    assert (arp.ethertype, arp.payload[8:14].hex(":")) == (0x0806, CLIENT)
    assert ports(solicit) == (546, 547)
    assert info.link_types == ("IEEE802_11_RADIO" if radio else "IEEE802_11",)
    assert (info.frames, info.undecoded_frames, info.unread) == (4, 0, None)


@needs_tshark
@pytest.mark.parametrize(
    ("link_type", "head", "source"),
    [
        (9, b"\xff\x03\x00\x21", None),  # PPP
        (50, b"\xff\x03\x00\x21", None),  # PPP with HDLC framing
        (51, b"\x11\x00\x00\x01" + struct.pack(">H", len(DISCOVER) + 2) + b"\x00\x21", None),  # PPPoE session
        (104, b"\x0f\x00\x08\x00", None),  # Cisco HDLC
        (107, b"\x18\x41\x03\xcc", None),  # Frame Relay, RFC 2427 section 4.1
        (6, b"\x10\x40" + b"\xff" * 6 + bytes.fromhex("525400000002") + b"\xaa\xaa\x03\0\0\0\x08\0", CLIENT),
        # FDDI sends the bits of an address the other way round
        (10, b"\x50" + b"\xff" * 6 + bytes.fromhex("4a2a00000040") + b"\xaa\xaa\x03\0\0\0\x08\0", CLIENT),
    ],
)
def test_ip_is_found_in_other_links(tmp_path: Path, link_type: int, head: bytes, source: str | None) -> None:
    ((frame, _, packet),), info = read(
        tmp_path / "other.pcap", pcap(frames(head + bytes(DISCOVER)), link_type=link_type)
    )
    assert frame == 1
    assert packet is not None
    assert (packet.source_mac, ports(packet), packet.payload) == (source, (68, 67), b"discover" * 40)
    assert info.unread is None


@needs_tshark
def test_native_and_foreign_interfaces_of_one_file(tmp_path: Path) -> None:
    ether = bytes(Ether(src=SERVER, dst=CLIENT) / Dot1Q(vlan=7) / IP(src="10.0.0.1", dst="10.0.0.2") / UDP(dport=68))
    ppp = b"\xff\x03\x00\x21" + bytes(DISCOVER)
    radio = bytes(RadioTap() / wifi(DISCOVER))
    data = section() + interface("<", 1, 0, (2, b"eth0")) + enhanced("<", 0, 1, ether, len(ether))
    data += interface("<", 9, 0, (2, b"ppp0")) + enhanced("<", 1, 2, ppp, len(ppp) + 100)
    data += interface("<", 127, 0, (2, b"mon0")) + enhanced("<", 2, 3, radio, len(radio))
    data += enhanced("<", 0, 4, ether, len(ether)) + enhanced("<", 1, 5, ppp, len(ppp))
    blocks, info = blocks_of(tmp_path / "mixed", data)
    found = packets_of(blocks)
    assert [frame for frame, _, _ in found] == [1, 2, 3, 4, 5]
    assert [time for _, time, _ in found] == [1000, 2000, 3000, 4000, 5000]
    assert [packet and (packet.vlan, packet.source_mac, packet.target_port, packet.cut) for _, _, packet in found] == [
        (7, SERVER, 68, False),
        (None, None, 67, True),
        (None, CLIENT, 67, False),
        (7, SERVER, 68, False),
        (None, None, 67, False),
    ]
    assert [interface.name for interface in blocks[-1].interfaces] == ["eth0", "ppp0", "mon0"]
    assert info.link_types == ("EN10MB", "PPP", "IEEE802_11_RADIO")
    assert info.unread is None


@needs_tshark
def test_a_frame_with_several_packets_comes_again_for_each(tmp_path: Path) -> None:
    def subframe(payload: ScapyPacket) -> bytes:
        body = b"\xaa\xaa\x03\0\0\0\x08\0" + bytes(payload)
        data = b"\xff" * 6 + bytes.fromhex("525400000002") + struct.pack(">H", len(body)) + body
        return data + bytes(-len(data) % 4)

    other = IP(src="10.0.0.9", dst="10.0.0.1") / UDP(sport=2070, dport=69) / Raw(b"\0\1pxelinux.0\0octet\0")
    head = Dot11(type=2, subtype=8, FCfield=2, addr1=CLIENT, addr2=AP, addr3=AP) / Dot11QoS(A_MSDU_Present=1)
    aggregate = bytes(head) + subframe(DISCOVER) + subframe(other) + subframe(DISCOVER)
    found, info = read(tmp_path / "amsdu", pcap(frames(wifi(V6, 0x86DD), aggregate, wifi(DISCOVER)), link_type=105))
    assert [(frame, ports(packet)) for frame, _, packet in found] == [
        (1, (546, 547)),
        (2, (68, 67)),
        (2, (2070, 69)),
        (2, (68, 67)),
        (3, (68, 67)),
    ]
    assert info.frames == 3


def rc4(key: bytes, text: bytes) -> bytes:
    """What WEP encrypts with (IEEE 802.11-2007 section 8.2.1)."""
    box = list(range(256))
    j = 0
    for i in range(256):
        j = (j + box[i] + key[i % len(key)]) % 256
        box[i], box[j] = box[j], box[i]
    out = bytearray()
    i = j = 0
    for byte in text:
        i = (i + 1) % 256
        j = (j + box[i]) % 256
        box[i], box[j] = box[j], box[i]
        out.append(byte ^ box[(box[i] + box[j]) % 256])
    return bytes(out)


@needs_tshark
def test_encrypted_frames_are_counted_and_with_the_key_they_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clear = bytes(wifi(DISCOVER))
    protected = bytes([clear[0], clear[1] | 0x40])
    hidden = protected + clear[2:24] + b"abc\0" + rc4(b"abc12345", clear[24:] + struct.pack("<I", crc32(clear[24:])))
    data = pcap(frames(BEACON, hidden, clear), link_type=105)
    monkeypatch.setenv("WIRESHARK_CONFIG_DIR", str(tmp_path))
    found, info = read(tmp_path / "wep", data)
    assert [ports(packet) for _, _, packet in found] == [(0, 0), None, (68, 67)]
    assert info.unread is not None
    assert info.unread.startswith("1 frame of link type IEEE802_11 not read: neither IP nor ARP")
    (tmp_path / "80211_keys").write_text('"wep","31:32:33:34:35"\n')
    found, info = read(tmp_path / "wep", data)
    assert [ports(packet) for _, _, packet in found] == [(0, 0), (68, 67), (68, 67)]
    assert info.unread is None


@needs_tshark
def test_nothing_but_beacons_is_told(tmp_path: Path) -> None:
    found, info = read(tmp_path / "beacons", pcap(frames(*[BEACON] * 3), link_type=105))
    assert [ports(packet) for _, _, packet in found] == [(0, 0)] * 3
    assert info.unread == "none of the 3 frames of link type IEEE802_11 holds IP or ARP that tshark can see"


@needs_tshark
def test_garbage_of_any_link_type_leaves_as_many_frames_as_there_were(tmp_path: Path) -> None:
    for link_type in (105, 127, 9, 107, 6, 195, 247, 9999):
        noise = [os.urandom(size) for size in range(0, 400, 7)]
        found, info = read(tmp_path / "noise", pcap(frames(*noise), link_type=link_type))
        assert sorted({frame for frame, _, _ in found}) == list(range(1, len(noise) + 1))
        assert info.frames == len(noise)
    assert info.unread is not None
    assert "LINKTYPE_9999 not read: tshark does not read them (tshark: " in info.unread


@needs_tshark
def test_many_frames_and_tshark_starting_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link_reader, "FORGETS_AFTER", 700)
    ppp = [b"\xff\x03\x00\x21" + bytes(IP(dst="10.0.0.1", id=i) / UDP(dport=69) / Raw(b"x" * 1000)) for i in range(99)]
    found, info = read(tmp_path / "many", pcap(frames(*ppp * 50), link_type=9))
    assert [frame for frame, _, _ in found] == list(range(1, 4951))
    assert [packet.identification if packet else None for _, _, packet in found] == [*range(99)] * 50
    assert info.unread is None


@needs_tshark
def test_compressed_and_through_a_pipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inside, outside = os.pipe()
    with os.fdopen(inside, "rb") as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        data = pcap(frames(*[wifi(DISCOVER)] * 4), link_type=105)
        half = 24 + 2 * (16 + len(wifi(DISCOVER)))
        os.write(outside, data[:half])
        source = open_capture("-", 0)
        stream = source.blocks(live=True)
        first = next(stream)
        assert isinstance(first, Block)
        assert [ports(packet) for _, _, packet in packets_of([first])] == [(68, 67)] * 2
        source.frames.keep(2)
        os.write(outside, data[half:])
        os.close(outside)
        rest = [block for block in stream if isinstance(block, Block)]
        assert [frame for frame, _, _ in packets_of(rest)] == [3, 4]
        kept = source.frames.get(0, 2)
        assert kept is not None  # as it was captured
        assert (kept.link_type, kept.data) == (105, bytes(wifi(DISCOVER)))
        source.close()


@needs_tshark
def test_read_by_another_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capture_file, "PARALLEL_BYTES", 0)
    path = tmp_path / "wifi"
    path.write_bytes(pcap(frames(*[BEACON, wifi(DISCOVER)] * 50), link_type=105))
    source = open_capture(str(path), 0, prepare=lambda block: {"mine": block.time})
    found = packets_of([block for block in source.blocks() if block.prepared is None])
    assert [(frame, ports(packet)) for frame, _, packet in found] == [
        (i + 1, (68, 67) if i % 2 else (0, 0)) for i in range(100)
    ]
    kept = source.frames.get(0, 100)
    assert kept is not None
    assert (kept.link_type, kept.data) == (105, bytes(wifi(DISCOVER)))
    source.close()


def test_more_link_types_than_any_file_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend("exec cat >/dev/null")(tmp_path, monkeypatch)
    data = section() + b"".join(interface("<", 9000 + i) + enhanced("<", i, 1, b"x", 1) for i in range(50))
    _, info = read(tmp_path / "many", data)
    assert info.unread is not None
    assert info.unread.count("tshark ended") == 4
    assert len(info.unread) < 1000


def test_without_tshark_the_rest_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    ether = bytes(Ether(src=SERVER) / IP() / UDP(sport=67, dport=68))
    data = section() + interface("<", 9) + interface("<", 1) + interface("<", 105)
    data += enhanced("<", 0, 1, b"ppp", 3) + enhanced("<", 1, 2, ether, len(ether)) + enhanced("<", 0, 3, b"ppp", 3)
    found, info = read(tmp_path / "mixed", data)
    assert [(frame, ports(packet)) for frame, _, packet in found] == [(1, None), (2, (67, 68)), (3, None)]
    assert info.unread == "2 frames of link type PPP not read: install tshark to have them read"


def pretend(script: str) -> Callable[[Path, pytest.MonkeyPatch], None]:
    def install(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        program = directory / "tshark"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{directory}:/usr/bin:/bin")

    return install


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("exit 3", "tshark ended with status 3"),
        ("exec cat >/dev/null", "tshark ended with status 0"),
        ("echo 'Running as user' >&2; printf 'tshark: no \\033[2Jway\\n' >&2", r"tshark: no \\x1b\[2Jway"),
        ("yes ''", "not known here"),
        ("yes '2\tppp:data\t\t\t\t\t\t\t\t\t\t'", "not known here"),
        ("yes '0123456789abcdefghijklmnopqrstuvwxyz' | tr -d '\\n'", "more than fits"),
    ],
)
def test_a_tshark_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, why: str) -> None:
    pretend(script)(tmp_path, monkeypatch)
    monkeypatch.setattr(link_reader, "_MAX_ANSWER", 1 << 20)
    found, info = read(tmp_path / "ppp", pcap(frames(*[b"\xff\x03\x00\x21" + bytes(DISCOVER)] * 2000), link_type=9))
    assert [packet for _, _, packet in found] == [None] * 2000
    assert info.unread is not None
    assert info.unread.startswith("2000 frames of link type PPP not read: ")
    assert re.search(why, info.unread)
    assert "\x1b" not in info.unread


def test_a_tshark_that_is_silent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend("exec tail -f /dev/null")(tmp_path, monkeypatch)
    monkeypatch.setattr(link_reader, "_PATIENCE", 0.01)
    _, info = read(tmp_path / "ppp", pcap(frames(b"\xff\x03\x00\x21" + bytes(DISCOVER)), link_type=9))
    assert "did not answer" in (info.unread or "")


@pytest.mark.parametrize(
    "fields",
    [
        ["ppp:data", "zz"],
        ["ppp:data", "45"],
        ["ppp:data", "4500001c" + "00" * 16],  # no right checksum
        ["ppp:data", "4f00001c" + "00" * 16],  # a header longer than the packet
        ["ppp:data", "," * 100_000],
        ["ppp:data", "60" + "00" * 30],
        ["wlan:data", bytes(DISCOVER).hex()],
        ["data", ""],
        ["", "", "99999999999999999999"],
    ],
)
def test_answers_that_say_nothing(fields: list[str]) -> None:
    fields += [""] * (11 - len(fields))
    assert link_reader._inside(fields, whole=True).packets == ()


def test_addresses_and_tags_of_an_answer() -> None:
    inner, outer = "52:54:00:00:00:02", "52:54:00:00:00:09"
    answer = ["eth:vlan:data", bytes(DISCOVER).hex(":"), "7,8", "", f"{outer},{inner}", "", "", "not a mac", "", "", ""]
    found = link_reader._inside(answer, whole=True)
    assert (found.source.hex(":"), found.target, found.vlan) == (inner, b"", 7)
    assert found.packets == ((0x0800, bytes(DISCOVER)),)


def test_what_needs_no_help_is_what_the_core_reads() -> None:
    from bootsniff.wire.packet import LINK_TYPES

    assert READ_HERE == LINK_TYPES


def test_native_blocks_pass_as_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    blocks, info = blocks_of(tmp_path / "plain", pcapng())
    assert sum(map(len, blocks)) == 40
    assert info.unread is None
