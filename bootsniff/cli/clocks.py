"""The clocks of several files, compared before any of them is read for its boots; what differs is told by `sources`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from ..errors import BootsniffError
from ..flow.clocks import Marks, clock_shift
from ..sources.capture_file import open_capture
from .progress import ProgressBar

MAX_FILES = 16
"""More files than that are the parts of a rotated capture, not capture points."""
MAX_BYTES = 1 << 30
"""So much of each file is looked at."""


def clock_shifts(paths: Sequence[str], *, quiet: bool = False) -> list[int]:
    """What has to be added to the times of each file, ns, so that all go by the first one's clock.

    0 where that cannot be told: of pipes, of files without a packet that is in another one, of files that cannot be
    opened, which is for others to say. What takes long shows its progress, unless it is to be `quiet`.
    """
    shifts = [0] * len(paths)
    if len(paths) > MAX_FILES:
        return shifts
    marks = _all_marks(paths, quiet=quiet)
    for index in range(1, len(paths)):
        for other in range(index):
            shift = clock_shift(marks[other].seen, marks[index].seen)
            if shift is not None:
                shifts[index] = shifts[other] + shift
                break
    return shifts


def _all_marks(paths: Sequence[str], *, quiet: bool) -> list[Marks]:
    sizes = [_size(path) for path in paths]
    done = 0
    bar = ProgressBar(lambda: (done, sum(sizes)), wanted=not quiet)
    every = []
    try:
        for number, (path, size) in enumerate(zip(paths, sizes, strict=True)):
            marks = Marks()
            every.append(marks)
            for position in _note(path, marks) if size else ():
                done = sum(sizes[:number]) + position
                bar.update()
    finally:
        bar.close()
    return every


def _size(path: str) -> int:
    """How much of a file is looked at, bytes; 0 for what is none."""
    try:
        return min(Path(path).stat().st_size, MAX_BYTES) if Path(path).is_file() else 0
    except OSError:
        return 0


def _note(path: str, marks: Marks) -> Iterator[int]:
    """Take the marks of a file, block by block; tells how far it has come."""
    try:
        source = open_capture(path, 0)
    except BootsniffError:
        return
    try:
        for block in source.blocks():
            marks.note(block)
            position = source.progress()[0]
            yield position
            if position >= MAX_BYTES:
                return
    finally:
        source.close()
