"""Answers that go to another hardware address than the machine's."""

from __future__ import annotations

from pathlib import Path

from .packets import Wire, machine, read
from .scene import CLIENT, MAC, SERVER
from .scenes_unheard import OTHER, astray, syn_acks_astray


def to_another(wire: Wire, time: float, *, part: bool) -> None:
    """What the server sends from now on goes to another host; `part`: behind the first block, which arrives."""
    wire.rrq(time, "grubx64.efi")
    if part:
        wire.oack(time + 0.01, tsize=9000)
        wire.ack(time + 0.02, 0)
        wire.data(time + 0.03, 1, b"MZ".ljust(1468))
        wire.ack(time + 0.04, 1)
    for number in range(6):
        if not part:
            wire.rrq(time + 4 * number, "grubx64.efi", again=True)
        wire.hosts[CLIENT] = OTHER
        if part:
            wire.data(time + 0.05 + 4 * number, 2, b"x" * 1468)
        else:
            wire.oack(time + 0.05 + 4 * number, tsize=9000)
        wire.hosts[CLIENT] = MAC


def test_an_entry_in_the_servers_table_that_is_anothers(tmp_path: Path) -> None:
    for part in False, True:
        wire = Wire().lease(file="grubx64.efi")
        to_another(wire, 1, part=part)
        found = machine(read(wire.quiet(200).save(tmp_path / "x.pcap")))
        assert (found.status, found.boots[0].stalled_at) == ("stalled", "tftp")
        (finding,) = found.findings
        assert (finding.code, finding.confidence) == ("arp-wrong-owner", "certain")
        assert f"{SERVER} sends its answers for {CLIENT} to {OTHER}" in finding.summary
        assert "ip neigh flush" in finding.fixes[0].text


def test_a_connection_whose_answers_go_astray() -> None:
    scene = syn_acks_astray()
    assert scene.codes("error") == {"arp-wrong-owner"}


def test_whose_address_it_is_is_told() -> None:
    scene = astray()
    scene.world.arp["192.168.122.60"] = OTHER
    finding = scene.finding("arp-wrong-owner")
    assert finding is not None
    assert f"{OTHER} (192.168.122.60)" in finding.summary


def test_answers_that_went_astray_once_and_then_to_the_machine(tmp_path: Path) -> None:
    wire = Wire().lease(file="grubx64.efi")
    wire.rrq(1, "grubx64.efi")
    wire.hosts[CLIENT] = OTHER
    wire.oack(1.01)
    wire.hosts[CLIENT] = MAC
    for time in (5, 9, 13, 17, 21):
        wire.rrq(time, "grubx64.efi", again=True)
        wire.oack(time + 0.01)
    found = machine(read(wire.quiet(200).save(tmp_path / "x.pcap")))
    assert {finding.code for finding in found.findings} == {"tftp-reply-lost"}


def test_the_end_of_a_response_that_is_repeated_to_who_has_the_address_next(tmp_path: Path) -> None:
    """The machine got the file, and left without a word."""
    body = b"MZ".ljust(3000, b"\1")
    response = b"HTTP/1.1 200 OK\r\nContent-Length: 3000\r\n\r\n" + body
    wire = Wire("efi-x64-http").lease(option67=f"http://{SERVER}/x.efi", option60="HTTPClient")
    wire.connect(2)
    asked = b"GET /x.efi HTTP/1.1\r\nHost: a\r\nUser-Agent: UefiHttpBoot/1.0\r\n\r\n"
    wire.tcp(2.01, 0x18, 1001, 5001, asked)
    for start in (0, 1400, 2800):
        piece = response[start : start + 1400]
        wire.tcp(2.02 + start / 1e5, 0x18, 5001 + start, 1001 + len(asked), piece, from_client=False)
        if start < 2800:
            wire.tcp(2.021 + start / 1e5, 0x10, 1001 + len(asked), 5001 + start + len(piece))
    wire.hosts[CLIENT] = OTHER
    for time in (4, 8, 16):
        wire.tcp(time, 0x18, 5001 + 2800, 1001 + len(asked), response[2800:], from_client=False)
    wire.hosts[CLIENT] = MAC
    wire.as_kind("efi-x64-pxe").discover(40, 44, 52, 68)
    found = machine(read(wire.quiet(600).save(tmp_path / "x.pcap")))
    assert found.boots[0].stalled_at == "nbp"
    assert "arp-wrong-owner" not in {finding.code for finding in found.findings}
