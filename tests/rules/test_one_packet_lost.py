"""What if one kind of packet, and no other, does not arrive: seen before what loses it, behind that, and on both sides."""

from __future__ import annotations

from pathlib import Path

import pytest

from bootsniff.model import Finding

from .boots import INITRD, KERNEL, PXELINUX
from .boots_text import PXELINUX_CONFIG
from .packets import SERVER_MAC, Wire, machine, read
from .scene import CLIENT, MAC, SERVER, packed
from .scenes_unheard import advertises, at_4011

URL = f"http://{SERVER}/x.ipxe"


def told(path: Path, *wires: Wire) -> tuple[str | None, list[Finding]]:
    """Where the boot stalled, and the findings, of these captures of it."""
    files = [wire.save(path / f"{number}.pcap") for number, wire in enumerate(wires)]
    found = machine(read(*files))
    return found.boots[-1].stalled_at, list(found.findings)


def two_blocks(size: int) -> Wire:
    """The first two blocks of a file, each acknowledged."""
    wire = Wire("bios-pxe").lease(file="pxelinux.0")
    wire.rrq(1, "pxelinux.0")
    wire.oack(1.01, tsize=size)
    wire.ack(1.02, 0)
    for block in 1, 2:
        wire.data(1.01 + block / 50, block, PXELINUX[:1468].ljust(1468))
        wire.ack(1.02 + block / 50, block)
    return wire


def last_block(*, again: tuple[float, ...] = (2, 4, 8), seen: bool = True) -> Wire:
    """The third block of three is sent, and the machine goes on to acknowledge the second."""
    wire = two_blocks(4000)
    if seen:
        wire.data(1.07, 3, b"x" * 1064)
    for time in again:
        wire.ack(time, 2)
        if seen:
            wire.data(time + 0.01, 3, b"x" * 1064)
    return wire


def test_a_last_block_that_the_machine_waits_for(tmp_path: Path) -> None:
    stalled_at, (finding,) = told(tmp_path, last_block().quiet(120))
    assert (stalled_at, finding.code, finding.confidence) == ("tftp", "tftp-timeout-mid-transfer", "likely")
    assert finding.summary.endswith("the machine does not hear block 3: it goes on to acknowledge block 2")
    assert finding.expected == "ACK 3, of the last block."


def test_a_last_block_that_one_capture_point_sees(tmp_path: Path) -> None:
    near = last_block(seen=False)
    stalled_at, (finding,) = told(tmp_path, last_block().quiet(120), near.quiet(120))
    assert (stalled_at, finding.code, finding.confidence) == ("tftp", "tftp-timeout-mid-transfer", "certain")
    assert finding.summary.endswith("block 3 is seen at one capture point and does not get to the other")


@pytest.mark.parametrize(("late", "code"), [(35, "tftp-timeout-mid-transfer"), (0.5, None)])
def test_grub_gives_up_a_file_whose_last_block_it_does_not_hear(tmp_path: Path, late: float, code: str | None) -> None:
    """It does not repeat its ACK; what it ends soon after the last block it has read."""
    wire = last_block(again=())
    for time in 2, 4, 8, 16:
        wire.data(time, 3, b"x" * 1064)
    wire.error(1.07 + late, 0, "closed", by_client=True)
    _, findings = told(tmp_path, wire.quiet(120))
    assert (code in {finding.code for finding in findings}) == (code is not None)
    assert any(finding.summary.endswith("the machine stopped acknowledging") for finding in findings) == (late > 1)


@pytest.mark.parametrize(("time", "who"), [(2.5, "the server's port is closed"), (30, "the machine does not hear")])
def test_a_port_that_is_closed_when_all_is_over_is_no_cause(tmp_path: Path, time: float, who: str) -> None:
    wire = last_block(again=(2,) if time < 3 else (2, 4, 8, 16))
    quoted = wire.ack(time, 2)
    wire.icmp(time + 0.001, quoted)
    _, (finding,) = told(tmp_path, wire.quiet(120))
    assert (finding.code, who in finding.summary) == ("tftp-timeout-mid-transfer", True)


