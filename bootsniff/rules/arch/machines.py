"""For which processor a program is, and which one the client has; reads records, never changes them."""

from __future__ import annotations

from ...track.arrived import BYTE_CODE, MACHINES
from ...track.kinds import architecture
from ...track.records import FetchRecord
from .. import names
from ..case import Case

SPOKEN = {0x014C: "IA32", 0x8664: "x86-64", 0xAA64: "ARM64", 0x01C0: "ARM", 0x01C2: "ARM", 0x01C4: "ARM", 0x5064: "RISC-V 64",
           0x5032: "RISC-V 32", 0x6264: "LoongArch 64"}  # fmt: skip


def machines_of(case: Case) -> tuple[int, ...] | None:
    """The PE machine types that a client can start, None when nobody knows."""
    return MACHINES.get(architecture(case.client if case.is_efi else case.firmware) or "")


def is_for_another(case: Case, fetch: FetchRecord) -> bool:
    """Whether a file that came whole is a program for another processor."""
    content, wanted = fetch.content, machines_of(case)
    if fetch.status != "complete" or content is None or content.machine is None or not names.is_body(fetch):
        return False
    if wanted is None or content.kind not in ("pe", "linux-kernel"):
        return False
    return content.machine not in wanted and content.machine != BYTE_CODE
