"""Every capture in pcaps/, frame by frame: decoded fields against what tshark says of the same frames."""

from __future__ import annotations

import lzma
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from scapy.utils import RawPcapReader

from bootsniff.wire import dhcp, dhcpv6, http, tftp
from bootsniff.wire import dhcp_options as options
from bootsniff.wire.dissect import dissect
from bootsniff.wire.ip import TCP
from bootsniff.wire.messages import DhcpMessage
from bootsniff.wire.packet import Packet
from bootsniff.wire.transfers import TftpAck, TftpData, TftpError, TftpOack, TftpRequest

PCAPS = Path(__file__).parents[2] / "pcaps"
CAPTURES = sorted(PCAPS.glob("*.pcap.xz"))
TSHARK = shutil.which("tshark")
pytestmark = [pytest.mark.tshark, pytest.mark.skipif(TSHARK is None, reason="tshark is not installed")]

Row = dict[str, list[str]]
"""Values of one frame by field name; a field may occur several times."""
SEPARATOR = "\x1f"


DHCP_FIELDS: dict[str, Callable[[DhcpMessage], object]] = {
    "dhcp.type": lambda read: read.op,
    "dhcp.id": lambda read: f"0x{read.xid:08x}",
    "dhcp.secs": lambda read: read.secs,
    "dhcp.hops": lambda read: read.hops,
    "dhcp.hw.mac_addr": lambda read: read.client_mac,
    "dhcp.ip.client": lambda read: read.client_ip or "0.0.0.0",
    "dhcp.ip.your": lambda read: read.your_ip or "0.0.0.0",
    "dhcp.ip.server": lambda read: read.next_server or "0.0.0.0",
    "dhcp.ip.relay": lambda read: read.relay or "0.0.0.0",
    "dhcp.file": lambda read: read.file,
    "dhcp.server": lambda read: read.server_name,
    "dhcp.option.dhcp": lambda read: read.message_type,
    "dhcp.option.dhcp_server_id": options.server_id,
    "dhcp.option.requested_ip_address": options.requested_ip,
    "dhcp.option.subnet_mask": options.subnet_mask,
    "dhcp.option.hostname": options.hostname,
    "dhcp.option.vendor_class_id": options.vendor_class,
    "dhcp.option.bootfile_name": options.boot_file_option,
    "dhcp.option.tftp_server_name": options.server_name_option,
}
DHCP_LISTS: dict[str, Callable[[DhcpMessage], tuple[object, ...]]] = {
    "dhcp.option.type": lambda read: tuple(read.options.codes),
    "dhcp.option.router": options.routers,
    "dhcp.option.domain_name_server": options.dns_servers,
    "dhcp.option.request_list_item": options.parameter_list,
    "dhcp.option.client_system_architecture": options.arches,
}

FIELDS = [
    *("eth.src", "eth.dst", "ip.src", "ip.dst", "ipv6.src", "ipv6.dst", "udp.srcport", "udp.dstport", "udp.length"),
    *("tcp.srcport", "tcp.dstport", "tcp.seq_raw", "tcp.ack_raw", "tcp.len", "tcp.window_size_value"),
    *DHCP_FIELDS,
    *DHCP_LISTS,
    *("dhcpv6.msgtype", "dhcpv6.xid", "dhcpv6.duidllt.link_layer_addr", "dhcpv6.requested_option_code"),
    *("tftp.opcode", "tftp.source_file", "tftp.type", "tftp.block", "tftp.error.code", "tftp.error.message"),
    *("tftp.option.name", "tftp.option.value"),
    *("http.request.method", "http.request.uri", "http.host", "http.user_agent", "http.response.code"),
    *("http.content_length_header", "http.content_type"),
]


