"""Order, selection and filter of the machine list."""

from msgspec.structs import replace

from bootsniff.model import Machine, Report
from bootsniff.tui.board import Board
from bootsniff.tui.facts import key_of
from tests.report import canned


def named(machine: Machine, number: int, **more: object) -> Machine:
    return replace(machine, mac=f"02:00:00:00:00:{number:02x}", **more)


def board_of(*machines: Machine) -> Board:
    board = Board()
    board.update(Report(machines=machines))
    return board


def macs(board: Board) -> list[int]:
    return [int(mac[-2:], 16) for mac, _ in board.order]


def test_at_the_start_the_worst_is_selected() -> None:
    board = board_of(named(canned.healthy(), 1), named(canned.not_found(), 2), named(canned.in_progress(), 3))
    assert macs(board) == [2, 3, 1]
    assert board.selected == ("02:00:00:00:00:02", 42)


def test_it_is_sorted_anew_until_the_user_moves() -> None:
    fine = named(canned.healthy(), 1)
    board = board_of(fine, named(canned.in_progress(), 3))
    board.update(Report(machines=(replace(fine, status="stalled"), named(canned.in_progress(), 3))))
    assert macs(board) == [1, 3]
    assert board.selected == key_of(fine)


def test_after_that_everything_keeps_its_place() -> None:
    fine, running = named(canned.healthy(), 1), named(canned.in_progress(), 3)
    board = board_of(fine, running)
    board.select(key_of(fine))
    new = named(canned.not_found(), 2)
    board.update(Report(machines=(replace(fine, status="stalled"), new, running)))
    assert macs(board) == [3, 1, 2]
    assert board.selected == key_of(fine)
    board.release()
    assert board.order[0] in (key_of(fine), key_of(new))
    assert board.selected == board.order[0]


def test_a_machine_that_goes_leaves_the_selection_at_its_place() -> None:
    machines = [named(canned.healthy(), number) for number in range(5)]
    board = board_of(*machines)
    second = board.order[1]
    third = board.order[2]
    board.select(second)
    board.update(Report(machines=tuple(machine for machine in machines if key_of(machine) != second)))
    assert board.selected == third


def test_filter_keeps_the_selection_when_it_can() -> None:
    board = board_of(named(canned.healthy(), 1), named(canned.not_found(), 2), named(canned.in_progress(), 3))
    board.select(("02:00:00:00:00:03", None))
    board.filter("02:00")
    assert len(board.order) == 3
    board.filter("arm64 progress")
    assert macs(board) == [3]
    board.filter("tftp-file-not-found")
    assert macs(board) == [2]
    board.filter("")
    assert len(board.order) == 3


def test_a_filter_looks_at_what_a_machine_is_now() -> None:
    fine = named(canned.healthy(), 1)
    board = board_of(fine)
    board.filter("stalled")
    assert board.order == []
    board.update(Report(machines=(replace(fine, status="stalled"),)))
    assert macs(board) == [1]


def test_next_trouble_goes_round() -> None:
    board = board_of(named(canned.healthy(), 1), named(canned.not_found(), 2), named(canned.nat_loss(), 3))
    worst = board.order[0]
    board.select(worst)
    following = board.next_trouble()
    assert following == board.order[1]
    assert following is not None
    board.select(following)
    assert board.next_trouble() == worst
    assert board.next_trouble(-1) == worst
    assert board_of(named(canned.healthy(), 1)).next_trouble() is None


def test_a_forgotten_machine_returns_when_it_is_heard() -> None:
    machine = named(canned.not_found(), 2)
    board = board_of(machine)
    board.forget(key_of(machine))
    board.update(Report(machines=(machine,)))
    assert board.order == []
    assert board.selected is None
    board.update(Report(machines=(replace(machine, last_seen=machine.last_seen + 1),)))
    assert macs(board) == [2]


def test_the_same_mac_on_two_vlans_is_two_machines() -> None:
    board = board_of(named(canned.healthy(), 1, vlan=1), named(canned.healthy(), 1, vlan=2))
    assert len(board.order) == 2


def test_only_what_was_asked_for_is_listed() -> None:
    board = Board(lambda machine: machine.hostname == "node2")
    board.update(canned.mixed())
    assert [board.machines[key].hostname for key in board.order] == ["node2"]
