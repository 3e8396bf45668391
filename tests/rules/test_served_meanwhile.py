"""A server that fails one machine and serves another at the same time is neither off nor closed."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from .scene import SERVER, Scene

OTHER = "52:54:00:00:00:99"


def silent(*, icmp: bool = False) -> Scene:
    scene = Scene(at="tftp").lease(file="grubx64.efi")
    flow = scene.tftp(1, "grubx64.efi", requests=6)
    if icmp:
        flow.icmp = [scene.icmp(1.1), scene.icmp(5.1)]
    return scene


def refused() -> Scene:
    return silent(icmp=True)


def unanswered() -> Scene:
    scene = Scene("efi-x64-http", at="tcp").lease(file=f"http://{SERVER}/x.efi", option60="HTTPClient")
    scene.connection(1, syns=4, opened=False)
    return scene


def reset() -> Scene:
    scene = Scene("efi-x64-http", at="tcp").lease(file=f"http://{SERVER}/x.efi", option60="HTTPClient")
    connection = scene.connection(1, syns=1, opened=False)
    connection.reset = scene.at(1.01)
    return scene


def beside(scene: Scene, *seconds: float, http: bool) -> Scene:
    """Another machine is served at these times."""
    other = Scene(status="handed-off", at=None).lease(file="grubx64.efi")
    for second in seconds:
        if http:
            other.http(second, f"http://{SERVER}/x.efi")
        else:
            other.tftp(second, "grubx64.efi", "complete", oack=True)
    return scene.other_machine(OTHER, other)


CASES = [
    (silent, "tftp-no-reply", False),
    (refused, "tftp-server-down", False),
    (unanswered, "tcp-filtered", True),
    (reset, "tcp-refused", True),
]


@pytest.mark.parametrize(("build", "code", "http"), CASES)
@pytest.mark.parametrize("times", [(1,), (-60, 90)])
def test_who_is_served_meanwhile_is_told(
    build: Callable[[], Scene], code: str, times: tuple[float, ...], *, http: bool
) -> None:
    finding = beside(build(), *times, http=http).finding(code)
    assert finding is not None
    assert OTHER in finding.summary
    assert "has no TFTP server" not in finding.summary
    assert any(OTHER in piece.role for piece in finding.evidence)
    assert ("before and after" in finding.summary) == (len(times) == 2)
    assert {OTHER} == {word for piece in finding.evidence for word in piece.role.split() if word == OTHER}
    assert [fix.target for fix in finding.fixes][:2] == ["nft", "shell"]
    assert (len(finding.fixes) > 2) == (len(times) == 2), "the server may have been off in between"


@pytest.mark.parametrize(("build", "code", "http"), CASES)
@pytest.mark.parametrize("times", [(), (-60,), (90,)])
def test_a_server_that_went_or_came_serves_nobody_meanwhile(
    build: Callable[[], Scene], code: str, times: tuple[float, ...], *, http: bool
) -> None:
    finding = beside(build(), *times, http=http).finding(code)
    assert finding is not None
    assert OTHER not in finding.summary