@pytest.fixture(scope="module", params=CAPTURES, ids=lambda path: path.name.removesuffix(".pcap.xz"))
def capture(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pcap") / "x.pcap"
    path.write_bytes(lzma.decompress(request.param.read_bytes()))
    return path


@pytest.fixture(scope="module")
def frames(capture: Path) -> list[tuple[bytes, int]]:
    """Bytes and length on the wire of every frame."""
    with RawPcapReader(str(capture)) as reader:
        assert reader.linktype == 1
        return [(bytes(data), meta.wirelen) for data, meta in reader]


@pytest.fixture(scope="module")
def rows(capture: Path) -> list[tuple[int, Row]]:
    """What tshark says: frame number and fields of every UDP and TCP packet that no ICMP error only quotes."""
    assert TSHARK is not None
    command = [TSHARK, "-n", "-r", str(capture), "-Y", "(udp or tcp) and not icmp and not icmpv6", "-T", "fields"]
    command += ["-E", f"aggregator={SEPARATOR}", "-o", "tcp.desegment_tcp_streams:false", "-e", "frame.number"]
    for field in FIELDS:
        command += ["-e", field]
    found: list[tuple[int, Row]] = []
    for line in subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\n"):
        if line:
            number, *values = line.split("\t")
            split = [value.split(SEPARATOR) if value else [] for value in values]
            found.append((int(number), dict(zip(FIELDS, split, strict=True))))
    return found


def packet_of(frames: list[tuple[bytes, int]], number: int) -> Packet:
    data, length = frames[number - 1]
    return dissect(data, length, 1)


def first(row: Row, field: str) -> str | None:
    return row[field][0] if row[field] else None


def test_headers(rows: list[tuple[int, Row]], frames: list[tuple[bytes, int]]) -> None:
    assert rows
    for number, row in rows:
        packet = packet_of(frames, number)
        assert (packet.source_mac, packet.target_mac) == (first(row, "eth.src"), first(row, "eth.dst"))
        version = "ipv6" if row["ipv6.src"] else "ip"
        assert (packet.source, packet.target) == (first(row, f"{version}.src"), first(row, f"{version}.dst"))
        layer = "udp" if row["udp.srcport"] else "tcp"
        ports = first(row, f"{layer}.srcport"), first(row, f"{layer}.dstport")
        assert (str(packet.source_port), str(packet.target_port)) == ports
        if layer == "udp":
            assert str(packet.payload_length + 8) == first(row, "udp.length")
        else:
            assert str(packet.sequence) == first(row, "tcp.seq_raw")
            assert str(packet.acknowledgement) == (first(row, "tcp.ack_raw") or "0")
            assert str(packet.payload_length) == first(row, "tcp.len")
            assert str(packet.window) == first(row, "tcp.window_size_value")


def test_dhcp(rows: list[tuple[int, Row]], frames: list[tuple[bytes, int]]) -> None:
    for number, row in rows:
        if not row["dhcp.type"]:
            continue
        read = dhcp.parse(packet_of(frames, number).payload)
        for field, value in DHCP_FIELDS.items():
            ours = value(read)
            assert (None if ours is None else str(ours)) == first(row, field), (number, field)
        for field, values in DHCP_LISTS.items():
            theirs = [value for value in row[field] if field != "dhcp.option.type" or value not in ("0", "255")]
            assert [str(value) for value in values(read)] == theirs, (number, field)
        assert read.problems == ()


def test_dhcpv6(rows: list[tuple[int, Row]], frames: list[tuple[bytes, int]]) -> None:
    for number, row in rows:
        if not row["dhcpv6.msgtype"]:
            continue
        read = dhcpv6.parse(packet_of(frames, number).payload)
        assert (str(read.type), f"0x{read.xid:06x}") == (first(row, "dhcpv6.msgtype"), first(row, "dhcpv6.xid"))
        if row["dhcpv6.duidllt.link_layer_addr"]:
            assert read.client_mac == first(row, "dhcpv6.duidllt.link_layer_addr")
        assert [str(code) for code in read.requested_options] == row["dhcpv6.requested_option_code"]
        assert read.problems == ()


def test_tftp(rows: list[tuple[int, Row]], frames: list[tuple[bytes, int]]) -> None:
    for number, row in rows:
        opcode = first(row, "tftp.opcode")
        if opcode is None:
            continue
        packet = packet_of(frames, number)
        read = tftp.parse(packet.payload, packet.payload_length)
        pairs = list(zip([name.lower() for name in row["tftp.option.name"]], row["tftp.option.value"], strict=True))
        match read:
            case TftpRequest(write=False):
                assert (opcode, read.filename, read.mode) == (
                    "1",
                    first(row, "tftp.source_file"),
                    first(row, "tftp.type"),
                )
                assert list(read.options) == pairs
            case TftpOack():
                assert opcode == "6"
                assert list(read.options) == pairs
            case TftpData():
                assert (opcode, str(read.block)) == ("3", first(row, "tftp.block"))
                assert str(read.length + 12) == first(row, "udp.length")
            case TftpAck():
                assert (opcode, str(read.block)) == ("4", first(row, "tftp.block"))
            case TftpError():
                assert (opcode, str(read.code)) == ("5", first(row, "tftp.error.code"))
                assert read.text == (first(row, "tftp.error.message") or "")
            case _:
                pytest.fail(f"frame {number}: {read}")


HTTP_HEADERS = {
    "Host": "http.host",
    "User-Agent": "http.user_agent",
    "Content-Length": "http.content_length_header",
    "Content-Type": "http.content_type",
}


def test_http(rows: list[tuple[int, Row]], frames: list[tuple[bytes, int]]) -> None:
    for number, row in rows:
        packet = packet_of(frames, number)
        method, status = first(row, "http.request.method"), first(row, "http.response.code")
        is_head = method is not None or status is not None
        assert (packet.protocol == TCP and http.begins_message(packet.payload)) == is_head, number
        if not is_head:
            continue
        read = http.parse_head(packet.payload)
        assert read is not None
        assert (read.method, str(read.status) if read.status else None) == (method, status)
        assert (read.target or None) == first(row, "http.request.uri")
        for name, field in HTTP_HEADERS.items():
            assert read.get(name) == first(row, field), (number, name)


def test_there_are_captures() -> None:
    assert len(CAPTURES) >= 17
