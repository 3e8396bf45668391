"""DNS look-ups: a question, its repetitions and the answer (RFC 1035)."""

from __future__ import annotations

from ..errors import Malformed
from ..model import NANOSECONDS
from ..wire import dns, ports
from ..wire.messages import Envelope, IcmpMessage
from .notes import frame_of, notice, remember
from .records import DnsLookup, Event

MAX_LOOKUPS = 4096
IDLE = 60 * NANOSECONDS
"""A question asked again after so long a silence is another look-up."""

_Key = tuple[int, str, str, str, int]


class DnsFlows:
    """All look-ups of one capture that wait for an answer, or had one lately."""

    def __init__(self) -> None:
        self._lookups: dict[_Key, DnsLookup] = {}

    def packet(self, envelope: Envelope, payload: bytes, out: list[Event]) -> None:
        """Take a UDP packet from or to port 53."""
        try:
            message = dns.parse(payload)
        except Malformed:
            return
        client, server = (envelope.target, envelope.source) if message.response else (envelope.source, envelope.target)
        key = (envelope.point, client, server, message.name.lower(), message.query_type)
        lookup = self._lookups.get(key)
        at = frame_of(envelope)
        if message.response:
            if lookup is not None and lookup.answer is None:
                lookup.answer, lookup.answer_at, lookup.last = message, at, at
                out.append(Event(envelope, lookup, "ended"))
            return
        if lookup is not None and lookup.answer is None and abs(envelope.time - lookup.last.time) <= IDLE:
            change = "changed"
        else:
            lookup = DnsLookup(client, envelope.source_mac, server, message.name, message.query_type, envelope.point)
            self._lookups.pop(key, None)
            self._lookups[key] = lookup
            if len(self._lookups) > MAX_LOOKUPS:
                del self._lookups[next(iter(self._lookups))]
            change = "opened"
        remember(lookup.queries, at)
        lookup.query_count += 1
        lookup.last = at
        out.append(Event(envelope, lookup, "opened" if change == "opened" else "changed"))

    def icmp(self, envelope: Envelope, message: IcmpMessage, out: list[Event]) -> bool:
        """Take an ICMP error that quotes a packet to port 53; False when no look-up fits."""
        quoted = message.quoted
        if quoted is None or quoted.target_port != ports.DNS:
            return False
        name = None
        try:
            question = dns.parse(quoted.payload)
            name = (question.name.lower(), question.query_type)
        except Malformed:
            pass  # most quotes end before the question does
        for key, lookup in reversed(self._lookups.items()):
            if key[:3] == (envelope.point, quoted.source, quoted.target) and name in (None, key[3:]):
                notice(lookup.icmp, envelope, message)
                lookup.last = frame_of(envelope)
                out.append(Event(envelope, lookup, "changed"))
                return True
        return False
