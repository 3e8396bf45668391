"""DHCPv4 messages and options: against scapy's builder, named byte strings, and under mutilation."""

import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.dhcp import BOOTP, DHCP

from bootsniff.errors import Malformed
from bootsniff.wire import dhcp, dhcp_options, pxe
from bootsniff.wire.dhcp_describe import option_words
from bootsniff.wire.messages import DhcpMessage, PxeBootServer, RelayInformation
from bootsniff.wire.numbers import dhcp_option_name

COOKIE = bytes.fromhex("63825363")


def message(
    options: bytes = b"", *, file: bytes = b"", sname: bytes = b"", op: int = 1, cookie: bytes = COOKIE
) -> bytes:
    header = struct.pack(">BBBBIHH", op, 1, 6, 0, 0x26F30339, 4, 0x8000) + bytes(16)
    return (
        header
        + bytes.fromhex("525400893247").ljust(16, b"\0")
        + sname.ljust(64, b"\0")
        + file.ljust(128, b"\0")
        + (cookie + options)
    )


def option(code: int, value: bytes) -> bytes:
    return bytes([code, len(value)]) + value


def parsed(*options: bytes, **header: Any) -> DhcpMessage:
    return dhcp.parse(message(b"".join(options) + b"\xff", **header))


def test_header_of_a_reply() -> None:
    built = BOOTP(
        op=2, xid=7, secs=12, flags=0x8000, ciaddr="10.0.0.5", yiaddr="10.0.0.9", siaddr="10.0.0.1", giaddr="10.9.9.9",
        chaddr=bytes.fromhex("525400893247"), sname=b"server\0rubbish", file=b"pxelinux.0", hops=2,
    )  # fmt: skip
    built /= DHCP(options=[("message-type", "offer"), ("server_id", "10.0.0.1"), "end"])
    read = dhcp.parse(bytes(built))
    assert (read.op, read.xid, read.secs, read.broadcast, read.hops) == (2, 7, 12, True, 2)
    assert (read.client_ip, read.your_ip, read.next_server, read.relay) == (
        "10.0.0.5",
        "10.0.0.9",
        "10.0.0.1",
        "10.9.9.9",
    )
    assert (read.client_mac, read.server_name, read.file) == ("52:54:00:89:32:47", "server", "pxelinux.0")
    assert (read.message_type, read.overload, read.problems) == (2, 0, ())
    assert dhcp_options.server_id(read) == "10.0.0.1"


@pytest.mark.parametrize(("raw", "seconds"), [(b"\0\4", 4), (b"\1\0", 1), (b"\4\0", 4), (b"\0\0", 0), (b"\1\4", 260)])
def test_seconds_that_were_not_swapped(raw: bytes, seconds: int) -> None:
    data = message()
    assert dhcp.parse(data[:8] + raw + data[10:]).secs == seconds


def test_plain_bootp() -> None:
    read = dhcp.parse(message(b"anything", cookie=b"\0\0\0\0", file=b"boot"))
    assert (len(read.options), read.message_type, read.file, read.problems) == (0, None, "boot", ())
    assert (read.your_ip, read.server_name) == (None, None)


def test_split_options_are_joined() -> None:
    read = parsed(option(67, b"http://boot/"), option(53, b"\1"), option(67, b"x.efi"))
    assert dhcp_options.boot_file(read) == ("http://boot/x.efi", "option 67")
    assert [code for code, _ in read.options] == [67, 53]


def test_overload_is_read_in_order() -> None:
    read = dhcp.parse(
        message(
            option(52, b"\3") + option(67, b"one-") + b"\xff",
            file=option(67, b"two-") + b"\xff",
            sname=option(67, b"three") + option(12, b"name") + b"\xff",
        )
    )
    assert dhcp_options.boot_file(read) == ("one-two-three", "option 67")
    assert (read.file, read.server_name, read.overload) == (None, None, 3)
    assert dhcp_options.hostname(read) == "name"
    assert read.problems == ()


