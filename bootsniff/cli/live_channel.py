"""The pipe between the capture process and the process that shows: the capture never waits for its reader."""

from __future__ import annotations

import contextlib
import pickle
import socket
import struct
from typing import NamedTuple

from .live_parcel import Ledger, Parcel, Update

_LENGTH = struct.Struct("=I")
_READ = 1 << 18
_SEND_BUFFER = 1 << 20

STOP, PAUSE, RESUME = b"s", b"p", b"r"
"""What the showing process may tell the capture process."""


class Ready(NamedTuple):
    """The capture runs."""

    text: str
    """`listening on virbr0, …` for people."""
    notes: tuple[str, ...] = ()
    """What the user should know: a weaker way to capture, facts that could not be read."""


class Failed(NamedTuple):
    """The capture process ended with an error."""

    status: int
    text: str


Message = Ready | Failed | Update


class Outlet:
    """The capture process's end. `send` takes one message at a time: ask `idle` first."""

    def __init__(self, end: socket.socket) -> None:
        self._socket = end
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
        end.setblocking(False)
        self._unsent = memoryview(b"")
        self._ledger = Ledger()
        self.closed = False
        """The reader is gone."""

    @property
    def idle(self) -> bool:
        """Whether everything was handed to the kernel; tries to hand over the rest first."""
        self._push()
        return not self._unsent

    def send(self, message: Message) -> None:
        """Hand over as much as the kernel takes; the rest goes with the next calls of `idle`."""
        sent = self._ledger.pack(message) if isinstance(message, Update) else message
        body = pickle.dumps(sent, protocol=5)
        self._unsent = memoryview(b"".join((self._unsent, _LENGTH.pack(len(body)), body)))
        self._push()

    def finish(self, message: Message) -> None:
        """Send the last message, waiting for the reader as long as it lives: nothing is captured any more."""
        self._socket.setblocking(True)
        self.send(message)
        self._socket.close()

    def commands(self) -> bytes:
        """What the reader told since the last call, one byte each."""
        try:
            told = self._socket.recv(64)
        except BlockingIOError:
            return b""
        except OSError:
            told = b""
        if not told:
            self.closed = True
            return STOP
        return told

    def _push(self) -> None:
        try:
            while self._unsent:
                self._unsent = self._unsent[self._socket.send(self._unsent) :]
        except BlockingIOError:
            return
        except OSError:
            self.closed = True
            self._unsent = memoryview(b"")


class Inlet:
    """The showing process's end."""

    def __init__(self, end: socket.socket) -> None:
        self._socket = end
        end.setblocking(False)
        self._data = bytearray()
        self._ledger = Ledger()
        self.ended = False
        """The capture process closed its end."""

    def fileno(self) -> int:
        """Readable when there may be a message."""
        return self._socket.fileno()

    def messages(self) -> list[Message]:
        """All messages that have arrived; never waits."""
        while not self.ended:
            try:
                piece = self._socket.recv(_READ)
            except BlockingIOError:
                break
            except OSError:
                piece = b""
            if not piece:
                self.ended = True
            self._data += piece
        found: list[Message] = []
        at = 0
        while len(self._data) - at >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._data, at)
            if len(self._data) - at - _LENGTH.size < length:
                break
            at += _LENGTH.size
            # Our own other half wrote this: it runs as the same user and holds nothing that this process may not do.
            sent = pickle.loads(memoryview(self._data)[at : at + length])  # noqa: S301
            found.append(self._ledger.unpack(sent) if isinstance(sent, Parcel) else sent)
            at += length
        del self._data[:at]
        return found

    def tell(self, command: bytes) -> None:
        """One of STOP, PAUSE, RESUME."""
        with contextlib.suppress(OSError):  # it has ended; what it told before is still to be read
            self._socket.send(command)

    def close(self) -> None:
        self._socket.close()
