"""Ports of switches, as far as what they send tells of them: values; judges nothing."""

from __future__ import annotations

from msgspec import Struct

from ..model import FrameRef


class LonelyPort(Struct, eq=False, gc=False):
    """A port that sends LACPDUs, hears none, and lets no ordinary frame pass: when that was so, the last time."""

    since: FrameRef
    last: FrameRef
    over: bool = False
    """It has found a partner, or forwards without one."""


class GuardedPort(Struct, eq=False, gc=False):
    """A port that asks by IEEE 802.1X who is there: since when, the last time, and whom, where it knows a MAC."""

    since: FrameRef
    last: FrameRef
    target: str | None
    over: bool = False
    """It was told, and is open."""
    refused: FrameRef | None = None
    """Where it gave up asking."""


class SilentPort(Struct, eq=False, gc=False):
    """A port whose BPDUs do not tell its state: since when they come, and when the tree told of a change after that.

    A port that begins to forward is such a change (IEEE 802.1D clause 8.6.14), which the next BPDUs tell.
    """

    since: FrameRef
    delay: int
    """ns that it spends listening, and as many again learning, after its link comes up."""
    changed: FrameRef | None = None
