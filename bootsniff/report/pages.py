"""What views read of a report: each part once, in this order, so that a report of any size can be written as it is made."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from ..model import CaptureInfo, Finding, Machine


class Pages(Protocol):
    """`model.Report` is one; the command line has another one that judges each machine when it is asked for it."""

    @property
    def captures(self) -> tuple[CaptureInfo, ...]: ...

    @property
    def machines(self) -> Iterable[Machine]: ...

    @property
    def findings(self) -> tuple[Finding, ...]: ...

    @property
    def counters(self) -> tuple[tuple[str, int], ...]: ...
