"""What comes one packet at a time: DHCP, ARP, ICMP, DNS; and packets captured twice."""

from __future__ import annotations

import struct

import pytest

from bootsniff.flow.records import DnsLookup, TftpTransfer
from bootsniff.flow.sieve import Sieve
from bootsniff.wire.messages import ArpMessage, DhcpMessage, Dhcpv6Message, IcmpMessage, RouterAdvertisement
from tests.flow.feed import changes, events_of, records_of
from tests.flow.packets import CLIENT, SERVER, Frame, ack, block_of, data, ethernet, frame, rrq, udp


def dhcp(op: int = 1, xid: int = 7, mac: bytes = b"\x52\x54\0\0\0\7") -> bytes:
    header = struct.pack(">BBBBIHH", op, 1, 6, 0, xid, 0, 0) + bytes(16) + mac + bytes(202)
    return header + b"\x63\x82\x53\x63\x35\1\1\xff"


def question(name: str, identifier: int = 5, kind: int = 1, flags: int = 0x0100) -> bytes:
    labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split("."))
    return struct.pack(">HHHHHH", identifier, flags, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">HH", kind, 1)


@pytest.mark.parametrize(("sport", "dport"), [(68, 67), (67, 68), (67, 67), (68, 4011), (4011, 68), (4011, 50000)])
def test_dhcp_on_all_its_ports(sport: int, dport: int) -> None:
    (event,) = events_of([(1.0, udp("0.0.0.0", sport, "255.255.255.255", dport, dhcp()))])
    assert isinstance(event.subject, DhcpMessage)
    assert (event.envelope.source_port, event.envelope.target_port) == (sport, dport)
    assert event.envelope.time == 1_000_000_000


def test_discovers_of_many_machines_at_once_are_no_copies() -> None:
    frames = [
        (1.0, udp("0.0.0.0", 68, "255.255.255.255", 67, dhcp(xid=number), identification=1)) for number in range(100)
    ]
    assert len(events_of(frames)) == 100


def test_dhcpv6_and_router_advertisements() -> None:
    solicit = b"\1\0\0\7" + struct.pack(">HH", 8, 2) + b"\0\0"
    advertisement = b"\x86\0\0\0\x40\xc0\x07\x08" + bytes(8)
    events = events_of(
        [
            (1.0, udp("fe80::7", 546, "ff02::1:2", 547, solicit)),
            (2.0, frame("fe80::1", "ff02::1", 58, advertisement)),
        ]
    )
    assert [type(event.subject) for event in events] == [Dhcpv6Message, RouterAdvertisement]


def test_arp() -> None:
    body = struct.pack(">HHBBH", 1, 0x0800, 6, 4, 2) + bytes(6) + bytes([192, 168, 122, 1]) + bytes(10)
    sieve = Sieve(0)
    (event,) = events_of([(1.0, ethernet(body, 0x0806))], sieve=sieve)
    assert isinstance(event.subject, ArpMessage)
    assert sieve.arp_seen
    assert sieve.server_packets == 0  # any host answers ARP


def test_an_icmp_error_finds_the_transfer_it_quotes_or_stands_alone() -> None:
    request = udp(CLIENT, 2070, SERVER, 69, rrq("x"))
    refusal = frame(SERVER, CLIENT, 1, b"\3\3\0\0\0\0\0\0" + request[14:])
    events = events_of([(1.0, request), (1.1, refusal)])
    (record,) = records_of(TftpTransfer, events)
    assert record.icmp_count == 1
    assert record.icmp[0].at.frame == 2
    assert changes(record, events) == ["opened", "changed"]
    (alone,) = events_of([(1.1, refusal)])
    assert isinstance(alone.subject, IcmpMessage)
    assert events_of([(1.0, frame(CLIENT, SERVER, 1, b"\x08\0\0\0\0\1\0\1ping"))]) == []


