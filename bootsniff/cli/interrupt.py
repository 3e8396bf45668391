"""Ctrl-C: the first one ends reading and the report is still written, the second one ends the program."""

from __future__ import annotations

import signal
from collections.abc import Iterable, Iterator
from types import FrameType, TracebackType
from typing import Any, Self, TypeVar

T = TypeVar("T")


class Interrupts:
    """A context manager; inside of it `until_interrupted` stops at the first Ctrl-C."""

    def __init__(self) -> None:
        self.count = 0
        self._waiting = False
        self._before: Any = None

    def __enter__(self) -> Self:
        self._before = signal.signal(signal.SIGINT, self._handle)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        signal.signal(signal.SIGINT, self._before)

    def until_interrupted(self, items: Iterable[T]) -> Iterator[T]:
        """The items, until the first Ctrl-C: at once while waiting for the next one, else when the caller asks for it."""
        iterator = iter(items)
        while not self.count:
            try:
                self._waiting = True
                item = next(iterator)
                self._waiting = False
            except StopIteration:
                return
            except KeyboardInterrupt:
                if self.count > 1:
                    raise
                return
            finally:
                self._waiting = False
            yield item

    def _handle(self, _number: int, _frame: FrameType | None) -> None:
        self.count += 1
        if self._waiting or self.count > 1:
            raise KeyboardInterrupt
