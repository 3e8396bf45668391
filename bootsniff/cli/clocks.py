"""The clocks of several files, compared before any of them is read for its boots; what differs is told by `sources`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..errors import BootsniffError
from ..flow.clocks import Marks, clock_shift
from ..sources.capture_file import open_capture

MAX_FILES = 16
"""More files than that are the parts of a rotated capture, not capture points."""
MAX_BYTES = 1 << 30
"""So much of each file is looked at."""


def clock_shifts(paths: Sequence[str]) -> list[int]:
    """What has to be added to the times of each file, ns, so that all go by the first one's clock.

    0 where that cannot be told: of pipes, of files without a packet that is in another one, of files that cannot be
    opened, which is for others to say.
    """
    shifts = [0] * len(paths)
    if not 1 < len(paths) <= MAX_FILES:
        return shifts
    marks = [_marks(path) for path in paths]
    for index in range(1, len(paths)):
        for other in range(index):
            shift = clock_shift(marks[other].seen, marks[index].seen)
            if shift is not None:
                shifts[index] = shifts[other] + shift
                break
    return shifts


def _marks(path: str) -> Marks:
    marks = Marks()
    try:
        if not Path(path).is_file():
            return marks
        source = open_capture(path, 0)
    except (BootsniffError, OSError):
        return marks
    try:
        for block in source.blocks():
            marks.note(block)
            if source.progress()[0] > MAX_BYTES:
                break
    finally:
        source.close()
    return marks
