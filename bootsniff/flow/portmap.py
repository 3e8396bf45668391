"""Questions to portmappers: a question, its repetitions and the answer; no more of NFS is read."""

from __future__ import annotations

from ..errors import Malformed
from ..wire import portmap, ports
from ..wire.messages import Envelope, IcmpMessage
from .notes import frame_of, notice, remember
from .records import Event, PortLookup

MAX_LOOKUPS = 1024

_Key = tuple[int, str, str, int]


class PortmapFlows:
    """The latest look-ups of one capture."""

    def __init__(self) -> None:
        self._lookups: dict[_Key, PortLookup] = {}

    def packet(self, envelope: Envelope, payload: bytes, out: list[Event]) -> bool:
        """Take a UDP packet from or to port 111; False when it is something else."""
        try:
            message = portmap.parse(payload)
        except Malformed:
            return False
        asks = isinstance(message, portmap.PortCall)
        client, server = (envelope.source, envelope.target) if asks else (envelope.target, envelope.source)
        key = (envelope.point, client, server, message.transaction)
        lookup = self._lookups.get(key)
        if isinstance(message, portmap.PortReply):
            if lookup is not None and lookup.reply is None:
                lookup.registered, lookup.reply = message.registered, frame_of(envelope)
                out.append(Event(envelope, lookup, "ended"))
            return True
        known = lookup is not None and lookup.reply is None
        if lookup is None or not known:
            self._lookups.pop(key, None)
            lookup = self._lookups[key] = PortLookup(client, envelope.source_mac, server, message.program)
            if len(self._lookups) > MAX_LOOKUPS:
                del self._lookups[next(iter(self._lookups))]
        remember(lookup.queries, frame_of(envelope))
        lookup.query_count += 1
        out.append(Event(envelope, lookup, "changed" if known else "opened"))
        return True

    def icmp(self, envelope: Envelope, message: IcmpMessage, out: list[Event]) -> bool:
        """Take an ICMP error that quotes a packet to port 111; False when no look-up fits."""
        quoted = message.quoted
        if quoted is None or quoted.target_port != ports.PORTMAP:
            return False
        for key, lookup in reversed(self._lookups.items()):
            if key[:3] == (envelope.point, quoted.source, quoted.target):
                notice(lookup.icmp, envelope, message)
                out.append(Event(envelope, lookup, "changed"))
                return True
        return False