def test_overload_of_one_field_leaves_the_other() -> None:
    read = dhcp.parse(message(option(52, b"\1") + b"\xff", file=option(67, b"x") + b"\xff", sname=b"server"))
    assert (read.file, read.server_name) == (None, "server")
    assert dhcp_options.boot_file(read) == ("x", "option 67")


@pytest.mark.parametrize(
    ("options", "header", "problem"),
    [
        (option(53, b"\1"), {}, "options have no end mark"),
        (b"\x35\x01\x01\x43\x40abc", {}, "option 67 in options runs past the end"),
        (b"\x35\x01\x01\x43", {}, "option 67 in options has no length"),
        (option(52, b"\1") + b"\xff", {"file": b"\x43\x02xy"}, "overloaded file has no end mark"),
        (option(52, b"\2") + b"\xff", {"sname": b"\x43\x50xy"}, "option 67 in sname runs past the end"),
        (option(52, b"\7") + b"\xff", {}, "option overload is 07"),
        (option(53, b"") + b"\xff", {}, "message type of 0 bytes"),
    ],
)
def test_problems(options: bytes, header: dict[str, Any], problem: str) -> None:
    assert problem in dhcp.parse(message(options, **header)).problems


def test_what_runs_past_the_end_is_kept() -> None:
    assert dhcp_options.boot_file_option(dhcp.parse(message(b"\x43\x40abc"))) == "abc"


def test_equal_values_share_memory() -> None:
    first, second = parsed(option(60, b"PXEClient:Arch:00007")), parsed(option(60, b"PXEClient:Arch:00007"))
    assert first.options.get(60) is second.options.get(60)
    assert first.options.codes is second.options.codes


@pytest.mark.parametrize("data", [b"", bytes(239), message()[:235], b"\3" + bytes(300), b"\1\1\xff" + bytes(300)])
def test_no_bootp(data: bytes) -> None:
    with pytest.raises(Malformed):
        dhcp.parse(data)


def test_numbers_and_addresses() -> None:
    read = parsed(
        option(1, bytes([255, 255, 255, 0])), option(3, bytes([10, 0, 0, 1, 10, 0, 0, 2])), option(6, bytes(4)),
        option(26, b"\5\xdc"), option(28, bytes([10, 0, 0, 255])), option(50, bytes([10, 0, 0, 7])),
        option(51, b"\0\0\x0e\x10"), option(57, b"\5\xc0"), option(61, b"\1abc"), option(55, b"\1\3\x43"),
        option(15, b"home.lan"), option(17, b"nfs:x"), option(56, b"wrong network"), option(66, b"10.0.0.3\0"),
        option(67, b"pxelinux.0\0\0"), option(209, b"cfg"), option(210, b"/tftp/"), option(93, b"\0\7\0\x10"),
        option(94, b"\1\3\0"),
    )  # fmt: skip
    assert dhcp_options.subnet_mask(read) == "255.255.255.0"
    assert dhcp_options.routers(read) == ("10.0.0.1", "10.0.0.2")
    assert dhcp_options.dns_servers(read) == ("0.0.0.0",)
    assert (dhcp_options.mtu(read), dhcp_options.broadcast(read)) == (1500, "10.0.0.255")
    assert (dhcp_options.requested_ip(read), dhcp_options.client_id(read)) == ("10.0.0.7", b"\1abc")
    assert dhcp_options.parameter_list(read) == (1, 3, 67)
    assert dhcp_options.root_path(read) == "nfs:x"
    assert dhcp_options.message(read) == "wrong network"
    assert dhcp_options.server_name_option(read) == "10.0.0.3"
    assert dhcp_options.boot_file(read) == ("pxelinux.0", "option 67")
    assert dhcp_options.pxelinux_path_prefix(read) == "/tftp/"
    assert (dhcp_options.arches(read), dhcp_options.undi(read)) == ((7, 16), (1, 3, 0))


ACCESSORS = [
    "server_id", "requested_ip", "subnet_mask", "hostname", "root_path", "mtu", "broadcast",
    "vendor_class", "user_class", "boot_file_option", "server_name_option", "client_id", "uuid", "undi", "message",
    "relay_information", "ipxe", "pxe", "pxelinux_path_prefix", "boot_file",
]  # fmt: skip
TUPLES = ["routers", "dns_servers", "arches", "parameter_list", "search_list", "classless_routes"]


