"""Clocks of two captures are compared by packets that both hold, and by nothing that a machine sends with every boot."""

import random
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootsniff.flow import clocks
from bootsniff.flow.clocks import AGREED, EXACT, JITTER, MAX_SIGHTINGS, MAX_VALUE, Mark, Marks, Seen, clock_shift
from bootsniff.model import NANOSECONDS
from bootsniff.sources.capture_file import open_capture
from tests.flow.packets import ACK, CLIENT, SERVER, SYN, Frame, block_of, data, error, oack, rrq, tcp, udp

PCAPS = Path(__file__).parents[2] / "pcaps"
HOUR = 3600 * NANOSECONDS


def marks_of(name: str) -> Seen:
    marks = Marks()
    source = open_capture(str(PCAPS / f"{name}.pcap.xz"), 0)
    for block in source.blocks():
        marks.note(block)
    source.close()
    return marks.seen


def moved(seen: Seen, by: int, jitter: int = 0) -> Seen:
    chance = random.Random(1)
    return {mark: [time + by + chance.randint(-jitter, jitter) for time in times] for mark, times in seen.items()}


def of_clients(seen: Seen) -> Seen:
    """What firmware might draw alike again; dhcp marks of replies are drawn from the client's xid."""
    return {mark: times for mark, times in seen.items() if not mark[0].startswith("server")}


@pytest.mark.parametrize("name", ["efi-pxe-nat-helper", "tftp-nat-loss", "routed-firewall"])
@pytest.mark.parametrize("shift", [-3 * HOUR, -61_234_567_890, 500_000_000, 8 * HOUR])
def test_a_nat_and_a_router_in_between_leave_enough_to_compare(name: str, shift: int) -> None:
    near, far = marks_of(name), marks_of(f"{name}.up")
    found = clock_shift(near, moved(far, -shift))
    assert found is not None
    assert abs(found - shift) < EXACT


@pytest.mark.parametrize("name", ["efi-pxe-nat-helper", "tftp-nat-loss", "routed-firewall"])
def test_clocks_that_agree_are_left_alone(name: str) -> None:
    """Nor is anything done about one that no clock can be."""
    near, far = marks_of(name), marks_of(f"{name}.up")
    assert clock_shift(near, far) == 0
    assert clock_shift(near, moved(far, AGREED - EXACT)) == 0
    assert clock_shift(near, moved(far, -56 * 365 * 24 * HOUR)) == pytest.approx(56 * 365 * 24 * HOUR, abs=EXACT)
    assert clock_shift(near, moved(far, -300 * 365 * 24 * HOUR)) == 0


