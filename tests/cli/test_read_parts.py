"""Parts of one recording are one capture point: what is repeated in the next part was sent twice."""

import json
import os
import resource
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from bootsniff.cli import main
from bootsniff.cli.reading import SMALLEST_WINDOW, WINDOWS, Reading
from bootsniff.sources.window import WINDOW

from ..sources.captures import enhanced, interface, pcap, section
from .live_program import CLIENT, dhcp, tftp

START = 1_700_000_000_000_000_000
DISCOVER = dhcp("discover")
Sent = tuple[float, bytes]


def packets(sent: list[Sent]) -> list[tuple[int, bytes, int]]:
    return [(START + round(at * 1e9), data, len(data)) for at, data in sent]


def pcapng(*points: list[Sent]) -> bytes:
    """As recorded on several interfaces."""
    places = [interface("<", 1, 0, (2, b"tap%d" % number)) for number in range(len(points))]
    seen = sorted((at, number, data) for number, sent in enumerate(points) for at, data in sent)
    taken = [enhanced("<", number, (START + round(at * 1e9)) // 1000, data, len(data)) for at, number, data in seen]
    return section() + b"".join((*places, *taken))


@pytest.fixture
def stage(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Any:
    """Reads files of these contents, in this order, and gives the only stage of the only machine."""

    def read(*contents: bytes) -> Any:
        paths = []
        for number, content in enumerate(contents):
            paths.append(tmp_path / f"{number}.pcap")
            paths[-1].write_bytes(content)
        main(["read", "--json", *map(str, paths)])
        (machine,) = json.loads(capsys.readouterr().out)["machines"]
        assert machine["mac"] == CLIENT
        (boot,) = machine["boots"]
        (only,) = boot["stages"]
        return only

    return read


def discovers(*times: float) -> list[Sent]:
    return [(at, DISCOVER) for at in times]


def test_a_repetition_in_the_next_part_is_one(stage: Any) -> None:
    first, second, third = (pcap(packets(discovers(*at))) for at in ((0, 4), (5, 8), (9, 9.5)))
    assert stage(first, second, third)["dhcp"]["discovers"] == 6
    assert stage(third, first, second)["dhcp"]["discovers"] == 6


def test_a_packet_that_two_points_saw_counts_once(stage: Any) -> None:
    near, far = pcap(packets(discovers(0, 4, 5))), pcap(packets(discovers(0.001, 4.001, 5.001)))
    assert stage(near, far)["dhcp"]["discovers"] == 3


def test_a_point_that_begins_before_the_other_ends_is_no_part_of_it(stage: Any) -> None:
    near, far = pcap(packets(discovers(0, 4, 5))), pcap(packets(discovers(4.001, 5.001, 9)))
    assert stage(near, far)["dhcp"]["discovers"] == 4


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (0, 2, 1, 3)])
def test_two_points_in_parts(stage: Any, order: tuple[int, ...]) -> None:
    near = [pcap(packets(discovers(*at))) for at in ((0, 4), (5, 9))]
    far = [pcap(packets(discovers(*at))) for at in ((0.001, 4.001), (5.001, 9.001))]
    contents = [*near, *far]
    assert stage(*(contents[number] for number in order))["dhcp"]["discovers"] == 4


def test_parts_of_a_recording_on_two_interfaces(stage: Any) -> None:
    parts = [pcapng(discovers(*at), discovers(*(seen + 0.001 for seen in at))) for at in ((0, 4), (5, 9))]
    assert stage(*parts)["dhcp"]["discovers"] == 4


def test_a_request_from_another_port_in_the_next_part_is_another_fetch(stage: Any) -> None:
    request = tftp(b"\0\1boot.efi\0octet\0")
    again = bytearray(request)
    again[34:36] = (3333).to_bytes(2, "big")
    again[40:42] = bytes(2)  # no checksum
    parts = (pcap(packets([(0, DISCOVER), (1, request)])), pcap(packets([(2, bytes(again))])))
    whole = pcap(packets([(0, DISCOVER), (1, request), (2, bytes(again))]))
    assert len(stage(*parts)["fetches"]) == len(stage(whole)["fetches"]) == 2


def many(directory: Path) -> list[str]:
    """100 parts of a recording, a packet in each."""
    paths = [directory / f"{number:03}.pcap" for number in range(100)]
    for number, path in enumerate(paths):
        path.write_bytes(pcap(packets(discovers(number / 100))))
    return [str(path) for path in paths]


@pytest.mark.parametrize(
    ("soft", "hard", "status", "said"),
    [
        (64, 256, 0, ""),
        (64, 64, 3, "bootsniff: 100 files are more than may be open at once here (64): raise `ulimit -n`"),
    ],
)
def test_more_parts_than_may_be_open(tmp_path: Path, soft: int, hard: int, status: int, said: str) -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; from bootsniff.cli import main; sys.exit(main())",
            "read",
            "--json",
            *many(tmp_path),
        ],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard)),
    )
    assert (done.returncode, done.stderr.startswith(said)) == (status, True), done.stderr
    if not status:
        assert json.loads(done.stdout)["machines"][0]["boots"][0]["stages"][0]["dhcp"]["discovers"] == 100


def test_many_captures_share_what_one_may_hold(tmp_path: Path) -> None:
    large = [tmp_path / f"{number}.pcap" for number in range(64)]
    for path in large:
        path.write_bytes(pcap([]))
        os.truncate(path, 4 * WINDOW)
    with ExitStack() as stack:
        reading = Reading([str(path) for path in large], stack, jobs=1)
        held = [source._window.room for source in reading.sources]
    assert sum(held) <= WINDOWS
    assert min(held) >= SMALLEST_WINDOW