@pytest.mark.parametrize("name", ACCESSORS)
def test_absent_options(name: str) -> None:
    assert getattr(dhcp_options, name)(parsed()) is None


@pytest.mark.parametrize("name", TUPLES)
def test_absent_lists(name: str) -> None:
    assert getattr(dhcp_options, name)(parsed()) == ()


def test_boot_file_of_the_header() -> None:
    assert dhcp_options.boot_file(parsed(option(67, b"\0"), file=b"grubx64.efi\0\xff\xff")) == ("grubx64.efi", "file")


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"iPXE", "iPXE"),
        (b"\4iPXE", "iPXE"),
        (b"\4iPXE\0\0", "iPXE"),
        (b"\4iPXE\3abc", "iPXE, abc"),
        (b"\3foo\4iPXE", "foo, iPXE"),
        (b"gPXE\0", "gPXE"),
        (b"\0\4iPXE", r"\x00\x04iPXE"),
        (b"\4iPXE\xffx", r"iPXE, \xffx"),
        (b"\4iPXE\0\4gPXE", r"iPXE, \x00\x04gPXE"),
    ],
)
def test_user_class_in_both_spellings(raw: bytes, text: str) -> None:
    assert dhcp_options.user_class(parsed(option(77, raw))) == text


def test_uuid_is_shown_as_smbios_tools_show_it() -> None:
    raw = bytes.fromhex("00" + "33221100554477668899aabbccddeeff")
    assert dhcp_options.uuid(parsed(option(97, raw))) == "00112233-4455-6677-8899-aabbccddeeff"
    for raw in (bytes(17), b"\0" + b"\xff" * 16, b"\1" + bytes(range(16)), b"\0abc"):
        assert dhcp_options.uuid(parsed(option(97, raw))) is None


def test_relay_information() -> None:
    raw = option(1, b"Gi1/0/1") + option(2, bytes.fromhex("525400aabbcc"))
    assert dhcp_options.relay_information(parsed(option(82, raw))) == RelayInformation("Gi1/0/1", "52:54:00:aa:bb:cc")
    assert dhcp_options.relay_information(parsed(option(82, b"\1\x20"))) == RelayInformation(None, None)
    selects = dhcp_options.relay_information(parsed(option(82, b"\1\1a\5\4\xc0\xa8\x14\0")))
    assert selects == RelayInformation("a", None, "192.168.20.0")
    assert dhcp_options.relay_information(parsed(option(82, b"\5\3\xc0\xa8\x14"))) == RelayInformation(None, None)


def test_search_list_with_compression() -> None:
    raw = b"\3lab\4home\0\3dev\xc0\4"
    assert dhcp_options.search_list(parsed(option(119, raw))) == ("lab.home", "dev.home")
    assert dhcp_options.search_list(parsed(option(119, b"\3lab\xc0\0"))) == ()  # a loop


def test_classless_routes() -> None:
    raw = bytes([0, 10, 0, 0, 1, 24, 192, 168, 7, 10, 0, 0, 2, 33, 1])
    routes = (("0.0.0.0/0", "10.0.0.1"), ("192.168.7.0/24", "10.0.0.2"))
    assert dhcp_options.classless_routes(parsed(option(121, raw))) == routes


def test_pxe_menu_of_dnsmasq() -> None:
    raw = bytes.fromhex("060103 0a0400505845 08078000 01c0a87a01 0907800004426f6f74 ff")
    read = dhcp_options.pxe(parsed(option(43, raw)))
    assert read is not None
    assert (read.discovery_control, read.prompt) == (3, (0, "PXE"))
    assert read.boot_servers == (PxeBootServer(0x8000, ("192.168.122.1",)),)
    assert read.menu == ((0x8000, "Boot"),)
    item = dhcp_options.pxe(parsed(option(43, bytes.fromhex("470480000000ff"))))
    assert item is not None
    assert item.boot_item == (0x8000, 0)


