"""What the same DHCP server gave to clients of other architectures; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ...model import FrameRef
from ...track.boot_file import boot_file_of, chosen_offer
from ...track.records import Dhcp4Exchange
from ...wire import dhcp_options
from ..case import Case

_MACHINES = 256


class Sibling(NamedTuple):
    """Another client of the same server: what it is and what it was told to load."""

    client: str
    arch: int
    file: str | None
    at: FrameRef


def siblings(case: Case) -> Iterator[Sibling]:
    """Clients with another first architecture that the same server answered, of this machine and of others."""
    own = case.stage.arch[0] if case.stage.arch else None
    for machine in [case.machine, *list(case.world.machines.values())[:_MACHINES]]:
        for boot in machine.boots[-2:]:
            for stage in boot.stages[:8]:
                if stage is case.stage or not stage.arch or stage.arch[0] == own:
                    continue
                if not isinstance(stage.dhcp, Dhcp4Exchange):
                    continue
                offer = chosen_offer(stage.dhcp)
                if offer and case.server in (dhcp_options.server_id(offer.message), offer.source):
                    named = boot_file_of(stage)
                    yield Sibling(stage.client, stage.arch[0], named.name if named else None, offer.at)


def treated_otherwise(case: Case) -> Sibling | None:
    """A sibling that got another file (or one at all): the server does look at architectures."""
    return next((other for other in siblings(case) if other.file != case.boot_file), None)
