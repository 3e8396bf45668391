"""Which moment is on the screen: the newest, a paused one, or one of a recording that is being played."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from ..model import NANOSECONDS, Report
from .bridge import Feed, Recording
from .facts import first_time, frames_seen

SPEEDS = (1, 2, 5, 10, 20, 50, 100)
TRAFFIC_POINTS = 4096


class Player:
    """Asks a feed for the report of the moment to show. Wall time comes in from outside, in seconds."""

    def __init__(self, feed: Feed) -> None:
        self.feed = feed
        self.report: Report | None = None
        """What is shown."""
        self.paused = False
        """The newest report is held back."""
        self.position: int | None = None
        """Moment of a recording that is shown; None follows the newest."""
        self.playing = False
        self.speed = 1
        self._traffic: list[tuple[int, int]] = []
        self._newest: Report | None = None

    @property
    def recording(self) -> Recording | None:
        return self.feed if isinstance(self.feed, Recording) else None

    @property
    def traffic(self) -> Sequence[tuple[int, int]]:
        """(time, frames so far), rising, at most TRAFFIC_POINTS of them for a live feed."""
        return self.recording.traffic() if self.recording else self._traffic

    @property
    def now(self) -> int | None:
        """The time that clocks on the screen go by."""
        if self.position is not None:
            return self.position
        return self.report.now if self.report else None

    @property
    def span(self) -> tuple[int, int] | None:
        """First and last moment of what can be shown."""
        newest = self._newest
        first = first_time(newest) if newest else None
        if newest is None or first is None or newest.now is None:
            return None
        return first, max(first, newest.now)

    def poll(self, elapsed: float) -> bool:
        """Fetches what is to be shown after `elapsed` more seconds; tells whether anything on the screen changes."""
        self._take_newest()
        before = (self.report, self.now)
        if self.position is not None:
            if self.playing:
                self._advance(elapsed)
            recording = self.recording
            if self.position is not None and recording is not None:
                self.report = recording.at(self.position) or Report()
        if self.position is None and not self.paused:
            self.report = self._newest
        return self.report is not before[0] or self.now != before[1]

    def _take_newest(self) -> None:
        newest = self.feed.latest()
        if newest is None or newest is self._newest:
            return
        self._newest = newest
        if newest.now is not None:
            frames = frames_seen(newest)
            if not self._traffic or (newest.now > self._traffic[-1][0] and frames >= self._traffic[-1][1]):
                self._traffic.append((newest.now, frames))
            if len(self._traffic) > TRAFFIC_POINTS:
                del self._traffic[1:-1:2]

    def _advance(self, elapsed: float) -> None:
        span = self.span
        if span is None or self.position is None:
            return
        self.position += round(elapsed * self.speed * NANOSECONDS)
        if self.position >= span[1]:
            self.playing = False
            self.position = None

    # --- commands ---

    def toggle(self) -> None:
        """Space: plays or halts a recording, holds or follows a live feed."""
        if self.recording is None:
            self.paused = not self.paused
            if self.paused:
                self.feed.pause()
            else:
                self.feed.resume()
            return
        span = self.span
        if span is None:
            return
        if self.position is None:
            self.position, self.playing = span[0], True
        else:
            self.playing = not self.playing

    def follow(self) -> None:
        """Back to the newest moment."""
        if self.paused:
            self.paused = False
            self.feed.resume()
        self.position, self.playing = None, False

    def seek(self, part: float) -> None:
        """To a part (0 to 1) of the recording."""
        span = self.span
        if self.recording is None or span is None:
            return
        self.position = span[0] + round((span[1] - span[0]) * max(0.0, min(1.0, part)))
        if part >= 1:
            self.follow()

    def skip(self, seconds: float) -> None:
        """Forward, or back when negative, by seconds of the capture's time."""
        span = self.span
        if self.recording is None or span is None:
            return
        here = span[1] if self.position is None else self.position
        target = here + round(seconds * NANOSECONDS)
        if target >= span[1]:
            self.follow()
        else:
            self.position = max(span[0], target)

    def step(self, direction: int) -> None:
        """To the next or the previous moment at which the recording kept a report."""
        span, recording = self.span, self.recording
        if recording is None or span is None:
            return
        moments = recording.moments()
        here = span[1] if self.position is None else self.position
        place = bisect_right(moments, here)
        if direction > 0:
            if place >= len(moments):
                self.follow()
            else:
                self.position = moments[place]
        else:
            earlier = place - 1 if place and moments[place - 1] < here else place - 2
            if 0 <= earlier < len(moments):
                self.position = moments[earlier]

    def faster(self, direction: int) -> None:
        place = SPEEDS.index(self.speed) + direction
        self.speed = SPEEDS[max(0, min(len(SPEEDS) - 1, place))]
