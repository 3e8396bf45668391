"""TFTP packets: named byte strings, scapy's builder, mutilation."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.tftp import TFTP, TFTP_ACK, TFTP_ERROR, TFTP_OACK, TFTP_RRQ, TFTP_WRQ, TFTP_Option, TFTP_Options

from bootsniff.errors import Malformed
from bootsniff.wire import tftp
from bootsniff.wire.transfers import TftpAck, TftpData, TftpError, TftpOack, TftpRequest


def parse(payload: bytes) -> tftp.Tftp:
    return tftp.parse(payload, len(payload))


def test_request_of_edk2() -> None:
    built = TFTP() / TFTP_RRQ(filename=b"efi-x64/grubx64.efi", mode=b"octet")
    built /= TFTP_Options(
        options=[TFTP_Option(oname=b"tsize", value=b"0"), TFTP_Option(oname=b"BLKSIZE", value=b"1468")]
    )
    options = (("tsize", "0"), ("blksize", "1468"))
    assert parse(bytes(built)) == TftpRequest(False, "efi-x64/grubx64.efi", "octet", options)


def test_write_request_and_mangled_name() -> None:
    assert parse(bytes(TFTP() / TFTP_WRQ(filename=b"x", mode=b"NETASCII"))) == TftpRequest(True, "x", "netascii")
    assert parse(b"\0\1pxelinux.0\xff\0octet\0") == TftpRequest(False, r"pxelinux.0\xff", "octet")


def test_options_that_are_no_pairs_are_left_out() -> None:
    request = parse(b"\0\1x\0octet\0blksize\x001456\0tsize\0")
    assert request == TftpRequest(False, "x", "octet", (("blksize", "1456"),))
    assert parse(b"\0\1x\0octet\0" + bytes(40)) == TftpRequest(False, "x", "octet")


def test_answers() -> None:
    built = TFTP() / TFTP_OACK() / TFTP_Options(options=[TFTP_Option(oname=b"tsize", value=b"42")])
    assert parse(bytes(built)) == TftpOack((("tsize", "42"),))
    assert parse(bytes(TFTP() / TFTP_ACK(block=65535))) == TftpAck(65535)
    assert parse(bytes(TFTP() / TFTP_ERROR(errorcode=1, errormsg=b"file not found"))) == TftpError(1, "file not found")
    assert parse(b"\0\5\x12\x34no NUL") == TftpError(0x1234, "no NUL")
    assert tftp.parse(b"\0\3\0\7abc", 516) == TftpData(7, 512, b"abc")


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\0\1",
        b"\0\1x",
        b"\0\1x\0octet",
        b"\0\1x\0binary\0",
        b"\0\7\0\0",
        b"\0\0\0\0",
        b"\1\1x\0octet\0",
        b"\0\3\0",
    ],
)
def test_others(payload: bytes) -> None:
    with pytest.raises(Malformed):
        parse(payload)


@given(st.sampled_from([b"\0\1grub.cfg\0octet\0tsize\x000\0", b"\0\6tsize\x0042\0", b"\0\5\0\1no\0"]), st.integers(0, 30),
       st.binary(max_size=40))  # fmt: skip
def test_mutilated(sample: bytes, cut: int, tail: bytes) -> None:
    try:
        message = parse(sample[:cut] + tail)
    except Malformed:
        return
    assert isinstance(message, TftpRequest | TftpOack | TftpData | TftpAck | TftpError)


@given(st.binary(max_size=200), st.integers(0, 70000))
def test_noise(data: bytes, length: int) -> None:
    try:
        message = tftp.parse(b"\0" + data, length)
    except Malformed:
        return
    if isinstance(message, TftpRequest | TftpOack):
        assert len(message.options) <= 32
