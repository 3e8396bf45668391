"""TFTP answers that never arrive: what a client asks anew, and what only looks alike."""

from __future__ import annotations

from pathlib import Path

from .boots import INITRD, KERNEL, PXELINUX
from .boots_loss import from_new_ports
from .boots_text import PXELINUX_CONFIG
from .packets import Wire, machine, read
from .scene import CLIENT, SERVER


def test_a_size_probe_that_is_dropped_silently_is_none_of_lost_replies(tmp_path: Path) -> None:
    found = machine(read(from_new_ports(gap=0.2).save(tmp_path / "x.pcap")))
    fetches = found.boots[0].stages[0].fetches
    assert [fetch.status for fetch in fetches] == ["probe", "probe", "complete"]


def test_every_request_that_was_answered_in_vain_counts(tmp_path: Path) -> None:
    found = machine(read(from_new_ports().save(tmp_path / "x.pcap")))
    assert [fetch.status for fetch in found.boots[0].stages[0].fetches] == ["stalled"] * 3
    assert [finding.code for finding in found.findings] == ["tftp-reply-lost"]
    assert "requested 3 times in 44 s" in found.findings[0].summary


def without_its_end(*, again: bool = False, size: bool = False) -> Wire:
    """The capture lost the last block of PXELINUX, whose ACK it holds; `again`: the machine repeats that ACK."""
    wire = Wire("bios-pxe").lease(file="pxelinux.0")
    options = b"tsize\x000\0" if size else b""
    wire.udp(1, CLIENT, 2070, SERVER, 69, b"\0\1pxelinux.0\0octet\0" + options)
    if size:
        wire.udp(1.01, SERVER, 40000, CLIENT, 2070, b"\0\6tsize\x009000\0")
    for block in range(1, 5):
        if block < 4:
            wire.udp(
                1 + block / 10, SERVER, 40000, CLIENT, 2070, b"\0\3\0" + bytes([block]) + PXELINUX[:512].ljust(512)
            )
        wire.udp(1.05 + block / 10, CLIENT, 2070, SERVER, 40000, b"\0\4\0" + bytes([block]))
    if again:
        for time in 5, 9, 13:
            wire.udp(time, CLIENT, 2070, SERVER, 40000, b"\0\4\0\4")
    return wire


def test_a_last_block_that_the_capture_lost_is_acknowledged_once(tmp_path: Path) -> None:
    found = machine(read(without_its_end().quiet(90).save(tmp_path / "x.pcap")))
    assert found.boots[0].stages[0].fetches[0].status == "complete"
    assert "tftp-timeout-mid-transfer" not in {finding.code for finding in found.findings}
    wire = without_its_end().get(2, "pxelinux.cfg/default", PXELINUX_CONFIG)
    wire.get(3, "linux", KERNEL).get(4, "initrd.gz", INITRD)
    found = machine(read(wire.quiet(90).save(tmp_path / "x.pcap")))
    assert (found.status, found.findings) == ("handed-off", ())


def test_a_machine_that_repeats_its_ack_waits_for_more(tmp_path: Path) -> None:
    for wire in without_its_end(again=True), without_its_end(size=True):
        found = machine(read(wire.quiet(90).save(tmp_path / "x.pcap")))
        assert [finding.code for finding in found.findings] == ["tftp-timeout-mid-transfer"]


def half_way(*, repeats: str) -> Wire:
    """Block 2 of 3 is seen; then the machine repeats ACK 1, or the server block 2 that was acknowledged, or nobody anything."""
    wire = Wire("bios-pxe").lease(file="pxelinux.0")
    wire.rrq(1, "pxelinux.0")
    wire.oack(1.01, tsize=4000)
    wire.ack(1.02, 0)
    wire.data(1.03, 1, PXELINUX[:1468].ljust(1468))
    wire.ack(1.04, 1)
    wire.data(1.05, 2, b"x" * 1468)
    if repeats != "ACK 1":
        wire.ack(1.06, 2)
    for time in (2, 4, 8):
        if repeats == "ACK 1":
            wire.ack(time, 1)
        if repeats:
            wire.data(time + 0.5, 2, b"x" * 1468)
    return wire.quiet(120)


def test_who_does_not_hear_whom(tmp_path: Path) -> None:
    said = {
        "ACK 1": "the machine does not hear block 2: it goes on to acknowledge block 1",
        "DATA 2": "the server goes on to send it: it does not hear the machine's ACK",
        "": "neither side is seen to go on, nor to repeat its last packet; the capture may have a gap there",
    }
    for repeats, who in said.items():
        (finding,) = machine(read(half_way(repeats=repeats).save(tmp_path / "x.pcap"))).findings
        assert finding.code == "tftp-timeout-mid-transfer"
        assert finding.summary.endswith(who)
        assert ("nearer to the machine" in finding.proof) == (repeats == "ACK 1")
        assert finding.confidence == ("likely" if repeats else "possible")
