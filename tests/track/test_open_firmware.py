"""SLOF and the network boot of s390-ccw, whose DISCOVERs do not say what sends them: as recorded with QEMU's pseries."""

from __future__ import annotations

import pytest

from .play import CLIENT, Play


def attempt(at: float, *, again: bool = False, kind: str = "slof") -> tuple[str, ...]:
    """One of SLOF's tries to load a file that is not there; `again`: it speaks from the address that it has."""
    source = f" source={CLIENT}" if again else ""
    lease = (f"{at} DISCOVER {kind} xid={int(at) + 900}{source}", f"{at + 0.1} OFFER file=x.elf")
    taken = (f"{at + 0.2} REQUEST{source}", f"{at + 0.3} ACK file=x.elf")
    return (*lease, *taken, f"{at + 0.4} RRQ x.elf", f"{at + 0.5} ERROR 1")


@pytest.mark.parametrize(("kind", "client"), [("slof", "powerpc"), ("s390-ccw", "s390x")])
def test_the_request_tells_what_sent_the_discover(kind: str, client: str) -> None:
    play = Play(*attempt(0, kind=kind))
    assert play.clients == [[client]]
    stage = play.machine.boots[0].stages[0]
    assert stage.dhcp is not None
    assert (stage.dhcp.discovers, stage.arch) == (1, (12,) if kind == "slof" else (31,))


def test_a_firmware_that_nobody_answers_boots_all_the_same() -> None:
    play = Play("0 DISCOVER slof", "8 DISCOVER slof", "16 DISCOVER slof", "24 DISCOVER slof", "60 QUIET")
    assert play.clients == [["other-boot-client"]]
    assert (play.machine.status, play.machine.boots[0].stalled_at) == ("stalled", "dhcp")


def test_a_try_from_the_address_it_has_is_the_same_boot() -> None:
    play = Play(*attempt(0), *attempt(8, again=True), *attempt(11, again=True))
    assert play.clients == [["powerpc"]]
    assert play.machine.boots[0].stalled_at == "tftp"
    (stage,) = play.machine.boots[0].stages
    assert len(stage.fetches) == 3


def test_after_a_loader_its_next_try_is_a_stage_of_the_same_boot() -> None:
    grub = ("8.4 RRQ x.elf", "9 WHOLE text", "9.1 RRQ boot/grub/powerpc-ieee1275/command.lst", "9.2 ERROR 1")
    lease = (f"8 DISCOVER slof xid=77 source={CLIENT}", "8.1 OFFER file=x.elf", "8.2 REQUEST", "8.3 ACK file=x.elf")
    assert Play(*attempt(0), *lease, *grub, *attempt(40, again=True)).clients == [["powerpc", "grub", "powerpc"]]


def test_a_try_without_an_address_is_the_next_boot() -> None:
    assert Play(*attempt(0), *attempt(40)).clients == [["powerpc"], ["powerpc"]]
