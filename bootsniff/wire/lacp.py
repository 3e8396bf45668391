"""LACPDUs (IEEE 802.1AX clause 6.4.2.3): only whether the port that sent one has found a partner. Stateless."""

from __future__ import annotations

from ..errors import Malformed
from .messages import Lacpdu

SUBTYPE = 1
_ACTOR, _PARTNER, _LENGTH = 1, 2, 20
"""Types and length of the two descriptions behind subtype and version."""
_SYSTEM, _STATE = slice(4, 10), 16
"""System identifier and state inside a description."""
_COLLECTING_DISTRIBUTING = 0x30


def parse(data: bytes) -> Lacpdu:
    """Read a slow protocol's frame behind its ethertype. Raises Malformed when it is no LACPDU."""
    if len(data) < 2 + 2 * _LENGTH or data[0] != SUBTYPE:
        raise Malformed("no LACPDU")
    actor, partner = data[2 : 2 + _LENGTH], data[2 + _LENGTH : 2 + 2 * _LENGTH]
    if actor[:2] != bytes((_ACTOR, _LENGTH)) or partner[:2] != bytes((_PARTNER, _LENGTH)):
        raise Malformed("an LACPDU without actor and partner")
    return Lacpdu(
        has_partner=any(partner[_SYSTEM]),
        carries=actor[_STATE] & _COLLECTING_DISTRIBUTING == _COLLECTING_DISTRIBUTING,
    )
