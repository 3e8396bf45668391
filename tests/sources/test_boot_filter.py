"""The filter is judged by what a BPF machine lets through, not by its text."""

import shutil
import struct
import subprocess

import pytest
from scapy.layers.dhcp import BOOTP
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import ICMPv6ND_NS, IPv6
from scapy.layers.l2 import ARP, LLC, STP, Dot1Q, Dot3, Ether
from scapy.packet import Packet

from bootsniff.errors import UsageError
from bootsniff.sources import boot_filter
from bootsniff.sources.boot_filter import (
    ETHERNET,
    LINUX_COOKED,
    RAW_IP,
    SshSession,
    compile_filter,
    filter_text,
    portable_text,
)

SESSION = SshSession("10.0.0.5", 50022, 22)


def matches(program: bytes, frame: bytes) -> bool:
    """The kernel's classic BPF machine (linux/filter.h), written down plainly."""
    a = x = at = 0
    memory = [0] * 16
    code = list(struct.iter_unpack("=HBBI", program))
    alu = {0x00: int.__add__, 0x10: int.__sub__, 0x40: int.__or__, 0x50: int.__and__, 0x60: int.__lshift__}
    alu[0x70] = int.__rshift__
    while True:
        op, jt, jf, k = code[at]
        at += 1
        if op == 0x06:
            return k != 0
        if op in (0x28, 0x48, 0x30, 0x50, 0x20, 0x40):
            size = {0x28: 2, 0x48: 2, 0x30: 1, 0x50: 1, 0x20: 4, 0x40: 4}[op]
            where = k + (x if op & 0x40 else 0)
            if where + size > len(frame):
                return False
            a = int.from_bytes(frame[where : where + size], "big")
        elif op == 0xB1:
            if k >= len(frame):
                return False
            x = 4 * (frame[k] & 15)
        elif op in (0x00, 0x60):
            a = k if op == 0 else memory[k]
        elif op in (0x01, 0x61):
            x = k if op == 1 else memory[k]
        elif op in (0x02, 0x03):
            memory[k] = a if op == 2 else x
        elif op in (0x07, 0x87):
            a, x = (a, a) if op == 7 else (x, x)
        elif op & 7 == 4:
            a = alu[op & 0xF0](a, x if op & 8 else k) & 0xFFFFFFFF
        elif op == 0x05:
            at += k
        elif op & 7 == 5:
            value = x if op & 8 else k
            true = {0x10: a == value, 0x20: a > value, 0x30: a >= value, 0x40: bool(a & value)}[op & 0xF0]
            at += jt if true else jf
        else:
            raise AssertionError(f"instruction {op:#x}")


def passes(packet: Packet, text: str = filter_text(), link_type: int = ETHERNET) -> bool:
    program = compile_filter(text, link_type)
    assert program is not None
    return matches(program, bytes(packet))


ETHER = Ether(src="52:54:00:00:00:01", dst="ff:ff:ff:ff:ff:ff")
WANTED = {
    "arp": ARP(),
    "dhcp": IP() / UDP(sport=68, dport=67) / BOOTP(),
    "tftp data": IP() / UDP(sport=49152, dport=2070) / b"\0\3\0\1",
    "http": IP() / TCP(sport=2000, dport=8080),
    "icmp": IP() / ICMP(type=3),
    "fragment": IP(proto=17, frag=100) / b"rest of a block",
    "dhcpv6": IPv6() / UDP(sport=546, dport=547),
    "neighbour": IPv6() / ICMPv6ND_NS(),
    "tcp6": IPv6() / TCP(dport=80),
}


@pytest.mark.parametrize("tags", [0, 1, 2])
@pytest.mark.parametrize("name", WANTED)
def test_boot_traffic_passes_with_and_without_tags(name: str, tags: int) -> None:
    packet = ETHER
    for number in range(tags):
        packet = packet / Dot1Q(vlan=5 + number)
    assert passes(packet / WANTED[name])


