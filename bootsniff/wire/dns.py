"""DNS queries and answers (RFC 1035), over UDP; stateless."""

from __future__ import annotations

from ..errors import Malformed
from ..text import printable
from .addresses import ipv4_text, ipv6_text
from .messages import DnsMessage

A, CNAME, AAAA = 1, 5, 28
_MAX_RECORDS = 64
_MAX_LABELS = 128


def parse(payload: bytes) -> DnsMessage:
    """Read a UDP payload of port 53: the first question, addresses and aliases of the answer section.

    Raises Malformed when header or question are not whole; answers are read as far as they go.
    """
    if len(payload) < 12:
        raise Malformed("DNS header is not whole")
    flags = payload[2] << 8 | payload[3]
    questions = payload[4] << 8 | payload[5]
    answers = payload[6] << 8 | payload[7]
    if questions == 0 or flags & 0x7800:  # other operations than QUERY
        raise Malformed("no DNS query")
    name, position = read_name(payload, 12)
    if position + 4 > len(payload):
        raise Malformed("DNS question is not whole")
    message = DnsMessage(
        identifier=payload[0] << 8 | payload[1],
        response=flags & 0x8000 > 0,
        rcode=flags & 15,
        name=name,
        query_type=payload[position] << 8 | payload[position + 1],
    )
    position += 4
    try:
        for _ in range(min(questions - 1, _MAX_RECORDS)):
            position = read_name(payload, position)[1] + 4
        message.addresses, message.aliases = _answers(payload, position, min(answers, _MAX_RECORDS))
    except Malformed:
        return message  # cut or broken behind the question: the question and the code still tell
    return message


def _answers(payload: bytes, position: int, count: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    addresses: list[str] = []
    aliases: list[str] = []
    for _ in range(count):
        try:
            _, position = read_name(payload, position)
        except Malformed:
            break
        start = position + 10
        if start > len(payload):
            break
        kind = payload[position] << 8 | payload[position + 1]
        size = payload[position + 8] << 8 | payload[position + 9]
        position = start + size
        if position > len(payload):
            break
        if kind == A and size == 4:
            addresses.append(ipv4_text(payload[start:position]))
        elif kind == AAAA and size == 16:
            addresses.append(ipv6_text(payload[start:position]))
        elif kind == CNAME:
            try:
                aliases.append(read_name(payload, start)[0])
            except Malformed:
                continue
    return tuple(addresses), tuple(aliases)


def read_name(data: bytes, position: int) -> tuple[str, int]:
    """A name, perhaps compressed (RFC 1035 section 4.1.4), and where what follows it begins.

    Pointers must go backwards, so that they come to an end. Raises Malformed; the root is the empty text.
    """
    labels: list[bytes] = []
    following = -1
    for _ in range(_MAX_LABELS):
        if position >= len(data):
            raise Malformed("DNS name is not whole")
        size = data[position]
        if size == 0:
            return printable(b".".join(labels)), position + 1 if following < 0 else following
        if size >= 0xC0:
            if position + 1 >= len(data):
                raise Malformed("DNS name is not whole")
            target = (size & 0x3F) << 8 | data[position + 1]
            if target >= position:
                raise Malformed("DNS name points forward")
            following = position + 2 if following < 0 else following
            position = target
            continue
        start = position + 1
        position = start + size
        if size >= 0x40 or position > len(data):
            raise Malformed("DNS label is not whole")
        labels.append(data[start:position])
    raise Malformed("DNS name without end")
