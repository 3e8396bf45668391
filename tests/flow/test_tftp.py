"""TFTP transfers: every way they begin, go on and end."""

from __future__ import annotations

import pytest

from bootsniff.flow.records import HEAD_BYTES, Event, TftpTransfer
from bootsniff.flow.sieve import Sieve
from tests.flow.feed import changes, events_of, records_of
from tests.flow.packets import CLIENT, CLIENT_MAC, SERVER, SERVER_MAC, Frame, ack, block_of, data, error, oack, rrq, udp

PORT, TID = 2070, 45646


def to(payload: bytes, port: int = 69, *, server: str = SERVER, cport: int = PORT) -> bytes:
    return udp(CLIENT, cport, server, port, payload)


def back(payload: bytes, port: int = TID, *, server: str = SERVER, cport: int = PORT) -> bytes:
    return udp(server, port, CLIENT, cport, payload)


def transfer(frames: list[Frame]) -> tuple[TftpTransfer, list[Event]]:
    events = events_of(frames)
    (record,) = records_of(TftpTransfer, events)
    return record, events


def lockstep(content: bytes, size: int = 512, start: float = 1.0, first: int = 1) -> list[Frame]:
    """DATA and ACK of a whole file, blocks from `first` on, rolling over to 0."""
    frames = []
    for index in range(len(content) // size + 1):
        at = start + index * 0.001
        frames.append((at, back(data(first + index, content[index * size : (index + 1) * size]))))
        frames.append((at + 0.0005, to(ack(first + index), TID)))
    return frames


CONTENT = bytes(range(256)) * 6 + b"end"


def test_a_whole_file_is_counted_and_complete() -> None:
    record, events = transfer([(0.5, to(rrq("boot/x.efi"))), *lockstep(CONTENT)])
    assert (record.client, record.client_port, record.server, record.server_port) == (CLIENT, PORT, SERVER, 69)
    assert (record.client_mac, record.server_mac) == (CLIENT_MAC, SERVER_MAC)
    assert (record.filename, record.mode, record.options) == ("boot/x.efi", "octet", ())
    assert record.request_payload == rrq("boot/x.efi")
    assert record.reply_from == (SERVER, TID)
    assert record.complete
    body = record.body
    assert (body.received, body.packets, body.retransmissions, body.gaps) == (len(CONTENT), 4, 0, 0)
    assert body.head == CONTENT
    assert body.first is not None
    assert body.first.frame == 2
    assert body.last is not None
    assert body.last.frame == 8
    assert body.longest_wait == 1_000_000
    assert (record.highest_block, record.acked_block, record.ack_count) == (4, 4, 4)
    assert record.last.frame == 9
    assert record.last_from_server is not None
    assert record.last_from_server.frame == 8
    assert changes(record, events) == ["opened", "changed", "ended"]
    assert events[-1].envelope.frame == 8


def test_options_are_negotiated() -> None:
    asked = rrq("x", "tsize", "0", "blksize", "1468", "windowsize", "4")
    given = oack("tsize", "3000", "blksize", "1400", "windowsize", "2")
    record, events = transfer([(0, to(asked)), (1, back(given)), (2, to(ack(0), TID)), *lockstep(bytes(3000), 1400, 3)])
    assert record.options == (("tsize", "0"), ("blksize", "1468"), ("windowsize", "4"))
    assert record.oack == (("tsize", "3000"), ("blksize", "1400"), ("windowsize", "2"))
    assert (record.block_size, record.window_size, record.size) == (1400, 2, 3000)
    assert record.complete
    assert record.body.received == 3000
    assert record.oack_count == 1
    assert record.oacks[0].frame == 2
    assert changes(record, events) == ["opened", "changed", "changed", "ended"]


@pytest.mark.parametrize("bad", ["0", "-1", "99999999", "abc", "٣", ""])
def test_absurd_option_values_change_nothing(bad: str) -> None:
    record, _ = transfer([(0, to(rrq("x", "blksize", "1468"))), (1, back(oack("blksize", bad, "tsize", "x")))])
    assert (record.block_size, record.size) == (512, None)


def test_a_size_probe_ends_with_the_clients_error() -> None:
    frames = [
        (0, to(rrq("x", "tsize", "0"))),
        (1, back(oack("tsize", "5"))),
        (2, to(error(8, "User aborted the transfer"), TID)),
        (3, to(rrq("x"))),
        *lockstep(b"12345", start=4),
    ]
    events = events_of(frames)
    probe, real = records_of(TftpTransfer, events)
    assert probe.error is not None
    assert probe.error.code == 8
    assert probe.error_by_client
    assert probe.size == 5
    assert not probe.complete
    assert changes(probe, events)[-1] == "ended"
    assert real.complete
    assert real.requests[0].frame == 4


def test_requests_from_one_port_are_one_transfer_and_from_another_another() -> None:
    frames = [(second, to(rrq("x"))) for second in (0, 4, 8)] + [(12, to(rrq("x"), cport=PORT + 1))]
    events = events_of(frames)
    first, second = records_of(TftpTransfer, events)
    assert first.request_count == 3
    assert [at.frame for at in first.requests] == [1, 2, 3]
    assert second.request_count == 1
    assert changes(first, events) == ["opened", "changed", "changed"]
    assert first.reply_from is None


def test_the_same_port_asks_for_the_next_file() -> None:
    events = events_of([(0, to(rrq("a"))), *lockstep(b"a" * 5), (2, to(rrq("b"))), (3, back(error(1, "no")))])
    one, other = records_of(TftpTransfer, events)
    assert one.complete
    assert one.error is None
    assert other.filename == "b"
    assert other.error is not None
    assert other.error.code == 1
    assert not other.error_by_client
    assert changes(other, events) == ["opened", "ended"]


def test_a_request_after_a_refusal_is_the_same_fetch_and_after_a_long_silence_the_next_boots() -> None:
    refused: list[Frame] = [(0, to(rrq("a"))), (0.1, back(error(1, "no"), TID))]
    again: list[Frame] = [(2, to(rrq("a"))), (2.1, back(error(1, "no"), TID + 1))]
    rebooted: list[Frame] = [(70, to(rrq("a"))), (70.1, back(error(1, "no"), TID + 2))]
    first, second = records_of(TftpTransfer, events_of(refused + again + rebooted))
    assert (first.request_count, second.request_count) == (2, 1)


def test_lost_blocks_and_duplicates() -> None:
    frames = [(0, to(rrq("x"))), *lockstep(CONTENT)]
    lost = frames[3]
    late = (9.0, back(data(2, CONTENT[512:1024])))
    assert lost[1][42:46] == data(2, b"")
    record, events = transfer([*frames[:3], *frames[4:], late, (9.5, late[1][:14] + b"\x45\0" + late[1][16:])])
    assert record.complete
    assert record.body.gaps == 0
    assert (record.body.packets, record.body.retransmissions) == (5, 1)
    assert record.body.head == CONTENT
    without, events = transfer(frames[:3] + frames[4:])
    assert not without.complete
    assert without.body.gaps == 1
    assert without.body.received == len(CONTENT) - 512
    assert without.body.head == CONTENT[:512]
    # The receiver acknowledged the last block: nothing more is to come, whatever the capture lacks.
    assert changes(without, events)[-1:] == ["ended"]


@pytest.mark.parametrize("to_one", [False, True])
def test_block_numbers_roll_over(to_one: bool) -> None:
    frames: list[Frame] = [(0, to(rrq("x", "blksize", "8"))), (0, back(oack("blksize", "8")))]
    count = 65535 + 1000
    for index in range(1, count + 1):
        number = index if index <= 65535 else (index - 1) % 65535 + 1 if to_one else index & 0xFFFF
        frames.append((index / 1000, back(data(number, b"12345678" if index < count else b""))))
        if index % 50 == 0 or index == count:
            frames.append((index / 1000, to(ack(number), TID)))
    record, _ = transfer(frames)
    assert record.rollover_to == (1 if to_one else 0)
    assert (record.highest_block, record.acked_block) == (count, count)
    assert record.complete
    assert record.body.received == (count - 1) * 8
    assert (record.body.retransmissions, record.body.gaps) == (0, 0)


def test_answers_from_strangers() -> None:
    other = "192.168.122.99"
    record, events = transfer(
        [
            (0, to(rrq("x"))),
            (1, back(oack("blksize", "512"), server=other)),
            (2, to(error(5, "unknown"), TID, server=other)),
            (3, back(oack("blksize", "512"), port=TID + 1, server=other)),
        ]
    )
    assert record.reply_from == (other, TID)
    assert [(address, port, at.frame) for address, port, at in record.strangers] == [
        (other, TID, 2),
        (other, TID + 1, 4),
    ]
    assert changes(record, events)[:2] == ["opened", "changed"]


def test_a_second_server_process_does_not_end_the_transfer() -> None:
    record, _ = transfer(
        [
            (0, to(rrq("x"))),
            (1, to(rrq("x"))),
            (1.1, back(data(1, b"a" * 512))),
            (1.2, back(error(0, "busy"), TID + 1)),
            (1.3, to(ack(1), TID)),
            (1.4, back(data(2, b"b"))),
        ]
    )
    assert record.complete
    assert record.error is None
    assert [item[:2] for item in record.strangers] == [(SERVER, TID + 1)]


def test_a_server_that_answers_from_port_69() -> None:
    frames = [(0.0, to(rrq("x"))), (1.0, back(data(1, b"hello"), 69)), (2.0, to(ack(1), 69))]
    record, _ = transfer(frames)
    assert record.complete
    assert record.reply_from == (SERVER, 69)
    assert record.strangers == []


def test_a_request_to_any_port_is_recognised() -> None:
    record, _ = transfer([(0, to(rrq("x"), 6969)), (1, back(data(1, b"hello")))])
    assert record.complete
    assert record.server_port == 6969


def test_a_write_request_turns_the_sides() -> None:
    record, events = transfer(
        [
            (0, to(rrq("log", "tsize", "515", opcode=2))),
            (1, back(ack(0))),
            (2, to(data(1, b"a" * 512), TID)),
            (3, back(ack(1))),
            (4, to(data(2, b"abc"), TID)),
            (5, back(ack(2))),
        ]
    )
    assert record.write
    assert record.size == 515
    assert record.complete
    assert record.body.received == 515
    assert record.acked_block == 2
    assert changes(record, events) == ["opened", "changed", "changed", "ended"]


def test_a_transfer_seen_from_its_middle() -> None:
    record, events = transfer(lockstep(CONTENT, first=40))
    assert record.partial
    assert not record.complete
    assert record.acknowledged
    assert record.filename == ""
    assert (record.client, record.client_port, record.reply_from) == (CLIENT, PORT, (SERVER, TID))
    assert (record.body.received, record.body.packets, record.body.gaps) == (len(CONTENT), 4, 0)
    assert record.body.head == b""
    assert changes(record, events)[0] == "opened"
    assert changes(record, events)[-1] == "ended"


def test_the_next_transfer_of_a_port_whose_request_the_capture_lost() -> None:
    """PXELINUX has one port for all its transfers, the server one for each."""
    other = TID + 1
    following = [
        (2.0, back(oack("tsize", "1539"), other)),
        (2.001, to(ack(0), other)),
        *((2.01 + n / 100, back(data(n, CONTENT[n * 512 - 512 : n * 512]), other)) for n in range(1, 5)),
    ]
    following += [(2.015 + n / 100, to(ack(n), other)) for n in range(1, 5)]
    events = events_of([(0.5, to(rrq("linux"))), *lockstep(CONTENT), *sorted(following, key=lambda sent: sent[0])])
    first, second = records_of(TftpTransfer, events)
    assert (first.complete, first.body.packets, first.strangers) == (True, 4, [])
    assert (second.partial, second.acknowledged, second.body.received) == (True, True, len(CONTENT))


@pytest.mark.parametrize("late", [-0.0003, 0.0003])
def test_an_answer_before_its_request_whichever_way_the_times_go(late: float) -> None:
    record, _ = transfer([(1.0, back(error(1, "no"))), (1.0 + late, to(rrq("x")))])
    assert (record.filename, record.error is not None) == ("x", True)


def test_udp_that_only_looks_like_tftp_makes_no_transfer() -> None:
    frames: list[Frame] = [(n / 10, udp(SERVER, 5004, CLIENT, 5004, data(n, b"rtp"))) for n in range(1, 20)]
    frames += [(3.0, udp(CLIENT, 1000, SERVER, 2000, b"\0\1no mode")), (4.0, udp(CLIENT, 1, SERVER, 2, b"\0\4\0\1x"))]
    assert events_of(frames) == []


def test_the_head_of_a_binary_is_bounded_and_of_a_text_longer() -> None:
    binary, _ = transfer([(0, to(rrq("x"))), *lockstep(bytes(9000))])
    assert binary.body.head == bytes(HEAD_BYTES)
    text = b"#!ipxe\n" + b"echo hello\n" * 900
    script, _ = transfer([(0, to(rrq("x"))), *lockstep(text)])
    assert script.body.head == text


def test_a_cut_capture_counts_by_the_headers() -> None:
    events = (sieve := Sieve(0)).feed(block_of([(0, to(rrq("x"))), *lockstep(CONTENT)], snap=96))
    (record,) = records_of(TftpTransfer, events)
    assert record.complete
    assert record.body.received == len(CONTENT)
    assert record.body.head == CONTENT[: 96 - 46]
    assert sieve.cut == 3


def test_each_capture_point_has_its_own_flows() -> None:
    frames = [(0.0, to(rrq("x"))), (0.0001, to(rrq("x")))]
    sieve = Sieve(0)
    events = sieve.feed(block_of(frames, interfaces=[0, 1]))
    assert [record.point for record in records_of(TftpTransfer, events)] == [0, 1]


@pytest.mark.parametrize(
    "answer", [error(1, "no"), oack("tsize", "9"), data(1, b"x" * 9)], ids=["ERROR", "OACK", "DATA"]
)
def test_an_answer_just_before_its_request(answer: bytes) -> None:
    record, events = transfer([(0.9999, back(answer)), (1.0, to(rrq("x")))])
    assert record.reply_from == (SERVER, TID)
    assert [record.error is not None, record.oack_count == 1, record.body.packets == 1].count(True) == 1
    assert changes(record, events)[0] == "opened"


@pytest.mark.parametrize(
    "ahead",
    [(0.99, back(error(1, "no"))), (0.9999, back(error(1, "no"), cport=PORT + 1))],
    ids=["older", "another port"],
)
def test_what_is_no_answer_to_a_request_behind_it(ahead: Frame) -> None:
    record, _ = transfer([ahead, (1.0, to(rrq("x")))])
    assert (record.error, record.reply_from) == (None, None)
