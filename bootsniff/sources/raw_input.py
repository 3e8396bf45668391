"""Opens a file, a pipe or standard input as bytes that arrive; knows no file format."""

from __future__ import annotations

import io
import os
import select
import stat
import sys
from pathlib import Path
from typing import Protocol

from ..errors import CaptureError

PIPE_BYTES = 1 << 20
"""Asked of the kernel for a pipe, where it can: half the system calls, twice the speed."""


class ByteInput(Protocol):
    """Bytes in order, as they come."""

    def readinto(self, view: memoryview) -> int:
        """Fill the beginning of `view`; 0 at the end. Waits for at least one byte. May raise OSError, EOFError."""

    def ready(self, timeout: float) -> bool:
        """Whether `readinto` would return at once, waiting at most `timeout` seconds for that."""

    def close(self) -> None: ...


class RawFile(Protocol):
    """What is asked of an open file."""

    def fileno(self) -> int: ...
    def readinto(self, view: memoryview, /) -> int | None: ...
    def close(self) -> None: ...


class RawInput:
    """The file itself. Raises CaptureError with one line that says what to do when it cannot be opened."""

    def __init__(self, path: str, file: RawFile | None = None) -> None:
        """Open `path`, or read the pipe `file` that brings its content."""
        self.path = path
        self._file: RawFile = file or _open(path)
        status = os.fstat(self._file.fileno())
        if stat.S_ISDIR(status.st_mode):
            self._file.close()
            raise CaptureError(f"{path} is a directory: name the capture files in it")
        self.regular = stat.S_ISREG(status.st_mode)
        """A plain file: it can be sought in, and reading it never waits."""
        self.size = status.st_size if self.regular else None
        self.position = 0
        """Bytes handed out so far."""
        self._peeked = b""
        if stat.S_ISFIFO(status.st_mode):
            _enlarge_pipe(self._file.fileno())

    def peek(self, count: int) -> bytes:
        """The first `count` bytes, fewer at the end; to be asked before anything else is read."""
        buffer = memoryview(bytearray(count))
        while len(self._peeked) < count:
            try:
                got = self._file.readinto(buffer[len(self._peeked) :])
            except OSError as error:
                raise CaptureError(f"cannot read {self.path}: {error.strerror}") from error
            if not got:
                break
            self._peeked = bytes(buffer[: len(self._peeked) + got])
        return self._peeked

    def readinto(self, view: memoryview) -> int:
        if self._peeked:
            count = min(len(view), len(self._peeked))
            view[:count] = self._peeked[:count]
            self._peeked = self._peeked[count:]
        else:
            count = self._file.readinto(view) or 0
        self.position += count
        return count

    def ready(self, timeout: float) -> bool:
        if self.regular or self._peeked:
            return True
        return bool(select.select([self._file.fileno()], [], [], timeout)[0])

    def read_at(self, offset: int, count: int) -> bytes:
        """Bytes anywhere in a plain file, without moving the place where reading goes on; fewer at the end."""
        return os.pread(self._file.fileno(), count, offset)

    def seek(self, offset: int) -> None:
        """Go on reading a plain file at `offset`."""
        os.lseek(self._file.fileno(), offset, os.SEEK_SET)
        self.position = offset
        self._peeked = b""

    def close(self) -> None:
        self._file.close()


def _open(path: str) -> io.FileIO:
    if path == "-":
        if sys.stdin is None:
            raise CaptureError("standard input is closed: name a capture file instead")
        return io.FileIO(sys.stdin.fileno(), closefd=False)
    try:
        return io.FileIO(path)
    except FileNotFoundError as error:
        named = path or "a file without a name"
        raise CaptureError(f"{named} does not exist: check the name, seen from {Path.cwd()}") from error
    except PermissionError as error:
        raise CaptureError(f"no permission to read {path}: run as its owner, or use sudo or chmod") from error
    except IsADirectoryError as error:
        raise CaptureError(f"{path} is a directory: name the capture files in it") from error
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise CaptureError(f"cannot open {path}: {reason}") from error


def _enlarge_pipe(descriptor: int) -> None:
    if sys.platform != "linux":
        return
    import fcntl

    try:
        fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    except OSError:  # over the limit of an ordinary user: the pipe stays as it is
        return
