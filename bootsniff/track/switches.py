"""Switches that provision themselves (ONIE, Arista, Cisco, Juniper): who they are, and where one stands. Pure functions."""

from __future__ import annotations

from ..flow.records import TftpTransfer
from .patience import KERNEL_SILENCE, NAMES_SILENCE
from .records import FetchRecord, StageRecord
from .state import ANSWERED, DONE, LOADED, StageState, is_over

_VENDORS = ("onie_vendor", "Arista", "ciscopnp", "Juniper", "cumulus", "Cumulus")


def is_switch(stage: StageRecord) -> bool:
    """Whether this is the zero-touch provisioning of a switch, by its vendor class."""
    return (stage.vendor_class or "").startswith(_VENDORS)


def switch_state(stage: StageRecord, now: int) -> StageState | None:
    """What its fetches came to: an installer or a script that came whole is run; None where they are like any other's.

    ONIE goes through a list of names, most of which are not there, on one server after the other, and for ever: it is
    stalled once it begins anew with the list and nothing came.
    """
    useful = [fetch for fetch in stage.fetches if fetch.useful]
    if not useful:
        return None
    last = useful[-1]
    if last.status == "complete" and last.content is not None and last.content.kind != "empty":
        if is_over(last.end, KERNEL_SILENCE, now):
            return StageState(DONE, handed_off=True)
        return StageState(LOADED, waiting_for="what it runs", check_at=last.end + KERNEL_SILENCE + 1)
    refused = _refused_all(useful)
    if refused is not None:
        return StageState(ANSWERED, failed=True, point="tftp" if isinstance(refused.flow, TftpTransfer) else "http")
    if last.status == "failed" and not is_over(last.end, NAMES_SILENCE, now):
        return StageState(ANSWERED, waiting_for="the next name it tries", check_at=last.end + NAMES_SILENCE + 1)
    return None


def _refused_all(useful: list[FetchRecord]) -> FetchRecord | None:
    """The latest name that was refused, when one was refused before and nothing came."""
    refused = [fetch for fetch in useful if fetch.status == "failed"]
    if any(fetch.status == "complete" for fetch in useful):
        return None
    return refused[-1] if len({fetch.name for fetch in refused}) < len(refused) else None
