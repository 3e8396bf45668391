"""One transfer at several capture points, of which one cut its packets or began late; and addresses of several networks."""

from __future__ import annotations

import pytest

from bootsniff.flow.records import DnsLookup, Event, TftpTransfer
from bootsniff.model import NANOSECONDS, FrameRef
from bootsniff.wire.messages import ArpMessage, Envelope, NeighborMessage, RouterAdvertisement

from .play import CLIENT, MAC, SERVER, START, Play

LEASE = ("0 DISCOVER efi-x64-pxe", "0.1 OFFER file=boot.efi", "0.2 REQUEST", "0.3 ACK file=boot.efi")
ASKED = b"boot.efi\0octet\0tsize\x000\0blksize\x001468\0"
PROBE = b"boot.efi\0octet\0tsize\x000\0"
ROUTER, OUTSIDE = "02:00:00:00:00:01", "192.168.2.5"
UNKNOWN = "00:00:00:00:00:00"


def transfer(
    play: Play, seconds: float, payload: bytes, *, capture: int, client: str = CLIENT, mac: str = MAC, port: int = 2000
) -> TftpTransfer:
    """A transfer begins; without a payload its request is not in the capture."""
    play.frame += 1
    time = START + round(seconds * NANOSECONDS)
    name = payload.partition(b"\0")[0].decode()
    flow = TftpTransfer(capture, client, port, mac, SERVER, None, 69, None, False, name, "octet", ())
    at = FrameRef(capture, play.frame, time)
    if payload:
        flow.requests.append(at)
        flow.request_count = 1
    flow.partial = not payload
    flow.request_payload = payload
    flow.start = time
    flow.last = at
    play.engine.feed(Event(Envelope(capture, play.frame, time, mac, None, None, client, SERVER, port, 69), flow))
    return flow


def views(play: Play) -> list[list[TftpTransfer]]:
    return [fetch.views for fetch in play.record.boots[0].stages[0].fetches]


@pytest.mark.parametrize(("here", "there"), [(ASKED, ASKED[:-7]), (ASKED[:-7], ASKED)])
def test_a_request_that_one_point_cut_is_the_same(here: bytes, there: bytes) -> None:
    play = Play(*LEASE)
    transfer(play, 1, here, capture=0)
    far = transfer(play, 1.001, there, capture=1, client=OUTSIDE, mac=ROUTER)
    assert views(play) == [[far]]
    assert list(play.engine.world.machines) == [MAC]


def test_the_request_after_a_probe_is_another_one() -> None:
    """A probe's request is the beginning of the one that follows, and whole."""
    play = Play(*LEASE)
    transfer(play, 1, PROBE, capture=0)
    transfer(play, 1.1, ASKED, capture=1, port=2001)
    assert views(play) == [[], []]


def test_a_point_that_began_in_the_middle_of_a_transfer_shows_no_second_one() -> None:
    play = Play(*LEASE)
    transfer(play, 1, ASKED, capture=0)
    late = transfer(play, 9, b"", capture=1)
    assert views(play) == [[late]]


@pytest.mark.parametrize(("seconds", "capture", "port"), [(9, 0, 2000), (9, 1, 2001), (300, 1, 2000)])
def test_the_middle_of_a_transfer_at_the_same_point_of_another_port_or_long_after_is_another_one(
    seconds: float, capture: int, port: int
) -> None:
    play = Play(*LEASE)
    transfer(play, 1, ASKED, capture=0)
    transfer(play, seconds, b"", capture=capture, port=port)
    assert views(play) == [[], []]


@pytest.mark.parametrize(
    ("vlan", "capture", "strangers"), [(None, 0, 1), (20, 0, 0), (None, 1, 0)], ids=["here", "other VLAN", "elsewhere"]
)
def test_who_has_the_address_in_another_network_is_no_stranger(vlan: int | None, capture: int, strangers: int) -> None:
    play = Play(*LEASE)
    other = "02:00:00:00:00:99"
    envelope = Envelope(capture, 99, START + NANOSECONDS, other, "ff:ff:ff:ff:ff:ff", vlan, "", "")
    play.engine.feed(Event(envelope, ArpMessage(1, other, CLIENT, "00:00:00:00:00:00", SERVER)))
    (stage,) = play.record.boots[0].stages
    assert stage.dhcp is not None
    assert len(getattr(stage.dhcp, "strangers")) == strangers  # noqa: B009  a DHCPv4 exchange


def test_routers_advertise_in_their_own_vlan() -> None:
    play = Play()
    for frame, vlan in enumerate((None, 20, 20), start=1):
        envelope = Envelope(0, frame, START + frame, ROUTER, None, vlan, "fe80::1", "ff02::1")
        play.engine.feed(Event(envelope, RouterAdvertisement(managed=True, other=True, lifetime=1800)))
    assert {vlan: at.frame for vlan, at in play.engine.world.router_advertisements.items()} == {None: 1, 20: 2}


ELSEWHERE = pytest.mark.parametrize(("capture", "point"), [(1, 0), (0, 1)], ids=["another file", "another interface"])


@ELSEWHERE
@pytest.mark.parametrize("six", [False, True], ids=["ARP", "neighbor solicitation"])
def test_a_host_is_looked_for_as_often_as_one_point_shows(capture: int, point: int, six: bool) -> None:
    play = Play(*LEASE)
    asks = NeighborMessage(solicitation=True, target="fe80::1") if six else ArpMessage(1, MAC, CLIENT, UNKNOWN, SERVER)
    for seconds in (1, 2, 3):
        for place, late in (((0, 0), 0), ((capture, point), 30_000)):
            time = START + seconds * NANOSECONDS + late
            play.engine.feed(Event(Envelope(place[0], 9, time, MAC, None, None, "", "", point=place[1]), asks))
    (stage,) = play.record.boots[0].stages
    assert [one.request_count for one in (stage.neighbors if six else stage.arps)] == [3]


@ELSEWHERE
def test_a_name_is_looked_up_as_often_as_one_point_shows(capture: int, point: int) -> None:
    play = Play(*LEASE)
    for place, late in (((0, 0), 0), ((capture, point), 30_000)):
        time = START + NANOSECONDS + late
        lookup = DnsLookup(CLIENT, MAC, SERVER, "boot.example", 1, place[1], [FrameRef(place[0], 9, time)], 1)
        play.engine.feed(
            Event(Envelope(place[0], 9, time, MAC, None, None, CLIENT, SERVER, 2000, 53, point=place[1]), lookup)
        )
    (stage,) = play.record.boots[0].stages
    assert len(stage.lookups) == 1
