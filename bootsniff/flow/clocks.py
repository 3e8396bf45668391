"""By how much the clocks of two captures differ, told by packets that both hold; no conversation is known here.

Numbers that were drawn at random tell that a packet in one capture is the one in the other: xids, sequence numbers of
SYNs (which pass a NAT unchanged), ports, IP identifications. Firmware may draw the same ones with every power-on, which
would make two boots look like one: nearly all that both captures could share has to fit, and either numbers that servers
drew are among it, or all is apart by the same time, more exactly than any machine boots twice.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Hashable, Iterator
from itertools import islice
from operator import itemgetter
from typing import Final, NamedTuple

import numpy as np

from ..errors import Malformed
from ..model import NANOSECONDS, Block
from ..wire import dhcp, dhcpv6
from ..wire.columns import TCP, UDP, Columns
from .ports import DHCP_PORTS, DHCPV6_PORTS

MAX_MARKS: Final = 65_536
MAX_SIGHTINGS: Final = 8
"""How often a packet is noted: a bridge and its ports show it at once, firmware repeats it with pauses."""
MAX_GAPS: Final = 1 << 18
"""Pairs of sightings that are compared."""
JITTER: Final = NANOSECONDS // 100
"""What packets that servers answered may take more or less between two capture points."""
EXACT: Final = NANOSECONDS // 1000
"""The same of packets that no server answered."""
AGREED: Final = 2 * JITTER
"""Clocks that differ by less are as good as one."""
ENOUGH: Final = 4
"""Packets that must fit."""
DRAWN: Final = 2
"""Those of servers among them."""
SHARE: Final = 0.75
"""Of what either capture holds while both ran."""

Mark = tuple[str, Hashable]
"""What kind of packet it is, and of which machine where that shows everywhere; what makes it the only one."""
Seen = dict[Mark, list[int]]

_SYN, _ACK = 2, 16
_TFTP_PORT = 69
_FIRST_DATA = 3 << 16 | 1
_ANSWERS = (5, 6)
"""TFTP's ERROR and OACK."""
_OF_MACHINE, _BY_SERVER = "dhcp ", "server "


class Marks:
    """The packets of a capture that are hardly ever the same twice."""

    def __init__(self) -> None:
        self.seen: Seen = {}
        """When each was seen, ns, in the order of the capture."""

    def note(self, block: Block) -> None:
        """Take the marks of a block."""
        columns = Columns.of(block)
        ports = (columns.source_port, columns.target_port)
        leases = [np.isin(side, sorted(DHCP_PORTS | DHCPV6_PORTS)) for side in ports]
        answers = np.isin(columns.head >> np.uint32(16), _ANSWERS) | (columns.head == _FIRST_DATA)
        wanted = (columns.protocol == UDP) & (leases[0] | leases[1] | (ports[1] == _TFTP_PORT) | answers)
        wanted |= (columns.protocol == TCP) & (columns.flags & _SYN != 0)
        for index in np.flatnonzero(wanted).tolist():
            if len(self.seen) >= MAX_MARKS:
                return
            for mark in _marks(block, columns, index):
                times = self.seen.setdefault(mark, [])
                if len(times) < MAX_SIGHTINGS:
                    times.append(int(block.time[index]))


def _marks(block: Block, columns: Columns, index: int) -> Iterator[Mark]:
    if columns.protocol[index] == TCP:
        number = int(columns.sequence[index])
        if not columns.flags[index] & _ACK:
            yield "SYN", number
        elif number & 0xFFFF > 1:  # QEMU's own network counts from 1 in steps of 64 KiB (libslirp tcp_subr.c)
            yield f"{_BY_SERVER}SYN, ACK", number
        return
    header = int(columns.l3[index])
    start = header + (40 if columns.version[index] == 6 else (block.buffer[header] & 15) * 4) + 8
    payload = bytes(block.buffer[start : int(block.offset[index] + block.captured[index])])
    packet = int(columns.identification[index])
    ports = int(columns.source_port[index]), int(columns.target_port[index])
    try:
        if not DHCP_PORTS.isdisjoint(ports):
            lease = dhcp.parse(payload)
            yield _OF_MACHINE + lease.client_mac, (lease.op, lease.xid, lease.secs, lease.message_type)
            if lease.op == 2 and packet:
                yield f"{_BY_SERVER}DHCP", (packet, lease.xid)
        elif not DHCPV6_PORTS.isdisjoint(ports):
            message = dhcpv6.parse(payload)
            yield f"{_OF_MACHINE}{message.client_duid!r}", (message.type, message.xid)
        elif _TFTP_PORT in ports:
            yield "request", (packet, ports[0], payload)
        else:
            yield f"{_BY_SERVER}TFTP", (packet, ports, payload[:4])
    except Malformed:
        return


class _Fit(NamedTuple):
    """A shift, ns, and the packets that agree on it."""

    shift: int
    marks: set[Mark]


def clock_shift(reference: Seen, other: Seen) -> int | None:
    """What has to be added to the other capture's times, ns; None when the packets do not tell, 0 when nothing."""
    pairs = (
        (known - time, mark)
        for mark, times in other.items()
        if mark in reference
        for time in times
        for known in reference[mark]
    )
    gaps = sorted(islice(pairs, MAX_GAPS), key=itemgetter(0))
    for width, drawn in ((JITTER, DRAWN), (EXACT, 0)):
        fit = _best(gaps, width)
        enough = len(fit.marks) >= max(ENOUGH, SHARE * _shared(reference, other, fit)) if fit.marks else False
        if enough and sum(kind.startswith(_BY_SERVER) for kind, _ in fit.marks) >= drawn:
            return fit.shift if abs(fit.shift) >= AGREED else 0
    return None


def _best(gaps: list[tuple[int, Mark]], width: int) -> _Fit:
    """What most of the gaps agree on within `width` ns; of several, the first."""
    apart = [gap for gap, _ in gaps]
    begin = size = 0
    for start, gap in enumerate(apart):
        count = bisect_right(apart, gap + width) - start
        if count > size:
            begin, size = start, count
    return _Fit(apart[begin + size // 2] if apart else 0, {mark for _, mark in gaps[begin : begin + size]})


def _shared(reference: Seen, other: Seen, fit: _Fit) -> int:
    """How many packets both could hold, if it fits: of each kind as many as the one that holds fewer."""
    spans = [_span(reference, 0), _span(other, fit.shift)]
    first, last = max(span[0] for span in spans) - JITTER, min(span[1] for span in spans) + JITTER
    kinds, others = (
        Counter(kind for (kind, _), times in seen.items() if any(first <= time + shift <= last for time in times))
        for seen, shift in ((reference, 0), (other, fit.shift))
    )
    fitted = {kind for kind, _ in fit.marks}
    # A NAT may change the ports of all requests; a machine's DHCP is the same everywhere.
    comparable = [kind for kind in kinds.keys() & others.keys() if kind in fitted or kind.startswith(_OF_MACHINE)]
    return sum(min(kinds[kind], others[kind]) for kind in comparable)


def _span(seen: Seen, shift: int) -> tuple[int, int]:
    return min(times[0] for times in seen.values()) + shift, max(times[-1] for times in seen.values()) + shift
