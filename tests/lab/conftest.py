"""Plays the scenarios that the selected tests ask for, two at a time, and hands each test its outcome."""

from __future__ import annotations

import json
import os
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from . import bootfiles, requirements
from .laboratory import Outcome, run
from .scenarios import SCENARIOS

AT_ONCE = 2


@pytest.fixture(scope="session")
def boots(request: pytest.FixtureRequest) -> Iterator[dict[str, Future[Outcome]]]:
    """Every scenario that a selected test names, playing or about to.

    BOOTSNIFF_LAB_KEEP=DIRECTORY keeps the recordings and logs.
    """
    if reason := requirements.missing():
        pytest.skip(reason)
    parameters = [item.callspec.params for item in request.session.items if hasattr(item, "callspec")]
    wanted = {params["outcome"] for params in parameters if "outcome" in params}
    cancelled = threading.Event()
    with ExitStack() as stack:
        kept = os.environ.get("BOOTSNIFF_LAB_KEEP")
        directory = Path(kept or stack.enter_context(tempfile.TemporaryDirectory(prefix="bootsniff-lab-")))
        directory.mkdir(parents=True, exist_ok=True)
        directory.chmod(0o755)
        root = bootfiles.build(directory / "boot-files")
        pool = stack.enter_context(ThreadPoolExecutor(AT_ONCE))
        stack.callback(pool.shutdown, wait=False, cancel_futures=True)
        stack.callback(cancelled.set)
        yield {
            name: pool.submit(run, scenario, root, directory / name, cancelled)
            for name, scenario in SCENARIOS.items()
            if name in wanted
        }


@pytest.fixture
def outcome(request: pytest.FixtureRequest, boots: dict[str, Future[Outcome]]) -> Outcome:
    """The outcome of the scenario that the test is parametrized with; printed, for when the test fails."""
    outcome = boots[request.param].result()
    print(json.dumps(outcome.report["machines"], indent=1))
    print(outcome.notes, outcome.console[-3000:])
    return outcome
