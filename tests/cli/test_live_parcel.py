"""What of an update goes over the pipe, and what comes out of it at the other end."""

from __future__ import annotations

import pickle

from msgspec.structs import replace

from bootsniff.cli.live_parcel import Ledger, Parcel, Update
from bootsniff.model import Boot, Machine

from .live_program import CLIENT

NONE = Machine(CLIENT, None, None, None, None, (), "in-progress", (), ())


def boot(start: int, end: int = 0) -> Boot:
    return Boot(start, end or start + 5, "stalled", "tftp", ())


def update(*machines: Machine, forgotten: tuple[str, ...] = ()) -> Update:
    return Update(1, (), machines, forgotten, None, (), ())


def over_the_pipe(updates: list[Update]) -> tuple[list[Parcel], list[Update]]:
    ours, theirs = Ledger(), Ledger()
    parcels = [ours.pack(one) for one in updates]
    return parcels, [theirs.unpack(pickle.loads(pickle.dumps(parcel))) for parcel in parcels]  # noqa: S301


def sent(parcels: list[Parcel]) -> list[list[int]]:
    """Starts of the boots in each parcel."""
    return [[item.start for item in told.machine.boots] for parcel in parcels for told in parcel.machines]


def test_boots_that_did_not_move_are_not_sent_again() -> None:
    one, two, later = boot(1), boot(10), boot(10, 30)
    machines = [replace(NONE, boots=boots) for boots in ((one,), (one, two), (one, later), (one, later, boot(40)))]
    updates = [update(machine) for machine in machines]
    parcels, received = over_the_pipe(updates)
    assert received == updates
    assert sent(parcels) == [[1], [10], [10], [40]]


def test_the_oldest_boots_go() -> None:
    boots = [boot(10 * number) for number in range(5)]
    updates = [update(replace(NONE, boots=tuple(boots[begin : begin + 3]))) for begin in range(3)]
    updates.append(update(replace(NONE, boots=(boot(1000),))))
    parcels, received = over_the_pipe(updates)
    assert received == updates
    assert sent(parcels) == [[0, 10, 20], [30], [40], [1000]]


def test_an_equal_boot_that_was_made_anew_is_sent() -> None:
    updates = [update(replace(NONE, boots=(boot(1), boot(10)))) for _ in range(2)]
    parcels, received = over_the_pipe(updates)
    assert received == updates
    assert sent(parcels)[1] == [1, 10]


def test_a_machine_that_was_forgotten_is_sent_whole() -> None:
    machine = replace(NONE, boots=(boot(1),))
    updates = [update(machine), update(forgotten=(CLIENT,)), update(machine), update(NONE)]
    parcels, received = over_the_pipe(updates)
    assert received == updates
    assert sent(parcels) == [[1], [1], []]
