"""What findings advise is held against the programs that must take it: every rule's scene, boots made of packets, the
same with hostile names, and the recorded boots.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.rules import advice
from tests.rules.advice import Advice

from . import dialects

GOLDEN = Path(__file__).parents[1] / "golden"


def _of_recordings() -> Iterator[Advice]:
    for path in sorted(GOLDEN.glob("*.json")):
        report = json.loads(path.read_text())
        found = [finding for machine in report["machines"] for finding in machine["findings"]]
        for finding in [*found, *report["findings"]]:
            yield from (Advice(finding["code"], fix["for"], fix["text"]) for fix in finding["fixes"])


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> list[Advice]:
    """Everything that is advised, once."""
    directory = tmp_path_factory.mktemp("packets")
    hostile = (item for text in advice.HOSTILE for item in advice.of_hostile_packets(directory, text))
    return list(dict.fromkeys([*advice.of_scenes(), *advice.of_packets(directory), *_of_recordings(), *hostile]))


@pytest.mark.root
@pytest.mark.parametrize("target", sorted(dialects.CHECKS))
def test_programs_take_what_is_advised(target: str, given: list[Advice]) -> None:
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        pytest.skip("needs Linux, and root for namespaces")
    if missing := dialects.missing(target):
        pytest.skip(f"needs {', '.join(missing)}: see tests/lab/packages.txt")
    mine = [item for item in given if item.target == target]
    assert mine
    with ThreadPoolExecutor(2) as pool:
        said = pool.map(dialects.complaint, mine)
    assert [(item, words) for item, words in zip(mine, said, strict=True) if words] == []
