"""DHCP request and reply side by side, packets built by scapy."""

from __future__ import annotations

from typing import Any

import pytest
from scapy.layers.dhcp import BOOTP, DHCP
from scapy.layers.dhcp6 import DUID_LL, DHCP6_Advertise, DHCP6_Solicit, DHCP6OptClientId
from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import ARP, Ether

from bootsniff.model import FrameBytes
from bootsniff.tui.lines import plain
from bootsniff.tui.views.options import Entry, compare, compare_fields, message_of, option_rows

MAC = bytes.fromhex("525400893247")
HTTP = b"HTTPClient:Arch:00016:UNDI:003001"
PXE = b"PXEClient:Arch:00007:UNDI:003001"


def frame(packet: Any) -> FrameBytes:
    data = bytes(packet)
    return FrameBytes(0, 1, 0, 1, len(data), data)


def request(vendor: bytes, *more: Any) -> FrameBytes:
    options = [
        ("message-type", "discover"),
        ("vendor_class_id", vendor),
        ("param_req_list", [1, 3, 6, 60, 66, 67]),
        *more,
        "end",
    ]
    return frame(
        Ether()
        / IP(src="0.0.0.0", dst="255.255.255.255")
        / UDP(sport=68, dport=67)
        / BOOTP(chaddr=MAC, xid=7)
        / DHCP(options=options)
    )


def reply(*options: Any, file: bytes = b"", server: str = "0.0.0.0", kind: str = "offer") -> FrameBytes:
    header = BOOTP(op=2, chaddr=MAC, xid=7, yiaddr="192.168.122.227", siaddr=server, file=file)
    return frame(
        Ether() / IP() / UDP(sport=67, dport=68) / header / DHCP(options=[("message-type", kind), *options, "end"])
    )


def marks(asked: FrameBytes, answered: FrameBytes) -> dict[str, str]:
    return {entry.name: entry.mark for entry in compare(message_of(asked), message_of(answered)) if entry.mark}


URL = ("boot-file-name", b"http://192.168.122.1/ipxe.efi")
ECHO = ("vendor_class_id", b"HTTPClient")


@pytest.mark.parametrize(
    ("asked", "answered", "marked"),
    [
        (request(HTTP), reply(URL, ECHO), {}),
        (request(HTTP), reply(URL), {"60": "HTTPClient"}),
        (request(HTTP), reply(ECHO), {"67": "needs a URL"}),
        (request(HTTP), reply(ECHO, ("boot-file-name", b"ipxe.efi")), {"67": "this is a path"}),
        (request(HTTP), reply(ECHO, ("boot-file-name", b"http://boot/x.efi")), {"6": "no name server"}),
        (request(HTTP), reply(ECHO, ("boot-file-name", b"http://boot/x.efi"), ("name_server", "192.168.122.1")), {}),
        (request(PXE), reply(("boot-file-name", b"grubx64.efi"), server="192.168.122.1"), {}),
        (request(PXE), reply(("boot-file-name", b"grubx64.efi")), {"siaddr": "asks the DHCP server itself"}),
        (request(PXE), reply(server="192.168.122.1"), {"67": "no boot file named"}),
        (request(PXE), reply(("vendor_specific", b"\x06\x01\x08\xff")), {}),
        (request(PXE), reply(URL, server="192.168.122.1"), {"67": "takes a TFTP path"}),
        (request(PXE), reply(file=b"http://192.168.122.1/x", server="192.168.122.1"), {"file": "takes a TFTP path"}),
        (request(PXE, (77, b"iPXE")), reply(URL), {}),
        (request(b"MSFT 5.0"), reply(), {}),
    ],
)
def test_what_the_client_needs_and_does_not_get_is_marked(
    asked: FrameBytes, answered: FrameBytes, marked: dict[str, str]
) -> None:
    found = marks(asked, answered)
    assert len(found) == len(marked), found
    for name, words in marked.items():
        full = next(key for key in found if key.split()[0] == name)
        assert words in found[full]


def test_a_nak_is_not_blamed_for_what_it_lacks() -> None:
    assert marks(request(HTTP), reply(kind="nak")) == {}


def test_values_are_decoded_and_raw() -> None:
    entries = {
        entry.name.split()[0]: entry for entry in compare(message_of(request(HTTP)), message_of(reply(URL, ECHO)))
    }
    assert entries["60"].request == HTTP.decode()
    assert entries["60"].reply == "HTTPClient"
    assert entries["60"].raw == (HTTP, b"HTTPClient")
    assert entries["message"] == Entry("message", "DISCOVER", "OFFER", "")
    assert entries["yiaddr"].reply == "192.168.122.227"
    assert entries["66"].reply == "(asked for, not given)"


def test_one_side_may_be_missing() -> None:
    entries = compare(message_of(request(HTTP)), None)
    assert "DISCOVER" in {entry.request for entry in entries}
    assert not any(entry.reply for entry in entries)


@pytest.mark.parametrize("width", [20, 60, 79, 200])
def test_rows_fit(width: int) -> None:
    entries = compare(message_of(request(HTTP)), message_of(reply(URL)))
    rows = option_rows(entries, ("frame 1: DISCOVER", "frame 2: OFFER"), width, raw=True)
    shown = "\n".join(plain(row.line) for row in rows)
    assert "60" in shown
    if width >= 60:
        assert all(len(plain(row.line)) <= width for row in rows)
        assert "the client takes only replies" in shown
        assert HTTP.hex(" ")[:8] in shown


def test_dhcpv6_is_compared_by_its_fields() -> None:
    identity = DHCP6OptClientId(duid=DUID_LL(lladdr="52:54:00:89:32:47"))
    sides = [
        frame(Ether() / IPv6(dst="ff02::1:2") / UDP(sport=546, dport=547) / DHCP6_Solicit(trid=9) / identity),
        frame(Ether() / IPv6(dst="fe80::1") / UDP(sport=547, dport=546) / DHCP6_Advertise(trid=9) / identity),
    ]
    assert message_of(sides[0]) is None
    entries = {entry.name: entry for entry in compare_fields(*sides)}
    assert (entries["type"].request, entries["type"].reply) == ("1", "2")
    assert entries["client mac"].request == "52:54:00:89:32:47"


@pytest.mark.parametrize("packet", [Ether() / ARP(), b"\0" * 13, Ether() / IP() / UDP(sport=1, dport=2) / b"x"])
def test_frames_of_other_kinds_have_no_message(packet: Any) -> None:
    assert message_of(frame(packet)) is None
    assert message_of(None) is None
