"""Plays the scenarios that the selected tests ask for, two at a time, and hands each test its outcome."""

from __future__ import annotations

import json
import os
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from . import bootfiles, requirements
from .laboratory import Outcome, run
from .scenarios import SCENARIOS

AT_ONCE = 2


@pytest.fixture(scope="session")
def boots(request: pytest.FixtureRequest) -> Iterator[Boots]:
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

        def play(name: str, take: int) -> Future[Outcome]:
            return pool.submit(run, SCENARIOS[name], root, directory / f"{name}-{take}", cancelled)

        yield Boots({(name, 1): play(name, 1) for name in SCENARIOS if name in wanted}, play)


class Boots:
    """Scenarios that were played. Firmware in an emulator on a busy machine may run into its own time limits: a test
    that fails has its scenario played once more (a second `take`), and that one counts.
    """

    def __init__(
        self, takes: dict[tuple[str, int], Future[Outcome]], play: Callable[[str, int], Future[Outcome]]
    ) -> None:
        self._takes = takes
        self._play = play

    def outcome(self, name: str, take: int) -> Outcome:
        """Wait for the outcome of a scenario."""
        if (name, take) not in self._takes:
            self._takes[name, take] = self._play(name, take)
        return self._takes[name, take].result()


@pytest.fixture
def outcome(request: pytest.FixtureRequest, boots: Boots) -> Outcome:
    """The outcome of the scenario that the test is parametrized with; printed, for when the test fails."""
    outcome = boots.outcome(request.param, getattr(request.node, "execution_count", 1))
    print(json.dumps(outcome.report["machines"], indent=1))
    print(outcome.notes, outcome.console[-3000:])
    return outcome
