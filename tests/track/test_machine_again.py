"""The same MAC again: with other firmware, after a reset, after what no program could start; and systems that run."""

from __future__ import annotations

import pytest

from bootsniff.flow.records import Event
from bootsniff.wire.messages import DhcpMessage, DhcpOptions, DhcpType, Envelope

from .play import CLIENT, KINDS, MAC, SERVER, START, Play


def failed(kind: str) -> tuple[str, ...]:
    """An attempt that found no file."""
    lease = (f"0 DISCOVER {kind}", "0.1 OFFER file=x.bin", "0.2 REQUEST", "0.3 ACK file=x.bin")
    return (*lease, "1 RRQ x.bin", "1.1 ERROR 1")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("ipxe-bios", "efi-x64-http"),
        ("bios-pxe", "efi-x64-pxe"),
        ("efi-x64-pxe", "ipxe-bios"),
        ("efi-x64-http", "efi-arm64-pxe"),
        ("efi-x64-pxe", "s390x"),
    ],
)
@pytest.mark.parametrize("later", [8, 200])
def test_other_firmware_is_another_boot(before: str, after: str, later: int) -> None:
    play = Play(*failed(before), f"{later} DISCOVER {after} xid=77")
    assert play.clients == [[before], [after]]


def test_other_firmware_is_another_boot_over_ipv6() -> None:
    assert Play(*failed("bios-pxe"), "20 SOLICIT efi-x64-pxe").clients == [["bios-pxe"], ["efi-x64-pxe"]]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("efi-x64-pxe", "bios-pxe"),  # its compatibility support module
        ("efi-x64-pxe", "efi-x64-http"),
        ("bios-pxe", "ipxe-bios"),
        ("efi-x64-pxe", "ipxe-efi-x64"),
        ("raspberry", "u-boot-armv8"),
        ("raspberry", "efi-arm64-pxe"),
    ],
)
def test_what_one_boot_may_lead_to_stays_one(before: str, after: str) -> None:
    assert len(Play(*failed(before), f"8 DISCOVER {after} xid=77").clients) == 1


BOOT_FILE = "http://192.168.122.1/boot"
IPXE = (
    "0 DISCOVER ipxe-bios",
    f"0.1 OFFER file={BOOT_FILE}",
    "0.2 REQUEST",
    f"0.3 ACK file={BOOT_FILE}",
    f"1 GET {BOOT_FILE}",
)


@pytest.mark.parametrize(("content", "boots"), [("gzip", 2), ("text", 2), ("script", 1)])
def test_after_what_it_cannot_start_a_rom_asks_in_its_next_boot(content: str, boots: int) -> None:
    """A script may lead to DHCP once more; a text that is none, and a packed file, lead nowhere."""
    play = Play(*IPXE, f"1.1 STATUS 200 {content}", "50 DISCOVER ipxe-bios xid=77")
    assert len(play.clients) == boots


@pytest.mark.parametrize(("answer", "boots"), [("ERROR 1", 2), ("WHOLE pxelinux", 1)])
def test_only_an_ipxe_that_came_is_the_next_one(answer: str, boots: int) -> None:
    """A ROM whose iPXE is missing is reset, and asks again."""
    name = "undionly.kpxe"
    lease = ("0 DISCOVER ipxe-bios", f"0.1 OFFER file={name}", "0.2 REQUEST", f"0.3 ACK file={name}")
    play = Play(*lease, f"1 RRQ {name}", f"1.1 {answer}", "13 DISCOVER ipxe-bios xid=77")
    assert len(play.clients) == boots


def test_a_boot_that_was_left_at_its_menu_did_not_stall() -> None:
    play = Play(*IPXE, "1.1 STATUS 200 menu", "600 DISCOVER ipxe-bios xid=77")
    first, second = play.machine.boots
    assert (first.status, first.stalled_at) == ("in-progress", None)
    assert second.status == "in-progress"


def said_by(kind: str, number: int, **options: bytes) -> Play:
    """A message of a machine that has its address, and options by their numbers (`o54`)."""
    codes = {53: bytes([number]), 60: kind.encode(), **{int(name[1:]): value for name, value in options.items()}}
    message = DhcpMessage(
        op=1,
        hops=0,
        xid=7,
        secs=0,
        broadcast=False,
        client_ip=CLIENT,
        your_ip=None,
        next_server=None,
        relay=None,
        client_mac=MAC,
        server_name=None,
        file=None,
        options=DhcpOptions(bytes(codes), tuple(codes.values())),
        message_type=number,
    )
    play = Play()
    play.engine.feed(Event(Envelope(0, 1, START, MAC, None, None, CLIENT, SERVER, 68, 67), message))
    return play


@pytest.mark.parametrize("kind", ["Juniper-ex3400-24t", "Arista;DCS-7050TX;01.02", "ciscopnp"])
def test_a_switch_that_renews_its_lease_runs(kind: str) -> None:
    play = said_by(kind, DhcpType.REQUEST)
    assert play.machine.status == "not-booting"
    assert play.record.addresses == [CLIENT]


def test_a_mac_that_looks_for_boot_servers_runs() -> None:
    assert said_by("AAPLBSDPC/i386/MacBookPro11,1", DhcpType.INFORM).machine.status == "not-booting"


@pytest.mark.parametrize(
    ("kind", "options"),
    [("Juniper-ex3400-24t", {"o54": b"\x0a\0\0\1", "o50": b"\x0a\0\0\2"}), ("PXEClient:Arch:00007", {})],
    ids=["a switch that takes an offer", "PXE firmware"],
)
def test_other_requests_are_of_boots(kind: str, options: dict[str, bytes]) -> None:
    assert len(said_by(kind, DhcpType.REQUEST, **options).clients) == 1


@pytest.mark.parametrize(("file", "status"), [("", "in-progress"), (" file=ztp.sh", "stalled")])
def test_a_switch_that_is_named_no_file_may_want_none(monkeypatch: pytest.MonkeyPatch, file: str, status: str) -> None:
    """One that runs asks for its address with the same words."""
    monkeypatch.setitem(KINDS, "switch", ("Arista;DCS-7050TX;01.02", None, None))
    play = Play("0 DISCOVER switch", f"0.1 OFFER{file} next=", "0.2 REQUEST", f"0.3 ACK{file} next=", "400 QUIET")
    assert play.machine.status == status
