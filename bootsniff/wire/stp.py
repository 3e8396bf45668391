"""Spanning tree BPDUs (IEEE 802.1D clause 9): only what tells whether a switch port forwards. Stateless."""

from __future__ import annotations

from ..errors import Malformed
from ..model import NANOSECONDS
from .messages import Bpdu

RAPID, CONFIGURATION = 2, 0
"""BPDU types: of RSTP and MSTP, and the older one, which does not tell its port's state."""
TOPOLOGY_CHANGE, FORWARDING = 0x01, 0x20
_DELAY = slice(33, 35)
"""Forward delay in units of 1/256 s (IEEE 802.1D clause 9.3.1)."""


def parse(data: bytes) -> Bpdu:
    """Read a BPDU without its LLC header. Raises Malformed when it is none."""
    if len(data) < 5 or data[:2] != b"\0\0":
        raise Malformed("no spanning tree BPDU")
    version, kind, flags = data[2], data[3], data[4]
    forwarding = bool(flags & FORWARDING) if kind == RAPID else None
    tells = kind in (RAPID, CONFIGURATION) and len(data) >= _DELAY.stop
    delay = int.from_bytes(data[_DELAY], "big") * NANOSECONDS // 256 if tells else 0
    return Bpdu(version, forwarding, bool(flags & TOPOLOGY_CHANGE), delay)
