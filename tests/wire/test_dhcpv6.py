"""DHCPv6 messages, against scapy's builder and under mutilation."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.dhcp6 import (
    DUID_EN,
    DUID_LL,
    DUID_LLT,
    DHCP6_Advertise,
    DHCP6_RelayForward,
    DHCP6_Reply,
    DHCP6_Solicit,
    DHCP6OptClientId,
    DHCP6OptClientLinkLayerAddr,
    DHCP6OptDNSServers,
    DHCP6OptIA_NA,
    DHCP6OptIAAddress,
    DHCP6OptOptReq,
    DHCP6OptRelayMsg,
    DHCP6OptServerId,
    DHCP6OptStatusCode,
)
from scapy.packet import Raw

from bootsniff.errors import Malformed
from bootsniff.wire import dhcpv6

MAC = "52:54:00:89:32:47"


def option(code: int, value: bytes) -> bytes:
    return struct.pack(">HH", code, len(value)) + value


def test_solicit_of_firmware() -> None:
    built = (
        DHCP6_Solicit(trid=0xABCDEF) / DHCP6OptClientId(duid=DUID_LLT(lladdr=MAC, timeval=1)) / DHCP6OptIA_NA(iaid=1)
    )
    built /= DHCP6OptOptReq(reqopts=[59, 60, 23])
    extra = option(61, b"\0\x10") + option(62, b"\1\3\0") + option(15, b"\0\4iPXE")
    extra += option(16, b"\0\0\1\x57" + b"\0\x21HTTPClient:Arch:00016:UNDI:003001")
    message = dhcpv6.parse(bytes(built) + extra)
    assert (message.type, message.xid, message.client_mac, message.uuid) == (1, 0xABCDEF, MAC, None)
    assert (message.requested_options, message.arch, message.undi) == ((59, 60, 23), (16,), (1, 3, 0))
    assert (message.user_class, message.vendor_class) == ("iPXE", "HTTPClient:Arch:00016:UNDI:003001")
    assert (message.addresses, message.problems, message.relays, message.peer) == ((), (), (), None)


def test_reply() -> None:
    built = (
        DHCP6_Reply(trid=7) / DHCP6OptClientId(duid=DUID_LL(lladdr=MAC)) / DHCP6OptServerId(duid=DUID_LL(lladdr=MAC))
    )
    built /= DHCP6OptIA_NA(iaid=1, ianaopts=[DHCP6OptIAAddress(addr="fd00::9")])
    built /= DHCP6OptDNSServers(dnsservers=["fd00::53", "fd00::54"])
    extra = option(59, b"tftp://[fd00::1]/x.efi\0") + option(60, b"\0\1a\0\3b=c")
    message = dhcpv6.parse(bytes(built) + extra)
    assert (message.type, message.client_mac, message.addresses) == (7, MAC, ("fd00::9",))
    assert message.server_duid == bytes(DUID_LL(lladdr=MAC))
    assert message.dns_servers == ("fd00::53", "fd00::54")
    assert (message.boot_file_url, message.boot_file_parameters) == ("tftp://[fd00::1]/x.efi", ("a", "b=c"))


def test_status_inside_an_address_association() -> None:
    built = DHCP6_Advertise(trid=1) / DHCP6OptIA_NA(ianaopts=[DHCP6OptStatusCode(statuscode=2, statusmsg=b"none left")])
    assert dhcpv6.parse(bytes(built)).status == (2, "none left")


def test_relays_are_taken_off() -> None:
    inner = DHCP6_Solicit(trid=5) / DHCP6OptClientId(duid=DUID_EN(enterprisenum=9, id=b"abc"))
    near = DHCP6_RelayForward(linkaddr="fd00:2::1", peeraddr="fe80::1") / DHCP6OptClientLinkLayerAddr(clladdr=MAC)
    near /= DHCP6OptRelayMsg(message=inner)
    far = DHCP6_RelayForward(linkaddr="fd00:1::1", peeraddr="fd00:2::1") / DHCP6OptRelayMsg(message=near)
    message = dhcpv6.parse(bytes(far))
    assert (message.type, message.xid, message.relays) == (1, 5, ("fd00:1::1", "fd00:2::1"))
    assert message.client_mac == MAC


@pytest.mark.parametrize(
    ("peer", "expected"),
    [
        ("fe80::5054:ff:fe89:3247", MAC),
        ("fe80::1:5054:ff:fe89:3247", None),  # not of fe80::/64 as RFC 4291 has it
        ("fe80::1234:5678:9abc:def0", None),
        ("fd00::5054:ff:fe89:3247", None),
    ],
)
def test_a_relayed_client_is_known_by_its_link_local_address(peer: str, expected: str | None) -> None:
    inner = bytes(DHCP6_Solicit(trid=5)) + option(1, b"\0\4" + bytes(16))
    near = DHCP6_RelayForward(linkaddr="fd00:2::1", peeraddr=peer) / DHCP6OptRelayMsg(message=Raw(inner))
    far = DHCP6_RelayForward(linkaddr="fd00:1::1", peeraddr="fd00:2::1") / DHCP6OptRelayMsg(message=near)
    message = dhcpv6.parse(bytes(far))
    assert (message.client_mac, message.peer) == (expected, peer)


def test_option_79_comes_before_the_link_local_address() -> None:
    near = DHCP6_RelayForward(peeraddr="fe80::5054:ff:fe11:2233") / DHCP6OptClientLinkLayerAddr(clladdr=MAC)
    near /= DHCP6OptRelayMsg(message=DHCP6_Solicit(trid=5))
    assert dhcpv6.parse(bytes(near)).client_mac == MAC


def test_uuid_of_a_duid() -> None:
    duid = bytes.fromhex("0004" + "33221100554477668899aabbccddeeff")
    message = dhcpv6.parse(bytes(DHCP6_Solicit(trid=1)) + option(1, duid))
    assert (message.client_mac, message.uuid) == (None, "00112233-4455-6677-8899-aabbccddeeff")


def test_what_is_broken_is_told() -> None:
    message = dhcpv6.parse(b"\1\0\0\1" + option(61, b"\0\7") + b"\0\x3b\0\x50tftp")
    assert (message.arch, message.problems) == ((7,), ("option 59 runs past the end",))
    assert dhcpv6.parse(b"\1\0\0\1\0").problems
    assert dhcpv6.parse(b"\1\0\0\1" + option(3, b"short")).problems == ("IA_NA is too short",)


@pytest.mark.parametrize("data", [b"", b"\1\0\0", b"\0\0\0\0", b"\xff\0\0\0", b"\x0c" + bytes(20), b"\x0c" + bytes(40)])
def test_no_message(data: bytes) -> None:
    with pytest.raises(Malformed):
        dhcpv6.parse(data)


def test_relays_without_end() -> None:
    data = b"\1\0\0\1"
    for _ in range(40):
        data = b"\x0c" + bytes(33) + option(9, data)
    with pytest.raises(Malformed, match="without end"):
        dhcpv6.parse(data)


SAMPLE = bytes(
    DHCP6_RelayForward(linkaddr="fd00:2::1")
    / DHCP6OptRelayMsg(
        message=DHCP6_Reply(trid=7)
        / DHCP6OptClientId(duid=DUID_LLT(lladdr=MAC))
        / DHCP6OptIA_NA(ianaopts=[DHCP6OptIAAddress(addr="fd00::9")])
        / Raw(option(59, b"http://x/y") + option(15, b"\0\4iPXE"))
    )
)


@given(st.integers(0, len(SAMPLE)), st.binary(max_size=80), st.integers(0, len(SAMPLE) - 1), st.integers(0, 255))
def test_mutilated(cut: int, tail: bytes, where: int, value: int) -> None:
    data = bytearray(SAMPLE)
    data[where] = value
    try:
        message = dhcpv6.parse(bytes(data[:cut]) + tail)
    except Malformed:
        return
    assert len(message.addresses) <= len(data)


@given(st.binary(max_size=300))
def test_noise(data: bytes) -> None:
    for start in (b"\1\0\0\0", b"\x0c" + bytes(33), b""):
        try:
            dhcpv6.parse(start + data)
        except Malformed:
            continue
