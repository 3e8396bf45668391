"""The captures of one `bootsniff read`, open, whatever is made of them; nothing is shown here."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy.typing as npt
from msgspec.structs import replace

from ..errors import BootsniffError, CaptureError
from ..model import Block, CaptureInfo, Tick
from ..sources.capture_file import open_capture
from ..sources.capture_source import CaptureSource
from ..sources.merge import rounds, rounds_and_ticks
from ..sources.window import WINDOW
from ..text import printable
from ..wire.columns import Columns
from .output import show_failures
from .progress import Position

if TYPE_CHECKING:
    from ..rules.diagnosis import Diagnosis

PATH_LIMIT = 4096
LARGE_BYTES = 128 << 20
"""Files of so many bytes in all are read by two processes unless the user says otherwise; smaller ones hardly gain."""

WINDOWS = 16 * WINDOW
"""What all captures of a command may hold of their files at once, as long as that leaves `SMALLEST_WINDOW` for each."""
SMALLEST_WINDOW = 64 << 10
FILES_BESIDES = 32
"""Descriptors for modules, streams and pipes besides the captures."""


class Reading:
    """The captures of one command, open, and the problems that were met."""

    def __init__(self, paths: list[str], stack: ExitStack, *, jobs: int | None = None, quiet: bool = False) -> None:
        """Open all that can be opened. Raises the error of the only capture, or of the first when none can be.

        All but one of the `jobs` processes read, at most one a file; what they cannot do is done in this one. None for
        as many as are of use. `quiet`: no progress bar while clocks are compared.
        """
        self.failures: list[BootsniffError] = []
        self.sources: list[CaptureSource] = []
        readers = (jobs or _useful_jobs(paths)) - 1
        window = max(SMALLEST_WINDOW, min(WINDOW, WINDOWS // len(paths)))
        _allow_open_files(len(paths))
        for path, shift in zip(paths, _clock_shifts(paths, quiet=quiet), strict=True):
            try:
                source = open_capture(
                    path,
                    len(self.sources),
                    prepare=_prepare if readers else None,
                    window=window,
                    clock_shift=shift,
                )
            except BootsniffError as error:
                self.failures.append(error)
            else:
                self.sources.append(source)
                stack.callback(source.close)
                readers -= source.parallel
        if not self.sources:
            show_failures(self.failures[:-1])
            raise self.failures[-1]

    def blocks(self, diagnosis: Diagnosis) -> Iterator[tuple[Block, ...]]:
        """Rounds of blocks of all captures, in order of time; the diagnosis is told when a capture ends."""
        return rounds(self.sources, diagnosis.ended)

    def blocks_and_ticks(self, diagnosis: Diagnosis) -> Iterator[tuple[Block, ...] | Tick]:
        """The same, and for a single capture also when it is quiet."""
        return rounds_and_ticks(self.sources, diagnosis.ended)

    def progress(self) -> Position:
        """Bytes read of all files together."""
        positions = [source.progress() for source in self.sources]
        sizes = [size for _, size in positions if size is not None]
        total = sum(sizes) if len(sizes) == len(positions) else None
        return sum(done for done, _ in positions), total

    def captures(self, diagnosis: Diagnosis) -> tuple[CaptureInfo, ...]:
        """What the captures hold; their names are safe to show."""
        return tuple(
            replace(
                info,
                path=printable(os.fsencode(info.path), PATH_LIMIT),
                undecoded_frames=diagnosis.undecoded(index),
            )
            for index, info in enumerate(source.info() for source in self.sources)
        )


def _clock_shifts(paths: list[str], *, quiet: bool) -> list[int]:
    if len(paths) == 1:
        return [0]
    from .clocks import clock_shifts  # with it come decoders, which a single file needs only once it is being read

    return clock_shifts(paths, quiet=quiet)


def _allow_open_files(captures: int) -> None:
    """A day of rotated files is more than the 1,024 that most systems begin with; the hard limit is far above.

    Raises CaptureError where that is too low as well.
    """
    if captures <= FILES_BESIDES:
        return
    import resource  # one module more for few command lines

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = captures + FILES_BESIDES
    if resource.RLIM_INFINITY != soft < needed:
        if resource.RLIM_INFINITY != hard < needed:
            raise CaptureError(
                f"{captures:,} files are more than may be open at once here ({hard:,}): "
                "raise `ulimit -n`, or join them with mergecap"
            )
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))


def _useful_jobs(paths: list[str]) -> int:
    try:
        size = sum(Path(path).stat().st_size for path in paths if Path(path).is_file())
        processors = len(os.sched_getaffinity(0)) if sys.platform == "linux" else 1
    except OSError:  # a file that goes away is told of when it is opened
        return 1
    return 2 if size >= LARGE_BYTES and processors > 1 else 1


def _prepare(block: Block) -> Mapping[str, npt.NDArray[Any]]:
    return Columns.of(block).arrays()
