"""A network between one machine and one server: time, what gets lost, and what the capture point between them holds."""

from __future__ import annotations

import heapq
import random
import struct
from collections.abc import Callable, Generator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TypeVar

from ..rules.packets import SERVER_MAC, Wire, checksum, mac_bytes
from ..rules.scene import CLIENT, MAC, SERVER, packed

TO_MIDDLE, FROM_MIDDLE = 0.0003, 0.0001
"""The capture point stands nearer to the server, s."""
LAST = 600.0
"""Nothing happens later, s."""


@dataclass(frozen=True)
class Message:
    """What a packet means to who gets it; the fields that its kind has."""

    kind: str
    port: int = 0
    xid: int = 0
    client: str = ""
    name: str = ""
    block: int = 0
    block_size: int = 0
    sequence: int = 0
    acknowledged: int = 0
    length: int = 0
    data: bytes = b""
    head_only: bool = False


Wanted = Callable[[Message], bool]
T = TypeVar("T")
Program = Generator[tuple[float, Wanted], "Message | None", T]
"""Yields how long it waits, s, and for what; gets that, or None."""


@dataclass(frozen=True)
class Losses:
    """Shares of packets: lost before or behind the capture point, not held by the capture, delivered twice."""

    before: float = 0
    behind: float = 0
    unseen: float = 0
    twice: float = 0


class GaveUp(Exception):
    """A boot program is at its end; `at` is the stall point."""

    def __init__(self, at: str, why: str) -> None:
        super().__init__(why)
        self.at, self.why = at, why


class Network:
    """Runs a machine's program against a server until nothing happens any more."""

    def __init__(self, seed: int, losses: Losses) -> None:
        self.now = 0.0
        self.wire = Wire()
        self.serve: Callable[[Message], None] = lambda _: None
        self.tap: Callable[[Message], bool] = lambda _: False
        """The machine's TCP, which takes what is for it."""
        self.outcome = ("", "")
        """The stall point, or `loaded`, `started`; and why."""
        self.port = 2100
        self.has_address = self.knows_server = False
        self._random = random.Random(seed)
        self._losses = losses
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = count(1)
        self._held: list[tuple[float, bytes]] = []
        self._inbox: list[Message] = []
        self._waiting: tuple[Wanted, object] | None = None
        self._program: Program[None] | None = None

    def later(self, delay: float, action: Callable[[], None]) -> None:
        heapq.heappush(self._events, (self.now + delay, next(self._numbers), action))

    # --- packets -----------------------------------------------------------------------------------------------

    def packet(self, make: Callable[[Wire], object], port: int | None = None) -> bytes:
        """One Ethernet frame of what a method of `Wire` builds."""
        self.wire.packets.clear()
        if port is not None:
            self.wire.port = port
        make(self.wire)
        return self.wire.packets[-1][1]

    def send(self, message: Message, frame: bytes, *, to_server: bool) -> None:
        if frame[12:14] == b"\x08\0":
            frame = _numbered(frame, next(self._numbers))
        chance, losses = self._random.random, self._losses
        before, behind, unseen, twice = (chance() < share for share in
                                         (losses.before, losses.behind, losses.unseen, losses.twice))  # fmt: skip
        if before:
            return
        middle, rest = (TO_MIDDLE, FROM_MIDDLE) if to_server else (FROM_MIDDLE, TO_MIDDLE)
        if not unseen:
            self.later(middle, lambda: self._held.append((self.now, frame)))
        for number in range(1 + twice if not behind else 0):
            self.later(middle + rest + number / 100_000, lambda: self._deliver(message, to_server=to_server))

    def _deliver(self, message: Message, *, to_server: bool) -> None:
        if to_server:
            self.serve(message)
        elif message.kind == "ARP for the machine":
            if self.has_address:
                self.send(Message("ARP of the machine"), _arp_of_the_machine(), to_server=True)
        elif not self.tap(message):
            self.hand(message)

    def hand(self, message: Message) -> None:
        """Give the machine's program something."""
        self._inbox.append(message)
        self._poke()

    # --- the machine's program ---------------------------------------------------------------------------------

    def run(self, program: Program[None]) -> None:
        self._program = program
        self.later(0, lambda: self._resume(None))
        while self._events and self._events[0][0] < LAST:
            self.now, _, action = heapq.heappop(self._events)
            action()

    def _poke(self) -> None:
        while self._waiting is not None and self._inbox:
            message = self._inbox.pop(0)
            if self._waiting[0](message):
                self._waiting = None
                self._resume(message)

    def _resume(self, message: Message | None) -> None:
        assert self._program is not None
        try:
            timeout, wanted = self._program.send(message)
        except StopIteration:
            return
        except GaveUp as end:
            self.outcome = end.at, end.why
            return
        mark = object()
        self._waiting = wanted, mark
        self.later(timeout, lambda: self._expire(mark))
        self._poke()

    def _expire(self, mark: object) -> None:
        if self._waiting is not None and self._waiting[1] is mark:
            self._waiting = None
            self._resume(None)

    # --- the capture -------------------------------------------------------------------------------------------

    def save(self, path: Path) -> Path:
        """The capture, which goes on for long after the last packet."""
        self.wire.packets[:] = self._held
        return self.wire.quiet(max((time for time, _ in self._held), default=0) + 200).save(path)


def _numbered(frame: bytes, number: int) -> bytes:
    """With an IP identification of its own: equal packets would be one that was captured twice."""
    head = frame[14:18] + struct.pack(">H", number & 0xFFFF) + frame[20:24] + b"\0\0" + frame[26:34]
    return frame[:14] + head[:10] + struct.pack(">H", checksum(head)) + head[12:] + frame[34:]


def _arp_of_the_machine() -> bytes:
    ends = mac_bytes(MAC) + packed(CLIENT) + mac_bytes(SERVER_MAC) + packed(SERVER)
    return mac_bytes(SERVER_MAC) + mac_bytes(MAC) + b"\x08\x06" + struct.pack(">HHBBH", 1, 0x0800, 6, 4, 2) + ends