def test_a_last_block_that_arrives_at_the_second_try(tmp_path: Path) -> None:
    """The capture lost the ACK of it; the program that was loaded goes on."""
    wire = last_block(again=(2,)).get(3, "pxelinux.cfg/default", PXELINUX_CONFIG)
    wire.get(4, "linux", KERNEL).get(5, "initrd.gz", INITRD)
    assert told(tmp_path, wire.quiet(120)) == (None, [])


def test_last_acks_that_the_server_does_not_hear_are_no_fault(tmp_path: Path) -> None:
    wire = Wire("bios-pxe").lease(file="pxelinux.0")
    for start, (name, content) in enumerate((("pxelinux.0", PXELINUX), ("linux", KERNEL), ("initrd.gz", INITRD)), 1):
        wire.get(start * 10, name, content)
        wire.packets.pop()
        last = len(content) // 1468 + 1
        for later in 1, 3, 7:
            wire.data(start * 10 + later, last, content[(last - 1) * 1468 :])
    assert told(tmp_path, wire.quiet(120)) == (None, [])


def acked(*, near: bool) -> Wire:
    """The ACK of block 2, which only the machine's side shows; the server repeats the block, the machine its ACK for longer."""
    wire = Wire("bios-pxe").lease(file="pxelinux.0")
    wire.rrq(1, "pxelinux.0")
    wire.oack(1.01, tsize=40000)
    wire.ack(1.02, 0)
    wire.data(1.03, 1, PXELINUX[:1468].ljust(1468))
    wire.ack(1.04, 1)
    for time in 1.05, 3, 5, 9:
        wire.data(time, 2, b"x" * 1468)
        if near:
            wire.ack(time + 0.01, 2)
    if near:
        for time in 12, 20:
            wire.ack(time, 2)
    return wire.quiet(120)


def test_an_ack_that_the_server_does_not_hear(tmp_path: Path) -> None:
    _, (finding,) = told(tmp_path, acked(near=True))
    assert finding.summary.endswith("the server goes on to send it: it does not hear the machine's ACK")
    _, (finding,) = told(tmp_path, acked(near=False))
    assert finding.summary.endswith("the machine stopped acknowledging")
    _, (finding,) = told(tmp_path, acked(near=False), acked(near=True))
    assert finding.summary.endswith("ACK 2 is seen at one capture point and does not get to the other")
    assert finding.confidence == "certain"


def searched(requests: int, *, answered: bool = True, goes_on: bool = False) -> Wire:
    """PXELINUX asks for the first name of its list, and is told each time that there is no such file."""
    wire = Wire("bios-pxe").lease(file="pxelinux.0").get(1, "pxelinux.0", PXELINUX)
    for number in range(requests):
        wire.rrq(2 + number, "pxelinux.cfg/01-52-54-00-89-32-47", again=number > 0)
        if answered:
            wire.error(2.001 + number, 1, "File not found")
    if goes_on:
        wire.get(2.5 + requests, "pxelinux.cfg/default", PXELINUX_CONFIG)
        wire.get(3 + requests, "linux", KERNEL).get(4 + requests, "initrd.gz", INITRD)
    return wire.quiet(120)


def test_errors_that_the_machine_does_not_hear_tell_nothing_of_its_files(tmp_path: Path) -> None:
    stalled_at, (finding,) = told(tmp_path, searched(8))
    assert (stalled_at, finding.code, finding.confidence) == ("tftp", "tftp-reply-lost", "likely")
    assert "answered each time with an ERROR" in finding.summary
    _, (finding,) = told(tmp_path, searched(8), searched(8, answered=False))
    assert (finding.code, finding.confidence) == ("tftp-reply-lost", "certain")


@pytest.mark.parametrize("requests", [1, 2, 5])
def test_an_error_that_is_heard_in_the_end(tmp_path: Path, requests: int) -> None:
    assert told(tmp_path, searched(requests, goes_on=True)) == (None, [])


