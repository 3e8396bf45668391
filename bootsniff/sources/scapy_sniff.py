"""Live capture through scapy's sockets, where there is neither a packet ring nor dumpcap: the last resort.

It loses packets from some 2,000 a second on; so the bodies of transfers are left out and it says so.
"""

from __future__ import annotations

import errno
import logging
import os
import select
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ..errors import CaptureError
from ..model import NANOSECONDS, Block, CaptureInfo, Interface, Tick
from ..text import printable
from .boot_filter import ETHERNET
from .interfaces import hardware_type
from .link_types import link_type_name
from .live import QUIET_MS, Item, News
from .ring import LINK_TYPES

WARNING = (
    "capturing through scapy: without the bodies of transfers, and packets are lost when more than some 2,000 come in "
    "a second; as root on Linux, or with dumpcap, nothing is lost"
)
_RECEIVE_BUFFER = 8 << 20


class ScapySource:
    """One socket an interface; scapy compiles the filter and knows the system's ways, nothing else of it is used."""

    def __init__(self, names: Sequence[str], control_filter: str) -> None:
        """Raises CaptureError."""
        from scapy.config import conf

        conf.bufsize = _RECEIVE_BUFFER
        conf.route_autoload = conf.route6_autoload = False
        if conf.L2listen is None:
            import scapy.arch  # noqa: F401  # registers this system's sockets
        # It warns that it knows no protocol to dissect with; nothing is dissected with it.
        logging.getLogger("scapy").setLevel(logging.ERROR)
        self._stopped: int | None = None
        self._sockets: list[Any] = []
        self._failed: set[Any] = set()
        """Sockets that gave an error instead of the packet after the last one."""
        try:
            self._interfaces = tuple(Interface(_link_type(name), name) for name in names)
            for name in names:
                self._sockets.append(conf.L2listen(iface=name, filter=control_filter or None))
        except CaptureError:
            raise
        except Exception as error:  # scapy raises whatever its system calls and its compiler raise
            self.close()
            said = printable(str(error), 200)
            raise CaptureError(f"cannot capture on {','.join(names)}, not even through scapy: {said}") from error
        self._frames = self._bytes = 0
        self._first: int | None = None
        self._last: int | None = None

    def items(self) -> Iterator[Item]:
        while True:
            stopped = self._stopped
            readable, _, _ = select.select(self._sockets, [], [], 0 if stopped else QUIET_MS / 1000)
            packets = []
            for socket in readable:
                try:
                    found = self._receive(socket)
                except OSError as error:
                    yield self._failure(socket, error)
                else:
                    self._failed.discard(socket)
                    packets += [found] if found is not None else []
            if packets:
                yield self._block(packets)
            if stopped and (not readable or any(moment > stopped for _, moment, _ in packets)):
                return
            if not readable:
                yield Tick(time.time_ns() - QUIET_MS * 1_000_000)

    def _failure(self, socket: Any, error: OSError) -> News:
        """What the first error in a row means. Raises CaptureError on the next, as the interface will not come back."""
        name = self._interfaces[self._sockets.index(socket)].name or ""
        if socket in self._failed:
            raise CaptureError(f"cannot go on capturing on {name}: {os.strerror(error.errno or 0)}") from error
        self._failed.add(socket)
        down = error.errno == errno.ENETDOWN
        return News(time.time_ns(), f"{name} is down" if down else f"{name}: {os.strerror(error.errno or 0)}")

    def _receive(self, socket: Any) -> tuple[int, int, bytes] | None:
        """(interface, time in ns, bytes) of one packet. Raises OSError."""
        _, data, seconds = socket.recv_raw()
        if data is None:
            return None
        time_ns = time.time_ns() if seconds is None else int(seconds * NANOSECONDS)
        return self._sockets.index(socket), time_ns, bytes(data)

    def _block(self, packets: list[tuple[int, int, bytes]]) -> Block:
        packets.sort(key=lambda packet: packet[1])
        lengths = np.array([len(data) for _, _, data in packets], np.int64)
        first = self._frames + 1
        self._frames += len(packets)
        self._bytes += int(lengths.sum())
        self._first = packets[0][1] if self._first is None else self._first
        self._last = packets[-1][1]
        return Block(
            capture=0,
            buffer=memoryview(b"".join(data for _, _, data in packets)),
            first_frame=first,
            time=np.array([moment for _, moment, _ in packets], np.int64),
            offset=np.cumsum(lengths) - lengths,
            captured=lengths,
            original=lengths,
            interface=np.array([number for number, _, _ in packets], np.uint16) if len(self._sockets) > 1 else None,
            interfaces=self._interfaces,
        )

    def stop(self) -> None:
        self._stopped = self._stopped or time.time_ns()

    def captures(self) -> tuple[CaptureInfo, ...]:
        names = tuple(interface.name or "" for interface in self._interfaces)
        return (
            CaptureInfo(
                path=",".join(names),
                format="live, by scapy",
                link_types=tuple(dict.fromkeys(link_type_name(each.link_type) for each in self._interfaces)),
                frames=self._frames,
                bytes=self._bytes,
                first=self._first,
                last=self._last,
                interfaces=names,
            ),
        )

    def close(self) -> None:
        for socket in self._sockets:
            socket.close()


def _link_type(name: str) -> int:
    """LINKTYPE_ number. Raises CaptureError for an interface whose frames cannot be read."""
    hardware = hardware_type(name) if sys.platform == "linux" else None
    if hardware is None:  # not there, which scapy says itself; elsewhere than on Linux, nearly always Ethernet
        return ETHERNET
    link_type = LINK_TYPES.get(hardware)
    if link_type is None:
        raise CaptureError(f"{name} is of a kind that bootsniff cannot capture on (ARPHRD type {hardware})")
    return link_type