def test_answers_from_afar_may_take_their_time() -> None:
    near = marks_of("tftp-not-found")
    shift = clock_shift(near, moved(near, -HOUR, jitter=JITTER // 2))
    assert shift is not None
    assert abs(shift - HOUR) <= JITTER


@pytest.mark.parametrize("name", ["no-dhcp-server", "tftp-not-found", "http-no-echo", "tftp-nat-loss"])
def test_firmware_that_draws_the_same_numbers_with_every_boot_has_booted_twice(name: str) -> None:
    first = of_clients(marks_of(name))
    assert len(first) >= 4
    assert clock_shift(first, moved(first, HOUR, jitter=4 * EXACT)) is None


def test_a_boot_of_which_a_part_repeats_the_one_before_is_another_one() -> None:
    """An iPXE that draws the same xid again, behind firmware that does not."""
    first = marks_of("no-dhcp-server")
    again: Seen = {}
    for number, ((kind, value), times) in enumerate(first.items()):
        again[kind, value if number % 2 else (value, "another")] = times
    assert clock_shift(first, moved(again, HOUR)) is None


def test_an_ipxe_that_repeats_itself_to_the_millisecond_has_booted_twice() -> None:
    """Firmware with numbers of its own, then an iPXE whose xid and times are those of the boot before."""
    ipxe: Seen = {}
    for number, secs in enumerate((4, 10, 18)):
        ipxe["asks x", (7, secs, number)] = [secs * NANOSECONDS]
        ipxe["is told x", (7, secs, number)] = [secs * NANOSECONDS + 100_000]

    def boot(xid: int, before: int) -> Seen:
        firmware: Seen = {("asks x", (xid, 0, kind)): [-(before - kind) * NANOSECONDS] for kind in (1, 3)}
        return {**firmware, **ipxe}

    assert clock_shift(boot(1, 10), moved(boot(2, 16), HOUR)) is None
    assert clock_shift(boot(1, 10), moved(boot(1, 10), HOUR)) == -HOUR


def test_one_connection_is_enough() -> None:
    """Both sequence numbers of it were drawn from 32 bits."""
    seen: Seen = {("SYN", 1137915891): [0], ("server SYN, ACK", 399219561): [1000]}
    assert clock_shift(seen, moved(seen, HOUR)) == -HOUR
    assert clock_shift({("SYN", 1137915891): [0]}, {("SYN", 1137915891): [HOUR]}) is None


def test_different_networks_and_empty_captures_have_nothing_to_compare() -> None:
    assert clock_shift(marks_of("tftp-not-found"), marks_of("uboot64-pxelinux")) is None
    assert clock_shift({}, marks_of("tftp-not-found")) is None
    assert clock_shift(marks_of("tftp-not-found"), {}) is None


def lease(op: int, kind: int, *, relayed: bool = False) -> bytes:
    """A DHCP message with xid 7 after 3 s."""
    head = struct.pack(">BBBBIHH", op, 1, 6, 0, 7, 3, 0) + bytes(12) + (b"\x0a\0\0\2" if relayed else bytes(4))
    return head + bytes.fromhex("525400000007").ljust(208, b"\0") + b"\x63\x82\x53\x63" + bytes((53, 1, kind, 255))


def dhcp6(kind: int) -> bytes:
    return bytes((kind, 0, 0, 9)) + b"\0\1\0\x0a" + b"\0\3\0\1" + bytes.fromhex("525400000007")


MAC = "52:54:00:00:00:07"
DUID = repr(b"\0\3\0\1" + bytes.fromhex("525400000007"))
NEAR6, FAR6 = "fe80::7", "fe80::1"


@pytest.mark.parametrize(
    ("packet", "marks"),
    [
        (tcp(CLIENT, 2000, SERVER, 80, 1137915891, flags=SYN), {("SYN", 1137915891)}),
        (tcp(SERVER, 80, CLIENT, 2000, 399219561, flags=SYN | ACK), {("server SYN, ACK", 399219561)}),
        (tcp(SERVER, 80, CLIENT, 2000, 64001, flags=SYN | ACK), {("server SYN, ACK", 64001)}),
        (tcp(SERVER, 80, CLIENT, 2000, 5 << 16 | 1, flags=SYN | ACK), set()),
        (tcp(CLIENT, 2000, SERVER, 80, 1137915892, flags=ACK), set()),
        (udp(CLIENT, 68, SERVER, 67, lease(1, 1), identification=5), {(f"asks {MAC}", (7, 3, 1))}),
        (
            udp(SERVER, 67, CLIENT, 68, lease(2, 2), identification=5),
            {(f"is told {MAC}", (7, 3, 2)), ("server DHCP", (5, 7))},
        ),
        (udp(SERVER, 67, CLIENT, 68, lease(2, 2, relayed=True), identification=5), {(f"is told {MAC}", (7, 3, 2))}),
        (udp(NEAR6, 546, FAR6, 547, dhcp6(1)), {(f"asks {DUID}", (1, 9))}),
        (udp(FAR6, 547, NEAR6, 546, dhcp6(2)), {(f"is told {DUID}", (2, 9))}),
        (udp(FAR6, 547, NEAR6, 546, dhcp6(7)), {(f"is told {DUID}", (7, 9))}),
        (udp(CLIENT, 2070, SERVER, 69, rrq("x"), identification=5), {("request", (5, 2070, rrq("x")))}),
        (udp(NEAR6, 2070, FAR6, 69, rrq("x")), {("request", (0, 2070, rrq("x")))}),
        (udp(SERVER, 3000, CLIENT, 2070, oack("tsize", "9"), identification=5), {("server TFTP", (5, (3000, 2070), b"\0\6ts"))}),
        (udp(SERVER, 3000, CLIENT, 2070, error(1, "no"), identification=5), {("server TFTP", (5, (3000, 2070), b"\0\5\0\1"))}),
        (udp(SERVER, 3000, CLIENT, 2070, data(1, b"x"), identification=5), {("server TFTP", (5, (3000, 2070), b"\0\3\0\1"))}),
        (udp(SERVER, 3000, CLIENT, 2070, data(2, b"x"), identification=5), set()),
    ],
)  # fmt: skip
def test_what_is_hardly_ever_the_same_twice(packet: bytes, marks: set[Mark]) -> None:
    noted = Marks()
    noted.note(block_of([(1, packet)]))
    assert set(noted.seen) == marks


def test_an_identification_of_zero_is_none() -> None:
    packet = bytearray(udp(SERVER, 67, CLIENT, 68, lease(2, 2)))
    packet[18:20] = bytes(2)
    noted = Marks()
    noted.note(block_of([(1, bytes(packet))]))
    assert set(noted.seen) == {(f"is told {MAC}", (7, 3, 2))}


def test_marks_and_sightings_have_their_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clocks, "MAX_MARKS", 2)
    noted = Marks()
    again = tcp(CLIENT, 2000, SERVER, 80, 77, flags=SYN)
    noted.note(block_of([(at, again) for at in range(20)]))
    assert [len(times) for times in noted.seen.values()] == [MAX_SIGHTINGS]
    noted.note(block_of([(at, tcp(CLIENT, 2000, SERVER, 80, 77 + at, flags=SYN)) for at in range(5)]))
    assert [value for _, value in noted.seen] == [77, 78]


def seconds(kind: str, *times: int, drawn: int = 1) -> Seen:
    return {(kind, (drawn, time)): [time * NANOSECONDS] for time in times}


def test_numbers_that_two_servers_drew_by_chance_are_not_enough() -> None:
    alike = seconds("server SYN, ACK", 0, 9)
    one, two = ({**alike, **seconds("server SYN, ACK", *range(1, 9), drawn=drawn)} for drawn in (1, 2))
    assert clock_shift(one, moved(two, HOUR)) is None
    assert clock_shift(one, moved(alike, HOUR)) == -HOUR


def test_requests_may_be_missing_in_one_capture_but_nothing_that_machines_asked_by_dhcp() -> None:
    asked, fetched = seconds("asks x", 0, 2, 6, 14), seconds("request", *range(1, 13))
    whole = {**asked, **fetched}
    assert clock_shift(whole, moved({**asked, **seconds("request", 1, 2, 3)}, HOUR)) == -HOUR
    assert clock_shift(whole, moved({**seconds("asks x", 0, 14), **fetched}, HOUR)) is None


def test_what_was_before_the_other_capture_began_need_not_be_in_it() -> None:
    late = {**seconds("asks x", 100, 102, 106, 114), **seconds("request", 103)}
    assert clock_shift({**seconds("asks x", *range(10)), **late}, moved(late, HOUR)) == -HOUR


def test_few_packets_prove_nothing() -> None:
    frames: list[Frame] = [(time, udp(CLIENT, 2070 + time, SERVER, 69, rrq("x"))) for time in range(3)]
    marks = Marks()
    marks.note(block_of(frames))
    assert len(marks.seen) == 3
    assert clock_shift(marks.seen, moved(marks.seen, HOUR)) is None


def test_of_long_requests_only_the_beginning_is_kept() -> None:
    marks = Marks()
    marks.note(block_of([(0, udp(CLIENT, 2070, SERVER, 69, rrq("x" * 60_000)))]))
    ((_, value),) = marks.seen
    assert isinstance(value, tuple)
    assert len(value[-1]) == MAX_VALUE


@given(st.lists(st.tuples(st.sampled_from([67, 68, 4011, 546, 547, 69, 2070]), st.binary(max_size=300)), max_size=8))
def test_any_bytes_are_noted_or_passed_over(sent: list[tuple[int, bytes]]) -> None:
    marks = Marks()
    marks.note(block_of([(at, udp(CLIENT, 2070, SERVER, port, data)) for at, (port, data) in enumerate(sent)]))
    assert len(marks.seen) <= 2 * len(sent)
    shift = clock_shift(marks.seen, moved(marks.seen, HOUR))
    assert shift is None or shift == -HOUR
