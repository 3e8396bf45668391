"""Reads a large plain file in a process of its own, which also makes the columns; knows no protocol.

What depends on the order of packets stays in one process. Reading, walking the records and looking at headers does
not, and takes more than half of the time: a forked process does it, into memory that both share.
"""

from __future__ import annotations

import os
import pickle
import signal
import struct
import sys
import traceback
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

from ..errors import CaptureError
from ..model import Block
from .capture_source import CaptureSource, Prepare
from .scan import Decoder
from .slots import Arrays, Slots, SlotWindow, TooLarge
from .window import Window

_LENGTH = struct.Struct("=I")


def in_parallel(source: CaptureSource, prepare: Prepare) -> CaptureSource:
    """The same capture, read by another process, where a fork is safe and memory can be shared with it."""
    if sys.platform != "linux":
        return source
    try:
        return ParallelSource(source, prepare)
    except OSError:  # no more processes or pipes for this user
        return source


class ParallelSource(CaptureSource):
    """A capture that another process reads. The same blocks in the same order, their columns in `prepared`."""

    parallel = True

    def __init__(self, source: CaptureSource, prepare: Prepare) -> None:
        parts = source.path, source.index, source._raw, source._window, source._decoder, source._clock_shift  # noqa: SLF001
        super().__init__(*parts)
        self._prepare = prepare
        self._position = 0
        self._slots = Slots()
        inlet, outlet = os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        self._worker = os.fork()
        if not self._worker:
            os.close(inlet)
            self._slots.writer_only()
            _exit_after(lambda: self._work(outlet))
        os.close(outlet)
        self._inlet = os.fdopen(inlet, "rb", buffering=1 << 16)

    def progress(self) -> tuple[int, int | None]:
        return self._position, self._raw.size

    def close(self) -> None:
        self._inlet.close()
        self._slots.close()  # the worker notices that nobody waits for it
        os.waitpid(self._worker, 0)
        super().close()

    # --- the reading process --------------------------------------------------------------------------------

    def _work(self, outlet: int) -> None:
        window = SlotWindow(self._window, self._slots)
        self._window = window
        places = _Places()
        self._store = places
        self._translates = False
        known = self._decoder
        slot, at = -1, 0
        try:
            for block in super().blocks():
                if slot != window.number:
                    slot, at = window.number, 0
                arrays: Arrays = {"time": block.time, "offset": block.offset}
                arrays |= {"captured": block.captured, "original": block.original}
                if block.interface is not None:
                    arrays["interface"] = block.interface
                own, at = self._slots.put(slot, at, arrays)
                made, at = self._slots.put(slot, at, self._prepare(block))
                offset, length, decoder = places.place
                news = (decoder if decoder is not known else None, block.interfaces)
                known = decoder
                message = (slot, block.first_frame, own, made, offset, length, news, self._counters, self._raw.position)
                window.lent = True
                _send(outlet, message)
            _send(outlet, (None, self._counters, self._decoder))
        except TooLarge:  # go on without this process
            _send(outlet, (window.offset, self._counters, self._decoder))

    # --- the process that uses the blocks -------------------------------------------------------------------

    def blocks(self, *, live: bool = False) -> Iterator[Any]:
        """As `CaptureSource.blocks`."""
        slot = -1
        decoder = self._decoder
        while len(message := self._receive()) > 3:
            number, first_frame, own, made, offset, length, (changed, interfaces), counters, position = message
            if slot not in {-1, number}:
                self._slots.give_back(slot)
            slot = number
            decoder = changed.sharing(decoder) if changed else decoder
            self._decoder = decoder
            self._counters = counters
            self._position = position
            arrays = self._slots.get(slot, own)
            block = Block(
                self.index,
                memoryview(self._slots.memory[slot]),
                first_frame,
                arrays["time"],
                arrays["offset"],
                arrays["captured"],
                arrays["original"],
                arrays.get("interface"),
                interfaces,
                prepared=self._slots.get(slot, made),
            )
            self._store.begin(block, offset, length, decoder)
            yield from self._readable(block)
            self._store.end()
        offset, self._counters, self._decoder = message
        if offset is not None:
            self._raw.seek(offset)
            self._window = Window(self._raw, waits=False)
            self._window.offset = offset
            yield from super().blocks(live=live)

    def _receive(self) -> tuple[Any, ...]:
        head = self._inlet.read(_LENGTH.size)
        data = self._inlet.read(_LENGTH.unpack(head)[0]) if len(head) == _LENGTH.size else b""
        if not data:
            raise CaptureError(f"the process that read {self.path} ended unexpectedly: try again with --jobs 1")
        message: tuple[Any, ...] = pickle.loads(data)  # noqa: S301  # from a process that this one forked
        return message


class _Places:
    """Stands in for the frame store in the reading process: notes where the block stands in the file."""

    place: tuple[int, int, Decoder]

    def begin(self, _block: Block, offset: int, length: int, decoder: Decoder, /) -> None:
        self.place = (offset, length, decoder)

    def end(self) -> None:
        """Nothing is kept."""

    def keep(self, frame: int) -> None:
        """Nothing is kept."""

    def get(self, _capture: int, _frame: int) -> None:
        """Nothing is kept."""

    def close(self) -> None:
        """Nothing is kept."""


def _send(outlet: int, message: tuple[Any, ...]) -> None:
    data = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
    view = memoryview(_LENGTH.pack(len(data)) + data)
    while view:
        view = view[os.write(outlet, view) :]


def _exit_after(work: Callable[[], None]) -> NoReturn:
    """End this process after the work, without anything that the process it was forked from would do at its end."""
    status = 1
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that uses the blocks
        work()
        status = 0
    except (EOFError, BrokenPipeError):  # nobody waits for more
        status = 0
    except BaseException:  # noqa: BLE001  # the process ends here, whatever it was
        traceback.print_exc()
    finally:
        os._exit(status)
