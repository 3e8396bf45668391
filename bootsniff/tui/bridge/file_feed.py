"""Reads capture files in a thread and keeps a report for every moment worth going back to."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator, Sequence

import numpy as np
from msgspec.structs import replace

from ...model import Block, CaptureInfo, FrameBytes, FrameStore, Report, Tick
from ...rules.diagnosis import Diagnosis
from ...sources.blocks import cut
from ...sources.capture_source import CaptureSource
from ...sources.merge import rounds_and_ticks
from ...text import printable
from . import FeedStatus
from .moments import Moments

TRAFFIC_POINTS = 4096
PUBLISH_SECONDS = 0.2
"""While reading, the screen has a new report this often at least."""
FREE_SECONDS = 0.5
SHARE = 4
"""Making reports of moments may take one part in this many of the reading time, once it took FREE_SECONDS."""
WAITS = (1, 2, 4, 8, 16, 32)
"""Seconds into a silence at which there is a moment too: stalls show while nothing happens."""
LONGEST_PATH = 4096
SWITCH_SECONDS = 0.0005


class FileFeed:
    """A feed of open captures that are read to their ends. The captures become this object's to close."""

    def __init__(self, sources: Sequence[CaptureSource], problems: Sequence[str] = ()) -> None:
        """`problems` are sentences about captures that could not be opened."""
        self._sources = sources
        self._text = "; ".join(problems)
        self._moments = Moments()
        self._latest: Report | None = None
        self._state: FeedStatus = FeedStatus("reading", self._text, 0.0)
        self._traffic: list[tuple[int, int]] = []
        self._closing = False
        self._lock = threading.Lock()
        self._asked = False
        self._spent = self._cost = 0.0
        self._now = 0
        self._counted: dict[int, tuple[int, int]] = {}
        """Frames and last time of each capture, up to what the diagnosis was given."""
        self._began = self._published = time.monotonic()
        self._strict = bool(os.environ.get("BOOTSNIFF_DEBUG"))
        self._diagnosis = Diagnosis(watching=True, arrows=True, note=self._keep, strict=self._strict)
        # The reader never waits for anything: at the usual 5 ms the screen would wait that long for each of its steps.
        sys.setswitchinterval(SWITCH_SECONDS)
        # A daemon: leaving the program never waits for a read that hangs.
        self._thread = threading.Thread(target=self._work, name="reader", daemon=True)
        self._thread.start()

    # --- the screen's side ---

    @property
    def frames(self) -> FrameStore:
        return self

    def get(self, capture: int, frame: int) -> FrameBytes | None:
        """One frame; stores that are filled while reading are asked between two blocks."""
        if not 0 <= capture < len(self._sources):
            return None
        self._asked = True
        if not self._lock.acquire(timeout=0.5):
            return None
        try:
            return self._sources[capture].frames.get(capture, frame)
        except ValueError:  # closed meanwhile
            return None
        finally:
            self._asked = False
            self._lock.release()

    def latest(self) -> Report | None:
        return self._latest

    def status(self) -> FeedStatus:
        return self._state

    def pause(self) -> None:
        """Reading goes on: a pipe must not fill up."""

    def resume(self) -> None:
        """Nothing was held."""

    def close(self) -> None:
        self._closing = True

    def wait(self, seconds: float = 0.3) -> None:
        """Gives a closed feed a moment to let go of its files; one that hangs in a read is left to its fate."""
        self._thread.join(seconds)

    def moments(self) -> tuple[int, ...]:
        return self._moments.times

    def at(self, time: int) -> Report | None:
        return self._moments.at(time)

    def traffic(self) -> Sequence[tuple[int, int]]:
        return self._traffic

    # --- the thread ---

    def _work(self) -> None:
        try:
            self._read()
        except Exception as error:
            if self._strict:
                raise
            words = printable(f"reading ended by an internal error, {type(error).__name__}: {error}")
            self._state = FeedStatus("failed", f"{words}; what was read before is shown (BOOTSNIFF_DEBUG=1 tells more)")

    def _read(self) -> None:
        items = rounds_and_ticks(self._sources, self._diagnosis.ended)
        last: int | None = None
        while not self._closing:
            if self._asked:
                time.sleep(0.001)  # lets the screen have the lock
            with self._lock:
                item = next(items, None)
                if item is None:
                    break
                if isinstance(item, Tick):
                    self._diagnosis.tick(item.time)
                    self._moment((), force=True)
                else:
                    for part in self._parts(item):
                        last = self._take(part, last)
            self._tell_progress()
        captures = tuple(self._described(source, source.info()) for source in self._sources)
        self._diagnosis.finish(captures)
        self._latest = self._moments.add(replace(self._diagnosis.report(captures), now=self._now or None))
        self._state = FeedStatus("ended", self._text)

    def _parts(self, blocks: Sequence[Block]) -> Iterator[tuple[Block, ...]]:
        """The round cut at the steps of time at which a moment is kept."""
        step = self._moments.step
        # the running maximum: where time goes backwards in a file, packets stay in the order of the file
        buckets = [np.maximum.accumulate(block.time) // step for block in blocks]
        for bucket in np.unique(np.concatenate(buckets)):
            part = []
            for block, mine in zip(blocks, buckets, strict=True):
                start, stop = np.searchsorted(mine, (bucket, bucket + 1))
                if stop > start:
                    part.append(cut(block, int(start), int(stop)))
            yield tuple(part)

    def _take(self, blocks: tuple[Block, ...], last: int | None) -> int:
        """Feeds blocks of one step of time, after the moments of the silence before it."""
        first = min(int(block.time[0]) for block in blocks)
        if last is not None and self._may_spend():
            for seconds in WAITS:
                wait = last + seconds * 1_000_000_000
                if wait >= first or wait - last < self._moments.step:
                    continue
                self._diagnosis.tick(wait)
                self._moment(())
        self._diagnosis.feed(*blocks)
        self._moment(blocks)
        return max(int(block.time.max()) for block in blocks)

    def _may_spend(self) -> bool:
        return self._spent + self._cost < max(FREE_SECONDS, (time.monotonic() - self._began) / SHARE)

    def _moment(self, blocks: tuple[Block, ...], *, force: bool = False) -> None:
        began = time.monotonic()
        captures = self._captures(blocks)
        now = self._now = max(self._now, self._diagnosis.now or 0, *(int(block.time.max()) for block in blocks))
        if now and (not self._traffic or now >= self._traffic[-1][0]):
            self._traffic.append((now, sum(info.frames for info in captures)))
            if len(self._traffic) > TRAFFIC_POINTS:
                self._traffic = [self._traffic[0], *self._traffic[1:-1:2], self._traffic[-1]]
        # thousands of machines take long to judge: then there are fewer moments, not a longer wait for the end
        due = began - self._published > max(PUBLISH_SECONDS, SHARE * self._cost)
        if force or due or self._may_spend():
            # the engine's time stands still while only bulk packets come; the screen's clocks must not
            self._latest = self._moments.add(replace(self._diagnosis.report(captures), now=now or None))
            self._published = time.monotonic()
            self._cost = self._published - began
            self._spent += self._cost

    def _captures(self, blocks: tuple[Block, ...]) -> tuple[CaptureInfo, ...]:
        """What the captures held up to and with these blocks; the sources themselves have read on already."""
        for block in blocks:
            _, last = self._counted.get(block.capture, (0, 0))
            self._counted[block.capture] = (block.first_frame + len(block) - 1, max(last, int(block.time.max())))
        infos = []
        for source in self._sources:
            info = source.info()
            frames, last = self._counted.get(source.index, (0, 0))
            info = replace(info, frames=frames, last=last or None, first=info.first if frames else None)
            infos.append(self._described(source, info))
        return tuple(infos)

    def _described(self, source: CaptureSource, info: CaptureInfo) -> CaptureInfo:
        """With a name that is safe to show, and what only the diagnosis knows."""
        path = printable(os.fsencode(info.path), LONGEST_PATH)
        return replace(info, path=path, undecoded_frames=self._diagnosis.undecoded(source.index))

    def _keep(self, capture: int, frame: int) -> None:
        self._sources[capture].frames.keep(frame)

    def _tell_progress(self) -> None:
        positions = [source.progress() for source in self._sources]
        sizes = [size for _, size in positions if size]
        part = sum(done for done, _ in positions) / sum(sizes) if len(sizes) == len(positions) else None
        state = "reading" if part is not None else "live"
        self._state = FeedStatus(state, self._text, None if part is None else min(1.0, part))  # type: ignore[arg-type]
