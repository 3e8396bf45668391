"""One frame in our own words and as hex, and the display filter that finds it in Wireshark."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct

from ...errors import Malformed
from ...model import FrameBytes, FrameRef
from ...text import printable
from ...wire import arp, dhcp, dhcpv6, dns, http, icmp, ports, tftp
from ...wire.dhcp_describe import option_words
from ...wire.dissect import dissect
from ...wire.messages import DhcpMessage
from ...wire.numbers import dhcp_option_name, dhcp_type_name, link_type_name
from ...wire.packet import Packet
from ...wire.transfers import HttpHead
from ..lines import Row, line, wrapped

Field = tuple[str, str]
"""A layer's name with an empty second part, or a field and its value."""

_TCP_FLAGS = ((2, "SYN"), (16, "ACK"), (1, "FIN"), (4, "RST"), (8, "PSH"))
_LINES = 400


def decode(frame: FrameBytes) -> list[Field]:
    """The layers of a frame and their fields; what cannot be read is said, not raised."""
    return [*about(frame), *layers(frame)]


def decode_inside(frame: FrameBytes, packets: Iterable[FrameBytes], problem: str) -> list[Field]:
    """A frame of a link type that bootsniff reads through Wireshark: what stands behind its link header."""
    found = [field for packet in packets for field in layers(packet, "Addresses")]
    return [*about(frame), *found, *([("problem", problem)] if problem else [])]


def about(frame: FrameBytes) -> list[Field]:
    """What can be said of a frame without reading it."""
    kept = len(frame.data)
    cut = f" of {frame.original_length}, cut when captured" if kept < frame.original_length else ""
    return [("Frame", ""), ("link type", link_type_name(frame.link_type)), ("length", f"{kept} bytes{cut}")]


def layers(frame: FrameBytes, link: str = "Ethernet") -> Iterator[Field]:
    """`link` is the heading of the hardware addresses."""
    try:
        packet = dissect(frame.data, frame.original_length, frame.link_type)
        yield from _headers(packet, link)
        yield from _message(packet)
    except Malformed as error:
        yield "problem", str(error)


def _headers(packet: Packet, link: str) -> Iterator[Field]:
    if packet.source_mac or packet.target_mac:
        yield link, ""
        yield "from", packet.source_mac or ""
        yield "to", packet.target_mac or ""
        if packet.vlan is not None:
            yield "VLAN", str(packet.vlan)
    if packet.version:
        yield f"IPv{packet.version}", ""
        yield "from", packet.source
        yield "to", packet.target
        yield "hops left", str(packet.hops_left)
        if packet.fragment:
            more = ", more follow" if packet.more_fragments else ", the last"
            yield "fragment", f"at byte {packet.fragment_offset}{more}"
    if packet.protocol in (6, 17) and packet.source_port:
        yield ("TCP" if packet.protocol == 6 else "UDP"), ""
        yield "ports", f"{packet.source_port} to {packet.target_port}"
        yield "payload", f"{packet.payload_length} bytes"
        if packet.bad_checksum:
            yield "checksum", "wrong"
        if packet.protocol == 6:
            yield "flags", " ".join(name for bit, name in _TCP_FLAGS if packet.flags & bit)
            yield "sequence", f"{packet.sequence}, acknowledges {packet.acknowledgement}, window {packet.window}"


def _message(packet: Packet) -> Iterator[Field]:
    used = {packet.source_port, packet.target_port}
    if packet.ethertype == 0x0806:
        yield from _plain("ARP", arp.parse(packet.payload))
    elif packet.fragment_offset:
        return
    elif packet.protocol in (1, 58):
        message = icmp.parse(packet.payload, packet.version)
        if message is not None:
            yield from _plain("ICMP" if packet.protocol == 1 else "ICMPv6", message)
    elif packet.protocol == 17 and used & ports.DHCP_PORTS:
        yield from _dhcp(dhcp.parse(packet.payload))
    elif packet.protocol == 17 and used & ports.DHCPV6_PORTS:
        yield from _plain("DHCPv6", dhcpv6.parse(packet.payload))
    elif packet.protocol == 17 and ports.DNS in used:
        yield from _plain("DNS", dns.parse(packet.payload))
    elif packet.protocol == 17:
        yield from _plain("TFTP", tftp.parse(packet.payload, packet.payload_length))
    elif packet.protocol == 6 and http.begins_message(packet.payload):
        head = http.parse_head(packet.payload)
        if head is not None:
            yield from _http(head)


