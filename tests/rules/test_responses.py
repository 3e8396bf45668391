"""Responses of web servers that the machine does not get, or of which nobody can tell."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from . import boots_responses
from .packets import Wire, mac_bytes, machine, read
from .scene import MAC, SERVER


def codes(wire: Wire, path: Path) -> set[str]:
    return {finding.code for finding in machine(read(wire.save(path / "x.pcap"))).findings}


def test_large_packets_are_blamed_where_they_are_what_is_lost(tmp_path: Path) -> None:
    def told(wire: Wire) -> str:
        (finding,) = machine(read(wire.save(tmp_path / "x.pcap"))).findings
        assert finding.confidence == "likely"
        return finding.summary

    assert "it is sent 8 times; large packets do not get through" in told(boots_responses.sent_in_vain())
    assert told(boots_responses.sent_in_vain(small=True)).endswith("it is sent 8 times")
    assert "its end alone arrives; large packets" in told(boots_responses.end_alone())


def test_a_machine_that_says_no_more_may_have_what_it_was_sent(tmp_path: Path) -> None:
    assert "http-response-lost" not in codes(boots_responses.sent_in_vain(heard=(), small=True), tmp_path)
    assert "http-response-lost" not in codes(boots_responses.capture_lost_pieces(), tmp_path)
    assert "http-response-lost" not in codes(boots_responses.heard_before(), tmp_path)
    assert "http-response-lost" not in codes(boots_responses.heard_before(alone=True), tmp_path)
    assert "http-response-lost" in codes(boots_responses.heard_before(alone=True, late=True), tmp_path)
    assert "http-response-lost" not in codes(boots_responses.heard_before(headless=True), tmp_path)
    assert "http-response-lost" in codes(boots_responses.heard_before(headless=True, late=True), tmp_path)


@pytest.mark.parametrize("after", [0.01, 3])
def test_a_machine_that_does_not_want_a_response_may_have_it(after: float, tmp_path: Path) -> None:
    assert "http-response-lost" not in codes(boots_responses.refused(after), tmp_path)


def test_a_capture_without_the_machine_s_packets_says_nothing_of_what_it_got(tmp_path: Path) -> None:
    wire = boots_responses.sent_in_vain()
    wire.packets = [(time, data) for time, data in wire.packets if data[23] != 6 or data[6:12] != mac_bytes(MAC)]
    assert "http-response-lost" not in codes(wire, tmp_path)


@pytest.mark.parametrize("goes_on", [True, False])
def test_a_download_that_goes_on_or_of_which_little_is_repeated_is_in_progress(goes_on: bool, tmp_path: Path) -> None:
    wire = boots_responses.repeated_on_the_way(goes_on=goes_on)
    assert machine(read(wire.save(tmp_path / "x.pcap"))).status == "in-progress"


def test_a_router_that_tells_proves_that_packets_are_too_large(tmp_path: Path) -> None:
    (finding,) = machine(read(boots_responses.told_of_it().save(tmp_path / "x.pcap"))).findings
    assert (finding.code, finding.confidence) == ("http-response-lost", "certain")
    assert finding.summary.endswith("large packets do not get through")
    assert "ICMP packet too big from 192.168.122.2" in [item.role for item in finding.evidence]
    assert "maxseg" in finding.fixes[0].text
    assert not finding.proof
    (finding,) = machine(read(boots_responses.told_of_it(code=13).save(tmp_path / "x.pcap"))).findings
    assert (finding.confidence, finding.summary[-12:]) == ("likely", "sent 8 times")
    assert "maxseg" not in finding.fixes[0].text
    assert finding.proof


@pytest.mark.parametrize(
    ("build", "last"),
    [
        (boots_responses.FAULTS["http-response-lost, given up by a reset"].build, ["sent again, 4 times in all", "RST from the machine, of nothing of it"]),
        (boots_responses.end_alone, ["GET /linux", "the response", "the machine's latest ACK, of nothing of it"]),
    ],
)  # fmt: skip
def test_the_latest_word_of_the_machine_is_shown(build: Callable[[], Wire], last: list[str], tmp_path: Path) -> None:
    (finding,) = machine(read(build().save(tmp_path / "x.pcap"))).findings
    assert [item.role for item in finding.evidence][-len(last) :] == last
    frames = [item.frame for item in finding.evidence]
    assert frames == sorted(set(frames))


def test_a_machine_that_speaks_to_a_silent_server_has_lost_nothing(tmp_path: Path) -> None:
    wire = boots_responses.asked()
    boots_responses.still(wire, 15, 30)
    assert codes(wire.quiet(60), tmp_path) == {"http-no-response"}


def test_both_ends_of_the_way_prove_that_a_response_is_lost(tmp_path: Path) -> None:
    near = boots_responses.asked()
    boots_responses.still(near, 15, 30)
    for nearer in (near.quiet(60), boots_responses.end_alone()):
        paths = nearer.save(tmp_path / "near.pcap"), boots_responses.sent_in_vain().save(tmp_path / "far.pcap")
        (finding,) = machine(read(*paths)).findings
        assert (finding.code, finding.confidence) == ("http-response-lost", "certain")
        assert {item.capture for item in finding.evidence} == {1}


@pytest.mark.parametrize(
    ("to", "built", "told"),
    [("https", b"\x13\x01\x01", True), ("https", b"\x14\x01\x01", False), ("http", b"\x13\x01\x01", False)],
    ids=["without https", "with https", "to http"],
)
def test_a_build_of_ipxe_that_cannot_follow_to_https(to: str, built: bytes, told: bool, tmp_path: Path) -> None:
    wire = Wire("ipxe-bios").lease(file=f"http://{SERVER}/boot.ipxe")
    wire.packets = [
        (at, data.replace(b"\xaf\x03\x13\x01\x01", bytes((175, len(built))) + built)) for at, data in wire.packets
    ]
    moved = f"\nLocation: {to}://{SERVER}/there/boot.ipxe"
    wire.fetch(1, "/boot.ipxe", "301 Moved Permanently", b"", moved, agent="iPXE/1.21.1")
    finding = machine(read(wire.quiet(90).save(tmp_path / "x.pcap"))).findings[0]
    assert finding.code == "http-redirect-not-followed"
    assert finding.summary.endswith(": this build does no https") is told
    assert any("DOWNLOAD_PROTO_HTTPS" in fix.text for fix in finding.fixes) is told


def in_chunks(*, lost: bool) -> Wire:
    """Firmware gets its file in chunks and closes by RST; `lost`: the packet of the last two sizes is not captured."""
    wire = Wire("efi-x64-http").lease(file=f"http://{SERVER}/boot.efi", option60="HTTPClient").connect(1)
    asked = f"GET /boot.efi HTTP/1.1\r\nHost: {SERVER}\r\nUser-Agent: UefiHttpBoot/1.0\r\n\r\n".encode()
    wire.tcp(1.01, 0x18, 1001, 5001, asked)
    at = 5001
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    for number, piece in enumerate(
        (head + b"400\r\nMZ" + bytes(1022), b"\r\n400\r\n" + bytes(1024) + b"\r\n0\r\n\r\n")
    ):
        if not number or not lost:
            wire.tcp(1.02 + number / 100, 0x18, at, 1001 + len(asked), piece, from_client=False)
        at += len(piece)
    wire.tcp(1.04, 0x10, 1001 + len(asked), at)
    wire.tcp(1.05, 0x14, 1001 + len(asked), at)
    return wire.quiet(20)


@pytest.mark.parametrize("lost", [False, True])
def test_a_size_of_a_chunk_that_the_capture_lost_fails_no_download(lost: bool, tmp_path: Path) -> None:
    found = machine(read(in_chunks(lost=lost).save(tmp_path / "x.pcap")))
    assert found.status == "in-progress"
    assert found.boots[0].stages[0].fetches[0].status == "complete"