def test_a_name_that_is_asked_for_twice_was_not_found(tmp_path: Path) -> None:
    stalled_at, (finding,) = told(tmp_path, searched(2))
    assert (stalled_at, finding.code) == ("chain", "chain-no-config-found")


def oacks(*times: float, kind: str = "ipxe-bios", again: bool = False, size: int = 9999) -> Wire:
    """One request, and OACKs that nobody acknowledges."""
    wire = Wire(kind).lease(file="x.0")
    wire.rrq(1, "x.0")
    for time in times:
        wire.oack(time, tsize=size)
    if again:
        wire.rrq(3, "x.0", again=True)
    return wire.quiet(120)


def test_a_machine_that_does_not_ask_again_has_heard_the_oack(tmp_path: Path) -> None:
    _, (finding,) = told(tmp_path, oacks(1.01, 3, 5, 8, 14))
    assert (finding.code, finding.confidence) == ("tftp-acks-lost", "possible")
    assert "does not ask again" in finding.summary


@pytest.mark.parametrize(
    "wire",
    [
        oacks(1.01, 2, 3, 4),
        oacks(1.01, 14),
        oacks(1.01, 3.01, 5, 8, 14, again=True),
        oacks(1.01, 3, 5, 8, 14, size=0),
    ],
)
def test_oacks_that_do_not_tell(tmp_path: Path, wire: Wire) -> None:
    """A server that gives up before any program asks again; one repetition; a machine that asks again, or wants no empty file."""
    _, findings = told(tmp_path, wire)
    assert "tftp-acks-lost" not in {finding.code for finding in findings}


def test_a_request_for_the_lease_that_does_not_get_here(tmp_path: Path) -> None:
    wire = Wire("ipxe-bios")
    wire.dhcp(0, 1)
    wire.dhcp(0.1, 2, file="x.0")
    stalled_at, (finding,) = told(tmp_path, wire.quiet(120))
    assert (stalled_at, finding.code, finding.confidence) == ("dhcp", "dhcp-offer-not-taken", "possible")
    assert "falls silent" in finding.summary


def test_firmware_that_goes_on_did_not_stop(tmp_path: Path) -> None:
    wire = Wire("efi-x64-pxe")
    wire.dhcp(0, 1)
    wire.dhcp(0.1, 2, file="x.efi")
    _, findings = told(tmp_path, wire.as_kind("efi-x64-http").discover(70, 74, 82, 98).quiet(160))
    finding = next(one for one in findings if one.code == "dhcp-offer-not-taken")
    assert (finding.confidence, finding.summary[-25:]) == ("likely", "REQUEST does not get here")


def test_a_discover_of_the_next_stage_is_no_silence(tmp_path: Path) -> None:
    """U-Boot asks anew in the name of its EFI, or two machines have one MAC."""
    wire = Wire("u-boot-armv8")
    wire.dhcp(0, 1)
    wire.dhcp(0.1, 2, file="x.uimg")
    _, findings = told(tmp_path, wire.as_kind("efi-arm64-pxe").discover(0.5, 4.5, 12.5, 28.5).quiet(120))
    assert "dhcp-offer-not-taken" not in {finding.code for finding in findings}


def connected(*, seen: bool) -> Wire:
    """The server repeats its SYN-ACK; the machine's GET, which carries its ACK, is `seen` or not."""
    wire = Wire("ipxe-bios").lease(file=URL)
    wire.connect(1)
    wire.packets.pop()
    for time in 1.01, 1.3, 2, 4:
        if seen:
            wire.tcp(time, 0x18, 1001, 5001, f"GET /x.ipxe HTTP/1.1\r\nHost: {SERVER}\r\n\r\n".encode())
    for time in 2.2, 4.2, 8.2:
        wire.tcp(time, 0x12, 5000, 1001, from_client=False)
    return wire.quiet(120)


def test_a_server_that_repeats_its_syn_ack_does_not_hear_the_request(tmp_path: Path) -> None:
    stalled_at, (finding,) = told(tmp_path, connected(seen=True))
    assert (stalled_at, finding.code, finding.confidence) == ("http", "http-no-response", "likely")
    assert finding.summary.endswith("does not hear it: it repeats its SYN-ACK")