def test_an_icmp_error_behind_a_nat_quotes_the_reply() -> None:
    reply = udp(SERVER, 4000, CLIENT, 2070, data(1, b"x" * 100))
    refusal = frame(CLIENT, SERVER, 1, b"\3\3\0\0\0\0\0\0" + reply[14:])
    (record,) = records_of(
        TftpTransfer, events_of([(1.0, udp(CLIENT, 2070, SERVER, 69, rrq("x"))), (1.1, reply), (1.2, refusal)])
    )
    assert [item.sender for item in record.icmp] == [CLIENT]


def test_a_lookup_its_repetitions_and_its_answer() -> None:
    name = "boot.example"
    answer = question(name, 6, flags=0x8180)
    events = events_of(
        [
            (1.0, udp(CLIENT, 1025, SERVER, 53, question(name))),
            (3.0, udp(CLIENT, 1026, SERVER, 53, question(name, 6))),
            (3.1, udp(SERVER, 53, CLIENT, 1026, answer)),
            (4.0, udp(CLIENT, 1026, SERVER, 53, question(name, 7))),
        ]
    )
    first, second = records_of(DnsLookup, events)
    assert (first.name, first.query_type, first.query_count, first.server) == (name, 1, 2, SERVER)
    assert first.answer is not None
    assert first.answer.rcode == 0
    assert first.answer_at is not None
    assert first.answer_at.frame == 3
    assert changes(first, events) == ["opened", "changed", "ended"]
    assert second.answer is None


def test_an_icmp_error_finds_the_lookup_it_quotes() -> None:
    asked = udp(CLIENT, 1025, SERVER, 53, question("boot.example"))
    events = events_of([(1.0, asked), (1.1, frame(SERVER, CLIENT, 1, b"\3\3\0\0\0\0\0\0" + asked[14:42]))])
    (lookup,) = records_of(DnsLookup, events)
    assert len(lookup.icmp) == 1
    assert changes(lookup, events) == ["opened", "changed"]


def twice(apart: float, identification: int, interfaces: list[int] | None = None) -> tuple[int, int]:
    """Retransmissions and copies when a DATA packet comes a second time."""
    again = udp(SERVER, 4000, CLIENT, 2070, data(1, bytes(512)), identification=identification)
    frames: list[Frame] = [
        (1.0, udp(CLIENT, 2070, SERVER, 69, rrq("x"))),
        (1.1, again),
        (1.1 + apart, again),
        (1.2, udp(CLIENT, 2070, SERVER, 4000, ack(1))),
    ]
    sieve = Sieve(0)
    events = sieve.feed(block_of(frames, interfaces=interfaces))
    return records_of(TftpTransfer, events)[0].body.retransmissions, sieve.duplicates


def test_the_same_packet_captured_twice_counts_once() -> None:
    assert twice(0.001, 9) == (0, 1)
    assert twice(0.02, 9) == (1, 0)  # sent again
    assert twice(0.001, 9, [0, 0, 1, 0]) == (0, 0)  # another capture point has its own flows


def test_copies_are_told_across_blocks() -> None:
    frames: list[Frame] = [(1.0, udp(CLIENT, 2070, SERVER, 69, rrq("x"))), (1.001, b"")]
    frames[1] = (1.001, frames[0][1])
    sieve = Sieve(0)
    events = [event for index, item in enumerate(frames) for event in sieve.feed(block_of([item], index + 1))]
    assert [event.change for event in events] == ["opened"]
    assert sieve.duplicates == 1


def test_what_cannot_be_read_is_counted() -> None:
    sieve = Sieve(0)
    frames: list[Frame] = [(1.0, b"short"), (1.1, ethernet(b"\x45")), (1.2, ethernet(b"", 0x88CC))]
    assert events_of(frames, sieve=sieve) == []
    assert (sieve.packets, sieve.undecoded) == (3, 2)


def test_time_may_run_backwards_or_jump() -> None:
    frames: list[Frame] = [(at, udp(CLIENT, 2070, SERVER, 69, rrq("x"))) for at in (100.0, 50.0, 1e9, 99.0)]
    sieve = Sieve(0)
    assert len(events_of(frames, sieve=sieve)) == 4
    assert sieve.last_time == 10**18
