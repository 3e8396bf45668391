"""Reports of many moments, within bounds and shared."""

from msgspec.structs import replace

from bootsniff.model import NANOSECONDS, Machine, Report
from bootsniff.tui.bridge.moments import FIRST_STEP, MOST, Moments
from tests.report import canned


def moment(seconds: float, *machines: Machine) -> Report:
    return Report(machines=machines, now=canned.at(seconds))


def test_the_latest_report_before_a_time() -> None:
    moments = Moments()
    for seconds in (0, 1, 2):
        moments.add(moment(seconds))
    assert moments.at(canned.at(0) - 1) is None
    for later, expected in ((0.0, 0), (0.5, 0), (1.0, 1), (99.0, 2)):
        found = moments.at(canned.at(later))
        assert found is not None
        assert found.now == canned.at(expected)


def test_they_are_thinned_evenly_and_the_newest_stays() -> None:
    moments = Moments()
    for number in range(5 * MOST):
        moments.add(moment(number / 10))
        assert len(moments.times) <= MOST
        assert moments.times[-1] == canned.at(number / 10)
    assert moments.step == FIRST_STEP * 8
    gaps = [later - earlier for earlier, later in zip(moments.times, moments.times[1:], strict=False)]
    assert max(gaps) <= NANOSECONDS * 2


def test_a_second_report_of_one_moment_takes_its_place() -> None:
    moments = Moments()
    moments.add(moment(1))
    second = moments.add(moment(1, canned.healthy()))
    assert len(moments.times) == 1
    assert moments.at(canned.at(1)) is second


def test_time_that_runs_backwards_is_shown_but_not_kept() -> None:
    moments = Moments()
    moments.add(moment(5))
    assert moments.add(moment(3)).now == canned.at(3)
    assert moments.times == (canned.at(5),)


def test_what_did_not_change_is_shared() -> None:
    moments = Moments()
    first = moments.add(moment(1, canned.healthy(), canned.not_found()))
    again = canned.healthy()
    stage = again.boots[0].stages[1]
    longer = replace(stage, fetches=(*stage.fetches[:-1], replace(stage.fetches[-1], bytes=7)))
    boot = replace(again.boots[0], stages=(again.boots[0].stages[0], longer, again.boots[0].stages[2]))
    second = moments.add(moment(2, replace(again, boots=(boot,)), canned.not_found()))
    assert second.machines[1] is first.machines[1]
    old, new = first.machines[0].boots[0].stages, second.machines[0].boots[0].stages
    assert new[0] is old[0]
    assert new[2] is old[2]
    assert new[1].arrows is old[1].arrows
    assert new[1].fetches[0] is old[1].fetches[0]
    assert new[1].fetches[-1].bytes == 7
    assert second.machines[0] == replace(again, boots=(boot,))
