"""Live capture through scapy's sockets, where there is neither a packet ring nor dumpcap: the last resort.

It loses packets from some 2,000 a second on; so the bodies of transfers are left out and it says so.
"""

from __future__ import annotations

import select
import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ..errors import CaptureError
from ..model import NANOSECONDS, Block, CaptureInfo, Interface, Tick
from .boot_filter import ETHERNET
from .link_types import link_type_name
from .live import QUIET_MS, Item

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
        self._stopped = False
        self._sockets: list[Any] = []
        try:
            for name in names:
                self._sockets.append(conf.L2listen(iface=name, filter=control_filter or None))
        except Exception as error:  # scapy raises whatever its system calls and its compiler raise
            self.close()
            raise CaptureError(f"cannot capture on {','.join(names)}, not even through scapy: {error}") from error
        self._interfaces = tuple(Interface(ETHERNET, name) for name in names)
        self._frames = self._bytes = 0
        self._first: int | None = None
        self._last: int | None = None

    def items(self) -> Iterator[Item]:
        while True:
            readable, _, _ = select.select(self._sockets, [], [], QUIET_MS / 1000)
            packets = [found for socket in readable if (found := self._receive(socket)) is not None]
            if packets:
                yield self._block(packets)
            elif not readable:
                if self._stopped:
                    return
                yield Tick(time.time_ns() - QUIET_MS * 1_000_000)

    def _receive(self, socket: Any) -> tuple[int, int, bytes] | None:
        """(interface, time in ns, bytes) of one packet."""
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
        self._stopped = True

    def captures(self) -> tuple[CaptureInfo, ...]:
        names = tuple(interface.name or "" for interface in self._interfaces)
        return (
            CaptureInfo(
                path=",".join(names),
                format="live, by scapy",
                link_types=(link_type_name(ETHERNET),),
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
