"""Frames in words and as hex, packets built by scapy."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.dhcp import BOOTP, DHCP
from scapy.layers.dns import DNS, DNSQR
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.l2 import ARP, Dot1Q, Ether

from bootsniff.model import FrameBytes, FrameRef
from bootsniff.tui.lines import plain
from bootsniff.tui.views.packet import decode, display_filter, field_rows, hex_rows, machine_filter, text_rows


def fields(packet: Any, *, link_type: int = 1, kept: int | None = None) -> dict[str, str]:
    data = bytes(packet)
    return dict(decode(FrameBytes(0, 1, 0, link_type, len(data), data[:kept])))


@pytest.mark.parametrize(
    ("packet", "layer", "some"),
    [
        (Ether() / ARP(psrc="10.0.0.1", pdst="10.0.0.2"), "ARP", {"sender ip": "10.0.0.1"}),
        (Ether() / IP() / ICMP(type=3, code=3) / IP() / UDP(dport=69), "ICMP", {"type": "3", "code": "3"}),
        (Ether() / IP() / UDP(sport=2070, dport=69) / b"\0\1a.efi\0octet\0tsize\x000\0", "TFTP Request", {"filename": "a.efi", "options": "tsize 0"}),
        (Ether() / IP() / UDP(sport=3001, dport=2070) / b"\0\5\0\1gone\0", "TFTP Error", {"code": "1", "text": "gone"}),
        (Ether() / IP() / UDP(dport=53) / DNS(qd=DNSQR(qname="boot.example")), "DNS", {"name": "boot.example"}),
        (Ether() / IP() / TCP(dport=80) / b"GET /x HTTP/1.1\r\nHost: h\r\n\r\n", "HTTP GET", {"target": "/x", "Host": "h"}),
        (Ether() / IP() / TCP(sport=80) / b"HTTP/1.1 404 Not Found\r\n\r\n", "HTTP 404", {"reason": "Not Found"}),
        (Ether() / IP() / TCP(flags="SA"), "TCP", {"flags": "SYN ACK"}),
        (Ether() / Dot1Q(vlan=42) / ARP(), "ARP", {"VLAN": "42"}),
        (Ether() / IP() / UDP(sport=68, dport=67) / BOOTP(xid=7) / DHCP(options=[("message-type", "discover"), "end"]), "DHCP DISCOVER", {"xid": "0x00000007"}),
    ],
)  # fmt: skip
def test_layers_and_fields(packet: Any, layer: str, some: dict[str, str]) -> None:
    found = fields(packet)
    assert layer in found
    for name, value in some.items():
        assert found[name].rstrip(".") == value


def test_what_cannot_be_read_is_said() -> None:
    assert "not whole" in fields(Ether(), kept=10)["problem"]
    assert "link type 147" in fields(Ether(), link_type=147)["problem"]
    assert "cut when captured" in fields(Ether() / IP() / UDP() / (b"x" * 100), kept=60)["length"]


@given(st.binary(max_size=200), st.sampled_from([0, 1, 101, 113, 276, 999]))
def test_garbage_is_decoded_to_something(data: bytes, link_type: int) -> None:
    assert decode(FrameBytes(0, 1, 0, link_type, len(data), data))[0] == ("Frame", "")


@given(st.binary(max_size=200), st.sampled_from([(67, 68), (69, 2000), (53, 53), (547, 546), (1, 2)]))
def test_garbage_on_known_ports(data: bytes, ports: tuple[int, int]) -> None:
    fields(Ether() / IP() / UDP(sport=ports[0], dport=ports[1]) / data)
    fields(Ether() / IP() / TCP(sport=80) / data)


def test_rows_show_layers_above_their_fields() -> None:
    rows = [plain(row.line) for row in field_rows([("ARP", ""), ("sender", "x" * 100)], 60)]
    assert rows[0] == " ARP"
    assert rows[1].startswith("   sender")
    assert all(len(row) <= 60 for row in rows)


@pytest.mark.parametrize(("width", "per"), [(60, 8), (75, 16), (200, 16)])
def test_hex(width: int, per: int) -> None:
    rows = [plain(row.line) for row in hex_rows(bytes(range(40)), width)]
    assert len(rows) == -(-40 // per)
    assert rows[1].startswith(f" {per:04x}  {per:02x}")
    assert all(len(row) <= width for row in rows)


def test_a_frame_of_any_size_is_bounded() -> None:
    assert len(hex_rows(bytes(1_000_000), 80)) == 4096


def test_text_of_other_programs_is_made_safe() -> None:
    rows = [plain(row.line) for row in text_rows("A\n\tb \x1b[2J [/x]\n", 40)]
    assert rows == [" A", "     b \\x1b[2J [/x]"]


def test_display_filters() -> None:
    refs = [FrameRef(0, 9, 0), FrameRef(0, 3, 0), FrameRef(1, 5, 0), FrameRef(0, 3, 0)]
    assert display_filter(refs, 0) == "frame.number in {3, 9}"
    assert display_filter(refs, 1) == "frame.number == 5"
    assert display_filter(refs, 2) == ""
    assert "eth.addr == 52:54:00:00:00:01" in machine_filter("52:54:00:00:00:01")
