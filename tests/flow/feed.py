"""Feeds frames to a sieve and reads what came out of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from bootsniff.flow.records import Event
from bootsniff.flow.sieve import Sieve
from tests.flow.packets import Frame, block_of

R = TypeVar("R")


def events_of(frames: Iterable[Frame], *, sieve: Sieve | None = None) -> list[Event]:
    """All events of some frames, the end of the capture included."""
    sieve = sieve or Sieve(0)
    events = sieve.feed(block_of(frames))
    events += sieve.finish()
    sieve.sync()
    return events


def records_of(kind: type[R], events: Iterable[Event]) -> list[R]:
    """The records of one kind that events speak of, each once, in order of first sight."""
    return list(dict.fromkeys(event.subject for event in events if isinstance(event.subject, kind)))


def changes(record: object, events: Iterable[Event]) -> list[str]:
    return [event.change for event in events if event.subject is record]
