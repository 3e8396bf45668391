"""By how much the clocks of two captures differ, told by packets that both hold; no conversation is known here.

Numbers that were drawn at random tell that a packet in one capture is the one in the other: xids, sequence numbers of
SYNs (which pass a NAT unchanged), ports, IP identifications. Firmware may draw the same ones with every power-on, which
would make two boots look like one (iPXE for EFI does, and keeps its times to 0.3 ms): nearly all that both captures
could share has to fit, and either numbers that servers drew are among it, or it is apart by the very same time and holds
all that machines ask by DHCP.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Hashable, Iterator
from itertools import islice
from operator import itemgetter
from typing import Final

import numpy as np

from ..errors import Malformed
from ..model import NANOSECONDS, Block
from ..wire import dhcp, dhcpv6, ports
from ..wire.columns import TCP, UDP, Columns
from ..wire.messages import Dhcpv6Type
from ..wire.ports import DHCP_PORTS, DHCPV6_PORTS
from .connection import ACK, SYN

MAX_MARKS: Final = 65_536
MAX_VALUE: Final = 512
"""Bytes that are kept of a request (RFC 2347 allows no more), or of a DUID."""
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
LONGEST: Final = 70 * 365 * 86_400 * NANOSECONDS
"""A board without a clock of its own believes that it is 1970; more than that is no clock."""
ENOUGH: Final = 4
"""Packets that must fit; what a server drew counts twice."""
DRAWN: Final = 2
"""Those of servers among them."""
SHARE: Final = 0.75
"""Of what either capture holds while both ran."""

Mark = tuple[str, Hashable]
"""What kind of packet it is, and of which machine where that shows everywhere; what makes it the only one."""
Seen = dict[Mark, list[int]]

_FIRST_DATA = 3 << 16 | 1
_ANSWERS = (5, 6)
"""TFTP's ERROR and OACK."""
_ASKS, _IS_TOLD, _BY_SERVER = "asks ", "is told ", "server "
_TFTP, _ACCEPTED = f"{_BY_SERVER}TFTP", f"{_BY_SERVER}SYN, ACK"
_OPENED, _REQUEST = "SYN", "request"


class Marks:
    """The packets of a capture that are hardly ever the same twice."""

    def __init__(self) -> None:
        self.seen: Seen = {}
        """When each was seen, ns, in the order of the capture."""

    def note(self, block: Block) -> None:
        """Take the marks of a block."""
        columns = Columns.of(block)
        used = (columns.source_port, columns.target_port)
        leases = [np.isin(side, sorted(DHCP_PORTS | DHCPV6_PORTS)) for side in used]
        answers = np.isin(columns.head >> np.uint32(16), _ANSWERS) | (columns.head == _FIRST_DATA)
        wanted = (columns.protocol == UDP) & (leases[0] | leases[1] | (used[1] == ports.TFTP) | answers)
        wanted |= (columns.protocol == TCP) & (columns.flags & SYN != 0)
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
        if not columns.flags[index] & ACK:
            yield _OPENED, number
        elif number & 0xFFFF > 1:  # QEMU's own network counts from 1 in steps of 64 KiB (libslirp tcp_subr.c)
            yield _ACCEPTED, number
        return
    header = int(columns.l3[index])
    start = header + (40 if columns.version[index] == 6 else (block.buffer[header] & 15) * 4) + 8
    payload = bytes(block.buffer[start : int(block.offset[index] + block.captured[index])])
    packet = int(columns.identification[index])
    used = int(columns.source_port[index]), int(columns.target_port[index])
    try:
        if not DHCP_PORTS.isdisjoint(used):
            lease = dhcp.parse(payload)
            kind = _ASKS if lease.op == 1 else _IS_TOLD
            yield kind + lease.client_mac, (lease.xid, lease.secs, lease.message_type)
            if lease.op == 2 and packet and lease.relay is None:  # a relay sends it on in a packet of its own
                yield f"{_BY_SERVER}DHCP", (packet, lease.xid)
        elif not DHCPV6_PORTS.isdisjoint(used):
            message = dhcpv6.parse(payload)
            kind = _IS_TOLD if message.type in Dhcpv6Type.FROM_SERVER else _ASKS
            yield f"{kind}{(message.client_duid or b'')[:MAX_VALUE]!r}", (message.type, message.xid)
        elif ports.TFTP in used:
            yield _REQUEST, (packet, used[0], payload[:MAX_VALUE])
        else:
            yield _TFTP, (packet, used, payload[:4])
    except Malformed:
        return


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
    apart = [gap for gap, _ in gaps]
    shift = _most(apart, JITTER)
    fitting = _around(gaps, shift, JITTER)
    if not (_drawn(fitting) >= DRAWN and _fits(reference, other, shift, fitting)):
        shift = _most(apart, EXACT)
        fitting = _around(gaps, shift, EXACT)
        asked = _around(gaps, shift, JITTER)
        if not (_fits(reference, other, shift, fitting) and _asks_alike(reference, other, shift, asked)):
            return None
    return shift if AGREED <= abs(shift) <= LONGEST else 0


