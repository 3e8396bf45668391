"""Whether a kernel has the initrd that was fetched for it; pure functions of the records."""

from __future__ import annotations

import re

from msgspec import Struct

from ..flow.records import HttpExchange
from .kinds import is_ipxe
from .naming import plain_path, same_file
from .records import FetchRecord, InitrdLeftOut, StageRecord

_NO_LINUX = ("wimboot", "MEMDISK")
"""In the format of a kernel, and with a use of their own for what is loaded beside them."""
_AGENT = re.compile(r"iPXE/(\d{1,4})\.(\d{1,4})\.(\d{1,4})(?:\+(?:git-?(\d{8}))?)?")
_RELEASE, _DAY = (1, 21, 1), "20230215"
"""Since then iPXE offers initrds by itself to kernels newer than 5.7 (commit 6a004be, after release 1.21.1)."""


class NotFound(Struct, eq=False):
    """A kernel that came whole and does not find its initrd."""

    said: InitrdLeftOut
    kernel: FetchRecord
    initrd: FetchRecord | None
    """As it came whole; None where none was asked for."""
    sure: bool
    """There is none, or this iPXE is too old for a kernel that looks for itself."""


def starts_without_initrd(stage: StageRecord) -> bool:
    """Whether the kernel that came last cannot have an initrd, though one came."""
    not_found = initrd_not_found(stage)
    return empty_initrd(stage) is not None or (not_found is not None and not_found.sure)


def empty_initrd(stage: StageRecord) -> FetchRecord | None:
    """The last initrd, where all of them have no bytes."""
    initrds = [fetch for fetch in stage.fetches if fetch.role == "initrd" and fetch.useful]
    empty = all(fetch.content is not None and fetch.content.kind == "empty" for fetch in initrds)
    return initrds[-1] if initrds and empty and initrds[-1].status == "complete" else None


def initrd_not_found(stage: StageRecord) -> NotFound | None:
    """Of the kernel that came last; None too where iPXE is so new that its kernel may have found the initrd."""
    if not stage.left_out or not is_ipxe(stage.client):
        return None
    whole = [fetch for fetch in stage.fetches if fetch.status == "complete"]
    kernel = next((fetch for fetch in reversed(whole) if _is_linux(fetch)), None)
    if kernel is None:
        return None
    said = next((one for one in stage.left_out if same_file(one.kernel, kernel.name)), None)
    if said is None or any(said.told.asked == plain_path(fetch.name).rpartition("/")[2] for fetch in whole):
        return None  # another script loaded what this one's kernel asks for
    initrd = next((fetch for fetch in reversed(stage.fetches) if fetch.role == "initrd"), None)
    if initrd is None:
        return None if said.told.loaded else NotFound(said, kernel, None, sure=True)
    by_name = stage.client.startswith("ipxe-efi-") and kernel.content is not None and kernel.content.efi
    age = _is_old(kernel)
    if not by_name or not said.told.loaded or initrd.status != "complete" or age is False:
        return None
    return NotFound(said, kernel, initrd, sure=age is True)


def _is_linux(fetch: FetchRecord) -> bool:
    content = fetch.content
    return (
        content is not None
        and content.kind == "linux-kernel"
        and content.text not in _NO_LINUX
        and "unified kernel image" not in content.details
    )


def _is_old(kernel: FetchRecord) -> bool | None:
    """Whether this iPXE is older than that day, as its User-Agent tells; None where it does not."""
    request = kernel.flow.request if isinstance(kernel.flow, HttpExchange) else None
    agent = request.get("User-Agent") if request is not None else None
    match = _AGENT.match(agent) if agent is not None else None
    if agent is None or match is None:
        return None
    version = int(match[1]), int(match[2]), int(match[3])
    if match[4]:
        return True if match[4] < _DAY else None
    if version > _RELEASE:
        return False
    return None if "+" in agent else True