def _dhcp(message: DhcpMessage) -> Iterator[Field]:
    kind = dhcp_type_name(message.message_type) if message.message_type is not None else "without a type (BOOTP)"
    yield f"DHCP {kind}", ""
    pairs = (
        ("xid", f"0x{message.xid:08x}"), ("secs", str(message.secs)), ("hops", str(message.hops)),
        ("client", message.client_mac), ("ciaddr", message.client_ip), ("yiaddr", message.your_ip),
        ("siaddr", message.next_server), ("giaddr", message.relay), ("sname", message.server_name),
        ("file", message.file),
    )  # fmt: skip
    yield from ((name, value) for name, value in pairs if value)
    for code, raw in message.options:
        yield f"{code} {dhcp_option_name(code)}", option_words(message, code, raw)
    yield from (("problem", problem) for problem in message.problems)


def _http(head: HttpHead) -> Iterator[Field]:
    if head.method is not None:
        yield f"HTTP {head.method}", ""
        yield "target", head.target
    else:
        yield f"HTTP {head.status}", ""
        yield "reason", head.reason
    yield "version", head.version
    yield from head.fields


def _plain(name: str, message: Struct) -> Iterator[Field]:
    """Any message of `wire.messages`: its fields by their names, empty ones left out."""
    kind = type(message).__name__.removeprefix("Tftp") if name == "TFTP" else ""
    yield f"{name} {kind}".strip(), ""
    for field in message.__struct_fields__:
        value = getattr(message, field)
        if isinstance(value, bytes):
            value = value[:48].hex(" ") + (" …" if len(value) > 48 else "")
        elif isinstance(value, tuple) and value and all(isinstance(part, tuple) and len(part) == 2 for part in value):
            value = ", ".join(f"{first} {second}" for first, second in value)
        elif isinstance(value, tuple) and not hasattr(value, "_fields"):
            value = ", ".join(str(part) for part in value)
        elif isinstance(value, bool):
            value = "yes" if value else "no"
        if value not in (None, ""):
            yield field.replace("_", " "), str(value)


def field_rows(entries: Iterable[Field], width: int) -> list[Row]:
    """Layers as headings, fields below them."""
    rows: list[Row] = []
    for name, value in entries:
        if not value:
            rows.append(Row(line(" ", (name, "head"))))
            continue
        lead = f"   {name:<22} "
        rows += [Row(each) for each in wrapped(value, width, "error" if name == "problem" else "", first=lead)]
    return rows


def text_rows(text: str, width: int) -> list[Row]:
    """Another program's output, line for line, made safe once more."""
    out: list[Row] = []
    for each in text.splitlines()[: _LINES * 10]:
        bare = each.expandtabs(4)
        indent = " " * (1 + len(bare) - len(bare.lstrip(" ")))
        out += [Row(part) for part in wrapped(printable(bare.strip(), 4096), width, first=indent)]
    return out


def hex_rows(data: bytes, width: int) -> list[Row]:
    """Offset, bytes and characters; 16 bytes a line, 8 on narrow screens. The first 64 KiB."""
    per = 16 if width >= 75 else 8
    rows: list[Row] = []
    for start in range(0, min(len(data), 65536), per):
        piece = data[start : start + per]
        halves = [piece[:8].hex(" "), piece[8:].hex(" ")]
        text = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in piece)
        digits = f"{halves[0]:<24} {halves[1]:<24}" if per == 16 else f"{halves[0]:<24}"
        rows.append(Row(line(" ", (f"{start:04x}  ", "dim"), digits, (text, "accent"))))
    return rows


def display_filter(frames: Iterable[FrameRef], capture: int) -> str:
    """For Wireshark, opened on the capture that the frames are of."""
    numbers = sorted({frame.frame for frame in frames if frame.capture == capture})
    if len(numbers) == 1:
        return f"frame.number == {numbers[0]}"
    return f"frame.number in {{{', '.join(map(str, numbers))}}}" if numbers else ""


def machine_filter(mac: str) -> str:
    """For Wireshark: everything of one machine that can be told by its hardware address."""
    return f"eth.addr == {mac} || dhcp.hw.mac_addr == {mac}"
