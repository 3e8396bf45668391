"""DNS messages, against scapy's builder and under mutilation."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.dns import DNS, DNSQR, DNSRR

from bootsniff.errors import Malformed
from bootsniff.wire import dns


def test_query() -> None:
    message = dns.parse(bytes(DNS(id=7, rd=1, qd=DNSQR(qname="boot.home.lan", qtype="AAAA"))))
    assert (message.identifier, message.response, message.name, message.query_type) == (7, False, "boot.home.lan", 28)
    assert (message.addresses, message.aliases) == ((), ())


def test_answer_with_an_alias() -> None:
    built = DNS(
        id=7,
        qr=1,
        qd=DNSQR(qname="boot.lan"),
        an=[
            DNSRR(rrname="boot.lan", type="CNAME", rdata="srv.lan"),
            DNSRR(rrname="srv.lan", type="A", rdata="10.0.0.1"),
            DNSRR(rrname="srv.lan", type="AAAA", rdata="fd00::1"),
        ],
    )
    message = dns.parse(bytes(built))
    assert (message.response, message.rcode) == (True, 0)
    assert (message.addresses, message.aliases) == (("10.0.0.1", "fd00::1"), ("srv.lan",))


def test_compressed_names() -> None:
    raw = bytes.fromhex("00078180000100010000000004626f6f74036c616e0000010001c00c000100010000003c00040a000001")
    assert dns.parse(raw).addresses == ("10.0.0.1",)
    assert dns.parse(raw[:-2]).addresses == ()


def test_failures() -> None:
    message = dns.parse(bytes(DNS(id=1, qr=1, rcode=3, qd=DNSQR(qname="nowhere"))))
    assert (message.rcode, message.name) == (3, "nowhere")


@pytest.mark.parametrize(
    "raw",
    ["", "0007010000000000000000", "000701000000000000000000", "0007010000010000000000000462", "00072800000100000000000000",
     "000701000001000000000000c00c00010001", "000701000001000000000000" + "4061" * 40],
)  # fmt: skip
def test_no_question(raw: str) -> None:
    with pytest.raises(Malformed):
        dns.parse(bytes.fromhex(raw))


def test_names_without_end() -> None:
    with pytest.raises(Malformed):
        dns.read_name(b"\1a" * 1000, 0)
    assert dns.read_name(b"\1a\0\1b\xc0\0", 3) == ("b.a", 7)


SAMPLE = bytes(DNS(qr=1, qd=DNSQR(qname="a.b.c"), an=[DNSRR(rrname="a.b.c", rdata="1.2.3.4")] * 3))


@given(st.integers(0, len(SAMPLE)), st.binary(max_size=60), st.integers(0, len(SAMPLE) - 1), st.integers(0, 255))
def test_mutilated(cut: int, tail: bytes, where: int, value: int) -> None:
    data = bytearray(SAMPLE)
    data[where] = value
    try:
        message = dns.parse(bytes(data[:cut]) + tail)
    except Malformed:
        return
    assert len(message.addresses) <= 64


@given(st.binary(max_size=120))
def test_noise(data: bytes) -> None:
    try:
        dns.parse(data)
    except Malformed:
        return
