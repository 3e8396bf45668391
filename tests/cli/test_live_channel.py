"""The pipe between capture and view: the writer never waits, nothing is lost, order is kept."""

import socket

import pytest

from bootsniff.cli.live_channel import STOP, Failed, Inlet, Message, Outlet, Ready
from bootsniff.cli.live_parcel import Update


@pytest.fixture
def ends() -> tuple[Outlet, Inlet]:
    ours, theirs = socket.socketpair()
    return Outlet(theirs), Inlet(ours)


def update(number: int, *, size: int = 0) -> Update:
    return Update(number, (), (), ("x" * size,), None, (), ())


def test_messages_arrive_whole_and_in_order(ends: tuple[Outlet, Inlet]) -> None:
    outlet, inlet = ends
    sent: list[Message] = [Ready("listening"), update(1), update(2), Failed(3, "no")]
    for message in sent:
        outlet.send(message)
    assert inlet.messages() == sent


def test_a_reader_that_hangs_never_holds_the_writer(ends: tuple[Outlet, Inlet]) -> None:
    outlet, inlet = ends
    outlet.send(update(1, size=16 << 20))
    idle = outlet.idle
    assert not idle
    received: list[Message] = []
    while not received:
        received = inlet.messages()
        idle = outlet.idle
    assert idle
    assert received == [update(1, size=16 << 20)]
    outlet.send(update(2))
    assert inlet.messages() == [update(2)]


def test_commands(ends: tuple[Outlet, Inlet]) -> None:
    outlet, inlet = ends
    assert outlet.commands() == b""
    inlet.tell(STOP)
    assert outlet.commands() == STOP
    assert not outlet.closed


def test_a_reader_that_is_gone_means_stop(ends: tuple[Outlet, Inlet]) -> None:
    outlet, inlet = ends
    inlet.close()
    assert outlet.commands() == STOP
    assert outlet.closed
    outlet.send(update(1))
    assert outlet.idle


def test_the_last_message_is_read_after_the_writer_has_gone(ends: tuple[Outlet, Inlet]) -> None:
    outlet, inlet = ends
    outlet.finish(update(1))
    inlet.tell(STOP)
    assert inlet.messages() == [update(1)]
    assert inlet.ended
