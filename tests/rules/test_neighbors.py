"""IPv6: who has the boot server's address, and whether the machine hears the answer."""

from __future__ import annotations

from pathlib import Path

from .packets import Wire, errors, machine, read

SERVER6 = "fd00::11"
LEASE = b"\0\0\0\1" + bytes(8) + b"\0\5\0\x18" + bytes.fromhex("fd00") + bytes(12) + b"\x01\x00" + b"\0\0\x0e\x10" * 2


def bound() -> Wire:
    """A lease of DHCPv6 with a URL on the machine's own network."""
    asks = (16, b"\0\0\1\x57\0\x20PXEClient:Arch:00007:UNDI:003001"), (61, b"\0\7")
    gives = (3, LEASE), (59, f"tftp://[{SERVER6}]/x.efi".encode())
    wire = Wire("efi-x64-pxe")
    wire.dhcp6(0, 1, *asks).dhcp6(0.1, 2, *gives).dhcp6(0.2, 3, *asks, xid=8).dhcp6(0.3, 7, *gives, xid=8)
    return wire


def found(wire: Wire, tmp_path: Path) -> tuple[str, str | None, dict[str, str]]:
    told = machine(read(wire.quiet(200).save(tmp_path / "x.pcap")))
    sure: dict[str, str] = {
        finding.code: finding.confidence for finding in told.findings if finding.code in errors(told)
    }
    return told.status, told.boots[-1].stalled_at, sure


def test_nobody_has_the_boot_servers_address(tmp_path: Path) -> None:
    wire = bound()
    for time in (1, 2, 3):
        wire.neighbor(time, SERVER6)
    assert found(wire, tmp_path) == ("stalled", "arp", {"arp-next-server-unanswered": "likely"})


def test_without_its_questions_it_is_only_possible(tmp_path: Path) -> None:
    status, _, sure = found(bound(), tmp_path)
    assert (status, sure) == ("stalled", {"arp-next-server-unanswered": "possible"})


def test_an_answer_that_the_machine_does_not_hear(tmp_path: Path) -> None:
    wire = bound()
    for time in (1, 2, 3, 4):
        wire.neighbor(time, SERVER6).neighbor(time + 0.01, SERVER6, answer=True)
    assert found(wire, tmp_path) == ("stalled", "arp", {"arp-reply-lost": "likely"})


def test_an_answer_that_it_hears_is_no_fault(tmp_path: Path) -> None:
    wire = bound().neighbor(1, SERVER6).neighbor(1.01, SERVER6, answer=True)
    status, at, sure = found(wire, tmp_path)
    assert (status, at, sure) == ("stalled", "tftp", {"dhcp-lease-unused": "possible"})


def test_others_that_it_looks_for_and_its_own_address_are_no_obstacle(tmp_path: Path) -> None:
    """From `::` it asks whether its own address is free; a router that is gone is not the boot server."""
    wire = bound().neighbor(1, SERVER6).neighbor(1.01, SERVER6, answer=True)
    for time in (2, 3, 4):
        wire.neighbor(time, "fd00::100", source="::").neighbor(time, "fe80::77")
    assert found(wire, tmp_path)[1:] == ("tftp", {"dhcp-lease-unused": "possible"})