def _most(apart: list[int], width: int) -> int:
    """What most of the gaps agree on within `width` ns; of several, the first. 0 when there are none."""
    begin = size = 0
    for start, gap in enumerate(apart):
        count = bisect_right(apart, gap + width) - start
        if count > size:
            begin, size = start, count
    return apart[begin + size // 2] if apart else 0


def _around(gaps: list[tuple[int, Mark]], shift: int, width: int) -> set[Mark]:
    return {mark for gap, mark in gaps if abs(gap - shift) <= width}


def _drawn(marks: set[Mark]) -> int:
    """How many of them bear what a server drew; two of 16 bits are as good as a sequence number."""
    return sum(DRAWN if kind == _ACCEPTED else kind.startswith(_BY_SERVER) for kind, _ in marks)


def _fits(reference: Seen, other: Seen, shift: int, fitting: set[Mark]) -> bool:
    """Whether what both captures could hold, while both ran, is in both: of each kind as many as the one with fewer holds."""
    if len(fitting) + _drawn(fitting) < ENOUGH:
        return False
    one, two = _meanwhile(reference, other, shift)
    # A NAT may change the ports of all requests and answers; what else servers draw, and DHCP, is the same everywhere.
    moved = {_OPENED, _REQUEST, _TFTP} - {kind for kind, _ in fitting}
    return len(fitting) >= SHARE * sum(min(one[kind], two[kind]) for kind in one.keys() & two.keys() - moved)


def _asks_alike(reference: Seen, other: Seen, shift: int, fitting: set[Mark]) -> bool:
    """Whether what each machine asked by DHCP, while both captures ran, is in both."""
    one, two = _meanwhile(reference, other, shift)
    fitted = Counter(kind for kind, _ in fitting)
    kinds = [kind for kind in one.keys() & two.keys() if kind.startswith(_ASKS)]
    return all(fitted[kind] >= SHARE * max(one[kind], two[kind]) for kind in kinds)


def _meanwhile(reference: Seen, other: Seen, shift: int) -> tuple[Counter[str], Counter[str]]:
    """How many packets of each kind either capture holds of the time in which both ran."""
    spans = [_span(reference, 0), _span(other, shift)]
    first, last = max(span[0] for span in spans) - JITTER, min(span[1] for span in spans) + JITTER
    one, two = (
        Counter(kind for (kind, _), times in seen.items() if any(first <= time + move <= last for time in times))
        for seen, move in ((reference, 0), (other, shift))
    )
    return one, two


def _span(seen: Seen, shift: int) -> tuple[int, int]:
    return min(times[0] for times in seen.values()) + shift, max(times[-1] for times in seen.values()) + shift
