"""EAP over LAN (IEEE 802.1X clause 11.3, RFC 3748 section 4): only who asks, who answers and how it ends. Stateless."""

from __future__ import annotations

from ..errors import Malformed
from .messages import Eap

EAP, START = 0, 1
"""Packet types that tell of an authentication; others carry keys."""
REQUEST, RESPONSE, SUCCESS, FAILURE = 1, 2, 3, 4
_HEAD = 4
"""Bytes of either header: version, type and length; code, identifier and length."""


def parse(data: bytes) -> Eap:
    """Read an EAPOL frame behind its ethertype. Raises Malformed when it holds no EAP, and does not begin it either."""
    if len(data) < _HEAD or data[1] not in (EAP, START):
        raise Malformed("no EAP over LAN")
    if data[1] == START:
        return Eap(by_authenticator=False)
    if len(data) < 2 * _HEAD or data[_HEAD] not in (REQUEST, RESPONSE, SUCCESS, FAILURE):
        raise Malformed("an EAP packet without a code")
    code = data[_HEAD]
    return Eap(by_authenticator=code != RESPONSE, ends=code in (SUCCESS, FAILURE), succeeds=code == SUCCESS)