@pytest.mark.parametrize("tags", [0, 1, 2])
@pytest.mark.parametrize("name", WANTED)
def test_the_portable_text_lets_boots_through_and_ssh_not(name: str, tags: int) -> None:
    link = ETHER
    for number in range(tags):
        link = link / Dot1Q(vlan=5 + number)
    assert passes(link / WANTED[name], portable_text())
    if tags < 2:
        assert not passes(link / IP() / TCP(sport=22, dport=50000), portable_text())
        assert not passes(link / IPv6() / TCP(dport=22), portable_text())


def test_the_portable_text_fits_the_interface_any() -> None:
    text = portable_text(LINUX_COOKED)
    assert compile_filter(text, LINUX_COOKED)
    with pytest.raises(UsageError):
        compile_filter(portable_text(), LINUX_COOKED)


def test_the_portable_text_passes_through_two_shells() -> None:
    said = subprocess.run(
        ["sh", "-c", f"printf '%s ' {portable_text()}"], capture_output=True, text=True, check=True
    ).stdout
    assert said.split() == portable_text().split()
    assert not passes(ETHER / IP(proto=89) / b"ospf", portable_text())


def test_what_a_switch_says_of_its_port_passes_and_other_llc_does_not() -> None:
    assert passes(Ether(dst="01:80:c2:00:00:02", type=0x8809) / b"\1\1\1\x14")
    assert passes(Ether(dst="01:80:c2:00:00:02", type=0x8809) / b"\1\1\1\x14", portable_text())
    assert passes(Ether(dst="01:80:c2:00:00:03", type=0x888E) / b"\1\0\0\5\1\1\0\5\1")
    assert passes(Dot3(dst="01:80:c2:00:00:00") / LLC() / STP())
    assert not passes(Dot3(dst="01:80:c2:00:00:00") / LLC(dsap=0xAA, ssap=0xAA) / b"\0\0\0")


def test_what_no_boot_needs_stays_out() -> None:
    assert not passes(ETHER / IP(proto=89) / b"ospf")
    assert not passes(Ether(type=0x88CC) / b"lldp")
    assert not passes(ETHER / Dot1Q(vlan=5, type=0x88CC) / b"lldp")


@pytest.mark.parametrize("tagged", [False, True])
def test_the_ssh_session_is_left_out_and_other_ssh_is_not(tagged: bool) -> None:
    link = ETHER / Dot1Q(vlan=7) if tagged else ETHER
    answer = link / IP(src="10.0.0.1", dst="10.0.0.5") / TCP(sport=22, dport=50022)
    assert not passes(answer, filter_text(session=SESSION))
    assert not passes(
        link / IP(src="10.0.0.5", dst="10.0.0.1") / TCP(sport=50022, dport=22), filter_text(session=SESSION)
    )
    assert passes(link / IP(src="10.0.0.5", dst="10.0.0.1") / TCP(sport=50023, dport=22), filter_text(session=SESSION))
    assert passes(link / IP(src="10.0.0.6", dst="10.0.0.1") / TCP(sport=50022, dport=22), filter_text(session=SESSION))


@pytest.mark.parametrize("tags", [0, 1, 2])
def test_words_narrow_tagged_and_untagged_packets_alike(tags: int) -> None:
    link = ETHER
    for number in range(tags):
        link = link / Dot1Q(vlan=5 + number)
    assert passes(link / IP() / UDP(sport=68, dport=67), filter_text(("port", "67", "or", "arp")))
    assert passes(link / ARP(), filter_text(("port", "67", "or", "arp")))
    assert not passes(link / IP() / UDP(sport=2, dport=3), filter_text(("port", "67", "or", "arp")))


def test_words_with_a_vlan_of_their_own() -> None:
    assert passes(ETHER / Dot1Q(vlan=5) / IP() / UDP(dport=67), filter_text(("vlan", "5")))
    assert not passes(ETHER / Dot1Q(vlan=6) / IP() / UDP(dport=67), filter_text(("vlan", "5")))
    assert not passes(ETHER / Dot1Q(vlan=5) / IP(proto=89), filter_text(("vlan", "5")))


