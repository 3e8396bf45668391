"""How many processes read the files of one command."""

import os
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from bootsniff.cli import reading
from bootsniff.cli.reading import Reading
from bootsniff.errors import CaptureError
from bootsniff.sources import capture_file

from ..sources.captures import pcap

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads in one process elsewhere")
LARGE = 1000


@pytest.fixture(autouse=True)
def _little_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capture_file, "PARALLEL_BYTES", 0)
    monkeypatch.setattr(reading, "LARGE_BYTES", LARGE)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _process: {0, 1})


def readers(path: Path, jobs: int | None) -> int:
    with ExitStack() as stack:
        return sum(source.parallel for source in Reading([str(path)], stack, jobs=jobs).sources)


@pytest.fixture
def large(tmp_path: Path) -> Path:
    path = tmp_path / "large.pcap"
    path.write_bytes(pcap([(1, bytes(LARGE), LARGE)]))
    return path


def test_a_large_file_is_read_by_two(large: Path) -> None:
    assert readers(large, None) == 1
    assert readers(large, 1) == 0


def test_a_small_file_is_not(tmp_path: Path) -> None:
    path = tmp_path / "small.pcap"
    path.write_bytes(pcap([(1, bytes(60), 60)]))
    assert readers(path, None) == 0
    assert readers(path, 2) == 1


def test_nor_is_a_large_one_where_there_is_one_processor(large: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _process: {3})
    assert readers(large, None) == 0


def test_a_file_that_is_not_there_is_told_of_as_ever(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match="does not exist"):
        readers(tmp_path / "nowhere.pcap", None)