def test_a_connection_of_which_no_more_is_heard(tmp_path: Path) -> None:
    stalled_at, (finding,) = told(tmp_path, connected(seen=False))
    assert (stalled_at, finding.code, finding.confidence) == ("tcp", "tcp-syn-ack-lost", "possible")
    assert "hears no more of the machine" in finding.summary


def test_a_connection_on_which_nothing_is_asked(tmp_path: Path) -> None:
    wire = Wire("ipxe-bios").lease(file=URL)
    wire.connect(1)
    wire.tcp(10, 0x04, 1089, 0)
    _, (finding,) = told(tmp_path, wire.quiet(120))
    assert (finding.code, finding.confidence) == ("dhcp-lease-unused", "possible")
    wire.tcp(10.001, 0x10, 5001, 1001, from_client=False)
    wire.tcp(1.1, 0x18, 1001, 5001, f"GET /x.ipxe HTTP/1.1\r\nHost: {SERVER}\r\n\r\n".encode())
    wire.packets.sort()
    _, (finding,) = told(tmp_path, wire)
    assert finding.code == "http-no-response"
    assert "was sent GET" in finding.summary


def shaken(*, seen: bool, closes: float) -> Wire:
    """The server's flight; the machine's own is `seen` or not; then the server closes, and the machine goes."""
    wire = Wire("efi-x64-http").lease(file="https://boot.lan/x.efi", option60="HTTPClient", dns=SERVER)
    wire.query(0.9, "boot.lan", rcode=0, address=SERVER)
    wire.tls(1, "boot.lan", 0, by_client=True)
    del wire.packets[-2:]
    headers = 14 + 20 + 20
    mine, theirs = (start + len(wire.packets[at][1]) - headers for start, at in ((1001, -2), (5001, -1)))
    if seen:
        wire.tcp(1.05, 0x18, mine, theirs, b"\x14\x03\x03\0\1\1", port=443)
    wire.tcp(closes, 0x11, theirs, mine, from_client=False, port=443)
    wire.tcp(closes + 0.01, 0x04, mine + 318, 0, port=443)
    return wire.quiet(200)


@pytest.mark.parametrize(("seen", "why"), [(True, "is not answered"), (False, "nothing of the machine gets here")])
def test_a_handshake_whose_second_half_is_lost(tmp_path: Path, *, seen: bool, why: str) -> None:
    _, (finding,) = told(tmp_path, shaken(seen=seen, closes=61))
    assert (finding.code, why in finding.summary) == ("tls-handshake-failed", True)
    assert finding.summary.endswith("the server closes after 60 s")


def test_a_server_that_closes_at_once_did_not_wait(tmp_path: Path) -> None:
    _, (finding,) = told(tmp_path, shaken(seen=False, closes=2))
    assert "closes after" not in finding.summary


def test_a_machine_that_resets_such_a_connection_was_there(tmp_path: Path) -> None:
    """edk2 waits 5 s for a response, and gives up (PcdHttpIoTimeout)."""
    wire = connected(seen=False)
    wire.tcp(6.3, 0x04, 1089, 0)
    _, (finding,) = told(tmp_path, wire)
    assert (finding.code, finding.confidence) == ("tcp-syn-ack-lost", "likely")
    assert finding.summary.endswith("what it sends is lost")


