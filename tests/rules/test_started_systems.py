"""What is said of a started system that does not get what it wants: why, and where to look."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bootsniff.rules.registry import BY_CODE

from .boots_system import NBD, NFS, by_disk, closed, refused, started
from .packets import Wire, machine, read
from .scenes_program import kernel_runs

RULE = BY_CODE["os-config-fetch-failed"]


@pytest.mark.parametrize(
    ("error", "why"), [(None, "no answer"), (1, "file not found"), (2, "TFTP error 2"), (0, "TFTP error 0")]
)
def test_why_a_file_does_not_come_by_tftp(error: int | None, why: str) -> None:
    scene = kernel_runs().lease(60)
    status = "stalled" if error is None else "failed"
    scene.tftp(70, "/d-i/preseed.cfg", status, error=error, requests=6, role="os")  # type: ignore[arg-type]
    finding = scene.finding(RULE.code)
    assert finding is not None
    assert finding.summary.endswith(f"cannot fetch tftp://192.168.122.1//d-i/preseed.cfg: {why}")


@pytest.mark.parametrize(("status", "why"), [(None, "no answer"), (404, "status 404"), (500, "status 500")])
def test_why_a_file_does_not_come_by_http(status: int | None, why: str) -> None:
    scene = kernel_runs().lease(60)
    flow = scene.http(70, "http://192.168.122.1/ks.cfg", "failed", code=status, received=0, length=None, role="os")
    assert flow.complete is False
    finding = scene.finding(RULE.code)
    assert finding is not None
    assert finding.summary.endswith(f"cannot fetch http://192.168.122.1/ks.cfg: {why}")


@pytest.mark.parametrize(
    ("received", "complete", "length", "is_one"),
    [(10, False, 1000, False), (1000, True, 1000, True), (10, False, None, True)],
)
def test_a_file_that_breaks_off_is_told_by_a_rule_of_its_own(
    received: int, complete: bool, length: int | None, is_one: bool
) -> None:
    scene = kernel_runs().lease(60)
    flow = scene.http(70, "http://192.168.122.1/ks.cfg", "failed", received=received, length=length, role="os")
    flow.complete = complete
    assert (scene.finding(RULE.code) is not None) is is_one


@pytest.mark.parametrize(
    ("build", "why", "look"),
    [
        (lambda: refused(started(NBD), 22, port=10809), "connection refused", "ss -ltnp 'sport = :10809'"),
        (
            lambda: closed(by_disk(10809, started(NBD))),
            "the connection ends after 0.3 s",
            "nbd-client -l 192.168.122.1",
        ),
        (lambda: _left(by_disk(2049, started(NFS))), "the connection ends after 0.3 s", "exportfs -v"),
    ],
)
def test_where_to_look_for_a_root_that_does_not_come(
    build: Callable[[], Wire], why: str, look: str, tmp_path: Path
) -> None:
    findings = machine(read(build().quiet(70).save(tmp_path / "x.pcap"))).findings
    (finding,) = [finding for finding in findings if finding.code == RULE.code]
    assert finding.summary.endswith(why)
    assert finding.fixes[0].text.startswith(look)


def _left(wire: Wire) -> Wire:
    wire.tcp(22.3, 0x11, 1041, 5401, port=2049)
    wire.tcp(22.31, 0x11, 5401, 1042, from_client=False, port=2049)
    return wire


def test_boot_programs_have_rules_of_their_own() -> None:
    assert [client for client in ("os", "ipxe-bios", "grub") if RULE.concerns(client)] == ["os"]
