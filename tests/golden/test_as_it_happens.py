"""Recorded boots a moment at a time, as live sees them: events, their last report and `read` tell the same."""

from __future__ import annotations

import pytest

from ..moments import at_once, check, watch
from .samples import PCAPS, TRUTH, files_of


@pytest.mark.parametrize("name", [name for name in TRUTH if "+" not in name])
def test_events_and_report_agree(name: str) -> None:
    (file,) = files_of(name)
    events, machines = watch(str(PCAPS / file))
    check(events, machines)
    assert machines == at_once(str(PCAPS / file))
