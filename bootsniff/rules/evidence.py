"""Evidence from frame references; no judgement here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from ..model import Evidence, FrameRef
from ..track.naming import same_file
from ..wire.numbers import icmp_name
from . import names

if TYPE_CHECKING:
    from ..flow.records import IcmpNotice
    from ..track.exchanges import Heard
    from ..track.records import Expectation, FetchRecord
    from .case import Case

_TOO_BIG = {4: (3, 4), 6: (2, 0)}
"""ICMP type and code by IP version (RFC 792; RFC 4443 section 3.2)."""


def evidence(where: FrameRef | Heard[Any], role: str) -> Evidence:
    """The frame `where`, in the part `role`."""
    ref = where if isinstance(where, FrameRef) else where.at
    return Evidence(ref.capture, ref.frame, role, ref.time)


def first_and_last(frames: Iterable[FrameRef | Heard[Any]], role: str) -> Iterator[Evidence]:
    """The ends of a list of repeated packets: `role`, and `role, last try`."""
    known = list(frames)
    if known:
        yield evidence(known[0], role)
    if len(known) > 1:
        yield evidence(known[-1], f"{role}, last try")


def maybe(where: FrameRef | Heard[Any] | None, role: str) -> Iterator[Evidence]:
    """The frame, when there is one."""
    if where is not None:
        yield evidence(where, role)


def by_icmp(notices: Iterable[IcmpNotice]) -> Iterator[Evidence]:
    """What came back instead of an answer."""
    for notice in notices:
        what = icmp_name(notice.message.version, notice.message.type, notice.message.code)
        yield evidence(notice.at, f"ICMP {what.removeprefix('ICMP ')} from {notice.sender}")


def port_unreachable(notices: Iterable[IcmpNotice]) -> Iterator[Evidence]:
    """Such notices, by who sent them."""
    for notice in notices:
        yield evidence(notice.at, f"ICMP port unreachable from {notice.sender}")


def too_big(notices: Iterable[IcmpNotice]) -> list[IcmpNotice]:
    """ICMP fragmentation needed, or packet too big."""
    return [n for n in notices if (n.message.type, n.message.code) == _TOO_BIG.get(n.message.version)]


def names_next(wanted: Expectation) -> Evidence:
    """The script or configuration that names a file."""
    return evidence(wanted.at, f"{wanted.named_in} names {wanted.url}")


def expectation_of(case: Case, name: str) -> Expectation | None:
    """What a script or configuration said of a file that was asked for, when one names it, all of it."""
    for wanted in case.stage.expectations:
        if wanted.pieces is None and (same_file(wanted.url, name) or same_file(_beside_pxelinux(wanted), name)):
            return wanted
    return None


def named_in_script(case: Case, name: str) -> Iterator[Evidence]:
    """The script or configuration that names what was asked for, when one does."""
    wanted = expectation_of(case, name)
    if wanted is not None:
        yield names_next(wanted)


def naming_of(case: Case, fetch: FetchRecord) -> Iterator[Evidence]:
    """Where the name of a file comes from: DHCP, or a script or configuration."""
    if case.is_boot_file(fetch):
        yield from naming(case)
        return
    yield from named_in_script(case, names.path_of(fetch))


def _beside_pxelinux(wanted: Expectation) -> str:
    """The name as PXELINUX means it that is no URL and begins without a slash: from the directory of pxelinux.cfg/."""
    own, folder, _ = wanted.named_in.partition("pxelinux.cfg/")
    return own + wanted.url if folder and not wanted.url.startswith("/") and "://" not in wanted.url else wanted.url


def naming(case: Case) -> Iterator[Evidence]:
    """The DHCP reply that names the boot file, when there is one."""
    named = case.named
    if named is not None:
        where = named.boot_file_from or "the reply"
        yield evidence(named.heard, f"{where} names {names.visible(named.boot_file or '')}")
