"""A DHCP request and its reply side by side, decoded and raw, with what the client needs and does not get marked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ...errors import Malformed
from ...model import FrameBytes
from ...wire import dhcp, dhcp_options, urls
from ...wire.dhcp_describe import option_words
from ...wire.dissect import dissect
from ...wire.messages import DhcpMessage, DhcpType
from ...wire.numbers import dhcp_option_name, dhcp_type_name
from ..lines import Line, Row, Span, Tone, cut, fit, line, wrap, wrapped
from .packet import decode


class Entry(NamedTuple):
    """One line of the comparison; `mark` says what is wrong with it, empty when nothing is."""

    name: str
    request: str
    reply: str
    mark: str
    raw: tuple[bytes, bytes] = (b"", b"")


def message_of(frame: FrameBytes | None) -> DhcpMessage | None:
    """The DHCPv4 message in a frame, None when there is none that can be read."""
    if frame is None:
        return None
    try:
        packet = dissect(frame.data, frame.original_length, frame.link_type)
        if packet.protocol != 17 or packet.fragment_offset:
            return None
        return dhcp.parse(packet.payload)
    except Malformed:
        return None


def compare(request: DhcpMessage | None, reply: DhcpMessage | None) -> list[Entry]:
    """Header fields, then every option of either message in order of its code."""
    answers = reply is not None and reply.op == 2 and reply.message_type in (None, DhcpType.OFFER, DhcpType.ACK)
    marks = dict(_missing(request, reply)) if request and reply and answers else {}
    entries = [
        Entry(name, _field(request, name), _field(reply, name), marks.get(name, ""))
        for name in ("message", "xid", "secs", "ciaddr", "yiaddr", "siaddr", "giaddr", "sname", "file")
        if name in marks or _field(request, name) or _field(reply, name)
    ]
    codes = sorted({*(request.options.codes if request else b""), *(reply.options.codes if reply else b""),
                    *(code for code in marks if isinstance(code, int)), *_unanswered(request, reply)})  # fmt: skip
    for code in codes:
        raw = (_raw(request, code), _raw(reply, code))
        words = tuple(
            option_words(message, code, value) if message and value is not None else ""
            for message, value in zip((request, reply), raw, strict=True)
        )
        if request and reply and answers and code not in reply.options and code in dhcp_options.parameter_list(request):
            words = (words[0], "(asked for, not given)")
        name = f"{code} {dhcp_option_name(code)}"
        entries.append(Entry(name, words[0], words[1], marks.get(code, ""), (raw[0] or b"", raw[1] or b"")))
    for message, side in ((request, "request"), (reply, "reply")):
        entries += [Entry(side, "", "", problem) for problem in (message.problems if message else ())]
    return entries


def _unanswered(request: DhcpMessage | None, reply: DhcpMessage | None) -> list[int]:
    """Options of booting that the client asked for and did not get."""
    if request is None or reply is None:
        return []
    return [
        code for code in dhcp_options.parameter_list(request) if code in (43, 60, 66, 67) and code not in reply.options
    ]


def _raw(message: DhcpMessage | None, code: int) -> bytes | None:
    return message.options.get(code) if message else None


def _field(message: DhcpMessage | None, name: str) -> str:
    if message is None:
        return ""
    values = {
        "message": dhcp_type_name(message.message_type) if message.message_type is not None else f"BOOTP {message.op}",
        "xid": f"0x{message.xid:08x}",
        "secs": str(message.secs),
        "ciaddr": message.client_ip,
        "yiaddr": message.your_ip,
        "siaddr": message.next_server,
        "giaddr": message.relay,
        "sname": message.server_name,
        "file": message.file,
    }
    return values[name] or ""


def _missing(request: DhcpMessage, reply: DhcpMessage) -> Iterator[tuple[int | str, str]]:
    """What the client needs of this reply and does not find in it."""
    kind = dhcp_options.vendor_class(request) or ""
    echoed = dhcp_options.vendor_class(reply) or ""
    ipxe = dhcp_options.names_ipxe(dhcp_options.user_class(request)) or 175 in request.options
    named = dhcp_options.boot_file(reply)
    name = named[0] if named else None
    place: int | str = "file" if named and named[1] == "file" else 67
    is_url = bool(name) and "://" in str(name)
    if kind.startswith("HTTPClient") and not ipxe:
        if not echoed.startswith("HTTPClient"):
            yield 60, "the client takes only replies that say HTTPClient here"
        if not name:
            yield 67, "no boot file: the client needs a URL here"
        elif not is_url:
            yield place, "the client needs a URL here, this is a path"
    elif kind.startswith("PXEClient") and not ipxe:
        if is_url:
            yield place, "the client takes a TFTP path here, this is a URL"
        elif not name and 43 not in reply.options:
            yield 67, "no boot file named, and no PXE options (43) either"
        if name and not is_url and not reply.next_server:
            yield "siaddr", "no TFTP server named: the client asks the DHCP server itself"
    if is_url and 6 not in reply.options and urls.is_name(urls.host_of(str(name))):
        yield 6, "the URL has a host name, and no name server is given"


def compare_fields(request: FrameBytes | None, reply: FrameBytes | None) -> list[Entry]:
    """Two frames of another protocol (DHCPv6) by the names of their fields, headers left out."""
    sides = [_fields_of(frame) for frame in (request, reply)]
    names = list(dict.fromkeys([*sides[0], *sides[1]]))
    return [Entry(name, sides[0].get(name, ""), sides[1].get(name, ""), "") for name in names]


def _fields_of(frame: FrameBytes | None) -> dict[str, str]:
    out: dict[str, str] = {}
    inside = False
    for name, value in decode(frame) if frame else ():
        inside = inside or (not value and name.startswith("DHCP"))
        if inside and value:
            out[name] = value
    return out


def option_rows(entries: list[Entry], heads: tuple[str, str], width: int, *, raw: bool, about: str = "") -> list[Row]:
    """The comparison as columns: name, request, reply; marks and, if asked for, the bytes below."""
    left = min(26, max(12, width // 4))
    half = max(8, (width - left - 4) // 2)
    head = line(" ", (fit("", left), ""), " ", (fit(heads[0], half), "head"), " ", (fit(heads[1], half), "head"))
    rows = [Row(line(" ", (cut(about, width - 1), "dim")))] if about else []
    rows.append(Row(head))
    for entry in entries:
        if entry.mark:
            rows[-1:-1] = [Row(each) for each in wrapped(f"{entry.name}: {entry.mark}", width, "error", first=" ! ")]
    for number, entry in enumerate(entries):
        rows += [Row(each, number) for each in _entry_lines(entry, left, half, raw=raw)]
    return rows


def _entry_lines(entry: Entry, left: int, half: int, *, raw: bool) -> Iterator[Line]:
    texts = [wrap(entry.request, half), wrap(entry.reply, half)]
    tone: Tone = "error" if entry.mark else ""
    sign = "!" if entry.mark else " "
    for number in range(max(len(texts[0]), len(texts[1]), 1)):
        cells = [text[number] if number < len(text) else "" for text in texts]
        yield (
            Span(" "),
            Span(fit(sign + entry.name if not number else "", left), tone or "dim"),
            Span(" "),
            Span(fit(cells[0], half)),
            Span(" "),
            Span(fit(cells[1], half), tone if not entry.reply else ""),
        )
    if raw and any(entry.raw):
        pieces = [wrap(value.hex(" "), half) if value else [""] for value in entry.raw]
        for number in range(max(map(len, pieces))):
            cells = [piece[number] if number < len(piece) else "" for piece in pieces]
            yield line(" " * (left + 2), (fit(cells[0], half), "dim"), " ", (fit(cells[1], half), "dim"))
