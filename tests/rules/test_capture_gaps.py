"""Captures that lost packets in their midst: what breaks off in the capture alone is nobody's fault."""

from __future__ import annotations

from pathlib import Path

import pytest

from .boots import KERNEL, PXELINUX, SCRIPT, SIGNED
from .boots_text import IPXE_AGENT, PXELINUX_CONFIG
from .packets import Wire, errors, machine, read

TIMEOUT = "tftp-timeout-mid-transfer"
STOPPED = "tcp-reset-or-stall-mid-body"


def without(wire: Wire, start: float, end: float) -> Wire:
    """What the capture holds that lost everything between two times."""
    wire.packets = [packet for packet in wire.packets if not start < packet[0] < end]
    return wire


def by_tftp(*, missing_at: float) -> Wire:
    """Block n of the kernel comes at 3.02 s + n ms, its ACK half a millisecond later; then a file that does not exist."""
    wire = Wire("bios-pxe").lease(file="pxelinux.0").get(1, "pxelinux.0", PXELINUX)
    wire.get(2, "pxelinux.cfg/default", PXELINUX_CONFIG).get(3, "linux", KERNEL)
    return wire.missing(missing_at, "initrd.gz").quiet(90)


@pytest.mark.parametrize(
    ("since", "missing_at", "told"),
    [(3.0217, 3.5, set()), (3.0217, 12, set()), (3.0222, 3.5, set()), (3.0222, 7, {TIMEOUT})],
    ids=["an ACK", "an ACK, long before", "a block", "a block, long before"],
)
def test_who_asks_for_the_next_file_and_repeats_nothing_has_the_one_before(
    tmp_path: Path, since: float, missing_at: float, told: set[str]
) -> None:
    found = machine(read(without(by_tftp(missing_at=missing_at), since, 3.1).save(tmp_path / "x.pcap")))
    assert errors(found) == {"tftp-file-not-found", *told}


@pytest.mark.parametrize(("end", "told"), [("", set()), ("fin", {STOPPED})])
def test_a_program_that_leaves_a_connection_open_for_the_next_has_its_file(
    tmp_path: Path, end: str, told: set[str]
) -> None:
    wire = Wire("ipxe-bios").lease(file="http://192.168.122.1/boot.ipxe")
    wire.fetch(2, "/boot.ipxe", body=SCRIPT, agent=IPXE_AGENT)
    wire.fetch(3, "/linux", body=KERNEL, agent=IPXE_AGENT, cut=2800, end=end)
    wire.fetch(4, "/initrd.gz", "404 Not Found", b"", agent=IPXE_AGENT)
    found = machine(read(wire.quiet(90).save(tmp_path / "x.pcap")))
    assert errors(found) == {"http-404", *told}


@pytest.mark.parametrize("seconds", [1.02, 9])
def test_a_size_probe_whose_second_request_the_capture_lost(tmp_path: Path, seconds: float) -> None:
    wire = Wire().lease(file="grubx64.efi")
    wire.rrq(1, "grubx64.efi")
    wire.oack(1.001, tsize=len(SIGNED))
    wire.error(1.002, 8, "User aborted the transfer", by_client=True)
    wire.get(seconds, "grubx64.efi", SIGNED)
    found = machine(read(without(wire, seconds - 0.001, seconds + 0.001).quiet(90).save(tmp_path / "x.pcap")))
    assert found.boots[0].stages[0].fetches[0].status == ("probe" if seconds < 2 else "failed")


@pytest.mark.parametrize("lost", ["the ACK of the last block", "blocks"])
def test_a_file_of_which_every_block_was_seen_or_acknowledged_is_whole(tmp_path: Path, lost: str) -> None:
    """Block n comes at 1.02 s + n ms, its ACK half a millisecond later."""
    wire = without(Wire().lease(file="grubx64.efi").get(1, "grubx64.efi", SIGNED), 1.0221, 1.0249)
    if lost != "blocks":
        wire = without(wire, 1.0261, 1.0269)
    wire.missing(30, "grub.cfg")
    found = machine(read(wire.quiet(90).save(tmp_path / "x.pcap")))
    assert found.boots[0].stages[0].fetches[0].status == "complete"
    assert TIMEOUT not in {finding.code for finding in found.findings}


def test_who_connects_to_a_web_server_behind_an_ack_has_the_file(tmp_path: Path) -> None:
    wire = without(Wire().lease(file="ipxe.efi").get(1, "ipxe.efi", SIGNED), 1.0217, 1.1)
    wire.tls(8, "boot.example", 48, by_client=True)
    found = machine(read(wire.quiet(90).save(tmp_path / "x.pcap")))
    assert TIMEOUT not in {finding.code for finding in found.findings}
