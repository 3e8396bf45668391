"""Frames from a store into a pcapng file, through the recorder that live captures use."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ...model import Block, FrameBytes, Interface
from ...sources.recorder import Recorder
from ...version import __version__


def write_pcapng(path: Path, frames: Sequence[FrameBytes]) -> None:
    """Writes the frames in their order; each capture point and link type becomes an interface. Raises CaptureError."""
    interfaces: dict[tuple[int, int], int] = {}
    for frame in frames:
        interfaces.setdefault((frame.capture, frame.link_type), len(interfaces))
    buffer = bytearray(b"".join(frame.data for frame in frames))
    lengths = np.array([len(frame.data) for frame in frames], dtype=np.int64)
    block = Block(
        capture=0,
        buffer=buffer,
        first_frame=1,
        time=np.array([frame.time for frame in frames], dtype=np.int64),
        offset=np.cumsum(lengths) - lengths,
        captured=lengths,
        original=np.array([frame.original_length for frame in frames], dtype=np.int64),
        interface=np.array([interfaces[frame.capture, frame.link_type] for frame in frames], dtype=np.uint16),
        interfaces=tuple(Interface(link, f"capture {capture + 1}") for capture, link in interfaces),
    )
    # a percent sign would be filled in as a time
    recorder = Recorder(Path(str(path).replace("%", "%%")), f"bootsniff {__version__}")
    try:
        recorder.write(block)
    finally:
        recorder.close()