def test_raspberry_pi_menu_keeps_its_spaces() -> None:
    read = pxe.parse_pxe(bytes.fromhex("09170000145261737062657272792050692042 6f6f74202020ff"))
    assert read is not None
    assert read.menu == ((0, "Raspberry Pi Boot   "),)


@pytest.mark.parametrize("raw", [b"", b"\xff", b"192.168.1.5", b"\xf1\x04\x0a\0\0\1", b"\x08\x03\0\0\5", b"\x09\x02ab"])
def test_foreign_content_of_option_43(raw: bytes) -> None:
    assert dhcp_options.pxe(parsed(option(43, raw))) is None


def test_options_of_ipxe() -> None:
    raw = b"".join(
        [option(0xB1, bytes.fromhex("011af41000")), option(0xEB, b"\1\0\0"), option(0x13, b"\1"), option(0x14, b"\0"),
         option(0x24, b"\1"), option(1, b"\xff"), option(8, b"\1"), option(0xB0, b"\1"), option(0x99, b"x")]
    )  # fmt: skip
    read = dhcp_options.ipxe(parsed(option(175, raw)))
    assert read is not None
    assert (read.features, read.version, read.bus_id) == (("http", "efi"), "1.0.0", "pci 1af4:1000")
    assert (read.priority, read.keep_san, read.no_proxydhcp, read.others) == (-1, 1, 1, (0x99,))
    assert dhcp_options.ipxe(parsed(option(175, b"\xb1\x20x"))) is None


def test_descriptions() -> None:
    read = parsed(
        option(53, b"\1"), option(93, b"\0\7"), option(55, b"\1\x43"), option(51, b"\0\0\0\x3c"), option(52, b"\1"),
        option(67, b"x\0"), option(230, b"\1\xff"), option(43, bytes.fromhex("0a02ff50ff")), option(177, b"z" * 70),
    )  # fmt: skip
    words = {code: option_words(read, code, raw) for code, raw in read.options}
    assert (words[53], words[93], words[51], words[67]) == ("DISCOVER", "7 EFI x64", "60 s", "x")
    assert words[55] == "1 subnet mask, 67 boot file name"
    assert (words[230], words[52], words[43]) == ("01 ff", "file", "prompt for ever: P")
    assert words[177].endswith("7a …")
    assert dhcp_option_name(230) == "option 230"


def test_hostile_text_is_escaped() -> None:
    read = parsed(option(12, b"\x1b[2Jx"), file=b"\x07a")
    assert (dhcp_options.hostname(read), read.file) == (r"\x1b[2Jx", r"\x07a")


CODES = st.sampled_from([0, 1, 3, 6, 12, 43, 50, 52, 53, 54, 55, 60, 66, 67, 77, 82, 93, 94, 97, 119, 121, 175, 255])
SOUP = st.lists(st.tuples(CODES, st.binary(max_size=30)).map(lambda pair: option(*pair)), max_size=12).map(b"".join)


@given(SOUP, st.integers(0, 400), st.binary(max_size=60), st.binary(max_size=128))
def test_mutilated(options: bytes, cut: int, tail: bytes, file: bytes) -> None:
    data = message(options + b"\xff", file=file)
    try:
        read = dhcp.parse(data[: len(data) - cut] + tail)
    except Malformed:
        return
    assert len(read.options) <= 255
    assert sum(len(value) for _, value in read.options) <= len(data) + len(tail)
    for name in ACCESSORS + TUPLES:
        getattr(dhcp_options, name)(read)
    assert all(isinstance(option_words(read, code, raw), str) for code, raw in read.options)


@given(st.binary(max_size=600))
def test_noise(data: bytes) -> None:
    try:
        read = dhcp.parse(data)
    except Malformed:
        return
    for code, raw in read.options:
        option_words(read, code, raw)


@given(st.lists(st.tuples(st.integers(1, 254).filter(lambda code: code not in (52, 53)), st.binary(max_size=255)),
                max_size=10, unique_by=lambda pair: pair[0]))  # fmt: skip
def test_what_was_built_is_read(pairs: list[tuple[int, bytes]]) -> None:
    read = parsed(*(option(*pair) for pair in pairs))
    assert list(read.options) == pairs
    assert read.problems == ()
