"""The interfaces of this host: what they are, and word when one of them goes, comes back or changes its name."""

from __future__ import annotations

import fcntl
import os
import socket
import struct
from typing import Literal

from msgspec import Struct

from ..errors import CaptureError
from ..text import printable

_SIOCGIFFLAGS, _SIOCGIFHWADDR = 0x8913, 0x8927
_IFF_UP, _IFF_RUNNING = 1, 0x40
_NETLINK_ROUTE, _RTMGRP_LINK = 0, 1
LOOPBACK_TYPE = 772
"""ARPHRD_LOOPBACK."""


def interface_index(name: str) -> int:
    """Raises CaptureError when there is no such interface."""
    try:
        return socket.if_nametoindex(name)
    except (OSError, ValueError) as error:
        several = "; several are named with commas" if name == "any" else ""  # what tcpdump calls all of them
        raise CaptureError(
            f"there is no interface {printable(name)}{several}; `bootsniff interfaces` lists them"
        ) from error


def hardware_type(name: str) -> int | None:
    """The ARPHRD_ number of linux/if_arp.h; None when the interface is not there."""
    answer = _ask(name, _SIOCGIFHWADDR)
    return None if answer is None else int(struct.unpack_from("=H", answer, 16)[0])


def is_up(name: str) -> bool:
    return bool(_flags(name) & _IFF_UP)


def is_connected(name: str) -> bool:
    """Whether there is something at the other end: a cable, a port of a bridge that is up, the program behind a tap."""
    return bool(_flags(name) & _IFF_RUNNING)


def _flags(name: str) -> int:
    answer = _ask(name, _SIOCGIFFLAGS)
    return 0 if answer is None else int(struct.unpack_from("=H", answer, 16)[0])


def _ask(name: str, request: int) -> bytes | None:
    # By ioctl and not from /sys, which shows the network namespace that mounted it.
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as handle:
        try:
            return fcntl.ioctl(handle, request, struct.pack("16s24x", os.fsencode(name)[:15]))
        except OSError:
            return None


State = Literal["up", "down", "gone"]


class Change(Struct, frozen=True):
    """What happened to a watched interface."""

    name: str
    """Its name now."""
    state: State
    text: str
    """For people, a sentence without a full stop."""
    rebind: bool = False
    """It is another interface than before (created anew): sockets must be bound again."""


class Watch:
    """Follows one interface by its index, and by its name once the index is gone."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._index = interface_index(name)
        self._state: State = "up" if is_up(name) else "down"

    @property
    def state(self) -> State:
        return self._state

    def check(self) -> Change | None:
        """What changed since the last call, None when nothing did."""
        try:
            name = socket.if_indextoname(self._index)
        except OSError:
            return self._check_name()
        if name != self.name:
            before, self.name = self.name, name
            return Change(name, self._state, f"{before} is called {name} now")
        state: State = "up" if is_up(name) else "down"
        if state == self._state:
            return None
        self._state = state
        return Change(name, state, f"{name} is {state}" + (" again" if state == "up" else ""))

    def forget(self) -> None:
        """It could not be captured on after all: as if it had not come back, so that it is tried again."""
        self._index, self._state = 0, "gone"

    def _check_name(self) -> Change | None:
        try:
            index = socket.if_nametoindex(self.name)
        except OSError:
            if self._state == "gone":
                return None
            self._state = "gone"
            return Change(self.name, "gone", f"{self.name} is gone; waiting for it to come back")
        self._index = index
        self._state = "up" if is_up(self.name) else "down"
        return Change(self.name, self._state, f"{self.name} was created anew; capturing goes on", rebind=True)


class LinkNews:
    """A netlink socket that is readable when any interface changes; needs no privileges."""

    def __init__(self) -> None:
        self._socket: socket.socket | None = None
        try:
            self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, _NETLINK_ROUTE)
            self._socket.bind((0, _RTMGRP_LINK))
        except (OSError, AttributeError):
            self.close()

    def fileno(self) -> int | None:
        return None if self._socket is None else self._socket.fileno()

    def drain(self) -> None:
        """Forget what was told: whoever woke up looks at the interfaces themselves."""
        try:
            while self._socket is not None and self._socket.recv(65536):
                pass
        except OSError:
            pass

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None
