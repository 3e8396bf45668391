"""The one iSCSI message that tells why there is no disk: the target's answer to a login (RFC 7143 section 11.13); stateless."""

from __future__ import annotations

_LOGIN_RESPONSE = 0x23
_HEADER = 48
_STATUS_CLASS, _STATUS_DETAIL = 36, 37
_INITIATOR_ERROR, _TARGET_ERROR = 2, 3
_CLASSES = {_INITIATOR_ERROR: "initiator error", _TARGET_ERROR: "target error"}
_WORDS = {
    (2, 1): "authentication failed",
    (2, 2): "this initiator is not allowed",
    (2, 3): "no target of this name",
    (2, 4): "the target was removed",
    (2, 5): "unsupported version",
    (2, 6): "too many connections",
    (2, 7): "a parameter is missing",
    (3, 1): "service unavailable",
    (3, 2): "out of resources",
}


def login_refusal(data: bytes) -> tuple[int, int] | None:
    """Status class and detail of a login response at the start of a segment that says no; None for anything else."""
    if len(data) < _HEADER or data[0] & 0x3F != _LOGIN_RESPONSE:
        return None
    status = data[_STATUS_CLASS], data[_STATUS_DETAIL]
    return status if status[0] in _CLASSES else None


def words(status: tuple[int, int]) -> str:
    """What a login response's status says."""
    return _WORDS.get(status) or f"{_CLASSES.get(status[0], f'status class {status[0]}')}, detail {status[1]}"
