"""Programs that capture into a pipe: how they are started, ended, and quoted when they fail."""

from __future__ import annotations

import shlex
import struct
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from scapy.layers.l2 import ARP, Ether
from scapy.utils import wrpcap

from bootsniff.errors import CaptureError
from bootsniff.model import Block
from bootsniff.sources import pipe
from bootsniff.sources.live import Item, News
from bootsniff.sources.pipe import PipeSource

HEAD = "printf " + shlex.quote(
    "".join(f"\\{byte:03o}" for byte in struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
)


class Told:
    """Wants packets until told otherwise."""

    def __init__(self) -> None:
        self.wanted = True

    def __call__(self) -> bool:
        return self.wanted


@pytest.fixture
def start() -> Iterator[Callable[..., PipeSource]]:
    started: list[PipeSource] = []

    def begin(script: str, wanted: Callable[[], bool] | None = None, *, ends_with_input: bool = False) -> PipeSource:
        source = PipeSource(
            ["sh", "-c", script], "far:eth0", wanted or Told(), interfaces=["eth0"], ends_with_input=ends_with_input
        )
        started.append(source)
        return source

    yield begin
    for source in started:
        source.close()


@pytest.fixture
def recorded(tmp_path: Path) -> str:
    """A command that writes two packets."""
    path = tmp_path / "x.pcap"
    wrpcap(str(path), [Ether() / ARP(), Ether() / ARP()])
    return f"cat {shlex.quote(str(path))}"


def kinds(items: Sequence[Item]) -> list[type]:
    return [type(item) for item in items if isinstance(item, Block | News)]


def test_a_program_that_ends_by_itself_is_quoted(start: Callable[..., PipeSource], recorded: str) -> None:
    says = [
        "tcpdump: listening on eth0, link-type EN10MB (Ethernet), snapshot length 262144 bytes",
        "tcpdump: pcap_loop: The interface disappeared",
        "2 packets captured",
        "2 packets received by filter",
        "0 packets dropped by kernel",
    ]
    source = start(f"{recorded}; " + "; ".join(f"echo {shlex.quote(line)} >&2" for line in says))
    found: list[Item] = []
    with pytest.raises(CaptureError, match=r"^far:eth0: .* by itself: pcap_loop: The interface disappeared$"):
        found.extend(source.items())
    assert kinds(found) == [Block]
    assert source.captures()[0].frames == 2


@pytest.mark.parametrize(("last", "text"), [("exit 7", "exit status 7"), ("kill -9 $$", "killed by signal 9")])
def test_a_program_that_ends_without_a_word(
    start: Callable[..., PipeSource], recorded: str, last: str, text: str
) -> None:
    source = start(f"printf \"Capturing on 'eth0'\\nFile: -\\n\" >&2; {recorded}; {last}")
    with pytest.raises(CaptureError, match=f"by itself: {text}$"):
        list(source.items())


@pytest.mark.parametrize(
    ("says", "part"),
    [
        (["ssh: connect to host far port 22: Connection refused"], "Connection refused"),
        (["Welcome!", "root@far: Permission denied (publickey)."], r"Permission denied \(publickey\)"),
        (["tcpdump: eth9: No such device exists", "(No such device exists)"], "eth9: No such device exists"),
        (["dumpcap: The file is full.", "Some advice.", "More of it."], "The file is full"),
        (["\x1b[2Jevil"], r"\\x1b\[2Jevil"),
        ([], "nothing came"),
    ],
)
def test_a_program_that_never_captures_is_quoted(start: Callable[..., PipeSource], says: list[str], part: str) -> None:
    with pytest.raises(CaptureError, match=part) as raised:
        start("; ".join([*(f"printf '%s\\n' {shlex.quote(line)} >&2" for line in says), "exit 255"]))
    assert "\n" not in str(raised.value)


def test_a_program_that_is_not_there() -> None:
    with pytest.raises(CaptureError, match="cannot start no-such-program"):
        PipeSource(["no-such-program"], "far:eth0", Told(), interfaces=["eth0"])


def test_packets_lost_elsewhere_are_told_at_the_end(start: Callable[..., PipeSource], recorded: str) -> None:
    told = Told()
    source = start(f"{recorded}; cat; echo '7 packets dropped by kernel' >&2", told, ends_with_input=True)
    found: list[Item] = []
    for item in source.items():
        found.append(item)
        told.wanted = False
    (news,) = [item for item in found if isinstance(item, News)]
    assert (news.dropped, news.interface) == (7, "eth0")
    assert source.captures()[0].dropped_frames == 7


def test_what_was_captured_before_the_end_still_comes(start: Callable[..., PipeSource], recorded: str) -> None:
    """The program writes its packets only once its input has ended: nothing of that is thrown away."""
    told = Told()
    source = start(f"{HEAD}; cat; {recorded} | tail -c +25", told, ends_with_input=True)
    packets = 0
    for item in source.items():
        told.wanted = False
        packets += len(item) if isinstance(item, Block) else 0
    assert packets == 2


def test_a_program_that_asks_for_a_password_can_be_left(start: Callable[..., PipeSource], tmp_path: Path) -> None:
    asked: list[None] = []

    def wanted() -> bool:
        asked.append(None)
        return len(asked) < 3

    with pytest.raises(CaptureError, match="told to end before the capture began"):
        start(f"mkfifo {tmp_path}/x; read answer <{tmp_path}/x", wanted, ends_with_input=True)
    assert len(asked) >= 3


@pytest.mark.parametrize("half", [False, True])
@pytest.mark.parametrize("ends_with_input", [False, True])
def test_a_program_that_will_not_end_is_left(
    start: Callable[..., PipeSource],
    recorded: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    half: bool,
    ends_with_input: bool,
) -> None:
    """Also while half a packet has come."""
    monkeypatch.setattr(pipe, "_END_SECONDS", 0.1)
    monkeypatch.setattr(pipe, "_GIVE_UP_SECONDS", 0.3)
    told = Told()
    content = f"{recorded} | head -c -7" if half else recorded
    source = start(
        f"trap '' INT TERM; mkfifo {tmp_path}/x; {content}; exec cat <>{tmp_path}/x",
        told,
        ends_with_input=ends_with_input,
    )
    packets = 0
    for item in source.items():
        packets += len(item) if isinstance(item, Block) else 0
        told.wanted = False
    assert packets == (1 if half else 2)
