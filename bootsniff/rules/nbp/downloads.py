"""What rules about a first program that arrived whole ask; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...flow.records import HttpExchange
from ...model import Evidence
from ...track import arrived
from ...track.kinds import is_firmware
from ...track.naming import same_file
from ...track.records import FetchRecord
from .. import names
from ..case import Case
from ..evidence import evidence, first_and_last, naming
from ..http import exchanges
from ..tftp import transfers


def idle_program(case: Case) -> FetchRecord | None:
    """The EFI program that firmware, or shim, fetched whole and after which nothing of it was seen."""
    if not (case.is_efi or case.client == "shim") or case.is_ipxe or case.followers:
        return None
    if case.client == "shim":
        whole = [fetch for fetch in case.stage.fetches if fetch.status == "complete" and names.is_body(fetch)]
        fetch = whole[-1] if whole else None
    else:
        fetch = case.boot_fetch
    if fetch is None or fetch.content is None or fetch.content.kind != "pe" or not fetch.content.efi:
        return None
    if any(connection.start > fetch.end for connection in case.stage.connections):
        return None  # it runs, and wants something of a server
    path = names.path_of(fetch)
    later = [
        other for other in case.stage.fetches if other.start > fetch.end and not same_file(names.path_of(other), path)
    ]
    return None if later else fetch


def idle_loader(case: Case) -> FetchRecord | None:
    """The program that firmware of another kind than EFI, or its iPXE, fetched whole, and after which nothing of it was seen."""
    if case.is_efi or case.followers or case.boot.stalled_at != "nbp":
        return None
    useful = [fetch for fetch in case.stage.fetches if fetch.useful]
    if not useful or not (is_firmware(case.client) or case.is_ipxe) or arrived.dead_end(case.stage) is not None:
        return None
    last = useful[-1]
    if case.is_ipxe and last.content is not None and last.content.kind not in ("pxelinux", "boot-sector"):
        return None
    if last.status != "complete" or last.content is None or last.content.kind == "pe" or not names.is_body(last):
        return None
    return None if any(connection.start > last.end for connection in case.stage.connections) else last


def shown(fetch: FetchRecord) -> str:
    """A file as sentences name it beside its server: a URL, or TFTP's name."""
    return fetch.flow.url if isinstance(fetch.flow, HttpExchange) else fetch.flow.filename


def on_disk(fetch: FetchRecord) -> str:
    """Where a file is on its server, as far as one can tell."""
    flow = fetch.flow
    return exchanges.path_on_disk(flow) if isinstance(flow, HttpExchange) else transfers.place(flow)


def is_grub_over_http(fetch: FetchRecord) -> bool:
    return fetch.content is not None and "GRUB" in fetch.content.details and isinstance(fetch.flow, HttpExchange)


def looks_for_its_disk(fetch: FetchRecord) -> bool:
    """Systemd-boot reads its entries from the file system that it was started from, and the network is none (boot.c)."""
    return fetch.content is not None and "systemd-boot" in fetch.content.details


def is_lost_with_dns(case: Case, fetch: FetchRecord) -> bool:
    """GRUB over HTTP that asks for nothing, where the lease names a name server, and the firmware did not go on.

    Firmware then puts a Dns() node into the path of the program that it starts (UEFI 2.10 section 10.3.4.24), and GRUB
    up to 2.06 does not find its network behind it.
    """
    lease = case.lease
    return is_grub_over_http(fetch) and not case.went_on and lease is not None and bool(lease.dns_servers)


def dropped_image(case: Case) -> FetchRecord | None:
    """The disk image that firmware fetched whole, and left for its next boot option."""
    following = case.boot.stages[case.stage_index + 1 : case.stage_index + 2]
    if not following or not case.gave_up:
        return None
    image = arrived.dropped_image(case.stage, following[0].start)
    return image if image is not None and image.status == "complete" else None


def times_fetched(case: Case, fetch: FetchRecord) -> int:
    """How often the same file arrived whole in this boot."""
    path = names.path_of(fetch)
    return sum(
        other.status == "complete" and names.is_body(other) and names.path_of(other) == path
        for stage in case.boot.stages
        for other in stage.fetches
    )


def proof(case: Case, fetch: FetchRecord) -> Iterator[Evidence]:
    """The file that arrived, and what the firmware did instead of starting it."""
    yield from naming(case)
    yield evidence(fetch.ended, f"{names.base(names.path_of(fetch))} is whole")
    at = case.options.index(case.option)
    if at + 1 < len(case.options):
        following = case.boot.stages[case.options[at + 1][0]]
        dhcp = following.dhcp
        asked = getattr(dhcp, "discovers", None) or getattr(dhcp, "solicits", None) or []
        yield from first_and_last(asked[:1], f"{following.name or following.client}: the next boot option")
