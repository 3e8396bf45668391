"""Spanning tree BPDUs (IEEE 802.1D clause 9): only what tells whether a switch port forwards. Stateless."""

from __future__ import annotations

from ..errors import Malformed
from .messages import Bpdu

RAPID = 2
"""BPDU type of RSTP and MSTP; the older configuration BPDU (type 0) does not tell its port's state."""
FORWARDING = 0x20


def parse(data: bytes) -> Bpdu:
    """Read a BPDU without its LLC header. Raises Malformed when it is none."""
    if len(data) < 5 or data[:2] != b"\0\0":
        raise Malformed("no spanning tree BPDU")
    version, kind, flags = data[2], data[3], data[4]
    return Bpdu(version, bool(flags & FORWARDING) if kind == RAPID else None)