def test_a_syn_ack_repeated_once_is_nothing(tmp_path: Path) -> None:
    """The machine's ACK came late, or a server waits for the request (TCP_DEFER_ACCEPT)."""
    wire = Wire("ipxe-bios").lease(file=f"http://{SERVER}/x.iso")
    wire.connect(1)
    wire.tcp(2, 0x12, 5000, 1001, from_client=False)
    wire.tcp(2.1, 0x18, 1001, 5001, f"GET /x.iso HTTP/1.1\r\nHost: {SERVER}\r\n\r\n".encode())
    wire.tcp(2.2, 0x18, 5001, 1100, b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", from_client=False)
    _, findings = told(tmp_path, wire.quiet(120))
    assert not {"tcp-syn-ack-lost", "http-no-response"} & {finding.code for finding in findings}


def test_requests_that_another_capture_point_does_not_see(tmp_path: Path) -> None:
    """Both see the lease; only the machine's side sees what it asks the TFTP server of the same network."""
    far = Wire("ipxe-bios").lease(file="x.0")
    far.arp(0.9, SERVER)
    far.arp(0.91, SERVER, answer=True)
    near = Wire("ipxe-bios").lease(start=0.001, file="x.0")
    near.arp(0.901, SERVER)
    near.arp(0.911, SERVER, answer=True)
    for number, time in enumerate((1, 1.5, 2.5, 4.5, 8.5)):
        near.rrq(time, "x.0", again=number > 0)
    _, (finding,) = told(tmp_path, far.quiet(120), near.quiet(120))
    assert (finding.code, "lost on the way" in finding.summary) == ("tftp-no-reply", True)
    assert "bridge" in finding.fixes[0].text
    _, (finding,) = told(tmp_path, near)
    assert (finding.code, "lost on the way" in finding.summary) == ("tftp-no-reply", False)
    _, (finding,) = told(tmp_path, far)
    assert (finding.code, finding.confidence) == ("dhcp-lease-unused", "possible")
    assert CLIENT not in finding.summary


def test_an_advertise_behind_which_the_machine_falls_silent() -> None:
    finding = advertises(0).finding("v6-reply-lost")
    assert finding is not None
    assert (finding.confidence, "falls silent" in finding.summary) == ("possible", True)
    assert "asks on" in advertises().findings()[0].summary


def seek(wire: Wire, *times: float, answered: bool = False) -> Wire:
    """The server asks by ARP for the machine's address."""
    for time in times:
        ends = bytes.fromhex(SERVER_MAC.replace(":", "")) + packed(SERVER), bytes(6) + packed(CLIENT)
        wire.frame(time, SERVER, "255.255.255.255", 0x0806, b"\0\1\x08\0\6\4\0\1" + b"".join(ends))
        if answered:
            ends = bytes.fromhex(MAC.replace(":", "")) + packed(CLIENT), ends[0]
            wire.frame(time + 0.01, CLIENT, SERVER, 0x0806, b"\0\1\x08\0\6\4\0\2" + b"".join(ends))
    return wire


def silent_server() -> Wire:
    """Block 2 is acknowledged, and no more comes."""
    wire = two_blocks(40000)
    for time in 3, 6, 10:
        wire.ack(time, 2)
    return wire


@pytest.mark.parametrize(
    ("times", "answered", "who"),
    [
        ((2, 3, 4), False, "the server looks for the machine's address and gets no answer"),
        ((2, 3, 4), True, "the server fell silent"),
        ((2,), False, "the server fell silent"),
        ((0.9, 0.95, 0.97), False, "the server fell silent"),
    ],
)
def test_a_server_that_does_not_find_the_machine(
    tmp_path: Path, times: tuple[float, ...], answered: bool, who: str
) -> None:
    _, (finding,) = told(tmp_path, seek(silent_server(), *times, answered=answered).quiet(120))
    assert finding.code == "tftp-timeout-mid-transfer"
    assert finding.summary.endswith(who)


def test_a_request_that_a_server_cannot_answer_without_an_address(tmp_path: Path) -> None:
    wire = Wire("ipxe-bios").lease(file="x.0")
    for number, time in enumerate((1, 1.5, 2.5, 4.5, 8.5)):
        wire.rrq(time, "x.0", again=number > 0)
    _, (finding,) = told(tmp_path, seek(wire, 1.01, 2.01, 3.01).quiet(120))
    assert (finding.code, "gets no answer" in finding.summary) == ("tftp-no-reply", True)


def test_a_boot_server_whose_answers_at_port_4011_are_not_heard() -> None:
    finding = at_4011().finding("dhcp-ack-lost")
    assert finding is not None
    assert finding.summary.startswith("192.168.122.9 answers on port 4011 4 times")