def test_everything_is_no_filter_or_the_words_alone() -> None:
    assert filter_text(everything=True) == ""
    assert filter_text(("port", "69"), everything=True) == "port 69"


CONTROL = {
    **WANTED,
    "first data": IP() / UDP(sport=49152, dport=2070) / b"\0\3\0\x08data",
    "request": IP() / UDP(sport=49152, dport=69) / b"\0\1grubx64.efi\0octet\0",
    "http answer": IP() / TCP(sport=80, flags="A") / (b"HTTP/1.1 200 OK\r\n" + b"x" * 1400),
    "syn": IP() / TCP(dport=80, flags="S"),
    "fin": IP() / TCP(dport=80, flags="FA") / (b"x" * 1400),
}
del CONTROL["tftp data"], CONTROL["fragment"]
BULK = {
    "tftp data": IP() / UDP(sport=49152, dport=2070) / b"\0\3\x01\0data",
    "tftp ack": IP() / UDP(sport=49152, dport=2070) / b"\0\4\x01\0",
    "fragment": WANTED["fragment"],
    "body": IP() / TCP(sport=80, flags="A") / (b"x" * 1400),
    "ack": IP() / TCP(dport=80, flags="A", options=[("NOP", None)] * 4),
}


@pytest.mark.parametrize("everything", [False, True])
@pytest.mark.parametrize("tags", [0, 1, 2])
def test_control_and_bulk_never_overlap(tags: int, everything: bool) -> None:
    link = ETHER
    for number in range(tags):
        link = link / Dot1Q(vlan=5 + number)
    control = filter_text(part="control", everything=everything)
    bulk = filter_text(part="bulk", everything=everything)
    for name, packet in CONTROL.items():
        assert passes(link / packet, control), name
        assert not passes(link / packet, bulk), name
    for name, packet in BULK.items():
        assert passes(link / packet, bulk), name
        assert not passes(link / packet, control), name


def test_words_narrow_both_parts() -> None:
    body, ack = ETHER / BULK["tftp data"], ETHER / BULK["ack"]
    for everything in (False, True):
        bulk = filter_text(("udp",), part="bulk", everything=everything)
        assert passes(body, bulk)
        assert not passes(ack, bulk)


def test_interfaces_without_a_link_header() -> None:
    assert passes(IP() / UDP(dport=69), filter_text(link_type=RAW_IP), RAW_IP)
    assert not passes(IP(proto=89), filter_text(link_type=RAW_IP), RAW_IP)


def test_nonsense_is_refused_with_one_line() -> None:
    with pytest.raises(UsageError) as refused:
        compile_filter(filter_text(("prot", "67")))
    assert "prot 67" in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.skipif(shutil.which("tcpdump") is None, reason="tcpdump is not installed")
def test_tcpdump_takes_the_text_and_compiles_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    text = filter_text(session=SESSION)
    done = subprocess.run(["tcpdump", "-y", "EN10MB", "-d", text], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    ours = compile_filter(text)
    monkeypatch.setattr(boot_filter, "_libpcap", lambda: None)
    assert compile_filter(text) == ours
    with pytest.raises(UsageError):
        compile_filter("prot 67")


def test_without_any_compiler_there_is_no_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boot_filter, "_libpcap", lambda: None)
    monkeypatch.setenv("PATH", "/nonexistent")
    assert compile_filter(filter_text()) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10.0.0.5 50022 10.0.0.1 22", SESSION),
        ("fe80::1%eth0 50022 fe80::2%eth0 2222", SshSession("fe80::1", 50022, 2222)),
        ("", None),
        ("x) or (arp 1 2 3", None),
    ],
)
def test_ssh_connection(text: str, expected: SshSession | None) -> None:
    assert SshSession.parse(text) == expected


def test_the_session_is_found_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSH_CONNECTION", "10.0.0.5 50022 10.0.0.1 22")
    assert boot_filter.current_ssh_session() == SESSION
