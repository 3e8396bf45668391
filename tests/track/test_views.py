"""One transfer seen twice: at two capture points, on both sides of a NAT, in files that were merged."""

from __future__ import annotations

import pytest

from bootsniff.flow.records import Event, TftpTransfer
from bootsniff.model import NANOSECONDS, FrameRef
from bootsniff.wire.messages import Envelope

from .play import MAC, START, Play

LEASE = ("0 DISCOVER efi-x64-pxe", "0.1 OFFER file=boot.efi", "0.2 REQUEST", "0.3 ACK file=boot.efi")
ROUTER = "02:00:00:00:00:01"


def request(play: Play, seconds: float, *, client: str, mac: str, capture: int = 0) -> TftpTransfer:
    play.frame += 1
    time = START + round(seconds * NANOSECONDS)
    at = FrameRef(capture, play.frame, time)
    transfer = TftpTransfer(capture, client, 2000, mac, "192.168.2.14", None, 69, None, False, "boot.efi", "octet", ())
    transfer.requests.append(at)
    transfer.request_count = 1
    transfer.request_payload = b"boot.efi"
    transfer.start = time
    transfer.last = at
    envelope = Envelope(capture, play.frame, time, mac, None, None, client, "192.168.2.14", 2000, 69)
    play.engine.feed(Event(envelope, transfer))
    return transfer


@pytest.mark.parametrize("capture", [0, 1])
def test_the_far_side_of_a_nat_is_a_view_of_the_same_fetch(capture: int) -> None:
    play = Play(*LEASE)
    request(play, 1, client="192.168.122.227", mac=MAC)
    far = request(play, 1.0002, client="192.168.2.5", mac=ROUTER, capture=capture)
    assert list(play.engine.world.machines) == [MAC]
    assert play.record.boots[0].stages[0].fetches[0].views == [far]


@pytest.mark.parametrize("capture", [0, 1])
def test_the_far_side_may_come_first(capture: int) -> None:
    play = Play(*LEASE)
    far = request(play, 1, client="192.168.2.5", mac=ROUTER, capture=capture)
    request(play, 1.0002, client="192.168.122.227", mac=MAC)
    assert list(play.engine.world.machines) == [MAC]
    assert play.record.boots[0].stages[0].fetches[0].views == [far]


@pytest.mark.parametrize("capture", [0, 1, 2])
def test_two_machines_that_ask_the_same_at_one_point_are_two(capture: int) -> None:
    """Also where the second one does in a later part of the capture."""
    play = Play()
    play.engine.continues(1, 0)
    play.engine.continues(2, 1)
    request(play, 1, client="192.168.2.5", mac=ROUTER)
    request(play, 1.0002, client="192.168.2.6", mac="02:00:00:00:00:02", capture=capture)
    assert len(play.engine.world.machines) == 2


def test_a_later_request_is_another_one() -> None:
    play = Play(*LEASE)
    request(play, 1, client="192.168.122.227", mac=MAC)
    request(play, 4, client="192.168.2.5", mac=ROUTER, capture=1)
    assert len(play.engine.world.machines) == 2


def test_a_machine_that_was_forgotten_is_no_twin() -> None:
    play = Play(*LEASE)
    request(play, 1, client="192.168.122.227", mac=MAC)
    play.engine.forget(MAC)
    request(play, 1.0002, client="192.168.2.5", mac=ROUTER, capture=1)
    assert list(play.engine.world.machines) == [ROUTER]


def answer(play: Play, transfer: TftpTransfer, seconds: float) -> None:
    """Something of the transfer itself, acknowledged."""
    play.frame += 1
    at = FrameRef(transfer.capture, play.frame, START + round(seconds * NANOSECONDS))
    transfer.reply_from, transfer.ack_count, transfer.last = (transfer.server, 40000), 1, at
    envelope = Envelope(at.capture, at.frame, at.time, None, None, None, transfer.client, transfer.server, 2000, 40000)
    play.engine.feed(Event(envelope, transfer, "changed"))


@pytest.mark.parametrize("first", [0, 1])
def test_of_two_points_the_one_that_shows_the_transfer_is_told(first: int) -> None:
    """The other, a capture of `port 69`, holds the request alone, and may come first."""
    play = Play(*LEASE)
    by_capture = {
        capture: request(play, 1, client="192.168.122.227", mac=MAC, capture=capture) for capture in (first, 1 - first)
    }
    answer(play, by_capture[0], 1.1)
    (fetch,) = play.record.boots[0].stages[0].fetches
    assert fetch.flow is by_capture[0]
    assert fetch.views == [by_capture[1]]
    answer(play, by_capture[0], 1.2)
    assert play.record.boots[0].stages[0].fetches == [fetch]


def test_of_two_points_the_nearer_one_stays_while_nobody_acknowledges() -> None:
    """An answer that the server's side alone shows may be lost on the way."""
    play = Play(*LEASE)
    near = request(play, 1, client="192.168.122.227", mac=MAC)
    far = request(play, 1.0002, client="192.168.2.5", mac=ROUTER, capture=1)
    far.reply_from = (far.server, 40000)
    play.engine.feed(
        Event(Envelope(1, 9, far.start, None, None, None, far.server, far.client, 40000, 2000), far, "changed")
    )
    assert play.record.boots[0].stages[0].fetches[0].flow is near
