"""What widgets tell their screens; all messages of the TUI in one place."""

from __future__ import annotations

from collections.abc import Hashable

from textual.message import Message
from textual.widget import Widget


class RowMessage(Message):
    """Something about a row of a list."""

    def __init__(self, sender: Widget, key: Hashable) -> None:
        super().__init__()
        self.sender = sender
        self.key = key

    @property
    def control(self) -> Widget:
        return self.sender


class RowSelected(RowMessage):
    """The user moved the cursor onto a row."""


class RowChosen(RowMessage):
    """The user pressed Enter on a row, or clicked the row that was already selected."""


class Unwrapped(RowMessage):
    """Another program has found what stands in a frame."""


class SeekAsked(Message):
    """The user pointed at a moment of the recording: `part` of its length, 0 to 1."""

    def __init__(self, part: float) -> None:
        super().__init__()
        self.part = part
