"""When a live capture is to end, and with which exit status; captures nothing and shows nothing but why."""

from __future__ import annotations

import argparse
import time

from ..errors import NotReached
from ..model import NANOSECONDS, Machine
from . import complain
from .live_parcel import Update
from .live_session import LiveSession

QUIET_NS = 20 * NANOSECONDS
"""`--until MAC=stalled` holds when the machine has been silent for this long too: firmware goes on to its next boot
option, and loaders load the next one, within that time."""


class Ending:
    """When a capture has gone on for long enough: `--duration`, `--until`."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.reached = False
        self.wanted: tuple[str, str] | None = arguments.until
        self._deadline = None if arguments.duration is None else time.monotonic() + arguments.duration
        self._machine: Machine | None = None

    def look(self, update: Update) -> None:
        """See whether what `--until` waits for has come."""
        if self.wanted is None:
            return
        name, state = self.wanted
        for machine in update.machines:
            if machine.mac == name or name in machine.addresses:
                self._machine = machine
        known = self._machine
        if known is None or known.status != state:
            return
        quiet = (update.now or 0) - known.last_seen
        self.reached = self.reached or state == "handed-off" or quiet >= QUIET_NS

    def reason(self) -> str:
        """Why what `--until` waits for has not come."""
        if self._machine is None or self.wanted is None:
            return "it was not seen"
        if self._machine.status == self.wanted[1]:
            return f"it stalled, but was not silent for {QUIET_NS // NANOSECONDS} s yet"
        return f"it is {self._machine.status.replace('-', ' ')}"

    @property
    def due(self) -> bool:
        return self.reached or (self._deadline is not None and time.monotonic() >= self._deadline)


def final_status(session: LiveSession, ending: Ending, status: int) -> int:
    """The exit status of a capture that is over; says why it ended when the user did not end it."""
    if session.failure is not None and not session.interrupts:
        complain(session.failure)
        return 3
    if ending.wanted is not None and not ending.reached and not session.interrupts:
        name, state = ending.wanted
        raise NotReached(f"{name} was not {state} in time: {ending.reason()}")
    return status
