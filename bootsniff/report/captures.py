"""The captures of a report: what they hold, and what they cannot show."""

from __future__ import annotations

from collections.abc import Iterable

from ..model import BROADCASTS_ONLY, ONE_SIDED, CaptureInfo
from .failures import failure
from .lines import Paper, Span
from .units import Clock, amount, count, duration

_BLIND_SPOTS = {
    ONE_SIDED: (
        "Machines went on from answers that are not in this capture: it shows one direction or the broadcasts only, or a "
        "filter such as `port 69` left them out (TFTP answers come from another port; `bootsniff filter` prints a filter "
        "that fits)"
    ),
    BROADCASTS_ONLY: (
        "No packet is for one boot client alone: if this is another port of the switch, which shows broadcasts only, "
        "fetches are missing; capture at the client's port, on a mirror of it, or at the server"
    ),
}
"""What is said of a counter that tells of the capture point."""


def write_captures(captures: Iterable[CaptureInfo], paper: Paper, clock: Clock) -> None:
    """One entry a capture, quality lines beneath."""
    for capture in captures:
        _write_capture(capture, paper, clock)


def write_blind_spots(counters: Iterable[tuple[str, int]], paper: Paper) -> None:
    """What none of the captures shows, as the packets themselves tell."""
    told = dict(counters)
    for name, text in _BLIND_SPOTS.items():
        if told.get(name):
            paper.prose(text, 2, style="warning")


def write_counters(counters: Iterable[tuple[str, int]], paper: Paper) -> None:
    """What was seen twice, what bounds threw away, and what failed."""
    words = [_left_out(name, number) for name, number in counters if number and name not in _BLIND_SPOTS]
    if words:
        paper.blank()
        paper.flow([[Span(word)] for word in words], label=Span("left out:", "warning"), between=", ")


def _left_out(name: str, number: int) -> str:
    failed = failure(name, number)
    if failed is not None:
        return f"{failed[0]}, which failed"
    return f"{number:,} {(name.removesuffix('s') if number == 1 else name).replace('_', ' ')}"


def _write_capture(capture: CaptureInfo, paper: Paper, clock: Clock) -> None:
    words = [
        [Span(capture.path, "strong"), Span(f": {capture.format}")],
        [Span(count(capture.frames, "frame"))],
        [Span(amount(capture.bytes))],
    ]
    if capture.first is not None and capture.last is not None:
        span = duration(max(0, capture.last - capture.first))
        words.append([Span(f"{span} from {clock.date_time(capture.first)}")])
    paper.flow(words, between=", ")
    for text in quality(capture):
        paper.prose(text, 2, style="warning")


def quality(capture: CaptureInfo) -> list[str]:
    """What this capture cannot show, in sentences; empty when nothing is known to be missing."""
    lines = []
    if capture.clock_shift:
        way = "behind" if capture.clock_shift > 0 else "ahead of"
        lines.append(
            f"its clock was {duration(abs(capture.clock_shift))} {way} that of the first capture, as packets in both show: "
            "its times are corrected"
        )
    if capture.truncated or capture.problem:
        lines.append(f"truncated: {capture.problem or 'the file ends early'}; read as far as it goes")
    if capture.dropped_frames:
        lines.append(
            f"{count(capture.dropped_frames, 'frame')} lost while capturing: what is missing may have been sent"
        )
    if capture.cut_frames:
        verb = "was" if capture.cut_frames == 1 else "were"
        lines.append(f"{count(capture.cut_frames, 'frame')} {verb} cut short when captured (snap length)")
    if capture.undecoded_frames:
        lines.append(f"{count(capture.undecoded_frames, 'frame')} could not be decoded")
    return lines
