import os
import signal
from collections.abc import Iterator

import pytest

from bootsniff.cli.interrupt import Interrupts


def press() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def test_the_first_one_while_working_ends_after_the_item() -> None:
    done = []
    with Interrupts() as interrupts:
        for item in interrupts.until_interrupted(range(10)):
            if item == 3:
                press()
            done.append(item)
        assert interrupts.count == 1
    assert done == [0, 1, 2, 3]


def test_the_first_one_while_waiting_ends_at_once() -> None:
    def source() -> Iterator[int]:
        yield 1
        press()
        pytest.fail("the wait was not ended")

    with Interrupts() as interrupts:
        assert list(interrupts.until_interrupted(source())) == [1]


def press_while_working(times: int, afterwards: int) -> None:
    with Interrupts() as interrupts:
        for _ in interrupts.until_interrupted(range(10)):
            for _ in range(times):
                press()
        for _ in range(afterwards):
            press()


def test_the_second_one_ends_the_program() -> None:
    with pytest.raises(KeyboardInterrupt):
        press_while_working(2, 0)
    with pytest.raises(KeyboardInterrupt):
        press_while_working(1, 1)  # while the report is written
    press_while_working(1, 0)


def test_the_handler_before_is_put_back() -> None:
    before = signal.getsignal(signal.SIGINT)
    with Interrupts():
        assert signal.getsignal(signal.SIGINT) is not before
    assert signal.getsignal(signal.SIGINT) is before
