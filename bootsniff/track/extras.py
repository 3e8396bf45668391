"""What a program asks for and does as well without; pure functions of the records."""

from __future__ import annotations

from ..flow.records import TftpTransfer
from .kinds import is_u_boot
from .naming import is_os_extra, is_raspberry_name, is_sum
from .records import FetchRecord, StageRecord

NOT_FOUND_ROLES = frozenset({"optional", "config-search"})
NOT_FOUND_TFTP = frozenset({0, 1, 2})
"""Servers answer a missing file with ERROR 1; some say 0 (not defined) or 2 (access violation) for it."""


def may_be_missing(fetch: FetchRecord) -> bool:
    """Whether whoever asks for this file does as well without it."""
    if fetch.role in NOT_FOUND_ROLES:
        return True
    return (fetch.role in ("os", "other") and is_os_extra(fetch.name)) or (fetch.role == "os" and is_sum(fetch.name))


def does_without(stage: StageRecord, fetch: FetchRecord) -> bool:
    """A missing file that this program, as later fetches show, does not need.

    The Raspberry Pi's ROM asks below its serial number first, then in the root, for several names of one thing. Of
    the file that DHCP names U-Boot may only take the directory in which it looks for `pxelinux.cfg/`.
    """
    flow = fetch.flow
    if not isinstance(flow, TftpTransfer) or flow.error is None or flow.error_by_client:
        return False
    if flow.error.code not in NOT_FOUND_TFTP:
        return False
    return (stage.client == "raspberry-pi" and is_raspberry_name(fetch.name)) or (
        is_u_boot(stage.client) and fetch.role == "boot-file"
    )
