"""The capture process: source, recorder and engine, with nothing in it that waits for a reader, a terminal or a user.

A view in the same interpreter would make the kernel drop packets; so the view is the parent process, and this one
sends it what changed whenever the pipe between them has room.
"""

from __future__ import annotations

import gc
import signal
import time
from collections import deque

from msgspec.structs import replace

from ..errors import BootsniffError, CaptureError
from ..model import Block, CaptureInfo, Tick
from ..rules.diagnosis import Diagnosis
from ..sources.frame_log import FrameLog
from ..sources.live import LiveSource, News
from ..sources.recorder import Recorder
from . import debugging
from .live_channel import PAUSE, RESUME, STOP, Failed, Outlet, Ready
from .live_open import Task, open_live
from .live_parcel import Update

UPDATE_NS = 100_000_000
"""The shortest time between two updates."""
QUIET_UPDATE_NS = 1_000_000_000
"""Frame counts and transfers that go on are told this often."""
TICK_NS = 250_000_000
"""Packet time after which the engine is told how late it is, while only bodies of transfers come."""
JUDGE_SHARE = 10
"""After an update there is a pause of so many times what making it took."""
JUDGE_NS = 15_000_000
"""Making an update takes about this long at most: the ring must not wait for 5,000 machines to be judged."""
LEAST_MACHINES = 4
MAX_NEWS = 200


def run_capture(task: Task, outlet: Outlet, log: FrameLog) -> None:
    """Capture until told to stop. Everything worth telling goes through `outlet`, errors too; never raises."""
    # These reach the whole process group (Ctrl-C, timeout(1), a closed terminal); the parent decides. A handler,
    # because programs started from here would inherit an ignored signal.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _nothing)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    try:
        final = _Capture(task, outlet, log).run()
    except BootsniffError as error:
        outlet.finish(Failed(error.exit_status, str(error)))
    except Exception as error:
        if debugging():
            raise
        outlet.finish(Failed(3, f"internal error while capturing, {type(error).__name__}: {error}"))
    else:
        outlet.finish(final)


def _nothing(*_: object) -> None:
    """The signal is the parent's business."""


class _Capture:
    def __init__(self, task: Task, outlet: Outlet, log: FrameLog) -> None:
        self._task = task
        self._outlet = outlet
        self._log = log
        self._unwanted = False
        """Told to end."""
        self._paused = False
        opened = open_live(task, self._wanted)
        self._source: LiveSource = opened.source
        self._recorder: Recorder | None = opened.recorder
        self._diagnosis = Diagnosis(
            watching=True, host=opened.facts, arrows=task.arrows, note=log.keep, strict=debugging()
        )
        self._news: deque[News] = deque(maxlen=MAX_NEWS)
        self._packets = 0
        self._ticked = 0
        self._to_look_at = 0
        """Waiting machines that this second's round has not come to yet."""
        self._judging_ns = 1_000_000
        """What judging a machine took lately."""
        self._update_at = 0
        self._refresh_at = 0
        outlet.send(Ready(opened.text, opened.notes))

    def run(self) -> Update:
        gc.collect()
        gc.freeze()
        failure = None
        try:
            self._follow()
        except CaptureError as error:
            failure = str(error)
        finally:
            if self._recorder is not None:
                self._close_recorder(self._recorder)
            self._source.close()
        captures = self._captures()
        self._diagnosis.finish(captures)
        return self._made(captures, final=True)._replace(failure=failure)

    def _follow(self) -> None:
        for item in self._source.items():
            if isinstance(item, Block):
                self._packets_came(item)
            elif isinstance(item, Tick):
                self._diagnosis.tick(item.time)
            else:
                self._news_came(item)
            if not self._wanted():
                self._source.stop()
            now = time.monotonic_ns()
            if now >= self._update_at and not self._paused and self._outlet.idle:
                self._update(now)

    def _packets_came(self, block: Block) -> None:
        self._log.begin(block)
        if self._recorder is not None:
            self._record(self._recorder, block)
        self._diagnosis.feed(block)
        self._log.end()
        last = int(block.time[-1])
        if last - self._ticked >= TICK_NS:
            # Bodies move nobody's clock: while one machine loads, others may have waited too long.
            self._ticked = last
            self._diagnosis.tick(last)
        self._packets += len(block)
        if self._task.count is not None and self._packets >= self._task.count:
            self._source.stop()

    def _news_came(self, news: News) -> None:
        if self._recorder is not None and news.dropped:
            self._recorder.add_drops(news.interface, news.dropped)
        self._news.append(news)

    def _record(self, recorder: Recorder, block: Block) -> None:
        try:
            recorder.write(block)
        except CaptureError as error:
            # A full disk ends the recording, not the diagnosis.
            self._recorder = None
            self._news.append(News(time.time_ns(), str(error)))

    def _close_recorder(self, recorder: Recorder) -> None:
        try:
            recorder.close(self._diagnosis.now)
        except CaptureError as error:
            self._news.append(News(time.time_ns(), str(error)))

    def _wanted(self) -> bool:
        """Obey what the reader told; whether it still wants packets."""
        for command in self._outlet.commands():
            if command == STOP[0]:
                self._unwanted = True
            elif command in (PAUSE[0], RESUME[0]):
                self._paused = command == PAUSE[0]
        return not self._unwanted

    def _captures(self) -> tuple[CaptureInfo, ...]:
        """What the source knows, with what only the engine knows."""
        return tuple(
            replace(info, undecoded_frames=self._diagnosis.undecoded(index))
            for index, info in enumerate(self._source.captures())
        )

    def _update(self, now: int) -> None:
        refresh = now >= self._refresh_at
        if refresh:
            self._refresh_at = now + QUIET_UPDATE_NS
        elif not self._diagnosis.moved and not self._news and self._to_look_at <= 0:
            self._update_at = now + UPDATE_NS // 5
            return
        self._outlet.send(self._made(self._captures(), final=False, refresh=refresh))
        spent = time.monotonic_ns() - now
        self._update_at = now + max(UPDATE_NS, JUDGE_SHARE * spent)

    def _made(self, captures: tuple[CaptureInfo, ...], *, final: bool, refresh: bool = False) -> Update:
        diagnosis = self._diagnosis
        limit = None
        if not final:
            # What moved goes first; machines that only wait have what is left of the time.
            limit = max(LEAST_MACHINES, JUDGE_NS // self._judging_ns)
            few = LEAST_MACHINES if diagnosis.moved else limit // 2
            if diagnosis.moved < limit and refresh:
                self._to_look_at = diagnosis.look_at_waiting(few) - few
            elif not diagnosis.moved and self._to_look_at > 0:
                diagnosis.look_at_waiting(few)
                self._to_look_at -= few
        began = time.monotonic_ns()
        machines = diagnosis.changed(captures, limit=limit)
        if machines:
            spent = (time.monotonic_ns() - began) // len(machines)
            self._judging_ns = max(1, (3 * self._judging_ns + spent) // 4)
        news = tuple(self._news)
        self._news.clear()
        return Update(
            now=max([diagnosis.now or 0, *(info.last or 0 for info in captures)]) or None,
            captures=captures,
            machines=tuple(machines),
            forgotten=diagnosis.gone() if final or refresh else (),
            network=diagnosis.network() if final or refresh else None,
            counters=diagnosis.counters(),
            news=news,
            final=final,
        )
