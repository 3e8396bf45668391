"""How far fetches came, where they failed, and what follows one that came whole; pure functions of the records."""

from __future__ import annotations

from ..flow.records import HEAD_BYTES, TftpTransfer
from ..model import StallPoint
from ..wire.scripts import READABLE
from .naming import is_grub_binary, is_ipxe_binary, is_pxelinux_binary, is_raspberry_loader, is_shim_binary
from .records import FetchRecord
from .state import ANSWERED, ASKED, CONFIGURED, KERNEL, LOADED


def rank_of(useful: list[FetchRecord]) -> int:
    """The furthest that any of these came, as a rank of `track/state.py`."""
    best = ASKED
    for fetch in useful:
        if fetch.status == "complete":
            best = max(
                best,
                KERNEL
                if fetch.role in ("kernel", "initrd", "image")
                else CONFIGURED
                if fetch.role in ("script", "config-search")
                else LOADED,
            )
        elif was_answered(fetch):
            best = max(best, ANSWERED)
    return best


def was_answered(fetch: FetchRecord) -> bool:
    """Whether its server said anything."""
    flow = fetch.flow
    return flow.reply_from is not None if isinstance(flow, TftpTransfer) else flow.response is not None


def failure_point(fetch: FetchRecord) -> StallPoint:
    """Where a program stands whose fetch came to nothing."""
    flow = fetch.flow
    if isinstance(flow, TftpTransfer):
        return "tftp"
    if flow.connection.tls is not None and flow.response is None:
        return "tls"
    return "http"


def is_expected_to_go_on(fetch: FetchRecord) -> bool:
    """Loaders ask for more at once; memtest or a unified kernel image need nothing more."""
    content, name = fetch.content, fetch.name
    if content is not None and content.kind in READABLE:
        return not is_script_in_part(fetch)
    if content is not None and (content.ipxe or content.kind == "pxelinux"):
        return True
    return (
        is_ipxe_binary(name)
        or is_shim_binary(name)
        or is_grub_binary(name)
        or is_pxelinux_binary(name)
        or is_raspberry_loader(name)
        or fetch.role == "module"
    )


def is_script_in_part(fetch: FetchRecord) -> bool:
    """Whether the capture, which cut its packets, lacks the end of a script: a menu, a boot from the disk, an initrd's name."""
    if fetch.content is None or fetch.content.kind not in READABLE:
        return False
    body = fetch.flow.body
    return len(body.head) < min(body.received, HEAD_BYTES)
