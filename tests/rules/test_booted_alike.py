"""A file that is not there, while another machine of the same kind is told another one and boots with it."""

from __future__ import annotations

import pytest

from .scene import SERVER, Scene

OTHER = "52:54:00:00:00:99"


def missing(kind: str = "efi-x64-pxe") -> Scene:
    scene = Scene(kind, at="tftp").lease(file="images/grub.efi")
    scene.tftp(1, "images/grub.efi", "failed", error=1, text="File not found")
    return scene


def beside(scene: Scene, file: str = "boot/grubx64.efi", *, kind: str = "efi-x64-pxe", up: bool = True, server: str = SERVER) -> Scene:  # fmt: skip
    other = Scene(kind, status="handed-off", at=None).lease(file=file, server=server)
    other.tftp(1, file, "complete", oack=True)
    if up:
        other.stage("os")
        other.lease(30)
    return scene.other_machine(OTHER, other)


def test_the_file_that_another_boots_with_is_told_and_offered() -> None:
    finding = beside(missing()).finding("tftp-file-not-found")
    assert finding is not None
    assert finding.summary.endswith(f"; {OTHER} is told boot/grubx64.efi, and boots")
    assert any(OTHER in piece.role for piece in finding.evidence)
    assert any("boot/grubx64.efi" in fix.text for fix in finding.fixes)


@pytest.mark.parametrize(
    "scene",
    [
        missing(),
        beside(missing(), up=False),
        beside(missing(), kind="efi-arm64-pxe"),
        beside(missing(), server="192.168.122.9"),
        beside(missing(), f"boot/{OTHER.replace(':', '-')}/grub.efi"),
        beside(missing(), "images/grub.efi"),
    ],
    ids=["alone", "it did not boot", "of another kind", "of another server", "its own file", "the same file"],
)
def test_what_others_boot_with_may_be_nothing_for_it(scene: Scene) -> None:
    finding = scene.finding("tftp-file-not-found")
    assert finding is not None
    assert OTHER not in finding.summary
    assert any("grubx64.efi" in fix.text for fix in finding.fixes)
    assert not any("boot/" in fix.text for fix in finding.fixes if "srv" not in fix.text)


def test_a_url_stays_one() -> None:
    url = "http://192.168.122.1/x64.ipxe"
    scene = missing("ipxe-efi-x64")
    other = Scene("ipxe-efi-x64", status="handed-off", at=None).lease(file=url)
    other.http(1, url)
    other.stage("os")
    other.lease(30)
    finding = scene.other_machine(OTHER, other).finding("tftp-file-not-found")
    assert finding is not None
    assert any(f"dhcp-boot=tag:ipxe,{url}" in fix.text for fix in finding.fixes)
